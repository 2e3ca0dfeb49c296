"""BankSummary: each bank account's cash received and spent between two balances, in base currency (facts 5.21).

Called by `resources.reports`.
"""

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.ledger import sums
from counterfoil.sandbox.reports import asked, shape
from counterfoil.sandbox.tables import Row


def made(call: Call) -> Row:
    """The report from `fromDate` to `toDate`."""
    this = asked.month(asked.today(call))
    start, end = asked.day(call, "fromdate", this.start), asked.day(call, "todate", this.end)
    found = sums.movements(call.books, cash=False)
    opening = sums.summed(found, lambda one: one.day < start)
    received = sums.summed(found, lambda one: start <= one.day <= end and one.net > 0)
    spent = sums.summed(found, lambda one: start <= one.day <= end and one.net < 0)
    totals = [shape.ZERO] * 4
    rows = []
    for account in call.books.table("Accounts"):
        if account["Type"] != "BANK":
            continue
        own_id = account["AccountID"]
        first, into, out = (each.get(own_id, shape.ZERO) for each in (opening, received, spent))
        values = [first, into, -out, first + into + out]
        totals = [total + value for total, value in zip(totals, values, strict=True)]
        opened, got, gone, closed = map(shape.money, values)
        own = ("account", own_id)
        name = shape.cell(account["Name"], ("accountID", own_id))
        rows.append(
            shape.row(name, shape.cell(opened), shape.cell(got, own), shape.cell(gone, own), shape.cell(closed))
        )
    rows.append(shape.summary("Total", [shape.money(total) for total in totals]))
    head = shape.header("Bank Accounts", "Opening Balance", "Cash Received", "Cash Spent", "Closing Balance")
    titles = ["Bank Summary", call.books.name, f"From {shape.long_day(start)} to {shape.long_day(end)}"]
    return shape.report(call, "BankSummary", "Bank Summary", titles, [head, shape.section("", rows)])
