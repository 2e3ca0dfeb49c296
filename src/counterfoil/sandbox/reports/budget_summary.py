"""BudgetSummary: the overall budget by account, month by month or in longer periods (facts 5.21).

Called by `resources.reports`. A period is called by its last month. Assumed, where no source tells: it begins with the month
of `date`, and without `periods` and `timeframe` it has twelve periods of a month.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.reports import asked, profit_and_loss, shape
from counterfoil.sandbox.resources import budgets
from counterfoil.sandbox.tables import Row

PERIODS_MAX: Final = 12
TIMEFRAMES: Final = ("1", "3", "12")
_SIGN_FREE: Final = (
    (profit_and_loss.INCOME, 1, "", ""),
    (profit_and_loss.COST_OF_SALES, -1, "", "Gross Profit"),
    (profit_and_loss.OTHER_INCOME, 1, "", ""),
    (profit_and_loss.OPERATING, -1, "Total Expenses", "Net Profit"),
)


def made(call: Call) -> Row:
    """The report from the month of `date` on."""
    first = asked.month(asked.day(call, "date", asked.today(call))).start
    count, length = _asked(call)
    ends = [asked.month_end(asked.back(first, -(length * number + length - 1))) for number in range(count)]
    budget = budgets.overall(call.books)
    amounts = _amounts(budget, [(f"{asked.back(end, length - 1):%Y-%m}", f"{end:%Y-%m}") for end in ends])
    rows, profit = [shape.header("Account", *(f"{end:%b-%y}" for end in ends))], [shape.ZERO] * count
    for part, sign, always, total in _SIGN_FREE:
        inside, sums = _section(call, part, amounts, count, always)
        profit = [before + sign * amount for before, amount in zip(profit, sums, strict=True)]
        rows += inside
        if total:
            rows.append(shape.section("", [shape.summary(total, map(shape.money, profit))]))
    name = "Overall Budget" if budget is None else budget["Description"]
    titles = [name, "Budget Summary", call.books.name, f"{first:%B %Y} to {ends[-1]:%B %Y}"]
    return shape.report(call, "BudgetSummary", "Budget Summary", titles, rows)


def _asked(call: Call) -> tuple[int, int]:
    """How many periods, of how many months."""
    count, frame = call.query.get("periods", str(PERIODS_MAX)), call.query.get("timeframe", TIMEFRAMES[0])
    if count not in {str(number) for number in range(1, PERIODS_MAX + 1)}:
        asked.refuse(f"The parameter periods must be a number from 1 to {PERIODS_MAX}.")
    if frame not in TIMEFRAMES:
        asked.refuse(f"The parameter timeframe must be one of {', '.join(TIMEFRAMES)}.")
    return int(count), int(frame)


def _amounts(budget: Row | None, periods: list[tuple[str, str]]) -> dict[str, list[Decimal]]:
    """What is budgeted on each account in each period."""
    found: dict[str, list[Decimal]] = {}
    for line in [] if budget is None else budget["BudgetLines"]:
        sums = found.setdefault(line["AccountID"], [shape.ZERO] * len(periods))
        for one in line["BudgetBalances"]:
            for place, (first, last) in enumerate(periods):
                if first <= one["Period"] <= last:
                    sums[place] += one["Amount"]
    return found


def _section(
    call: Call, part: profit_and_loss.Section, amounts: dict[str, list[Decimal]], count: int, always: str
) -> tuple[list[Row], list[Decimal]]:
    """The accounts of these types with their total; `always`: a total that is there even of nothing."""
    title, _, types = part
    totals, rows = [shape.ZERO] * count, []
    for account in sorted(call.books.table("Accounts"), key=lambda row: row["Name"].casefold()):
        own = amounts.get(account["AccountID"])
        if own is not None and account["Type"] in types:
            totals = [total + amount for total, amount in zip(totals, own, strict=True)]
            name = shape.cell(account["Name"], ("account", account["AccountID"]))
            rows.append(shape.row(name, *(shape.cell(shape.money(amount)) for amount in own)))
    if not rows and not always:
        return [], totals
    label = always or f"Total {title.removeprefix('Less ').removeprefix('Plus ')}"
    return [shape.section(title if rows else "", [*rows, shape.summary(label, map(shape.money, totals))])], totals
