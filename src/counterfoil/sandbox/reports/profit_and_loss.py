"""ProfitAndLoss: income, costs and what is left, for periods side by side or tracking options (facts 5.21).

Called by `resources.reports`. Periods reuse the same days of each month. With trackingCategoryID there is a column for
each of its options and one for what has none, with trackingCategoryID2 one for each pair; trackingOptionID and
trackingOptionID2 keep that option alone.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.ledger import sums
from counterfoil.sandbox.reports import asked, shape
from counterfoil.sandbox.tables import Row

COLUMNS_MAX: Final = 1_000
INCOME: Final = ("Income", -1, ("REVENUE", "SALES"))
COST_OF_SALES: Final = ("Less Cost of Sales", 1, ("DIRECTCOSTS",))
OTHER_INCOME: Final = ("Plus Other Income", -1, ("OTHERINCOME",))
OPERATING: Final = ("Less Operating Expenses", 1, ("EXPENSE", "OVERHEADS", "DEPRECIATN"))

Has = Callable[[frozenset[str]], bool]
Section = tuple[str, int, tuple[str, ...]]


class Column(NamedTuple):
    """One column: its label and the movements that it holds."""

    label: str
    keep: sums.Keep


def made(call: Call) -> Row:
    """The report from `fromDate` to `toDate`."""
    this = asked.month(asked.today(call))
    period = asked.Period(asked.day(call, "fromdate", this.start), asked.day(call, "todate", this.end))
    found = sums.movements(call.books, cash=call.flag("paymentsonly"))
    columns = _columns(call, period)
    values = [sums.summed(found, column.keep) for column in columns]
    rows, profit = [shape.header("", *(column.label for column in columns))], [shape.ZERO] * len(columns)
    for part, total in ((INCOME, ""), (COST_OF_SALES, "Gross Profit"), (OTHER_INCOME, ""), (OPERATING, "Net Profit")):
        section, amounts = _section(call, part, values)
        profit = [sum_ - part[1] * amount for sum_, amount in zip(profit, amounts, strict=True)]
        rows += section
        if total:
            rows.append(
                shape.section("", [shape.row(shape.cell(total), *(shape.cell(shape.money(each)) for each in profit))])
            )
    titles = ["Profit and Loss", call.books.name, f"{shape.long_day(period.start)} to {shape.long_day(period.end)}"]
    return shape.report(call, "ProfitAndLoss", "Profit and Loss", titles, rows)


def _section(call: Call, part: Section, values: list[dict[str, Decimal]]) -> tuple[list[Row], list[Decimal]]:
    """The section of these types of account with its total, left out when nothing moved; and its amounts."""
    title, sign, types = part
    totals = [shape.ZERO] * len(values)
    rows = []
    for account in sorted(call.books.table("Accounts"), key=lambda row: row["Name"].casefold()):
        own_id = account["AccountID"]
        if account["Type"] not in types or not any(own_id in sums_ for sums_ in values):
            continue
        amounts = [sign * sums_.get(own_id, shape.ZERO) for sums_ in values]
        totals = [total + amount for total, amount in zip(totals, amounts, strict=True)]
        own = ("account", own_id)
        rows.append(
            shape.row(shape.cell(account["Name"], own), *(shape.cell(shape.money(each), own) for each in amounts))
        )
    if not rows:
        return [], totals
    label = f"Total {title.removeprefix('Less ').removeprefix('Plus ')}"
    rows.append(shape.summary(label, [shape.money(total) for total in totals]))
    return [shape.section(title, rows)], totals


def _columns(call: Call, period: asked.Period) -> list[Column]:
    """A column for each period, or for each option of one or two tracking categories."""
    first, second = asked.guid(call, "trackingcategoryid"), asked.guid(call, "trackingcategoryid2")
    chosen = asked.guid(call, "trackingoptionid"), asked.guid(call, "trackingoptionid2")
    wanted = [option for option in chosen if option]
    if first is not None and not wanted:
        return _by_option(call, period, first, second)

    def within(part: asked.Period) -> sums.Keep:
        return lambda one: part.start <= one.day <= part.end and one.options.issuperset(wanted)

    shifted = [asked.Period(asked.back(period.start, step), asked.back(period.end, step)) for step in asked.steps(call)]
    return [Column(shape.short_day(part.end), within(part)) for part in shifted]


def _by_option(call: Call, period: asked.Period, first: str, second: str | None) -> list[Column]:
    """Every option of a category, or every pair of two, and what has none; the last column is all of it."""
    groups = _groups(call, first)
    if second is not None:
        groups = [(f"{one} - {other}", _both(a, b)) for one, a in groups for other, b in _groups(call, second)]
    if len(groups) > COLUMNS_MAX:
        asked.refuse(f"The report would have more than {COLUMNS_MAX} columns.")

    def within(has: Has) -> sums.Keep:
        return lambda one: period.start <= one.day <= period.end and has(one.options)

    return [*(Column(label, within(has)) for label, has in groups), Column("Total", within(lambda _: True))]


def _both(one: Has, other: Has) -> Has:
    return lambda options: one(options) and other(options)


def _groups(call: Call, category_id: str) -> list[tuple[str, Has]]:
    """The options of a category with the test of a line's options for each, and Unassigned."""
    category = call.books.table("TrackingCategories").get(category_id)
    if category is None:
        asked.refuse("The tracking category could not be found.")
    ids = frozenset(option["TrackingOptionID"] for option in category["Options"])

    def having(own_id: str) -> Has:
        return lambda options: own_id in options

    groups = [(option["Name"], having(option["TrackingOptionID"])) for option in category["Options"]]
    return [*groups, ("Unassigned", lambda options: not options & ids)]
