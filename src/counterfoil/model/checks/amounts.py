"""Are a line's amounts within Xero's limits, and is the total one that an invoice can have?

Called by flows/sales_invoices. Implements facts 4.6 (limits) and design §5.4 (totals below zero).
"""

from decimal import Decimal

from counterfoil.model import totals
from counterfoil.model.money import ZERO
from counterfoil.model.prepared import Finding
from counterfoil.model.records import Line


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


def negative_finding(total: Decimal, currency: str) -> Finding | None:
    """Why a document of this total cannot be posted; None when it can."""
    if total >= ZERO:
        return None
    reason = f"The total is below zero: {total} {currency}. That is a credit note, which this flow does not make."
    remedy = 'Write negative = "credit_note" into the flow, and it is posted as one; or correct the lines.'
    return Finding("total-negative", reason, remedy, "lines", str(total))
