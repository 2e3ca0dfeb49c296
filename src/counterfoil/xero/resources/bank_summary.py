"""BankSummary: the one place where Xero tells the balances of bank accounts: a report, a call for all of them.

Called by app/bank_balances. In base currency, accounts in foreign currencies too (xero-facts §9: "balances/reads in base
currency even for FX accounts"); cells are text, an account is known by the attribute "accountID" of its row's first cell
(§5.21). Needs the scope accounting.reports.banksummary.read, and a user who may see reports.
"""

import datetime
import re
from decimal import Decimal
from typing import Final

from counterfoil import errors
from counterfoil.model.report import Report, Row
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "Reports/BankSummary"
PLURAL: Final = "Reports"
CLOSING: Final = "Closing Balance"
ACCOUNT: Final = "accountID"
_AMOUNT: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,4})?", re.ASCII)


async def closing(client: XeroClient, day: datetime.date, *, lane: str) -> dict[str, Decimal]:
    """What each bank account held at the end of a day, by AccountID, in base currency; below zero: overdrawn.

    Accounts that the report does not list, or of which it says no amount, are not among them. Costs one call. Raises Unclear
    for an answer that is no bank summary, and what XeroClient.get raises.
    """
    asked = {"fromDate": day.isoformat(), "toDate": day.isoformat()}
    report = paging.only(await client.get(PATH, asked, lane=lane), Report, PLURAL)
    column: int | None = None
    found: dict[str, Decimal] = {}
    for row in report.leaves():
        if row.row_type == "Header":
            column = next((n for n, cell in enumerate(row.cells or ()) if cell.value == CLOSING), None)
        elif column is not None:
            found |= _balance(row, column)
    if column is None:
        raise errors.Unclear(f"Xero's bank summary has no column {CLOSING!r}.")
    return found


def _balance(row: Row, column: int) -> dict[str, Decimal]:
    cells = row.cells or ()
    account_id = cells[0].about(ACCOUNT) if len(cells) > column else None
    text = cells[column].value or "" if account_id else ""
    return {account_id: Decimal(text)} if account_id and _AMOUNT.fullmatch(text) else {}
