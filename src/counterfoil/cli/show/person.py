"""The demo's browser: opens the consent page and follows its redirects back to us, as a person's would.

Called by acts, from `connect`'s own callback; runs on a thread, because `connect` is listening meanwhile.
"""

import contextlib
import urllib.request
from typing import Final

TIMEOUT_S: Final = 30.0
PAGE_MAX: Final = 1 << 20
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def consent(url: str) -> None:
    """Open the page; with --auto-consent the sandbox sends us straight back. A failure shows as nobody having come."""
    with contextlib.suppress(OSError), _OPENER.open(url, timeout=TIMEOUT_S) as page:
        page.read(PAGE_MAX)
