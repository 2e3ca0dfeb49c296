"""What a bank transaction may be: its account, kind and changes, and what Xero says otherwise (facts 5.13).

Called by `bank_transactions` and `bank_transfers`. The facts know the sentence about states; the others are ours.
"""

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import document_rules
from counterfoil.sandbox.tables import Row

NO_BANK_ACCOUNT = "The bank account could not be found"
NOT_A_BANK_ACCOUNT = "The account is not a bank account"
READ_ONLY_TYPE = "A transfer is made with BankTransfers"
NEGATIVE = "The total of a bank transaction must not be negative"
OTHER_CURRENCY = "The currency of the transaction must be that of its bank account"
RECONCILED = "The bank transaction has been reconciled: its amounts cannot be changed, and it cannot be deleted"
USED = "The bank transaction cannot be changed because it has been allocated or refunded"
FIXED_WHEN_RECONCILED = frozenset({"Type", "Date", "LineItems", "LineAmountTypes", "CurrencyRate", "BankAccount"})


def account(call: Call, named: Row) -> tuple[Row | None, list[str]]:
    """The active bank account that is named by id or code."""
    table = call.books.table("Accounts")
    row = table.get(named["AccountID"]) if "AccountID" in named else table.first("code", fold(named.get("Code")))
    if row is None or row["Status"] != "ACTIVE":
        return None, [NO_BANK_ACCOUNT]
    return (row, []) if row["Type"] == "BANK" else (None, [NOT_A_BANK_ACCOUNT])


def change(call: Call, before: Row, posted: Row, credit: Row | None) -> list[str]:
    """Whether a stored transaction may be changed so; `credit` is the over- or prepayment that it made."""
    if before["Status"] != "AUTHORISED" or before["Type"].endswith("TRANSFER"):
        return [document_rules.NOT_FOR_MODIFICATION]
    goes = posted.get("Status") == "DELETED"
    if credit is not None and (credit["Allocations"] or credit["Payments"]):
        return [USED]
    if credit is not None and not goes and posted.keys() & FIXED_WHEN_RECONCILED:
        return [document_rules.NOT_FOR_MODIFICATION]
    if (
        before["IsReconciled"]
        and posted.get("IsReconciled", True)
        and call.world.unknowns.plays("reconciled-deletion", "refused")
    ):
        return [RECONCILED] if goes or posted.keys() & FIXED_WHEN_RECONCILED else []
    return []
