"""TrialBalance: each account's movement in the month and its balance in the financial year (facts 5.21).

Called by `resources.reports`. What earlier years earned is on retained earnings, so that both columns always balance.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import entry, sums
from counterfoil.sandbox.reports import asked, shape
from counterfoil.sandbox.tables import Row

_SECTIONS: Final = {
    "REVENUE": "Revenue",
    "EXPENSE": "Expenses",
    "ASSET": "Assets",
    "LIABILITY": "Liabilities",
    "EQUITY": "Equity",
}
_CREDIT: Final = frozenset({"REVENUE", "LIABILITY", "EQUITY"})
EARNED: Final = frozenset({"REVENUE", "EXPENSE"})


def made(call: Call) -> Row:
    """The report as at `date`."""
    day = asked.day(call, "date", asked.today(call))
    found = sums.movements(call.books, cash=call.flag("paymentsonly"))
    balances = at(call.books, found, day)
    start = asked.month(day).start
    moved = sums.summed(found, lambda one: start <= one.day <= day)
    accounts = sorted(call.books.table("Accounts"), key=lambda row: (row["Name"].casefold(), row.get("Code", "")))
    before = asked.year_start(call.books, day) - timedelta(days=1)
    sections, totals = [], [shape.ZERO] * 4
    for kind, title in _SECTIONS.items():
        rows = []
        for account in accounts:
            own_id = account["AccountID"]
            if account["Class"] != kind or own_id not in balances.keys() | moved.keys():
                continue
            values = [*_sides(kind, moved.get(own_id, shape.ZERO)), *_sides(kind, balances.get(own_id, shape.ZERO))]
            totals = [total + (value or 0) for total, value in zip(totals, values, strict=True)]
            rows.append(_row(account, values, before if account.get("SystemAccount") == entry.RETAINED else None))
        if rows:
            sections.append(shape.section(title, rows))
    total = shape.section("", [shape.summary("Total", [shape.money(total) for total in totals])])
    head = shape.header("Account", "Debit", "Credit", "YTD Debit", "YTD Credit")
    titles = ["Trial Balance", call.books.name, f"As at {shape.long_day(day)}"]
    return shape.report(call, "TrialBalance", "Trial Balance", titles, [head, *sections, total])


def at(books: Books, found: list[sums.Movement], day: date) -> dict[str, Decimal]:
    """Every account's balance on a day: what is earned counts from the start of the year, before it is retained."""
    start = asked.year_start(books, day)
    classes = {row["AccountID"]: row["Class"] for row in books.table("Accounts")}
    balances = sums.summed(
        found, lambda one: one.day <= day and (one.day >= start or classes.get(one.account) not in EARNED)
    )
    kept = sums.summed(found, lambda one: one.day < start and classes.get(one.account) in EARNED)
    retained = sum(kept.values(), shape.ZERO)
    if retained:
        own_id = entry.system(books, entry.RETAINED)
        balances[own_id] = balances.get(own_id, shape.ZERO) + retained
    return balances


def _sides(kind: str, amount: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Debit and credit; nothing is nothing on the side where such an account usually is."""
    is_credit = amount < 0 or (not amount and kind in _CREDIT)
    return (None, -amount) if is_credit else (amount, None)


def _row(account: Row, values: list[Decimal | None], retained_to: date | None) -> Row:
    own = ("account", account["AccountID"])
    dates = [] if retained_to is None else [("fromDate", ""), ("toDate", shape.american(retained_to))]
    name = f"{account['Name']} ({account['Code']})" if account.get("Code") else account["Name"]
    cells = [shape.cell("" if value is None else shape.money(value), own, *dates) for value in values]
    return shape.row(shape.cell(name, own), *cells)
