"""What a payment may be: its document, account, amount and date, and what Xero says otherwise (facts 5.10).

Called by `payments`, `allocations` and `bank_transfers`. The facts know three of the sentences (amount, status, account); the others are ours.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import document_rules
from counterfoil.sandbox.resources.document_kinds import PAYABLES, Payable
from counterfoil.sandbox.tables import Row

TOO_MUCH = "Payment amount exceeds the amount outstanding on this document"
NOT_AUTHORISED = "Payments can only be made against Authorised documents"
NO_ACCOUNT = "Account could not be found"
NOT_PAYABLE = "The account cannot be used for payments: it is neither a bank account nor enabled for them."
NO_AMOUNT = "Payment amount must be greater than zero"
NO_BANK_AMOUNT = "Bank amount must be greater than zero"
NO_DOCUMENT = "The document that is paid could not be found"
NOT_ONE_DOCUMENT = "A payment needs one document: an Invoice, a CreditNote, an Overpayment or a Prepayment."
IMMUTABLE = "A payment cannot be changed, it can only be deleted."
DELETED = "The payment has been deleted."
IN_A_BATCH = "The payment is part of a batch payment: delete the batch payment instead."
RECONCILED = "The payment has been reconciled and cannot be deleted."

_CENT = Decimal("0.01")


class Target(NamedTuple):
    """What a payment is on."""

    kind: Payable
    row: Row


def target(call: Call, posted: Row) -> Target | None:
    """The one document that is named, by id or number, of the right kind (facts 8, 11 Aug 2025); None: there is none."""
    for kind in PAYABLES:
        named = _named(posted, kind)
        if named:
            table = call.books.table(kind.plural)
            own_id = named.get(kind.id_key)
            row = table.get(own_id or "")
            if row is None and not own_id and kind.number_key:
                row = table.first("number", fold(named.get(kind.number_key)))
            return None if row is None else Target(kind, row)
    return None


def _named(posted: Row, kind: Payable) -> Row:
    """What names a document of this kind, inside its member or beside it."""
    named = dict(posted.get(kind.singular, {}))
    if kind.number_key and kind.number_key in posted:
        named.setdefault(kind.number_key, posted[kind.number_key])
    return named


def targets_named(posted: Row) -> int:
    """How many kinds of document a posted payment names."""
    return sum(bool(_named(posted, kind)) for kind in PAYABLES)


def account(call: Call, posted: Row) -> tuple[Row | None, list[str]]:
    """The account that is paid into or from: a bank account, or one that takes payments."""
    named = posted.get("Account", {})
    code = named.get("Code") or posted.get("Code")
    table = call.books.table("Accounts")
    row = table.get(named["AccountID"]) if "AccountID" in named else table.first("code", fold(code))
    if row is None or row["Status"] != "ACTIVE":
        return None, [NO_ACCOUNT]
    # A bank account says that payments are not enabled for it, and takes them (Appendix C).
    return row, [] if row["Type"] == "BANK" or row["EnablePaymentsToAccount"] else [NOT_PAYABLE]


def cents(sent: Decimal) -> Decimal:
    """An amount as it is stored: half a cent goes up, as everywhere at Xero (facts 4.6)."""
    return sent.quantize(_CENT, ROUND_HALF_UP)


def amount(posted: Row, found: Target) -> list[str]:
    """Whether the amount is one, and no more than what is left of the document."""
    given = cents(posted.get("Amount", Decimal(0)))
    if given <= 0:
        return [NO_AMOUNT]
    if cents(posted.get("BankAmount", given)) <= 0:
        return [NO_BANK_AMOUNT]
    if found.row["Status"] not in document_rules.APPROVED:
        return [NOT_AUTHORISED]
    return [TOO_MUCH] if given > found.row[found.kind.open_key] else []


def deletion(call: Call, payment: Row, asked: str | None) -> list[str]:
    """Whether a payment may be changed so: deleted, once, outside locked periods, and not when it is reconciled.

    What Xero does with a reconciled one through the API is not known: a switch lets it go.
    """
    if asked != "DELETED":
        return [IMMUTABLE]
    if payment["Status"] == "DELETED":
        return [DELETED]
    if "BatchPaymentID" in payment:
        return [IN_A_BATCH]
    if payment["IsReconciled"] and call.world.unknowns.plays("reconciled-deletion", "refused"):
        return [RECONCILED]
    return document_rules.locked(call.books, wire.day_of(payment["Date"]))


def day(call: Call, posted: Row) -> date:
    """The payment's date: as sent, else today where the organisation is."""
    given: date | None = posted.get("Date")
    return given or call.books.today(call.world.clock.now())
