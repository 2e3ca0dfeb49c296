"""What records would cost at Xero, before there is any connection: calls, time, data, tier. Pure arithmetic over counts.

Called by estimating_files, which counts. What a run costs is that of docs/promises/few-calls.md. Sizes of answers are those
that the sandbox's answers have, which are laid out as Xero's are (facts, appendix C): SIZES, measured 2026-11-22, per document
and per line of it.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from counterfoil.model import tiers

PER_PAGE: Final = 1_000  # documents that one read of the mirror brings
IDS_PER_CALL: Final = 40  # documents that one read by id brings
PROVED_MAX: Final = 20_000  # records after which a run leaves the proof to `prove`
FIXED: Final = 7  # the organisation, four settings, what changed among contacts and invoices
APPROVING: Final = 2  # whether invoices may be approved, and reminders
CREDITING: Final = 1  # what changed among credit notes
FIXED_BYTES: Final = 45_000  # the settings of an organisation of some ninety accounts; its own record is free
REQUEST_BYTES_MAX: Final = 3_000_000  # as posting/rules has it

# Bytes of Xero's answer: (of the document, of each line).
WRITTEN_DOCUMENT: Final = (2_730, 443)
WRITTEN_PAYMENT: Final = (2_120, 468)
WRITTEN_CONTACT: Final = 1_560
READ_DOCUMENT: Final = 1_380  # a summary, as the proof reads it
READ_FOR_PAYMENT: Final = (1_470, 408)
SENT_DOCUMENT: Final = (314, 106)  # bytes of ours, by which requests are filled


class Counted(msgspec.Struct):
    """What one entity's files hold. `contacts`: different customers, about."""

    entity: str
    documents: int = 0
    lines: int = 0
    contacts: int = 0
    payments: int = 0
    approved: int = 0
    own_numbers: int = 0  # documents whose number we choose; the others make requests of their own


class Cost(msgspec.Struct, frozen=True):
    """One entity's first run: `calls`, and bytes of answers to reads and to writes. `days`: of the tier's daily calls."""

    entity: str
    documents: int
    contacts: int
    payments: int
    calls: int
    read_bytes: int
    write_bytes: int
    seconds: int
    days: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """All entities together.

    `refused`: records that would not be posted as they are. `seconds`: of the slowest entity, which all others
    run beside. `tier`: the cheapest that takes it, with its month's price when only reads are charged for and when answers to
    writes are too (AUD without tax; None: on application). `assumed`: what nobody can know yet, in sentences.
    """

    records: int
    refused: int
    documents: int
    calls: int
    read_bytes: int
    write_bytes: int
    seconds: int
    days: int
    times: int
    calls_a_month: int
    tier: str
    price_least: Decimal | None
    price_most: Decimal | None
    currency: str = tiers.CURRENCY
    entities: tuple[Cost, ...] = ()
    assumed: tuple[str, ...] = ()


def of_entity(counted: Counted, *, batch: int, calls_per_minute: int, calls_per_day: int, credits: bool) -> Cost:
    """What the first run of an entity's records costs, proof and all, with an organisation that has nothing yet."""
    of = counted
    writes = _writes(of, batch)
    reads = FIXED + (APPROVING if of.approved else 0) + (CREDITING if credits else 0)
    looked_for = min(of.payments, batch)  # payments of the first request, before which Xero is asked once
    reads += math.ceil(looked_for / IDS_PER_CALL)
    is_proved = 0 < of.documents <= PROVED_MAX
    reads += max(1, math.ceil(of.documents / PER_PAGE)) if is_proved else 0
    lines = math.ceil(of.lines / of.documents) if of.documents else 0
    read_bytes = FIXED_BYTES + looked_for * _sized(READ_FOR_PAYMENT, lines)
    read_bytes += of.documents * READ_DOCUMENT if is_proved else 0
    write_bytes = of.documents * WRITTEN_DOCUMENT[0] + of.lines * WRITTEN_DOCUMENT[1]
    write_bytes += of.contacts * WRITTEN_CONTACT + of.payments * _sized(WRITTEN_PAYMENT, lines)
    calls = reads + writes
    return Cost(
        of.entity, of.documents, of.contacts, of.payments, calls, read_bytes, write_bytes,
        math.ceil(calls * 60 / calls_per_minute), math.ceil(calls / calls_per_day),
    )  # fmt: skip


def _writes(of: Counted, batch: int) -> int:
    by_number = sum(math.ceil(n / batch) for n in (of.own_numbers, of.documents - of.own_numbers))
    by_size = math.ceil((of.documents * SENT_DOCUMENT[0] + of.lines * SENT_DOCUMENT[1]) / REQUEST_BYTES_MAX)
    return max(by_number, by_size) + math.ceil(of.contacts / batch) + math.ceil(of.payments / batch)


def _sized(size: tuple[int, int], lines: int) -> int:
    return size[0] + size[1] * lines


def of_all(
    costs: Sequence[Cost], *, records: int, refused: int, times: int, tier_now: tiers.Tier, assumed: Sequence[str]
) -> Estimate:
    """All entities together, `times` a month each."""
    read = sum(one.read_bytes for one in costs)
    written = sum(one.write_bytes for one in costs)
    busiest = max((min(one.calls, tier_now.calls_per_day) for one in costs), default=0)
    fits = tiers.fitting(len(costs), busiest, read * times)
    calls = sum(one.calls for one in costs)
    return Estimate(
        records=records, refused=refused, documents=sum(one.documents for one in costs), calls=calls, read_bytes=read,
        write_bytes=written, seconds=max((one.seconds for one in costs), default=0),
        days=max((one.days for one in costs), default=0), times=times, calls_a_month=calls * times, tier=fits.name,
        price_least=fits.price(read * times), price_most=fits.price((read + written) * times), entities=tuple(costs),
        assumed=tuple(assumed),
    )  # fmt: skip
