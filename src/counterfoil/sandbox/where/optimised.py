"""Which filters and orders Xero answers quickly: over very many rows it refuses all others (facts 4.5, 3.2).

Called by this folder's door. Of resources that are not here no optimised field is known.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

_CONTACT: Final = frozenset({"Contact.ContactID", "Contact.Name", "Contact.ContactNumber"})


class _Fields(NamedTuple):
    equal: frozenset[str]
    ranges: frozenset[str]
    order: frozenset[str]


_OPTIMISED: Final = {
    "Invoices": _Fields(
        _CONTACT | {"Status", "Reference", "InvoiceNumber", "InvoiceID", "Type", "AmountPaid"},
        frozenset({"Date", "DueDate", "AmountDue"}),
        frozenset({"InvoiceID", "UpdatedDateUTC", "Date"}),
    ),
    "Contacts": _Fields(
        frozenset({"Name", "EmailAddress", "AccountNumber"}),
        frozenset(),
        frozenset({"ContactID", "UpdatedDateUTC", "Name"}),
    ),
    "CreditNotes": _Fields(
        _CONTACT | {"Status", "Reference", "Type"},
        frozenset({"Date"}),
        frozenset({"CreditNoteID", "UpdatedDateUTC", "Date"}),
    ),
    "BankTransactions": _Fields(
        frozenset({"Type", "Status", "BankAccount.AccountID"}), frozenset({"Date"}), frozenset()
    ),
    "Payments": _Fields(frozenset(), frozenset({"Date"}), frozenset({"UpdatedDateUTC", "PaymentID"})),
    "ManualJournals": _Fields(
        frozenset({"Status"}), frozenset({"Date"}), frozenset({"ManualJournalID", "UpdatedDateUTC", "Date"})
    ),
    "PurchaseOrders": _Fields(
        frozenset(), frozenset(), frozenset({"PurchaseOrderNumber", "PurchaseOrderID", "UpdatedDateUTC", "Date"})
    ),
}
# Of these no list is established (facts 11.14).
GUESSED: Final = frozenset({"BankTransactions", "Payments", "ManualJournals", "PurchaseOrders"})
_NONE: Final = _Fields(frozenset(), frozenset(), frozenset())
_EQUALITY: Final = frozenset({"=", "=="})
_RANGES: Final = frozenset({">", ">=", "<", "<="}) | _EQUALITY
_OR_FIELDS: Final = frozenset({"InvoiceID"})


def is_where(plural: str, uses: Iterable[tuple[str, str]], *, alternatives: bool) -> bool:
    """Whether a filter of these uses (field and operator, "" for anything else) is quick; `alternatives`: it has OR."""
    known = _OPTIMISED.get(plural, _NONE)
    for field, operator in uses:
        if alternatives and field not in _OR_FIELDS:
            return False
        is_equal = operator in _EQUALITY and field in known.equal
        if not is_equal and not (operator in _RANGES and field in known.ranges):
            return False
    return True


def is_order(plural: str, names: Collection[str]) -> bool:
    """Whether an order by these fields is quick."""
    return set(names) <= _OPTIMISED.get(plural, _NONE).order
