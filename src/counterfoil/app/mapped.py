"""A mapped flow: its rows are gathered to records' rows, and become records with the fixes of cells laid over them.

Called by intake. What is kept of such a record is its rows (model/sheet.pack): so that `why` shows them, a fix may
speak for a cell, and a retry needs no file. Spools rows in the database when they have to be gathered; no call to Xero.
"""

import datetime
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors, mapping, sources
from counterfoil.flows import FlowKind
from counterfoil.mapping import MappedRecord, Mapper, daily
from counterfoil.model import sheet
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow, Row
from counterfoil.store import spool
from counterfoil.store.database import Database

DAY_ROWS_MAX: Final = 20_000  # rows whose sales make one document of a day


class Made(msgspec.Struct, frozen=True):
    """A record's JSON, and where its fields came from. `parts`: the sales of a day's document, else none."""

    raw: bytes
    mapped: MappedRecord | None
    parts: tuple[str, ...] = ()


class MappedFlow:
    """One flow with a `map`. Raises ConfigurationError with every mistake of it."""

    def __init__(self, flow: FlowSettings, kind: FlowKind) -> None:
        self.flow = flow
        self._kind = kind
        self._mapper = _compiled(flow, kind, None)

    def check_columns(self, path: Path) -> None:
        """Compare the mapping with a file's header. Raises InputError as the source does, ConfigurationError."""
        if self.flow.source.is_tabular:
            _compiled(self.flow, self._kind, sources.columns(self.flow.source, path))

    async def rows(
        self, database: Database, owner: str, path: Path, progress: Callable[[int], None], zone: Any
    ) -> AsyncIterator[Row | BadRow]:
        """Each record's rows, packed, in the order of their first row. Raises InputError as the source does.

        `zone(entity)` is awaited for a day's document: the time zone that says which day an instant is.
        """
        self.check_columns(path)
        given = sources.rows(self.flow.source, path, progress)
        if self.flow.group_by is None and self.flow.source.explode is None and self.flow.post == "each":
            for row in given:
                yield row if isinstance(row, BadRow) else _packed((row,))
            return
        async with spool.opened(database, owner) as gathered:
            bad: list[BadRow] = []
            await gathered.fill(self._keyed(given, bad))
            for row in bad:
                yield row
            if self.flow.post == "each":
                async for group in gathered.groups():
                    yield group if isinstance(group, BadRow) else _packed(group.rows)
                return
            async for one in self._days(database, owner, gathered, zone):
                yield one

    async def _days(
        self, database: Database, owner: str, gathered: spool.Spool, zone: Any
    ) -> AsyncIterator[Row | BadRow]:
        """The rows of each day. A sale of which no day can be told is a record of its own, which is refused."""
        async with spool.opened(database, owner) as days:
            async for group in gathered.groups():
                if isinstance(group, BadRow):
                    yield group
                    continue
                day = await self._day_of(group.rows, zone)
                if day is None:
                    yield _packed(group.rows)
                else:
                    await days.fill((day, row) for row in group.rows)
            async for one in days.groups(rows_max=DAY_ROWS_MAX):
                yield one if isinstance(one, BadRow) else _packed(one.rows)

    async def _day_of(self, rows: Sequence[SheetRow], zone: Any) -> str | None:
        _external_id, entity = self._mapper.identify(rows)
        return self._mapper.day(rows, None if entity is None else await zone(entity))

    def _keyed(self, rows: Iterator[SheetRow | BadRow], bad: list[BadRow]) -> Iterator[spool.Pair]:
        """Rows with their group's key; those that have none are put into `bad`."""
        for row in rows:
            if isinstance(row, BadRow):
                key = self._mapper.group_key(SheetRow(row.source, row.cells, row.content_hash)) if row.cells else None
                if isinstance(key, str):
                    yield key, row
                else:
                    bad.append(row)
                continue
            found = self._mapper.group_key(row)
            if isinstance(found, Finding):
                bad.append(BadRow(row.source, row.hash, found, cells=row.cells))
            else:
                yield found, row

    def identify(self, rows: Sequence[SheetRow]) -> tuple[str | None, str | None]:
        """(external_id, entity) of rows that may be wrong otherwise, as far as they can be told."""
        external_id, entity = self._mapper.identify(rows)
        return (None, entity) if self.flow.post == "daily" else (external_id, entity)

    def made(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None) -> Made | tuple[Finding, ...]:
        """The record that rows make; or what is wrong, each finding at its column where it has one."""
        if self.flow.post == "daily":
            return self._day(rows, zone)
        mapped = self._mapper.record(rows, zone)
        if isinstance(mapped, MappedRecord):
            return Made(mapped.raw, mapped)
        return tuple(_at_column(finding, rows) for finding in mapped)

    def _day(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None) -> Made | tuple[Finding, ...]:
        """One document of the sales of a day; what is wrong with one of them keeps the whole day back."""
        sales: dict[str, list[SheetRow]] = {}
        for row in rows:
            key = self._mapper.group_key(row)
            if isinstance(key, Finding):
                return (key,)
            sales.setdefault(key, []).append(row)
        parts = []
        for group in sales.values():
            mapped = self._mapper.record(group, zone)
            if not isinstance(mapped, MappedRecord):
                return tuple(_at_column(finding, group) for finding in mapped)
            record = self._kind.decode(mapped.raw)
            if isinstance(record, tuple):
                return tuple(self._mapper.explain(finding, mapped) for finding in record)
            parts.append(daily.Part(record, mapped.rows_hash, mapped.sources))
        combined = daily.combine(parts, self.flow)
        return combined if isinstance(combined, tuple) else Made(combined.raw, None, combined.parts)

    def explained(self, findings: tuple[Finding, ...], made: Made) -> tuple[Finding, ...]:
        """Findings about a record's fields, with the column and the row that each came from."""
        mapped = made.mapped
        return findings if mapped is None else tuple(self._mapper.explain(finding, mapped) for finding in findings)


def _compiled(flow: FlowSettings, kind: FlowKind, columns: Sequence[str] | None) -> Mapper:
    found = mapping.compile_flow(flow, kind.record, columns)
    if isinstance(found, Mapper):
        return found
    problems = tuple(str(mistake) for mistake in found)
    raise errors.ConfigurationError("\n".join(problems), problems=problems)


def _packed(rows: Sequence[SheetRow]) -> Row:
    return Row(_span([row.source for row in rows]), sheet.pack(rows), mapping.rows_hash(rows))


def _span(places: Sequence[str]) -> str:
    """Where rows stand, in short: `orders.csv:17`, `orders.csv:17-19` or `orders.csv:17 and 3 more`."""
    first, last = places[0], places[-1]
    name, _, begin = first.rpartition(":")
    end = last.rpartition(":")[2]
    if len(places) == 1:
        return first
    if begin.isdigit() and end.isdigit() and int(end) - int(begin) == len(places) - 1:
        return f"{name}:{begin}-{end}"
    return f"{first} and {len(places) - 1} more"


def _at_column(finding: Finding, rows: Sequence[SheetRow]) -> Finding:
    """The finding with the one column as its field that holds its value and that it names: there a fix can speak."""
    if not finding.value:
        return finding
    names = {
        name
        for row in rows
        for name, cell in row.cells.items()
        if cell.strip() == finding.value and f"`{name}`" in finding.reason
    }
    return msgspec.structs.replace(finding, field=names.pop()) if len(names) == 1 else finding
