"""Work that comes again and again, once over all processes: consents, the daily look, notices, housekeeping.

Called by serving. Each is one piece with one period; when it was done last stands in the tables, so that a restart does
not begin all of it at once. What each of them may call at Xero it says itself; here nothing is called.
"""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from counterfoil import errors
from counterfoil.app import watching
from counterfoil.app.serving import housekeeping
from counterfoil.app.serving.shift import Shift
from counterfoil.runtime.port import Due, Work

ALL: Final = "all"  # the one key
GRANTS_S: Final = 30.0  # a token lives 30 minutes and is refreshed in its last 10
WATCH_S: Final = 600.0  # the look itself is once a day; a missed one is made up for within this
NOTICES_S: Final = 60.0
HOUSEKEEPING_S: Final = 60.0
BOUND_S: Final = 300.0


def works(shift: Shift) -> tuple[Work, ...]:
    """The four."""
    books = shift.books

    async def grants() -> None:
        if await books.known_connections():
            await books.access.background.look()

    async def watch() -> None:
        if await books.known_connections():
            await watching.daily(books)

    async def notices() -> None:
        await books.notifying.tell()

    async def tidy() -> None:
        await housekeeping.tidy(books)

    return (
        _every(shift, "grants", GRANTS_S, grants),
        _every(shift, "watch", WATCH_S, watch),
        _every(shift, "notices", NOTICES_S, notices),
        _every(shift, "housekeeping", HOUSEKEEPING_S, tidy),
    )


def _every(shift: Shift, kind: str, seconds: float, act: Callable[[], Awaitable[None]]) -> Work:
    period = datetime.timedelta(seconds=seconds)

    async def handle(key: str) -> datetime.datetime | None:
        if key != ALL:
            return None
        try:
            await act()
        except (errors.RunAgain, errors.Reconnect) as error:
            shift.say(kind, key, str(error), bad=True)  # it comes again anyway
        return await shift.waits_until(kind, key, shift.now() + period)

    async def find() -> Sequence[Due]:
        if not shift.plans:
            return ()
        wait = (await shift.waiting(kind)).get(ALL)
        until = None if wait is None or wait.until > shift.now() + period else wait.until  # the clock was put back
        return (Due(ALL, until),)

    return Work(kind, handle, find, bound_s=BOUND_S)
