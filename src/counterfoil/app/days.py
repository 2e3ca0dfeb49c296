"""`post = "daily"`: the sales of a source are gathered by their day, and each day's become one record.

Called by app/mapped. What is kept of a day is all its rows. A sale that is wrong keeps its own day back and is named, with
what waits for it; one of which no day can be told is held by itself, and its rows are kept to be shown and never planned,
since no day can be planned without its others.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.app import claims
from counterfoil.flows import FlowKind
from counterfoil.mapping import MappedRecord, Mapper, daily
from counterfoil.model import fixes
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.posting.plans import Claim
from counterfoil.settings import FlowSettings
from counterfoil.sources import BadRow
from counterfoil.store import spool
from counterfoil.store.database import Database
from counterfoil.store.problems import DAY_UNKNOWN
from counterfoil.store.spool import Group

DAY_ROWS_MAX: Final = 20_000  # rows whose sales make one document of a day
WHOLE_DAY: Final = "Then the day is posted whole, with all its sales."
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
                yield one if isinstance(one, Group) else self._with_what_waits(one)

    async def _zone(self, rows: Sequence[SheetRow], zone: Zone) -> Any:
        entity = self._mapper.entity(rows) if rows else None
        return await zone(entity) if isinstance(entity, str) else None

    def _without_a_day(self, sale: Group, zone: Any) -> BadRow:
        found = self._mapper.record(sale.rows, zone)
        assert not isinstance(found, MappedRecord), "a record has a date"
        finding = next((one for one in found if one.field == "date"), found[0])
        reason = f"{finding.reason} So nobody knows which day it belongs to, and no day waits for it."
        remedy = f"{finding.remedy} Correct it where the row comes from, and run all sales of its day again.".strip()
        held = msgspec.structs.replace(finding, cause=DAY_UNKNOWN, reason=reason, remedy=remedy)
        first = sale.rows[0]
        external_id = self._mapper.identify(sale.rows)[0]
        return BadRow(first.source, first.hash, held, external_id, cells=first.cells, rows=sale.rows)

    def claim(self, rows: Sequence[SheetRow]) -> Claim:
        """What the sales of a day say they come to together; a total only where each of them says its own."""
        said = self._claims(rows)
        totals = [one.total for one in said]
        known = [total for total in totals if total is not None]
        dates, currencies = {one.date for one in said}, {one.currency for one in said}
        return Claim(
            dates.pop() if len(dates) == 1 else None,
            currencies.pop() if len(currencies) == 1 else None,
            sum(known, Decimal(0)) if known and len(known) == len(totals) else None,
        )

    def _claims(self, rows: Sequence[SheetRow]) -> list[Claim]:
        grouped = self._sales(rows)
        return [] if isinstance(grouped, Finding) else [claims.made(*self._mapper.claim(own)) for own in grouped]

    def _with_what_waits(self, bad: BadRow) -> BadRow:
        """A day of which a row could not be read."""
        if not bad.rows:
            return bad
        return msgspec.structs.replace(bad, finding=_keeping_back(bad.finding, self._claims(bad.rows), at_least=True))

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
            *more, last = self._named(wrong)
            return (*more, _keeping_back(last, self._claims(rows)))
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
        *more, last = [self._pointed(finding, alone) for finding in findings]
        said = [claims.made(None, sale.part.record.currency, sale.part.record.expected_total) for sale in day.sales]
        return (*more, _keeping_back(last, said))

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


def _keeping_back(finding: Finding, said: Sequence[Claim], *, at_least: bool = False) -> Finding:
    """What waits for it, and what ends the waiting: how many sales, and how much money as far as they say so."""
    known: dict[str, Decimal] = {}
    for one in said:
        if one.total is not None:
            known[one.currency or ""] = known.get(one.currency or "", Decimal(0)) + one.total
    unknown = sum(one.total is None for one in said)
    amounts = " and ".join(f"{amount:,.2f} {currency}".strip() for currency, amount in sorted(known.items()))
    rest = "" if not unknown else f"{' and ' if amounts else ''}{unknown} of unknown amount"
    sales = "1 sale" if len(said) == 1 else f"{len(said):,} sales"
    reason = f"{finding.reason} So the whole day waits: {'at least ' if at_least else ''}{sales}, {amounts}{rest}."
    return msgspec.structs.replace(finding, reason=reason, remedy=f"{finding.remedy} {WHOLE_DAY}".strip())


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
