"""Which fields of a document differ, as paths ("Contact.Name", "LineItems[6f1e].Quantity"). Pure.

Called by naming. Xero gives lists of payments, allocations, addresses and groups in any order: their members are compared by
their ids. Lines have an order that a reader sees: lines that only changed places are one difference, the list itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

KEYS: Final = {
    "Addresses": ("AddressType",),
    "Allocations": ("AllocationID", "Invoice.InvoiceID"),
    "ContactGroups": ("ContactGroupID", "Name"),
    "CreditNotes": ("CreditNoteID",),
    "JournalLines": ("JournalLineID", "LineItemID"),
    "LineItems": ("LineItemID",),
    "Options": ("TrackingOptionID", "Name"),
    "Overpayments": ("OverpaymentID",),
    "Payments": ("PaymentID",),
    "Phones": ("PhoneType",),
    "Prepayments": ("PrepaymentID",),
    "TaxComponents": ("Name",),
    "Tracking": ("TrackingCategoryID", "Name"),
}
ORDERED: Final = frozenset({"JournalLines", "LineItems"})
# Of the answer, not of the document: they differ between two kinds of look, or say again what another field says.
NOISE: Final = frozenset(
    {
        "DateString", "DueDateString", "ExpiryDateString", "HasErrors", "HasValidationErrors", "StatusAttributeString",
        "UpdatedDateUTC", "UpdatedDateUTCString", "ValidationErrors", "Warnings",
    }
)  # fmt: skip
_ENCODER: Final = msgspec.json.Encoder()  # one order for members of every kind, whatever made them
PATHS_MAX: Final = 500  # of one change; a document of more differs as a whole, and its first paths are named
_ABSENT: Final[tuple[object, ...]] = (None, "", [], {})


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths that differ, sorted, at most PATHS_MAX. Null, "" and an absent field are the same; so are 1.5 and 1.50."""
    found = []
    for path in _of_maps(before, after, ""):
        found.append(path)
        if len(found) == PATHS_MAX:
            break
    return tuple(sorted(found))


def members(document: Mapping[str, Any] | None, field: str) -> frozenset[str]:
    """The ids of a list of the document."""
    listed = (document or {}).get(field) or ()
    return frozenset(identity for one in listed if (identity := _identity(field, one)) is not None)


def canonical(value: Any, field: str = "") -> Any:
    """The same value for all looks that say the same: without noise and what is blank, amounts as plain digits, sorted.

    JSON's types only, so that it can be hashed.
    """
    if isinstance(value, str):  # first what there is most of
        return value
    if isinstance(value, Decimal):
        return {"decimal": _digits(value)}
    if isinstance(value, list | tuple):
        inner = [canonical(one) for one in value]
        return inner if field in ORDERED or field not in KEYS else sorted(inner, key=_ENCODER.encode)
    if isinstance(value, Mapping):
        kept = ((str(key), canonical(one, str(key))) for key, one in sorted(value.items()) if key not in NOISE)
        return {key: one for key, one in kept if one not in _ABSENT}
    return value


def _digits(value: Decimal) -> str:
    return "0" if value.is_zero() else format(value.normalize(), "f")


def _of_maps(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in sorted({*before, *after} - NOISE):
        yield from _of_values(before.get(key), after.get(key), key, f"{path}.{key}" if path else key)


def _of_values(before: Any, after: Any, field: str, path: str) -> Iterator[str]:
    if before == after or canonical(before, field) == canonical(after, field):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_maps(before, after, path)
    elif field in KEYS and _is_list(before) and _is_list(after):
        yield from _of_lists(before or (), after or (), field, path)
    elif not (_blank(before) and _blank(after)):
        yield path


def _of_lists(before: Sequence[Any], after: Sequence[Any], field: str, path: str) -> Iterator[str]:
    was, now = _by_id(field, before), _by_id(field, after)
    if was is None or now is None:  # a member without an id, or two with the same: only the whole list can be compared
        yield path
        return
    for key in sorted({*was, *now}):
        if key not in was or key not in now:
            yield f"{path}[{key}]"
        else:
            yield from _of_maps(was[key], now[key], f"{path}[{key}]")
    if field in ORDERED and [key for key in was if key in now] != [key for key in now if key in was]:
        yield path


def _by_id(field: str, listed: Sequence[Any]) -> dict[str, Mapping[str, Any]] | None:
    found = {identity: one for one in listed if (identity := _identity(field, one)) is not None}
    return found if len(found) == len(listed) else None


def _identity(field: str, one: Any) -> str | None:
    for key in KEYS.get(field, ()):
        value: Any = one
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value:
            return str(value)
    return None


def _blank(value: Any) -> bool:
    return canonical(value) in _ABSENT


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list | tuple)
