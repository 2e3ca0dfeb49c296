"""Consents kept fresh beside the work: one task per process, which never outlives the command that it serves.

Called by app for `run`, `finish` and `undo`, and by the service (`look`). Repairing a refresh whose answer may be lost comes first, then
what is in use and near its end; what nobody uses is refreshed weekly, since a refresh token dies after 60 days (xero-facts
§1.4). What fails here is tried again in a while; whoever needs the token meets the same error in the foreground.
"""

import asyncio
import contextlib
import datetime
import socket
from collections.abc import AsyncIterator, Callable
from typing import Final

from counterfoil import errors
from counterfoil.access.tokens import GrantTokens
from counterfoil.store import grants, locks, notices
from counterfoil.store.database import Database
from counterfoil.store.grants import Connection
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.xero.xero_time import XeroTime

LOOK_S: Final = 30.0  # how often the task looks
END_S: Final = 5.0  # how long the end of a command waits for a refresh that is under way
AT_ONCE: Final = 8  # consents that are refreshed beside each other: one that hangs keeps no other waiting
UNUSED_AFTER: Final = datetime.timedelta(days=7)
UNUSED_MAX: Final = 50  # refreshed in one go, the oldest first
UNUSED_EVERY: Final = datetime.timedelta(days=1)
UNUSED_AT: Final = "unused_refreshed_at"  # in meta
WRONG_CLOCK_S: Final = 60.0
CLOCK: Final = "clock"


class Background:
    """Keeps one installation's consents fresh. `tokens` is asked for when there is something to refresh: it needs the key."""

    def __init__(self, database: Database, tokens: Callable[[], GrantTokens], client_id: str, time: XeroTime) -> None:
        self._database = database
        self._tokens = tokens
        self._client_id = client_id
        self._time = time
        self._users = 0
        self._task: asyncio.Task[None] | None = None
        self._busy = False

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Refresh while the block runs; any number of blocks at once share the one task."""
        self._users += 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="consents")
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self._end()

    async def _end(self) -> None:
        task, self._task = self._task, None
        assert task is not None, "a block began it"
        if self._busy:
            await asyncio.wait({task}, timeout=END_S)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self.compare_clocks()

    async def _keep(self) -> None:
        while True:
            self._busy = True
            try:
                await self.refresh_used()
                await self._refresh_unused_daily()
            except errors.Stop:
                return  # no key, or no database: the foreground says so
            finally:
                self._busy = False
            if not self._users:
                return
            await self._database.clock.sleep(LOOK_S)

    async def look(self) -> None:
        """What the task beside a command does, once: for a service, which comes again by itself. Raises as below."""
        await self.refresh_used()
        await self._refresh_unused_daily()
        await self.compare_clocks()

    async def refresh_used(self) -> int:
        """Refresh what is in use and near its end, and what is in doubt; → how many. Raises MasterKeyError, StoreError."""
        due = await self._database.read(lambda conn: grants.in_use(conn, self._client_id))
        return await self._each(due, whatever=False)

    async def refresh_unused(self) -> int:
        """Refresh what was not refreshed for a week, at most UNUSED_MAX; → how many. One call each. Raises as above."""
        before = self._time.now() - UNUSED_AFTER
        due = await self._database.read(lambda conn: grants.unused(conn, self._client_id, before, UNUSED_MAX))
        return await self._each(due, whatever=True)

    async def _refresh_unused_daily(self) -> None:
        now = self._database.clock.now()
        if await self._database.read(lambda conn: _is_due(conn, now)) and await self._database.run(
            lambda conn: _claim(conn, now)
        ):
            await self.refresh_unused()

    async def _each(self, grant_ids: list[str], *, whatever: bool) -> int:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(grant_id: str) -> bool:
            async with places:
                try:
                    return await self._tokens().ahead(grant_id, whatever=whatever)
                except (errors.RunAgain, errors.Reconnect, errors.FixInput):
                    return False  # lost for good is told already (losing); the others are tried again, here or by who needs them

        found = await asyncio.gather(*map(one, grant_ids), return_exceptions=True)
        for failed in found:
            if isinstance(failed, BaseException):
                raise failed
        return sum(1 for done in found if done)

    async def compare_clocks(self) -> None:
        """Tell a person when this machine's clock is more than a minute wrong, and when it is right again."""
        offset_s, host = self._time.offset_s, socket.gethostname()
        if offset_s is None:
            return
        behind = "behind" if offset_s > 0 else "ahead of"

        def tell(conn: Connection) -> None:
            now = self._database.now(conn)
            if abs(offset_s) <= WRONG_CLOCK_S:
                notices.over(conn, CLOCK, host, now=now)
                return
            notices.tell(
                conn,
                CLOCK,
                host,
                message=f"The clock of {host} is {abs(offset_s):.0f} s {behind} Xero's. Tokens are corrected for it.",
                remedy="Set the clock, and let it be kept right (NTP): days and due dates depend on it.",
                now=now,
            )

        known = await self._database.read(lambda conn: [one.subject for one in notices.standing(conn, CLOCK)])
        if abs(offset_s) > WRONG_CLOCK_S or host in known:
            await self._database.run(tell)


def _is_due(conn: Connection, now: datetime.datetime) -> bool:
    last = get_meta(conn, UNUSED_AT)
    return last is None or now - datetime.datetime.fromisoformat(last) >= UNUSED_EVERY


def _claim(conn: Connection, now: datetime.datetime) -> bool:
    """Whether the unused ones are ours to look at: one of all processes does it, once a day."""
    locks.hold(conn, UNUSED_AT)
    if not _is_due(conn, now):
        return False
    set_meta(conn, UNUSED_AT, now.isoformat())
    return True
