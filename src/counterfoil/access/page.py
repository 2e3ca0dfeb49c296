"""The page that answers the browser when a consent comes back.

Called by consent. One self-contained page: no script, nothing loaded from anywhere.
"""

import html
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1.05rem/1.5 system-ui, sans-serif; margin: 12vh auto; max-width: 34rem; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .6rem; }
ul { padding-left: 1.2rem; }
.mark { font-size: 2.4rem; line-height: 1; }
footer { color: GrayText; margin-top: 2.5rem; font-size: .9rem; }
"""


def connected(names: tuple[str, ...]) -> str:
    """It worked: the organisations that were let in."""
    items = "".join(f"<li>{html.escape(name)}</li>" for name in names)
    return _page("✓", "Connected to Xero", f"<p>Counterfoil may now reach:</p><ul>{items}</ul>")


def failed(what: str, remedy: str) -> str:
    """It did not: what is so and what to do."""
    return _page("✗", "Not connected", f"<p>{html.escape(what)}</p><p>{html.escape(remedy)}</p>")


def _page(mark: str, title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · Counterfoil</title><style>{STYLE}</style></head><body><main>"
        f'<div class="mark" aria-hidden="true">{mark}</div><h1>{title}</h1>{body}</main>'
        "<footer>You may close this page and go back to your terminal.</footer></body></html>"
    )
