"""BalanceSheet: what there is and whose it is, on a date and on the same dates before it (facts 5.21).

Called by `resources.reports`. The end of a month is compared with the ends of months. Current Year Earnings is no
account: its id is the zero GUID. With tracking options only their lines count, and the sheet need not balance.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.ledger import sums
from counterfoil.sandbox.reports import asked, shape, trial_balance
from counterfoil.sandbox.tables import Row

ASSETS: Final = {
    "Bank": ("BANK",),
    "Current Assets": ("CURRENT", "INVENTORY", "PREPAYMENT"),
    "Fixed Assets": ("FIXED",),
    "Non-current Assets": ("NONCURRENT",),
}
LIABILITIES: Final = {
    "Current Liabilities": ("CURRLIAB", "PAYG"),
    "Non-current Liabilities": ("TERMLIAB", "LIABILITY"),
}

Sums = dict[str, Decimal]
Wanted = Callable[[Row], bool]


def made(call: Call) -> Row:
    """The report as at `date`."""
    day = asked.day(call, "date", asked.month_end(asked.today(call)))
    days = [_back(day, step) for step in asked.steps(call)]
    options = asked.guid(call, "trackingoptionid1"), asked.guid(call, "trackingoptionid2")
    wanted = {option for option in options if option}
    found = [one for one in sums.movements(call.books, cash=call.flag("paymentsonly")) if one.options >= wanted]
    values = [trial_balance.at(call.books, found, each) for each in days]
    assets, owned = _side(call, "Assets", ASSETS, 1, values)
    liabilities, owed = _side(call, "Liabilities", LIABILITIES, -1, values)
    net = [own - owe for own, owe in zip(owned, owed, strict=True)]
    rows = [
        shape.header("", *(shape.short_day(each) for each in days)),
        *assets,
        *liabilities,
        shape.section("", [shape.row(shape.cell("Net Assets"), *(shape.cell(shape.money(each)) for each in net))]),
        _equity(call, days, values),
    ]
    titles = ["Balance Sheet", call.books.name, f"As at {shape.long_day(day)}"]
    return shape.report(call, "BalanceSheet", "Balance Sheet", titles, rows)


def _of(types: tuple[str, ...]) -> Wanted:
    return lambda account: account["Type"] in types


def _back(day: date, months: int) -> date:
    earlier = asked.back(day, months)
    return asked.month_end(earlier) if day == asked.month_end(day) else earlier


def _side(
    call: Call, name: str, parts: Mapping[str, tuple[str, ...]], sign: int, values: list[Sums]
) -> tuple[list[Row], list[Decimal]]:
    """Assets or liabilities with their sections and total; and that total."""
    rows = [shape.section(name, [])]
    totals = [shape.ZERO] * len(values)
    for title, types in parts.items():
        inside, amounts = _rows(call, _of(types), sign, values)
        if inside:
            label = shape.summary(f"Total {title}", [shape.money(amount) for amount in amounts])
            rows.append(shape.section(title, [*inside, label]))
        totals = [total + amount for total, amount in zip(totals, amounts, strict=True)]
    total = shape.summary(f"Total {name}", [shape.money(total) for total in totals])
    return [*rows, shape.section("", [total])], totals


def _equity(call: Call, days: list[date], values: list[Sums]) -> Row:
    classes = {row["AccountID"]: row["Class"] for row in call.books.table("Accounts")}
    earned = [
        -sum((net for own_id, net in each.items() if classes.get(own_id) in trial_balance.EARNED), shape.ZERO)
        for each in values
    ]
    own = ("account", wire.ZERO_GUID)
    cells = [
        shape.cell(
            shape.money(amount),
            own,
            ("fromDate", shape.american(asked.year_start(call.books, day))),
            ("toDate", shape.american(day)),
        )
        for amount, day in zip(earned, days, strict=True)
    ]
    inside, amounts = _rows(call, lambda account: account["Class"] == "EQUITY", -1, values)
    totals = [one + other for one, other in zip(earned, amounts, strict=True)]
    rows = [shape.row(shape.cell("Current Year Earnings", own), *cells), *inside]
    return shape.section("Equity", [*rows, shape.summary("Total Equity", [shape.money(total) for total in totals])])


def _rows(call: Call, wanted: Wanted, sign: int, values: list[Sums]) -> tuple[list[Row], list[Decimal]]:
    """A row for each account that is wanted and has a balance on one of the days; and their sums."""
    totals = [shape.ZERO] * len(values)
    rows = []
    for account in sorted(call.books.table("Accounts"), key=lambda row: row["Name"].casefold()):
        own_id = account["AccountID"]
        if not wanted(account) or not any(each.get(own_id) for each in values):
            continue
        amounts = [sign * each.get(own_id, shape.ZERO) for each in values]
        totals = [total + amount for total, amount in zip(totals, amounts, strict=True)]
        own = ("account", own_id)
        rows.append(
            shape.row(shape.cell(account["Name"], own), *(shape.cell(shape.money(each), own) for each in amounts))
        )
    return rows, totals
