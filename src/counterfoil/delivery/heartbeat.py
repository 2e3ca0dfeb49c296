"""A sign of life to an address of the user's, where somebody expects one: GET, no redirect followed, no answer read.

Called by service, every minute while it is ready. The address is as secret as a password: no error says it.
"""

from typing import Final

from counterfoil.delivery import webhook
from counterfoil.delivery.outcome import NotDelivered

WITHIN_S: Final = 10.0


async def beat(url: str, *, within_s: float = WITHIN_S) -> None:
    """Give one sign. Raises NotDelivered unless it is answered with 2xx in time."""
    status = await webhook.answered("GET", url, {"User-Agent": webhook.USER_AGENT}, None, within_s)
    if not 200 <= status < 300:
        raise NotDelivered(f"it answered {status}")
