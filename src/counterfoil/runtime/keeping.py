"""What a process does beside its work for as long as it lives: no failure, foreseen or not, ends it without a word.

Called by app/serving, webhooks, delivery and xero/pacing; the metrics read `failures`. What a caller foresees (a database that
is away) it handles itself; what arrives here is a mistake of ours: logged with its place, counted, and tried again.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from counterfoil.model.ports import Clock

failures: Final[Counter[str]] = Counter()  # of this process, by the name of what failed: a few words of ours

_log = logging.getLogger("counterfoil.service")


async def keep(name: str, clock: Clock, every_s: float, act: Callable[[], Awaitable[object]]) -> None:
    """Do `act` every `every_s`, until cancelled."""
    while True:
        await clock.sleep(every_s)
        try:
            await act()
        except Exception:  # noqa: BLE001 - told and counted; the next time may be better
            failed(name)


def failed(name: str) -> None:
    """Tell of the exception that is being handled, and count it."""
    failures[name] += 1
    _log.exception("%s failed and goes on: nobody foresaw this", name, extra={"failures": failures[name]})
