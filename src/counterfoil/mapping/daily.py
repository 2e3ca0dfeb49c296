"""`post = "daily"`: the sales of one day become one document, with a line for each account, tax and tracking.

Called by app.py, which gathers the parts of a day by `key_of` and combines them. Pure. The result goes through the
kind's own `decode` like any record; its parts say which sales are in it, so that each can be traced both ways.
"""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.model import money, totals
from counterfoil.model.prepared import Finding
from counterfoil.model.records import Line, SalesInvoice
from counterfoil.settings import FlowSettings

# What all sales of one document must say alike; of the contact its key is enough.
COMMON: Final = ("due_date", "terms", "rate", "amounts", "status", "branding_theme", "sent")


class Part(msgspec.Struct, frozen=True):
    """One sale of a day: its record, the hash of its rows and where they stand."""

    record: SalesInvoice
    rows_hash: str
    sources: tuple[str, ...]


class DailyRecord(msgspec.Struct, frozen=True):
    """One document's record. `raw` is its JSON; `parts` the external_ids of the sales in it, sorted.

    `rows_hash` is SHA-256 in hex of all parts' rows whatever their order; `sources` where the rows stand, in the order
    of the parts as they came.
    """

    raw: bytes
    rows_hash: str
    sources: tuple[str, ...]
    parts: tuple[str, ...]


def key_of(record: SalesInvoice, flow: FlowSettings) -> str:
    """The external_id of the document that a sale goes into: "daily-2026-11-01-GBP".

    The entity is in it when the flow has none of its own; the currency when the record names it.
    """
    parts = ["daily", *([record.entity] if flow.entity is None and record.entity else []), record.date.isoformat()]
    return "-".join([*parts, *([record.currency] if record.currency else [])])


def combine(parts: Sequence[Part], flow: FlowSettings) -> DailyRecord | tuple[Finding, ...]:
    """The document of parts that share their key, in any order; or why they cannot be one.

    Each sale's lines are rounded as Xero would round them and then summed; tax is left to the whole document unless the
    lines give it. `expected_total` is the sum of the sales' own.
    """
    first = parts[0].record
    findings = [*_disagreements(parts), *_not_combined(parts)]
    if findings:
        return tuple(findings)
    given = [part.record.expected_total for part in parts if part.record.expected_total is not None]
    record = msgspec.structs.replace(
        first,
        external_id=key_of(first, flow),
        number=None,
        url=None,
        reference=f"{len(parts)} sales" if len(parts) > 1 else "1 sale",
        lines=tuple(_lines(part.record for part in parts)),
        expected_total=sum(given, Decimal(0)) if given else None,
    )
    hashes = sorted(f"{part.record.external_id}\n{part.rows_hash}" for part in parts)
    return DailyRecord(
        raw=msgspec.json.encode(record),
        rows_hash=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        sources=tuple(source for part in parts for source in part.sources),
        parts=tuple(sorted(part.record.external_id for part in parts)),
    )


def _disagreements(parts: Sequence[Part]) -> list[Finding]:
    """Sales that say something that cannot be said of all of them."""
    found = []
    first = parts[0]
    for field in ("contact.external_id", *COMMON):
        for part in parts[1:]:
            one, other = _field(first.record, field), _field(part.record, field)
            if one != other:
                reason = (
                    f"`{field}` of {first.record.external_id} is {one}, of {part.record.external_id} {other}; "
                    "one document of a day has one."
                )
                remedy = 'Map it to a constant, such as contact = { external_id = "shop", name = "Shop sales" }.'
                found.append(Finding("daily-disagrees", reason, remedy, field, str(other)))
                break
    return found


def _not_combined(parts: Sequence[Part]) -> list[Finding]:
    found = []
    with_total = sum(part.record.expected_total is not None for part in parts)
    for part in parts:
        record = part.record
        if record.payments:
            reason = f"{record.external_id} has payments, which one document of a day cannot take over."
            remedy = 'Leave them out of the mapping, or use post = "each".'
            found.append(Finding("daily-payments", reason, remedy, "payments"))
        if record.expected_total is None and with_total:
            reason = f"{record.external_id} has no total, so the day's cannot be checked."
            remedy = "Fill it where the row comes from."
            found.append(Finding("total-missing", reason, remedy, "expected_total"))
    return found


def _field(record: SalesInvoice, field: str) -> Any:
    value: Any = record
    for name in field.split("."):
        value = getattr(value, name)
    return value


def _lines(sales: Iterable[SalesInvoice]) -> Iterable[Line]:
    """One line for each account, tax and tracking, sorted by them; lines that give their tax apart from those that do not."""
    sums: dict[tuple[Any, ...], tuple[Decimal, Decimal, int]] = {}
    for sale in sales:
        for line in sale.lines:
            key = (
                line.account or "", line.account_code or "", line.tax or "", line.tax_type or "",
                tuple(sorted(line.tracking.items())), line.tax_amount is not None,
            )  # fmt: skip
            amount, tax, count = sums.get(key, (Decimal(0), Decimal(0), 0))
            amount += totals.line_amount(line.quantity, line.unit_amount, line.discount_rate, line.discount_amount)
            sums[key] = (amount, tax + (line.tax_amount or 0), count + 1)
    for key, (amount, tax, count) in sorted(sums.items()):
        account, code, tax_name, tax_type, tracking, has_tax = key
        what = ", ".join(part for part in (account or code, tax_name or tax_type, *(o for _, o in tracking)) if part)
        yield Line(
            description=f"{what}: {count} line{'s' if count > 1 else ''}",
            quantity=Decimal(1),
            unit_amount=money.to_cents(amount),
            account=account or None,
            account_code=code or None,
            tax=tax_name or None,
            tax_type=tax_type or None,
            tracking=dict(tracking),
            tax_amount=tax if has_tax else None,
        )
