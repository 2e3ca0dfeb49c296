"""A sale whose total is below zero becomes the credit note that it is: every sign turned round, to the same cent.

Called by flows/sales_invoices for `negative = "credit_note"` (design §5.4). Xero's credit notes have positive totals, no
discounts, no rounding amount and no sent mark that we could set (facts §4.6, §5.9).
"""

from typing import Any, Final

import msgspec

from counterfoil.model.money import EXACT, ZERO
from counterfoil.model.prepared import Finding, PredictedLine
from counterfoil.model.records import SalesInvoice
from counterfoil.model.totals import Totals

KIND: Final = "credit_note"
REFERENCE_MAX: Final = 238  # Xero's 255 less our mark, which ends every credit note's Reference
NOT_MARKED_SENT: Final = "Xero keeps no mark on a credit note that it was sent."
_DISCOUNTS: Final = ("DiscountRate", "DiscountAmount")


def findings(record: SalesInvoice, *, rounded: bool) -> list[Finding]:
    """Why the record cannot be a credit note. `rounded`: its total needs a rounding amount."""
    found = []
    if record.payments:
        reason = "`payments` are given, but the total is below zero: that is a refund, and those are not posted yet."
        remedy = "Leave `payments` out, and enter the refund on the credit note in Xero."
        found.append(Finding("refund-not-posted", reason, remedy, "payments"))
    if record.reference is not None and len(record.reference) > REFERENCE_MAX:
        size = len(record.reference)
        reason = f"`reference` is {size} characters long; {REFERENCE_MAX} have room beside our mark on a credit note."
        found.append(Finding("reference-too-long", reason, "Shorten it.", "reference", record.reference[:40]))
    if rounded:
        reason = (
            '`expected_total` differs, and as = "rounding" cannot even it out: a credit note has no rounding amount.'
        )
        remedy = 'Use "tax" or "line" for this flow.'
        found.append(Finding("total-differs", reason, remedy, "expected_total", str(record.expected_total)))
    return found


def element(line: dict[str, Any], predicted: PredictedLine) -> dict[str, Any]:
    """The line with its sign turned round. A discount is put into the price."""
    turned = {key: value for key, value in line.items() if key not in _DISCOUNTS}
    if any(line.get(key) for key in _DISCOUNTS):
        told = f"{line['Description']} ({line['Quantity']} × {line['UnitAmount']}, less discount)"
        turned |= {"Description": told, "Quantity": 1, "UnitAmount": EXACT.minus(predicted.line_amount)}
    elif line["UnitAmount"] < ZERO:
        turned["UnitAmount"] = EXACT.minus(line["UnitAmount"])
    else:
        turned["Quantity"] = EXACT.minus(line["Quantity"])
    if "TaxAmount" in line:
        turned["TaxAmount"] = EXACT.minus(line["TaxAmount"])
    return turned


def line(predicted: PredictedLine) -> PredictedLine:
    """What Xero makes of the turned line: rounding is the same on either side of zero."""
    amount, tax = EXACT.minus(predicted.line_amount), EXACT.minus(predicted.tax_amount)
    return msgspec.structs.replace(predicted, line_amount=amount, tax_amount=tax)


def sums(totals: Totals) -> Totals:
    """The totals of the turned document."""
    return Totals(EXACT.minus(totals.sub_total), EXACT.minus(totals.total_tax), EXACT.minus(totals.total))
