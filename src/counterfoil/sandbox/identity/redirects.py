"""Where an app may be sent back to: any port of http://localhost, and the https addresses that it registered (facts 1.3).

Called by `authorize` for each consent and by `registering`. Registered addresses match exactly.
"""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from counterfoil.sandbox.apps import App

REGISTERED_MAX: Final = 50
LENGTH_MAX: Final = 2_000
# Nothing that a browser, a header or `urlsplit` would read otherwise than the app that gets the code.
_ODD: Final = re.compile(r"[^\x21-\x7e]|[\\#]")


def is_allowed(app: App, uri: str) -> bool:
    """Whether a code may be sent there; http://127.0.0.1 is refused, as Xero does."""
    return uri in app.redirect_uris or _is_local(_parts(uri))


def may_be_registered(uri: str) -> bool:
    """https with a host, or http://localhost."""
    parts = _parts(uri)
    return _is_local(parts) or (parts is not None and parts.scheme == "https")


def _is_local(parts: SplitResult | None) -> bool:
    return parts is not None and (parts.scheme, parts.hostname) == ("http", "localhost")


def _parts(uri: str) -> SplitResult | None:
    """The parts of a whole address without a user in it; None: it is none."""
    if _ODD.search(uri) or len(uri) > LENGTH_MAX:
        return None
    try:
        parts = urlsplit(uri)
        return parts if parts.hostname and parts.username is None and parts.port != 0 else None
    except ValueError:
        return None
