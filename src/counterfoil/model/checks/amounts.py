"""Are a line's amounts within Xero's limits, and is the predicted total the one that the record expects?

Called by flows/sales_invoices. Implements facts 4.6 (limits) and design §5.4 (`expected_total`, totals below zero).
"""

from decimal import Decimal

from counterfoil.model import totals
from counterfoil.model.money import EXACT, ZERO, to_cents
from counterfoil.model.prepared import Finding
from counterfoil.model.records import Line, SalesInvoice


def line_findings(line: Line, amount: Decimal, path: str) -> list[Finding]:
    """Why the line's `amount` or its discount cannot be posted; empty when they can."""
    found = []
    if abs(amount) > totals.LINE_AMOUNT_MAX:
        reason = f"`{path}` amounts to {amount}; Xero takes at most {totals.LINE_AMOUNT_MAX}."
        found.append(Finding("amount-too-large", reason, "Split it into several lines.", path, str(amount)))
    if line.discount_rate is not None and line.discount_amount is not None:
        reason = f"`{path}` has both `discount_rate` and `discount_amount`."
        found.append(Finding("discount-twice", reason, "Give one of them.", path))
    elif line.discount_rate is not None and line.discount_rate > totals.HUNDRED:
        field = f"{path}.discount_rate"
        reason = f"`{field}` is more than 100 per cent: {line.discount_rate}."
        found.append(Finding("discount-too-large", reason, "Correct the discount.", field, str(line.discount_rate)))
    elif line.discount_amount and line.discount_amount > totals.line_amount(line.quantity, line.unit_amount):
        field = f"{path}.discount_amount"
        reason = f"`{field}` is more than the line itself: {line.discount_amount}."
        remedy = "Correct it, or give the discount as a line of its own."
        found.append(Finding("discount-too-large", reason, remedy, field, str(line.discount_amount)))
    return found


def total_findings(record: SalesInvoice, predicted: Decimal, currency: str) -> list[Finding]:
    """Why a document of the `predicted` total cannot be posted; empty when it can."""
    if predicted < ZERO:
        reason = f"The total is below zero: {predicted} {currency}."
        return [Finding("total-negative", reason, "Record it as a credit note.", "lines", str(predicted))]
    expected = record.expected_total
    if expected is None or expected == predicted:
        return []
    difference = to_cents(EXACT.subtract(predicted, expected))
    reason = (
        f"`expected_total` is {to_cents(expected)} {currency}, but Xero will compute {predicted} {currency} "
        f"(difference {difference:+})."
    )
    remedy = "Check quantities, prices, discounts, taxes and `amounts`; Xero rounds each line and its tax to cents."
    return [Finding("total-differs", reason, remedy, "expected_total", str(expected))]
