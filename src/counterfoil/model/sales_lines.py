"""The lines of a sale: what is sent of each, what Xero will make of it, and what is wrong with the others.

Called by flows/sales_invoices. Pure; the elements are LineItems for `unitdp=4` (facts 4.6, 5.0 to 5.9).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model import totals
from counterfoil.model.checks import amounts, lines, tracking
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, PredictedLine
from counterfoil.model.records import Line, SalesInvoice


class Draft(msgspec.Struct, frozen=True):
    """A line as it will be sent, what Xero will make of it, and whether a difference may move its tax."""

    element: dict[str, Any]
    predicted: PredictedLine
    open: bool


def drafts(record: SalesInvoice, ledger: Ledger, found: list[Finding]) -> list[Draft]:
    """The lines that can be posted; what is wrong with the others is added to `found`."""
    made = []
    for index, line in enumerate(record.lines):
        path = f"lines[{index}]"
        amount = totals.line_amount(line.quantity, line.unit_amount, line.discount_rate, line.discount_amount)
        found += amounts.line_findings(line, amount, path)
        if line.tracking:
            found += tracking.tracking_findings(line, ledger, path)
        account = lines.account_of(line, ledger, path)
        if isinstance(account, Finding):
            found.append(account)
            continue
        rate = lines.tax_of(line, account, ledger, record.amounts, path)
        if isinstance(rate, Finding):
            found.append(rate)
            continue
        percent = rate.percent if rate else Decimal(0)
        tax = line.tax_amount
        if tax is None or rate is None:
            tax = totals.line_tax(amount, percent, record.amounts)
        tax_type = rate.tax_type if rate and line.tax != lines.ACCOUNT_DEFAULT else None
        predicted = PredictedLine(account.code, rate.tax_type if rate else None, amount, tax)
        may_move = line.tax_amount is None and bool(percent)
        made.append(Draft(_line_element(line, account.code, tax_type), predicted, may_move))
    return made


def sums(predicted: Sequence[PredictedLine], record: SalesInvoice) -> totals.Totals:
    """What the lines come to."""
    return totals.document(((line.line_amount, line.tax_amount) for line in predicted), record.amounts)


def _line_element(line: Line, account_code: str, tax_type: str | None) -> dict[str, Any]:
    """A LineItem. Without `tax_type` Xero takes the account's own tax."""
    element: dict[str, Any] = {
        "Description": line.description,
        "Quantity": line.quantity,
        "UnitAmount": line.unit_amount,
        "AccountCode": account_code,
    }
    if tax_type is not None:
        element["TaxType"] = tax_type
    if line.tax_amount is not None:
        element["TaxAmount"] = line.tax_amount
    if line.discount_rate is not None:
        element["DiscountRate"] = line.discount_rate
    if line.discount_amount is not None:
        element["DiscountAmount"] = line.discount_amount
    if line.tracking:
        element["Tracking"] = [{"Name": name, "Option": option} for name, option in sorted(line.tracking.items())]
    return element
