"""What a record that did not pass its checks says it comes to, so that what waits shows its money.

Called by intake and troubles. Pure. Only what the record says itself counts: `check.total` of rows, `expected_total` of a
record. A total that would have to be computed from what is wrong is not known.
"""

import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil.model import sheet
from counterfoil.posting.plans import Claim

if TYPE_CHECKING:
    from counterfoil.app.mapped import MappedFlow


class _Said(msgspec.Struct):
    date: Any = None
    currency: Any = None
    expected_total: Any = None


_DECODER: Final = msgspec.json.Decoder(_Said, float_hook=Decimal)


def of(raw: bytes | None, mapped: "MappedFlow | None", base: str | None) -> Claim | None:
    """What is kept of a record, as far as it says so; None: nothing. `base`: the currency where it names none."""
    if raw is None:
        return None
    rows = sheet.rows_of(raw)
    if rows and mapped is None:
        return None
    found = mapped.claim(rows) if rows and mapped is not None else _of_json(raw)
    if found is None or found.currency is not None:
        return found
    return msgspec.structs.replace(found, currency=base)


def _of_json(raw: bytes) -> Claim | None:
    try:
        said = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return made(said.date, said.currency, said.expected_total)


def made(date: Any, currency: Any, total: Any) -> Claim:
    """A claim of values that may be anything: what cannot be read is None."""
    return Claim(_day(date), currency if isinstance(currency, str) and currency else None, _amount(total))


def _day(value: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
