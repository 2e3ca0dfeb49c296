"""Rows of a source, spooled, so that those of one group come back together however they were scattered over the file.

Called by app for flows with `group_by`. Neither the file's order nor our memory matters: rows are written in batches
under their group, and read back group by group in order of first appearance. Every transaction is short, since one
writer serves everybody. A spool belongs to one run and is deleted with it; what a killed run left, the next one deletes.
"""

import contextlib
import datetime
import functools
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.model import shape, sheet
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.sources import GROUP_ROWS_MAX, BadRow
from counterfoil.store import spool_tables, spooled
from counterfoil.store.database import Database

T = TypeVar("T")

HELD_BYTES: Final = 1 << 23  # of rows in memory before they are written
BATCH_ROWS: Final = 500  # rows in one transaction
BATCH_BYTES: Final = 1 << 18  # the same of large rows
PAGE_ROWS: Final = 500  # rows read at once
PAGE_BYTES: Final = 1 << 22  # the same of large rows, about
GROUP_BYTES_MAX: Final = 1 << 24  # of the rows of one group, as they are kept
TOUCH_EVERY: Final = datetime.timedelta(minutes=5)


class Group(msgspec.Struct, frozen=True):
    """All rows of one group, in the file's order."""

    key: str
    rows: tuple[SheetRow, ...]


Pair: TypeAlias = tuple[str, SheetRow | BadRow]


class _Spooled(msgspec.Struct):
    """A row on its way in: the digest of its group's key, its number in the file, itself."""

    digest: str
    n: int
    data: bytes


class _Gathered:
    """A group on its way out: its rows, as long as they are not too many."""

    def __init__(self, first: int, rows_max: int) -> None:
        self.first = first
        self.rows_max = rows_max
        self.rows = 0
        self.bytes = 0
        self.kept: list[bytes] = []
        self.numbers: list[int] = []

    @property
    def is_too_large(self) -> bool:
        return self.rows > self.rows_max or self.bytes > GROUP_BYTES_MAX

    def add(self, n: int, data: bytes) -> None:
        self.rows += 1
        self.bytes += len(data)
        if not self.is_too_large:
            self.kept.append(data)
            self.numbers.append(n)


@contextlib.asynccontextmanager
async def opened(database: Database, owner: str, *, are_marked: bool = False) -> AsyncIterator["Spool"]:
    """A new spool, empty; deleted on leaving. `owner` is the process, as sending.owner_name() names it.

    Rows that stand twice in their group are marked when they are read (SheetRow.again), unless they `are_marked`.

    Deletes first what processes that are gone have left. Raises StoreError as every use of the database does.
    """
    for left in await database.read(lambda conn: spool_tables.abandoned(conn, owner, database.now(conn))):
        await _delete(database, left)
    spool_id = await database.run(lambda conn: spool_tables.begin(conn, owner, database.now(conn)))
    try:
        yield Spool(database, spool_id, are_marked=are_marked)
    finally:
        await _delete(database, spool_id)


async def _delete(database: Database, spool_id: int) -> None:
    while await database.run(lambda conn: spool_tables.delete_some(conn, spool_id)):
        pass


class Spool:
    """Filled once, then read once. `are_marked`: with rows that came out of another spool."""

    def __init__(self, database: Database, spool_id: int, *, are_marked: bool = False) -> None:
        self._database = database
        self._id = spool_id
        self._are_marked = are_marked
        self._packer = spooled.Packer()
        self._n = 0
        self._largest = 1
        self._touched = database.clock.now()

    async def fill(self, pairs: Iterable[Pair]) -> None:
        """Write (group key, row) pairs, in the file's order. May be called again with those that follow."""
        held: list[_Spooled] = []
        size = 0
        for key, row in pairs:
            data = self._packer.packed(key, row)
            held.append(_Spooled(hashlib.blake2b(key.encode(), digest_size=16).hexdigest(), self._n, data))
            self._n += 1
            size += len(data)
            if size > HELD_BYTES:
                await self._write(held)
                held, size = [], 0
        await self._write(held)

    async def _write(self, held: list[_Spooled]) -> None:
        """Write rows sorted as they will lie: a thousand neighbours cost the database what a few scattered ones do."""
        firsts: dict[str, int] = {}
        for row in held:
            firsts.setdefault(row.digest, row.n)
        for batch in _parts(sorted(firsts.items()), _none):
            new = dict(batch)
            firsts |= await self._database.run(
                functools.partial(spool_tables.add_groups, spool_id=self._id, firsts=new)
            )
        rows = sorted((firsts[row.digest], row.n, row.data) for row in held)
        for part in _parts(rows, _length):
            await self._database.run(functools.partial(spool_tables.add_rows, spool_id=self._id, rows=part))
            self._largest = max(self._largest, *map(_length, part))
        await self._stay_alive()

    async def groups(self, rows_max: int = GROUP_ROWS_MAX) -> AsyncGenerator[Group | BadRow]:
        """Every group, in the order in which their first rows were written; lazily, a page in memory.

        A BadRow stands for a group that cannot become a record: one of its rows could not be read, so it is not whole;
        it has more than `rows_max` rows; or it is too large. Raises StoreError when the spool was deleted by
        somebody who took this process for dead: then what was given so far is not all.
        """
        seen = 0
        gathered = _Gathered(-1, rows_max)
        after = (-1, -1)
        while page := await self._page(after):
            for first, n, data in page:
                if first != gathered.first:
                    if gathered.rows:
                        yield self._group(gathered)
                    gathered = _Gathered(first, rows_max)
                gathered.add(n, data)
                after = (first, n)
            seen += len(page)
        if seen != self._n:
            raise errors.StoreError("Rows that this run had spooled are gone from the database.", remedy="Run again.")
        if gathered.rows:
            yield self._group(gathered)

    async def _page(self, after: tuple[int, int]) -> list[tuple[int, int, bytes]]:
        await self._stay_alive()
        most = max(1, min(PAGE_ROWS, PAGE_BYTES // self._largest))
        return await self._database.read(lambda conn: spool_tables.page(conn, self._id, after, most))

    async def _stay_alive(self) -> None:
        """Say now and then that the spool is in use."""
        now = self._database.clock.now()
        if now - self._touched > TOUCH_EVERY:
            self._touched = now
            await self._database.run(lambda conn: spool_tables.touch(conn, self._id, self._database.now(conn)))

    def _group(self, gathered: _Gathered) -> Group | BadRow:
        members = [self._packer.unpacked(data) for data in gathered.kept]
        key = members[0][0]
        assert all(other == key for other, _row in members), "a digest stands for one key"
        rows = [row for _key, row in members]
        if gathered.is_too_large:
            return _too_large(key, rows, gathered)
        bad = next((row for row in rows if isinstance(row, BadRow)), None)
        if bad is not None:
            return bad if len(rows) == 1 else _not_whole(key, rows, bad)
        good = [row for row in rows if isinstance(row, SheetRow)]
        return Group(key, tuple(good) if self._are_marked else sheet.marked(good, gathered.numbers))


def _parts(items: Sequence[T], weight: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """The items in order, as many at a time as one transaction may write."""
    begin = held = 0
    for n, item in enumerate(items):
        held += weight(item)
        if n - begin + 1 == BATCH_ROWS or held > BATCH_BYTES:
            yield items[begin : n + 1]
            begin, held = n + 1, 0
    if begin < len(items):
        yield items[begin:]


def _length(row: tuple[int, int, bytes]) -> int:
    return len(row[2])


def _none(_group: tuple[str, int]) -> int:
    return 0


def _too_large(key: str, rows: list[SheetRow | BadRow], gathered: _Gathered) -> BadRow:
    if gathered.rows > gathered.rows_max:
        reason = f"`{shape.shown(key)}` has {gathered.rows:,} rows; at most {gathered.rows_max:,} make one record."
    else:
        reason = (
            f"The rows of `{shape.shown(key)}` have {gathered.bytes:,} bytes; at most {GROUP_BYTES_MAX:,} are read."
        )
    finding = Finding(
        "group-too-large", reason, "Is this the column to group by? Else post it in parts.", "", key[:255]
    )
    return BadRow(rows[0].source, _hash_of(rows), finding)


def _not_whole(key: str, rows: list[SheetRow | BadRow], bad: BadRow) -> BadRow:
    """The group as its bad row: it says where and why, and the other rows wait for it."""
    reason = f"{bad.finding.reason} So `{shape.shown(key)}`, which has {len(rows)} rows, is not whole."
    cells = dict(bad.cells)
    for row in rows:  # what its other rows say helps to tell where it belongs
        cells |= {name: cell for name, cell in row.cells.items() if cell and not cells.get(name)}
    good = tuple(one for row in rows for one in ((row,) if isinstance(row, SheetRow) else row.rows))
    found = msgspec.structs.replace(bad.finding, reason=reason)
    return BadRow(bad.source, _hash_of(rows), found, cells=cells, rows=good)


def _hash_of(rows: list[SheetRow | BadRow]) -> str:
    hashes = "".join(row.hash if isinstance(row, SheetRow) else row.content_hash for row in rows)
    return hashlib.sha256(hashes.encode()).hexdigest()
