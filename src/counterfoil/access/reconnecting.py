"""How a person lets the app in again: the page of the service where consent is asked for, or the command. Pure.

Called by losing, and by app wherever a consent is missing, lost or too narrow. A custom connection has no page: it asks
for itself, and its user decides at Xero's portal (xero-facts §1.2).
"""

import urllib.parse
from typing import Final

from counterfoil.settings import Settings

PAGE: Final = "/connect"  # of the service; with ?entity=KEY it binds that one on the way


def base(settings: Settings) -> str | None:
    """Where the service's pages are for people; None: no page can help, the app is a custom connection."""
    return None if settings.xero.kind == "custom" else settings.service.public_url


def link(public_url: str | None, entity: str | None = None) -> str | None:
    """Where to click; it answers while `counterfoil serve` runs. `public_url`: of `base`."""
    if public_url is None:
        return None
    return f"{public_url}{PAGE}{'' if entity is None else '?' + urllib.parse.urlencode({'entity': entity})}"


def remedy(public_url: str | None, entity: str | None = None) -> str:
    """What to do, without a full stop: the link, if there is one, and the command."""
    command = "`counterfoil connect`" if entity is None else f"`counterfoil connect --entity {entity}`"
    page = link(public_url, entity)
    return f"Run {command}" if page is None else f"While `counterfoil serve` runs: {page} ; else run {command}"
