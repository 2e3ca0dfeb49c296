"""The table of names: which change of which resource is called what. Data; naming reads it.

Called by naming and by the page that lists the names. A rule names a change by what became true between two looks, and says
which top fields it explains: what differs beside those is `updated` as well. Statuses: Xero's lifecycles, xero-facts §4.8.
"""

from typing import Final

import msgspec

SETTLING: Final = frozenset(
    {
        "AmountCredited", "AmountDue", "AmountPaid", "AppliedAmount", "CreditNotes", "FullyPaidOnDate", "Overpayments", "Payments",
        "Prepayments", "RemainingCredit", "Allocations", "Status",
    }
)  # fmt: skip
ENDED: Final = frozenset({"DELETED", "VOIDED"})


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One name. All conditions that are given must hold; `field` is Status where nothing else is said.

    `to`: it has one of these values now, and had none of them before. `since`: it had one of these before. `not_since`: it
    did not. `grew`, `shrank`: the list has a member that it had not, or lacks one. `fell`: the amount fell.
    """

    name: str
    field: str = "Status"
    to: tuple[object, ...] = ()
    since: tuple[object, ...] = ()
    not_since: tuple[object, ...] = ()
    grew: bool = False
    shrank: bool = False
    fell: bool = False
    while_status: tuple[str, ...] = ()
    unless: str = ""  # not where this rule has named it: a merge archives the contact, and says more
    explains: frozenset[str] = frozenset()


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One resource: the word of its changes, by the value of `Type` where that says, and its rules in order."""

    word: str
    rules: tuple[Rule, ...] = ()
    by_type: dict[str, str] = {}


def _status(name: str, *values: str, since: tuple[str, ...] = (), not_since: tuple[str, ...] = ()) -> Rule:
    explains = SETTLING if name in {"paid", "voided", "deleted", "reopened"} else frozenset({"Status"})
    return Rule(name=name, to=values, since=since, not_since=not_since, explains=explains)


_SENT: Final = Rule(name="sent", field="SentToContact", to=(True,), explains=frozenset({"SentToContact"}))
_SUBMITTED: Final = _status("submitted", "SUBMITTED")
_APPROVED: Final = _status("approved", "AUTHORISED", not_since=("PAID", "BILLED"))
_REOPENED: Final = _status("reopened", "AUTHORISED", since=("PAID",))
_PAID: Final = _status("paid", "PAID")
_VOIDED: Final = _status("voided", "VOIDED")
_DELETED: Final = _status("deleted", "DELETED")
_ARCHIVED: Final = _status("archived", "ARCHIVED")
_RESTORED: Final = _status("restored", "ACTIVE", since=("ARCHIVED", "DELETED"))
_PART_PAID: Final = Rule(
    name="part_paid", field="AmountDue", fell=True, while_status=("AUTHORISED",), explains=SETTLING
)
_RECONCILED: Final = Rule(name="reconciled", field="IsReconciled", to=(True,), explains=frozenset({"IsReconciled"}))
_UNRECONCILED: Final = Rule(
    name="unreconciled", field="IsReconciled", to=(False,), since=(True,), explains=frozenset({"IsReconciled"})
)
_CREDIT: Final = frozenset({"Allocations", "RemainingCredit", "Status", "FullyPaidOnDate", "AppliedAmount"})
_ALLOCATED: Final = Rule(name="allocated", field="Allocations", grew=True, explains=_CREDIT)
_DEALLOCATED: Final = Rule(name="deallocated", field="Allocations", shrank=True, explains=_CREDIT)
_REFUNDED: Final = Rule(name="refunded", field="Payments", grew=True, explains=_CREDIT | {"Payments"})
_REFUND_TAKEN_BACK: Final = Rule(
    name="refund_taken_back", field="Payments", shrank=True, explains=_CREDIT | {"Payments"}
)
_ALLOCATION: Final = (_ALLOCATED, _DEALLOCATED, _REFUNDED, _REFUND_TAKEN_BACK)
_DEBT: Final = (_SUBMITTED, _APPROVED, _SENT, _PART_PAID, _PAID, _REOPENED, _VOIDED, _DELETED)
_BANK: Final = (_RECONCILED, _UNRECONCILED, _VOIDED, _DELETED)
_SETTING: Final = (_ARCHIVED, _RESTORED, _DELETED)


def _contact_status(name: str, value: str, since: tuple[str, ...] = (), unless: str = "") -> Rule:
    explains = frozenset({"ContactStatus"})
    return Rule(name=name, field="ContactStatus", to=(value,), since=since, unless=unless, explains=explains)


_MERGED: Final = frozenset({"MergedToContactID", "ContactStatus"})
KINDS: Final = {
    "Organisation": Kind(word="organisation"),
    "Accounts": Kind(word="account", rules=_SETTING),
    "TaxRates": Kind(word="tax_rate", rules=_SETTING),
    "TrackingCategories": Kind(word="tracking_category", rules=_SETTING),
    "Currencies": Kind(word="currency"),
    "Items": Kind(word="item"),
    "Contacts": Kind(
        word="contact",
        rules=(
            Rule(name="merged", field="MergedToContactID", grew=True, explains=_MERGED),
            _contact_status("archived", "ARCHIVED", unless="merged"),
            _contact_status("restored", "ACTIVE", since=("ARCHIVED",)),
            _contact_status("erasure_asked", "GDPRREQUEST"),
        ),
    ),
    "Invoices": Kind(word="invoice", rules=_DEBT, by_type={"ACCPAY": "bill"}),
    "CreditNotes": Kind(
        word="credit_note", rules=(_SUBMITTED, _APPROVED, _SENT, *_ALLOCATION, _PAID, _REOPENED, _VOIDED, _DELETED)
    ),
    "Payments": Kind(word="payment", rules=(_RECONCILED, _UNRECONCILED, _DELETED)),
    "Overpayments": Kind(word="overpayment", rules=(*_ALLOCATION, _PAID, _REOPENED, _VOIDED, _DELETED)),
    "Prepayments": Kind(word="prepayment", rules=(*_ALLOCATION, _PAID, _REOPENED, _VOIDED, _DELETED)),
    "BankTransactions": Kind(word="bank_transaction", rules=_BANK),
    "BankTransfers": Kind(word="bank_transfer", rules=(_DELETED,)),
    "ManualJournals": Kind(
        word="manual_journal", rules=(_status("posted", "POSTED"), _ARCHIVED, _VOIDED, _DELETED)
    ),
    "PurchaseOrders": Kind(
        word="purchase_order", rules=(_SUBMITTED, _APPROVED, _SENT, _status("billed", "BILLED"), _DELETED)
    ),
    "Quotes": Kind(
        word="quote",
        rules=(
            _status("sent", "SENT"),
            _status("accepted", "ACCEPTED"),
            _status("declined", "DECLINED"),
            _status("invoiced", "INVOICED"),
            _DELETED,
        ),
    ),
}  # fmt: skip
OF_ALL: Final = ("created", "updated", "deleted")
OVERDUE: Final = "overdue"


def names() -> tuple[str, ...]:
    """Every name that a change may have, sorted by its word and then as a document lives."""
    found: dict[str, None] = {}
    for kind in KINDS.values():
        for word in dict.fromkeys((kind.word, *kind.by_type.values())):
            debt = (OVERDUE,) if kind.by_type else ()
            for name in (*OF_ALL[:2], *(rule.name for rule in kind.rules), *debt, OF_ALL[2]):
                found[f"{word}.{name}"] = None
    return tuple(found)
