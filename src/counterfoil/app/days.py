"""`post = "daily"`: the sales of a source are gathered by their day, and each day's become one record.

Called by app/mapped. What is kept of a day is all its rows. A sale that is wrong keeps its own day back and is named; one
of which no day can be told is refused by itself and nothing of it is kept, since no day can be planned without its others.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from counterfoil.flows import FlowKind
from counterfoil.mapping import MappedRecord, Mapper, daily
from counterfoil.model import fixes
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow
from counterfoil.store import spool
from counterfoil.store.database import Database
from counterfoil.store.spool import Group

DAY_ROWS_MAX: Final = 20_000  # rows whose sales make one document of a day
NAMED_MAX: Final = 5  # sales named in one message
TOTAL_DIFFERS: Final = "total-differs"

Zone = Callable[[str], Awaitable[Any]]  # an entity's; UTC while its organisation cannot be asked, None: not known


class Sale(msgspec.Struct, frozen=True):
    """One sale of a day: its rows, and what the mapping made of them."""

    rows: tuple[SheetRow, ...]
    mapped: MappedRecord
    part: daily.Part


class Day(msgspec.Struct, frozen=True):
    """A day's record as JSON, and its sales."""

    raw: bytes
    parts: tuple[str, ...]
    sales: tuple[Sale, ...]


class Days:
    """Makes the days of one flow."""

    def __init__(self, flow: FlowSettings, kind: FlowKind, mapper: Mapper) -> None:
        self._flow = flow
        self._kind = kind
        self._mapper = mapper

    async def gather(
        self, database: Database, owner: str, sales: AsyncIterator[Group | BadRow], zone: Zone
    ) -> AsyncGenerator[Group | BadRow]:
        """All rows of each day as a group; a BadRow for a day that is not whole, and for a sale without a day."""
        async with spool.opened(database, owner, are_marked=True) as days:
            async for sale in sales:
                rows = sale.rows if isinstance(sale, Group) else _readable(sale)
                own = await self._zone(rows, zone)
                day = self._mapper.day(rows, own) if rows else None
                if day is not None:
                    await days.fill([(day, sale)] if isinstance(sale, BadRow) else ((day, row) for row in sale.rows))
                elif isinstance(sale, BadRow):
                    yield sale
                else:
                    yield self._without_a_day(sale, own)
            async for one in days.groups(rows_max=DAY_ROWS_MAX):
                yield one

    async def _zone(self, rows: Sequence[SheetRow], zone: Zone) -> Any:
        entity = self._mapper.entity(rows) if rows else None
        return await zone(entity) if isinstance(entity, str) else None

    def _without_a_day(self, sale: Group, zone: Any) -> BadRow:
        found = self._mapper.record(sale.rows, zone)
        assert not isinstance(found, MappedRecord), "a record has a date"
        finding = next((one for one in found if one.field == "date"), found[0])
        finding = msgspec.structs.replace(finding, reason=f"{finding.reason} So nobody knows which day it belongs to.")
        return BadRow(sale.rows[0].source, sale.rows[0].hash, finding, cells=sale.rows[0].cells)

    def made(self, rows: Sequence[SheetRow], zone: Any) -> Day | tuple[Finding, ...]:
        """One document of the sales of a day; or what is wrong with the first of them that is, the others named."""
        grouped = self._sales(rows)
        if isinstance(grouped, Finding):
            return (grouped,)
        sales: dict[str, Sale] = {}
        wrong: list[tuple[Sequence[SheetRow], tuple[Finding, ...]]] = []
        for own in grouped:
            sale = self._sale(own, zone)
            if isinstance(sale, tuple):
                wrong.append((own, sale))
                continue
            first = sales.setdefault(sale.part.record.external_id, sale)
            if first.part.rows_hash != sale.part.rows_hash:
                wrong.append((own, (_twice(first, sale),)))
        if wrong:
            return self._named(wrong)
        parts = [sale.part for sale in sales.values()]
        combined = _of_several_days(parts, self._flow) or daily.combine(parts, self._flow)
        if isinstance(combined, tuple):
            return combined
        return Day(combined.raw, combined.parts, tuple(sales.values()))

    def _sales(self, rows: Sequence[SheetRow]) -> list[list[SheetRow]] | Finding:
        """The rows of each sale."""
        found: dict[str, list[SheetRow]] = {}
        for row in rows:
            key = self._mapper.group_key(row)
            if isinstance(key, Finding):
                return key
            found.setdefault(key, []).append(row)
        return list(found.values())

    def _sale(self, rows: Sequence[SheetRow], zone: Any) -> Sale | tuple[Finding, ...]:
        mapped = self._mapper.record(rows, zone)
        if not isinstance(mapped, MappedRecord):
            return mapped
        record = self._kind.decode(mapped.raw)
        if isinstance(record, tuple):
            return tuple(self._mapper.explain(finding, mapped) for finding in record)
        return Sale(tuple(rows), mapped, daily.Part(record, mapped.rows_hash, mapped.sources))

    def _named(self, wrong: Sequence[tuple[Sequence[SheetRow], tuple[Finding, ...]]]) -> tuple[Finding, ...]:
        """What is wrong with the first sale; of the others only which they are."""
        (_rows, first), *others = wrong
        if not others:
            return first
        shown = ", ".join(
            f"{self._mapper.identify(rows)[0] or 'a sale'} ({rows[0].source})" for rows, _found in others[:NAMED_MAX]
        )
        more = f" and {len(others) - NAMED_MAX} more" if len(others) > NAMED_MAX else ""
        reason = f"{first[0].reason} Wrong as well on this day: {shown}{more}."
        return (msgspec.structs.replace(first[0], reason=reason), *first[1:])

    def explained(self, findings: tuple[Finding, ...], day: Day, check: Callable[[Any], Any]) -> tuple[Finding, ...]:
        """Findings about a day's record, with the sales that have the same wrong. `check`: a sale's record, checked alone."""
        alone = [(sale, found) for sale in day.sales if isinstance(found := check(sale.part.record), tuple)]
        return tuple(self._pointed(finding, alone) for finding in findings)

    def _pointed(self, finding: Finding, alone: Sequence[tuple[Sale, tuple[Finding, ...]]]) -> Finding:
        cause = fixes.base_cause(finding.cause)
        by_value = cause != TOTAL_DIFFERS  # of which each sale has a value of its own
        same = [
            (sale, self._mapper.explain(one, sale.mapped))
            for sale, found in alone
            for one in found
            if fixes.base_cause(one.cause) == cause and (one.value == finding.value or not by_value)
        ]
        if not same:
            return finding
        named = [
            f"{sale.part.record.external_id} ({sale.rows[0].source})"
            if by_value
            else f"{sale.part.record.external_id}: {one.reason.rstrip('.')}"
            for sale, one in same[:NAMED_MAX]
        ]
        more = f" and {len(same) - NAMED_MAX} more" if len(same) > NAMED_MAX else ""
        told = (", " if by_value else "; ").join(named)
        return msgspec.structs.replace(finding, reason=f"{finding.reason} In {told}{more}.")


def _readable(bad: BadRow) -> tuple[SheetRow, ...]:
    """What could be read of a sale that is not whole; enough to tell its day, never to make a record of."""
    return (SheetRow(bad.source, bad.cells, bad.content_hash),) if bad.cells else ()


def _twice(first: Sale, second: Sale) -> Finding:
    name = first.part.record.external_id
    return Finding(
        "twice-with-different-content",
        f"{name} stands in {first.rows[0].source} and, with other content, in {second.rows[0].source}.",
        "Keep the right one in the source and run again.",
        "external_id",
    )


def _of_several_days(parts: Sequence[daily.Part], flow: FlowSettings) -> tuple[Finding, ...] | None:
    """Rows were gathered while the organisation's time zone was not known, or a correction moved a sale."""
    keys = dict.fromkeys(daily.key_of(part.record, flow) for part in parts)
    if len(keys) == 1:
        return None
    reason = f"These sales belong to several documents: {', '.join(list(keys)[:NAMED_MAX])}."
    return (Finding("daily-mixed", reason, "Run the flow again, so that its days are gathered anew.", "date"),)
