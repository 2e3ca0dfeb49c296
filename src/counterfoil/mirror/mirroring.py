"""Keeping whole documents: catch up by key, first load, complete lists, walks; every one of them through `apply`.

Called by app (sync, the service). The cursor is Xero's own time of the first answer of a completed catch-up, less an overlap, and
moves even when nothing came. What was interrupted goes on from the key that its last page reached. A failed read deletes
nothing and moves no cursor. Cost: 1 call when nothing changed, else 1 per page; a complete list 1, and 1 more when it
lacks what was there. Design §3.5; xero-facts §4.3, §4.4.
"""

import datetime
import functools
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.mirror import applying, doubting, indexing, reading, reference
from counterfoil.mirror.applying import Observation, Projection
from counterfoil.mirror.catching_up import OVERLAP
from counterfoil.mirror.described import BY_NAME, Described
from counterfoil.mirror.indexing import Marker
from counterfoil.mirror.reading import Rows, Seen, Stamp
from counterfoil.mirror.under_way import Caught, Open, Progress
from counterfoil.model import record
from counterfoil.model.observed import Observed
from counterfoil.model.whole import Whole
from counterfoil.store import documents, locks, mirrored
from counterfoil.store.database import Connection, Database
from counterfoil.store.mirrored import Reading
from counterfoil.xero.client import XeroClient

WRITTEN_AT_ONCE: Final = 100  # documents of a transaction at most: 10 ms of a first load, for which others wait
NAMED_AT_ONCE: Final = 10  # of the first one: each change that is named and kept takes half a millisecond
LEAST_AT_ONCE: Final = 5  # however slow the machine: each transaction waits for the disk
TRANSACTION_S: Final = 0.01  # what takes longer has half as many in the next one
LISTED_EVERY: Final = datetime.timedelta(days=1)  # a complete list of what tells by silence what is gone
IDS_AT_ONCE: Final = 40  # 1,500 characters of a URL
FILLED_AT_ONCE: Final = 2_000  # documents that a summary changed and that are then read whole, of one walk


def _quiet(_rows: int) -> None:
    """Nobody watches."""


class Mirror:
    """The mirror of every tenant in one database. `find_marker` reads our mark from (Url, Reference).

    `record_all` gets what each answer changed, within the transaction that changes it.
    """

    def __init__(self, database: Database, find_marker: Marker, record_all: applying.Record | None = None) -> None:
        self._database = database
        self._find_marker = find_marker
        self._record_all = record_all
        self._at_once = NAMED_AT_ONCE if record_all is not None else WRITTEN_AT_ONCE

    async def apply(self, observation: Observation, projection: Projection) -> list[Observed]:
        """The one write path: → what was and what is of each document that is news, in the answer's order. Idempotent."""
        found: list[Observed] = []
        start = 0
        while start < len(observation.rows):
            rows = observation.rows[start : start + self._at_once]
            work = functools.partial(
                self._write, observation=msgspec.structs.replace(observation, rows=rows), projection=projection
            )
            found += await self._database.run(work)
            start += len(rows)
        return found

    async def catch_up(
        self, client: XeroClient, resource: str, *, lane: str = "sync", progress: Progress = _quiet
    ) -> Caught:
        """Bring one resource (a name of `described`) up to date; the first time all of it. Safe to kill and repeat.

        Raises what XeroClient.get raises; then what was read is kept and the cursor stays.
        """
        now = await self._open(client, resource, lane, progress)
        state = now.state
        now.snapshot = now.caught.first
        if now.one.page_size is None:
            await self._list(now, complete=self._is_list_due(now.one, state))
        else:
            now.keeps, now.began_at = True, state.began_at
            await self._pages(now, state.reached if state.began_at else state.since, applying.WHOLE)
            await self._fill(now)
        await self._close(now)
        return now.caught

    async def repair(
        self, client: XeroClient, resource: str, *, lane: str = "bulk", progress: Progress = _quiet
    ) -> Caught:
        """Read all of a resource, whole, whatever cursor and copy say; → what was not as Xero has it, also of what is looked up.

        Costs 1 call per page, and the same once more when something is here that Xero does not show, or newer than it shows
        it: what it says twice is so.
        """
        now = await self._open(client, resource, lane, progress, snapshot=True)
        now.repairs = True
        if now.one.page_size is None:
            await self._list(now, complete=True)
        else:
            await self._pages(now, None, applying.WHOLE)
            if await self._missed(now) or now.doubted:
                now.again, now.seen = True, set()
                await self._pages(now, None, applying.WHOLE)
                await self._missed(now)
        await self._close(now)
        return now.caught

    async def walk(
        self, client: XeroClient, resource: str, *, lane: str = "bulk", progress: Progress = _quiet
    ) -> Caught:
        """The weekly look at everything for what changes without a stamp: summaries where Xero has them, then only what differs.

        Costs 1 call per 1,000 documents, and 1 per 40 that differ. For resources without summaries: `repair`.
        """
        if not BY_NAME[resource].summary:
            return await self.repair(client, resource, lane=lane, progress=progress)
        now = await self._open(client, resource, lane, progress, snapshot=True)
        await self._pages(now, None, applying.summary(now.one))
        await self._fill(now)
        await self._missed(now)
        await self._close(now)
        return now.caught

    async def _open(
        self, client: XeroClient, resource: str, lane: str, progress: Progress, *, snapshot: bool = False
    ) -> Open:
        tenant = client.binding.tenant_id
        state = await self._database.read(lambda conn: mirrored.reading(conn, tenant, resource))
        caught = Caught(resource, first=state.since is None)
        return Open(
            client, BY_NAME[resource], lane, state, caught, progress, snapshot=snapshot, seen=set(), doubted={}, unknown={},
        )  # fmt: skip

    async def _pages(self, now: Open, since: Stamp, projection: Projection) -> None:
        is_summary = bool(projection.uncovered)

        async def fetch(number: int, since: Stamp) -> Rows:
            return await reading.page(now.client, now.one, number, since, lane=now.lane, summary=is_summary)

        async for rows in reading.by_key(fetch, _key, since):
            now.began_at = now.began_at or rows.server_time
            now.seen.update(row.document_id for row in rows.items)
            await self._take(now, await self._of_known(now, rows) if is_summary else rows, projection)
            if now.keeps and rows.goes_on_from is not None:
                now.state = msgspec.structs.replace(now.state, began_at=now.began_at, reached=rows.goes_on_from)
                await self._database.run(lambda conn: mirrored.set_reading(conn, now.state))

    async def _of_known(self, now: Open, rows: Rows) -> Rows:
        """A page of summaries without the documents that are new: these are read whole afterwards, as far as that goes."""
        ids = [row.document_id for row in rows.items]
        known = await self._database.read(lambda conn: mirrored.known(conn, now.tenant, now.one.name, ids))
        for row in rows.items:
            if row.document_id not in known and len(now.unknown) < FILLED_AT_ONCE:
                now.unknown[row.document_id] = row
        items = [row for row in rows.items if row.document_id not in now.unknown]
        return msgspec.structs.replace(rows, items=items)

    async def _take(self, now: Open, rows: Rows, projection: Projection) -> None:
        doubted = now.doubted if now.again else {}
        observation = Observation(now.tenant, now.one, rows.items, rows.server_time, now.snapshot, doubted)
        observed = await self.apply(observation, projection)
        now.caught.add(observed)
        if now.repairs:
            await self._doubt(now, rows, {one.document_id for one in observed})
        now.caught.read += len(rows.items)
        now.progress(len(rows.items))

    async def _doubt(self, now: Open, rows: Rows, told: set[str]) -> None:
        """Behind what a repair read: what is held all the same, and what postings look up by."""
        tenant, name, at = now.tenant, now.one.name, rows.server_time
        for start in range(0, len(rows.items), WRITTEN_AT_ONCE):
            some = rows.items[start : start + WRITTEN_AT_ONCE]
            if not now.again:
                find = functools.partial(doubting.doubtful, tenant=tenant, resource=name, rows=some, at=at)
                now.doubted |= await self._database.read(find)
            if name in indexing.TYPES:
                mend = functools.partial(self._mend, now=now, rows=some, at=at)
                now.caught.updated += len(set(await self._database.run(mend)) - told)

    def _mend(self, conn: Connection, now: Open, rows: Sequence[Seen], at: datetime.datetime) -> list[str]:
        locks.hold(conn, applying.lock(now.tenant, now.one.name))
        return doubting.mend(conn, now.tenant, now.one.name, rows, at, self._find_marker)

    async def _fill(self, now: Open) -> None:
        """Read whole what a summary changed, or showed for the first time; what Xero does not show then is kept as summarised."""
        if not now.one.ids:
            return
        name, size = now.one.name, min(IDS_AT_ONCE, now.one.page_size or IDS_AT_ONCE)
        left = await self._database.read(lambda conn: mirrored.incomplete(conn, now.tenant, name, FILLED_AT_ONCE))
        ids = [*now.unknown, *(one for one in left if one not in now.unknown)]
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            rows = await reading.page(now.client, now.one, 1, None, lane=now.lane, ids=some)
            await self._take(now, rows, applying.WHOLE)
            shown = {row.document_id for row in rows.items}
            hidden = [now.unknown[one] for one in some if one in now.unknown and one not in shown]
            if hidden:
                await self._take(now, msgspec.structs.replace(rows, items=hidden), applying.summary(now.one))

    def _is_list_due(self, one: Described, state: Reading) -> bool:
        listed = state.listed_at
        return not one.since or listed is None or self._database.clock.now() - listed >= LISTED_EVERY

    async def _list(self, now: Open, *, complete: bool) -> None:
        """A list without pages; a complete one that lacks something is asked for once more at once."""
        since = None if complete else now.state.since
        rows = await reading.page(now.client, now.one, None, since, lane=now.lane)
        now.began_at = rows.server_time
        await self._take(now, rows, applying.WHOLE)
        if not complete:
            return
        now.seen.update(row.document_id for row in rows.items)
        if await self._missed(now) or now.doubted:
            now.again = True
            again = await reading.page(now.client, now.one, None, None, lane=now.lane)
            await self._take(now, again, applying.WHOLE)
            now.seen = {row.document_id for row in again.items}
            await self._missed(now)
        await self._refer(now, rows)
        now.state = msgspec.structs.replace(now.state, listed_at=rows.server_time)

    async def _refer(self, now: Open, rows: Rows) -> None:
        """What a flow's checks read is what was just listed."""
        name = now.one.name
        if name in reference.RESOURCES:
            at, body = self._database.clock.now(), b"[" + b",".join(row.body for row in rows.items) + b"]"
            await self._database.run(lambda conn: documents.set_reference(conn, now.tenant, name, at, body))

    async def _missed(self, now: Open) -> bool:
        """What a complete reading lacks: noted the first time, gone the second; → whether something was noted."""
        at, name = self._database.clock.now(), now.one.name
        held = await self._database.read(lambda conn: mirrored.held(conn, now.tenant, name))
        of = now.began_at or at  # a read that is behind the truth lacks what was just made
        lacked = [one for one in held if one.document_id not in now.seen and doubting.is_settled(one.stamp, of)]
        twice = [one.document_id for one in lacked if one.absent_at is not None]
        once = [one.document_id for one in lacked if one.absent_at is None]
        observation = Observation(now.tenant, now.one, (), at, now.snapshot)
        for start in range(0, len(lacked), WRITTEN_AT_ONCE):
            window = slice(start, start + WRITTEN_AT_ONCE)
            work = functools.partial(self._lose, observation=observation, twice=twice[window], once=once[window])
            now.caught.add(await self._database.run(work))
        return bool(once) or (now.repairs and await self._forget(now, {one.document_id for one in lacked}))

    async def _forget(self, now: Open, lacked: set[str]) -> bool:
        """What postings could look up and two readings lacked is taken out; → whether there is such a thing."""
        name, at = now.one.name, now.began_at or self._database.clock.now()

        def work(conn: Connection) -> list[str]:
            locks.hold(conn, applying.lock(now.tenant, name))
            found = doubting.invented(conn, now.tenant, name, now.seen, at)
            if now.again and found:
                documents.forget(conn, indexing.table(name), now.tenant, name, found)
            return found

        found = await self._database.run(work)
        if now.again:
            now.caught.deleted += len(set(found) - lacked)
        return bool(found)

    def _lose(self, conn: Connection, observation: Observation, twice: list[str], once: list[str]) -> list[Observed]:
        locks.hold(conn, _lock(observation))
        mirrored.absent(conn, observation.tenant_id, observation.resource.name, once, observation.seen_at)
        return applying.gone(conn, observation, twice, self._record_all)

    async def _close(self, now: Open) -> None:
        """A completed reading: the cursor moves, and with it the one that posting reads from, which then has less to read."""
        clock = self._database.clock.now()
        since = (now.began_at or clock) - OVERLAP
        if now.snapshot and now.one.page_size is not None:  # all of it was read
            now.state = msgspec.structs.replace(now.state, listed_at=clock)
        changed_at = clock if now.caught.changed and not now.snapshot else now.state.changed_at
        earlier = None if now.repairs else now.state.since  # what all was read for needs no cursor, which may be wrong
        moved = msgspec.structs.replace(
            now.state, since=max(since, earlier or since), began_at=None, reached=None, caught_up_at=clock,
            changed_at=changed_at,
        )  # fmt: skip

        def work(conn: Connection) -> None:
            mirrored.set_reading(conn, moved)
            if now.one.name in indexing.TYPES:
                cursor = documents.cursor(conn, now.tenant, now.one.name)
                may_move = cursor.recovered and cursor.since is not None
                if may_move and (now.repairs or (cursor.since or since) < since):
                    documents.set_cursor(conn, msgspec.structs.replace(cursor, since=since))

        await self._database.run(work)

    def _write(self, conn: Connection, observation: Observation, projection: Projection) -> list[Observed]:
        clock = self._database.clock
        began_s = clock.elapsed_s()
        try:
            observed = self._written(conn, observation, projection)
            took_s = clock.elapsed_s() - began_s
            size = self._at_once // 2 if took_s > TRANSACTION_S else self._at_once * 2
            self._at_once = max(LEAST_AT_ONCE, min(size, WRITTEN_AT_ONCE))
            return observed
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
            told = (
                str(cause).partition("\n")[0]
                if isinstance(cause, msgspec.MsgspecError)
                else "a text has the wrong form"
            )
            raise errors.Unclear(f"Xero's {observation.resource.list} cannot be read: {told}.") from None

    def _written(self, conn: Connection, observation: Observation, projection: Projection) -> list[Observed]:
        locks.hold(conn, _lock(observation))  # what is held is read and then written
        observed = applying.apply(conn, observation, projection, self._record_all)
        name = observation.resource.name
        type_: Any = indexing.TYPES.get(name)
        if type_ is not None:
            bodies = [one.after.raw for one in observed if isinstance(one.after, Whole)]
            typed = [record.decode(type_, body) for body in bodies]
            indexing.put(conn, observation.tenant_id, name, typed, self._find_marker)
        return observed


def _lock(observation: Observation) -> str:
    return applying.lock(observation.tenant_id, observation.resource.name)


def _key(row: Seen) -> tuple[str, Stamp]:
    return row.document_id, row.stamp
