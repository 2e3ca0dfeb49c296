"""A mapped flow: its rows are gathered to records' rows, and become records with the fixes of cells laid over them.

Called by intake. What is kept of such a record is its rows (model/sheet.pack): so that `why` shows them, a fix may
speak for a cell, and a retry needs no file. Spools rows in the database when they have to be gathered; no call to Xero.
"""

import contextlib
import datetime
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from counterfoil import errors, mapping, sources
from counterfoil.app import claims
from counterfoil.app.days import Day, Days, Zone
from counterfoil.flows import FlowKind
from counterfoil.mapping import MappedRecord, Mapper
from counterfoil.model import sheet
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.posting.plans import Claim
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow, Row
from counterfoil.store import spool
from counterfoil.store.database import Database


class Gathered(Row, frozen=True):
    """The rows of one record: `raw` is what is kept of them, `rows` are they themselves, which costs no unpacking."""

    rows: tuple[SheetRow, ...] = ()


class Made(msgspec.Struct, frozen=True):
    """A record's JSON, and what it was made of: one sale's rows, or the sales of a day."""

    raw: bytes
    mapped: MappedRecord | None
    day: Day | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The sales that are in a day's document; none of any other record."""
        return () if self.day is None else self.day.parts

    @property
    def repeated(self) -> tuple[MappedRecord, ...]:
        """The record, or the sales of the day, that rows which stand in the source twice make another one."""
        made = (
            [self.mapped] if self.mapped is not None else [sale.mapped for sale in self.day.sales] if self.day else []
        )
        return tuple(one for one in made if one.once is not None)


class MappedFlow:
    """One flow with a `map`. Raises ConfigurationError with every mistake of it."""

    def __init__(self, flow: FlowSettings, kind: FlowKind) -> None:
        self.flow = flow
        self._kind = kind
        self._mapper = _compiled(flow, kind, None)
        self._days = Days(flow, kind, self._mapper)

    def check_columns(self, path: Path) -> None:
        """Compare the mapping with a file's header. Raises InputError as the source does, ConfigurationError."""
        if self.flow.source.is_tabular:
            _compiled(self.flow, self._kind, sources.columns(self.flow.source, path))

    async def rows(
        self, database: Database, owner: str, path: Path, progress: Callable[[int], None], zone: Zone
    ) -> AsyncGenerator[Row | BadRow]:
        """Each record's rows, packed, in the order of their first row. Raises InputError as the source does.

        `zone(entity)` is asked for a day's document: the time zone that says which day an instant is.
        """
        self.check_columns(path)
        given = sources.rows(self.flow.source, path, progress)
        if self.flow.group_by is None and self.flow.source.explode is None and self.flow.post == "each":
            for row in given:
                yield row if isinstance(row, BadRow) else _packed((row,))
            return
        async with spool.opened(database, owner) as gathered:
            await gathered.fill(self._keyed(given))
            records = gathered.groups()
            if self.flow.post == "daily":
                records = self._days.gather(database, owner, records, zone)
            async with contextlib.aclosing(records):
                async for group in records:
                    yield group if isinstance(group, BadRow) else _packed(group.rows)

    def _keyed(self, rows: Iterator[SheetRow | BadRow]) -> Iterator[spool.Pair]:
        """Rows with their group's key; those that have none stand alone, under where they stand."""
        for row in rows:
            if isinstance(row, BadRow):
                key = self._mapper.group_key(SheetRow(row.source, row.cells, row.content_hash)) if row.cells else None
                yield (key if isinstance(key, str) else f"\0{row.source}"), row
                continue
            found = self._mapper.group_key(row)
            if isinstance(found, Finding):
                yield f"\0{row.source}", BadRow(row.source, row.hash, found, cells=row.cells)
            else:
                yield found, row

    def gathered(self, rows: Sequence[SheetRow]) -> list[tuple[int, Row | BadRow]]:
        """Each record's rows, packed, of rows that are at hand, with the place of the first one, in that order."""
        keyed: dict[str, list[int]] = {}
        found: list[tuple[int, Row | BadRow]] = []
        alone = self.flow.group_by is None and self.flow.source.explode is None
        for n, row in enumerate(rows):
            key = f"\0{row.source}" if alone else self._mapper.group_key(row)
            if isinstance(key, Finding):
                found.append((n, BadRow(row.source, row.hash, key, cells=row.cells)))
            else:
                keyed.setdefault(key, []).append(n)
        for places in keyed.values():
            mine = sheet.marked([rows[n] for n in places], places)
            if len(mine) > sources.GROUP_ROWS_MAX:
                finding = Finding(
                    "too-many-rows", f"{len(mine):,} rows make one record; at most {sources.GROUP_ROWS_MAX:,} may.",
                    "Look at `group_by`, or send fewer rows of it.",
                )  # fmt: skip
                found.append((places[0], BadRow(mine[0].source, sheet.rows_hash(mine), finding)))
            else:
                found.append((places[0], _packed(mine)))
        return sorted(found, key=lambda one: one[0])

    def entity(self, rows: Sequence[SheetRow]) -> str | None:
        """Whose record the rows make, as far as it can be told."""
        found = self._mapper.entity(rows)
        return found if isinstance(found, str) else None

    def identify(self, rows: Sequence[SheetRow]) -> tuple[str | None, str | None]:
        """(external_id, entity) of rows that may be wrong otherwise, as far as they can be told."""
        external_id, entity = self._mapper.identify(rows)
        return (None, entity) if self.flow.post == "daily" else (external_id, entity)

    def claim(self, rows: Sequence[SheetRow]) -> Claim:
        """What rows that did not become a record say they come to; of a day all of its sales together, or nothing."""
        return self._days.claim(rows) if self.flow.post == "daily" else claims.made(*self._mapper.claim(rows))

    def made(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None) -> Made | tuple[Finding, ...]:
        """The record that rows make; or what is wrong, each finding at its column where it has one."""
        if self.flow.post == "daily":
            day = self._days.made(rows, zone)
            return (
                tuple(_at_column(finding, rows) for finding in day)
                if isinstance(day, tuple)
                else Made(day.raw, None, day)
            )
        mapped = self._mapper.record(rows, zone)
        if isinstance(mapped, MappedRecord):
            return Made(mapped.raw, mapped)
        return tuple(_at_column(finding, rows) for finding in mapped)

    def explained(self, findings: tuple[Finding, ...], made: Made, check: Callable[[Any], Any]) -> tuple[Finding, ...]:
        """Findings about a record's fields, with the column and the row, or the sale of a day, that each came from.

        `check` prepares one sale's record; it is only asked for a day's.
        """
        if made.mapped is not None:
            return tuple(self._mapper.explain(finding, made.mapped) for finding in findings)
        return self._days.explained(findings, made.day, check) if made.day is not None and findings else findings


def _compiled(flow: FlowSettings, kind: FlowKind, columns: Sequence[str] | None) -> Mapper:
    found = mapping.compile_flow(flow, kind.record, columns)
    if isinstance(found, Mapper):
        return found
    problems = tuple(str(mistake) for mistake in found)
    raise errors.ConfigurationError("\n".join(problems), problems=problems)


def _packed(rows: Sequence[SheetRow]) -> Gathered:
    return Gathered(_span([row.source for row in rows]), sheet.pack(rows), sheet.rows_hash(rows), tuple(rows))


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
