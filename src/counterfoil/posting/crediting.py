"""An invoice that may no longer be voided is credited: which credit note, how much of it comes off, what comes next. Pure.

Called by weighing, for `on_change = "reissue"`. Xero keeps what was paid, sent or locked (facts §4.8), so the way back is
a credit note for all of it, dated in the first open day where its own day is closed, allocated to the invoice as far as
that is still owed (facts §5.9). The rest stays as credit on the customer. Then the record gets its new invoice.
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model.prepared import Finding, Predicted, PredictedLine
from counterfoil.posting import kinds, standing
from counterfoil.posting.changing import REISSUE
from counterfoil.posting.comparing import Change
from counterfoil.store.credited import Chain
from counterfoil.store.postings import Posting

CURES = frozenset({"document-paid", "document-sent", "locked-document"})  # causes that a credit note answers
SUFFIX = "-CN"
NUMBER_MAX = 255
ONE_DAY = datetime.timedelta(days=1)
_LINE = ("ItemCode", "Description", "Quantity", "UnitAmount", "AccountCode", "TaxType", "TaxAmount")


class Step(msgspec.Struct, frozen=True):
    """The next posting of the chain: its kind, what Xero is sent, and what we expect it to store, as JSON values.

    `number` None: Xero numbers it. `total` in `currency`.
    """

    kind: str
    element: dict[str, Any]
    predicted: Any
    total: Decimal
    currency: str
    date: datetime.date | None = None
    number: str | None = None


def answers(posting: Posting, stopped: Finding) -> bool:
    """True when a credit note is the way around what stopped a reissue."""
    return posting.action == REISSUE and posting.kind == kinds.INVOICE.name and stopped.cause in CURES


def edits(theirs: Sequence[Change], stored: Mapping[str, Any]) -> tuple[Change, ...]:
    """Of the differences to what was posted those that a person's hand made: paying and sending are not among them.

    Approving is: what was posted as a draft and is paid now was a person's decision.
    """
    paid = stored.get("Status") == "PAID"
    approved = standing.shown("AUTHORISED")
    return tuple(
        change
        for change in theirs
        if change.field != "sent" and not (paid and change.field == "status" and change.posted == approved)
    )


def credit_note(posting: Posting, stored: Mapping[str, Any], closed: datetime.date | None, why: str) -> Step | Finding:
    """The credit note for all of an invoice as Xero has it; a Finding when none can be for its very amount."""
    number = str(stored.get("InvoiceNumber") or "")
    sub_total, tax, total = (Decimal(str(stored.get(name) or 0)) for name in ("SubTotal", "TotalTax", "Total"))
    if sub_total + tax != total:
        return _rounded(number, total - sub_total - tax, str(stored.get("CurrencyCode")))
    day = standing.theirs_head(stored, "Date")
    moved = closed is not None and day is not None and day <= closed
    date = closed + ONE_DAY if moved and closed is not None else day
    lines = [_line(line) for line in stored.get("LineItems") or ()]
    own = f"{number}{SUFFIX}" if posting.own_number and len(number) + len(SUFFIX) <= NUMBER_MAX else None
    element: dict[str, Any] = {
        "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Date": date.isoformat(),
        "CurrencyCode": stored["CurrencyCode"], "LineAmountTypes": stored["LineAmountTypes"], "LineItems": lines,
        "Reference": f"Credits {number}".strip(),
    }  # fmt: skip
    if own is not None:
        element["InvoiceNumber"] = own
    rate = Decimal(str(stored.get("CurrencyRate") or 1))
    if rate != 1:
        element["CurrencyRate"] = rate
    notes = [f"{why} So it is credited in full."]
    if moved:
        notes.append(f"Its own day {day} is closed, so the credit note is dated {date}.")
    predicted = Predicted(
        status="AUTHORISED", date=date, due_date=None, currency=stored["CurrencyCode"], sub_total=sub_total,
        total_tax=tax, total=total, lines=tuple(map(_foreseen, stored.get("LineItems") or ())), notes=tuple(notes),
    )  # fmt: skip
    return Step(kinds.CREDIT, element, predicted, total, stored["CurrencyCode"], date, own)


def _line(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the invoice as a credit note takes it: those know no discounts (facts §5.9), so the price has it."""
    line = {key: stored[key] for key in _LINE if stored.get(key) is not None}
    if stored.get("Tracking"):
        line["Tracking"] = [{"Name": one["Name"], "Option": one["Option"]} for one in stored["Tracking"]]
    discount = next((stored[key] for key in ("DiscountRate", "DiscountAmount") if stored.get(key)), None)
    if discount is not None:
        told = (
            f"{stored.get('Description') or ''} ({stored.get('Quantity')} × {stored.get('UnitAmount')}, less discount)"
        )
        line |= {"Description": told.strip(), "Quantity": 1, "UnitAmount": stored["LineAmount"]}
    return line


def _foreseen(stored: Mapping[str, Any]) -> PredictedLine:
    amount, tax = (Decimal(str(stored.get(name) or 0)) for name in ("LineAmount", "TaxAmount"))
    return PredictedLine(stored.get("AccountCode"), stored.get("TaxType"), amount, tax)


def next_step(chain: Chain, stored: Mapping[str, Any]) -> Step | Finding | int | None:
    """What follows now that the credit note was sent: the allocation, the posting to wait for, or None: all is done."""
    credit, allocation = chain.credit, chain.allocation
    assert credit is not None
    if credit.state != "posted" or (credit.cause is not None and credit.skipped is None):
        return credit.id
    if stored.get("Status") in ("VOIDED", "DELETED"):
        return _ended_besides(stored, credit)
    if allocation is not None and allocation.state in ("sending", "uncertain"):
        return allocation.id
    due = Decimal(str(stored.get("AmountDue") or 0))
    settled = allocation is not None and (allocation.state == "posted" or allocation.skipped is not None)
    if settled or due <= 0 or credit.total is None:
        return None
    amount, invoice_id = min(due, credit.total), str(stored["InvoiceID"])
    element = {"Amount": amount, "Invoice": {"InvoiceID": invoice_id}}
    return Step(
        kinds.ALLOCATION.name, element, {"amount": amount, "invoice_id": invoice_id}, amount, stored["CurrencyCode"]
    )


def left(chain: Chain) -> Decimal:
    """What of the credit note is not allocated to its invoice, in the documents' currency."""
    credit, allocation = chain.credit, chain.allocation
    assert credit is not None
    done = allocation.total if allocation is not None and allocation.state == "posted" else None
    return (credit.total or Decimal(0)) - (done or Decimal(0))


def told(number: str, chain: Chain) -> str:
    """What a bookkeeper has to know of an invoice that was credited."""
    assert chain.credit is not None
    name = chain.credit.document_number or chain.credit.number or "a credit note"
    if not left(chain):
        return f"{number} was credited by {name}, which is allocated to it."
    return f"{number} was credited. {left_with_customer(chain)}"


def left_with_customer(chain: Chain) -> str:
    """That not all of a credit note came off its invoice, and what to do with the rest."""
    credit = chain.credit
    assert credit is not None
    name = credit.document_number or credit.number or "a credit note"
    if credit.how == "adopted":  # made in a time that this database forgot, and perhaps allocated then
        return (
            f"{name} was found in Xero: what of it is not allocated stays as credit on the customer; look at it there."
        )
    return (
        f"Of {name}, {left(chain):.2f} {credit.currency} stay as credit on the customer: allocate it to another "
        "invoice or refund it in Xero."
    )


def _rounded(number: str, rounding: Decimal, currency: str) -> Finding:
    return Finding(
        "credit-rounded",
        f"{number} has a rounding of {rounding:.2f} {currency}, which no credit note takes.",
        "Make the credit note in Xero by hand and `counterfoil problems skip`, or undo the change in the source.",
    )


def _ended_besides(stored: Mapping[str, Any], credit: Posting) -> Finding:
    name = credit.document_number or credit.number
    return Finding(
        "voided-by-a-person",
        f"{stored.get('InvoiceNumber')} was {str(stored['Status']).lower()} in Xero by a person, and it is credited too, "
        f"by {name}.",
        f"Void {name} in Xero, then `counterfoil problems skip`; no new invoice is made.",
    )
