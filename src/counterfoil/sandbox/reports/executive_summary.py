"""ExecutiveSummary: a month and the one before it in two dozen figures (facts 5.21).

Called by `resources.reports`. The figures are those that the published example can be worked back to: a return is the
month's profit twelve times over what there is net, days of debtors and creditors are what is owed over the month's
income or costs times its days, the forecast is debtors less creditors, and what cannot be divided stays empty.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.ledger import documents, entry, sums
from counterfoil.sandbox.reports import asked, balance_sheet, profit_and_loss, shape, trial_balance
from counterfoil.sandbox.tables import Row

_TENTH: Final = Decimal("0.1")
_CURRENT_ASSETS: Final = ("BANK", *balance_sheet.ASSETS["Current Assets"])
_CURRENT_LIABILITIES: Final = balance_sheet.LIABILITIES["Current Liabilities"]
_TERM_ASSETS: Final = (*balance_sheet.ASSETS["Fixed Assets"], *balance_sheet.ASSETS["Non-current Assets"])
_TERM_LIABILITIES: Final = balance_sheet.LIABILITIES["Non-current Liabilities"]


class Figures(NamedTuple):
    """A month in figures; `days` is how many it has. Liabilities are positive when they are owed."""

    received: Decimal
    spent: Decimal
    bank: Decimal
    income: Decimal
    direct: Decimal
    other: Decimal
    expenses: Decimal
    debtors: Decimal
    creditors: Decimal
    net_assets: Decimal
    invoices: int
    invoiced: Decimal
    current_assets: Decimal
    current_liabilities: Decimal
    term_assets: Decimal
    term_liabilities: Decimal
    days: int

    @property
    def gross(self) -> Decimal:
        """Gross profit."""
        return self.income - self.direct

    @property
    def profit(self) -> Decimal:
        """What is left."""
        return self.gross + self.other - self.expenses


def made(call: Call) -> Row:
    """The report for the month of `date`."""
    day = asked.day(call, "date", asked.today(call))
    this, last = asked.month(day), asked.month(asked.back(day.replace(day=1), 1))
    now, before = _figures(call, this), _figures(call, last)
    head = shape.header("", f"{this.end:%b %Y}", f"{last.end:%b %Y}", "Variance")
    titles = ["Executive Summary", call.books.name, f"For the month of {this.end:%B %Y}"]
    rows = [head, *(shape.section(title, rows) for title, rows in _sections(now, before).items())]
    return shape.report(call, "ExecutiveSummary", "Executive Summary", titles, rows)


def _sections(now: Figures, before: Figures) -> dict[str, list[Row]]:
    def money(label: str, one: Decimal, other: Decimal) -> Row:
        return _row(label, shape.money(one), shape.money(other), _change(one, other))

    def share(label: str, one: Decimal | None, other: Decimal | None) -> Row:
        return _row(label, _per_cent(one), _per_cent(other), _change(one, other))

    def plain(label: str, one: Decimal | None, other: Decimal | None, nothing: str) -> Row:
        shown = [nothing if each is None else f"{each:f}" for each in (one, other)]
        return _row(label, *shown, _change(one, other))

    both = (now, before)
    margins = [_divided(each.gross * 100, each.income) for each in both]
    net_margins = [_divided(each.profit * 100, each.income) for each in both]
    returns = [_divided(each.profit * 1200, each.net_assets) or shape.ZERO for each in both]
    owing = [_divided(each.debtors * each.days, each.income) for each in both]
    owed = [_divided(each.creditors * each.days, each.direct + each.expenses) for each in both]
    current = [_divided(each.current_assets, each.current_liabilities) for each in both]
    term = [_divided(each.term_assets, each.term_liabilities) for each in both]
    averages = [_divided(each.invoiced, Decimal(each.invoices)) or shape.ZERO for each in both]
    count = _row("Number of invoices issued", str(now.invoices), str(before.invoices), _change(
        Decimal(now.invoices), Decimal(before.invoices)
    ))  # fmt: skip
    return {
        "Cash": [
            money("Cash received", now.received, before.received),
            money("Cash spent", now.spent, before.spent),
            money("Cash surplus (deficit)", now.received - now.spent, before.received - before.spent),
            money("Closing bank balance", now.bank, before.bank),
        ],
        "Profitability": [
            money("Income", now.income, before.income),
            money("Direct costs", now.direct, before.direct),
            money("Gross profit (loss)", now.gross, before.gross),
            money("Other Income", now.other, before.other),
            money("Expenses", now.expenses, before.expenses),
            money("Profit (loss)", now.profit, before.profit),
        ],
        "Balance Sheet": [
            money("Debtors", now.debtors, before.debtors),
            money("Creditors", now.creditors, before.creditors),
            money("Net assets", now.net_assets, before.net_assets),
        ],
        "Income": [count, money("Average value of invoices", averages[0], averages[1])],
        "Performance": [
            share("Gross profit margin", margins[0], margins[1]),
            share("Net profit margin", net_margins[0], net_margins[1]),
            share("Return on investment (p.a.)", returns[0], returns[1]),
        ],
        "Position": [
            plain("Average debtors days", owing[0], owing[1], "0"),
            plain("Average creditors days", owed[0], owed[1], "0"),
            money("Short term cash forecast", now.debtors - now.creditors, before.debtors - before.creditors),
            plain("Current assets to liabilities", current[0], current[1], ""),
            plain("Term assets to liabilities", term[0], term[1], ""),
        ],
    }


def _figures(call: Call, month: asked.Period) -> Figures:
    books = call.books
    found = sums.movements(books, cash=False)
    balances = trial_balance.at(books, found, month.end)
    within = [one for one in found if month.start <= one.day <= month.end]
    moved = sums.summed(within, lambda _: True)
    types = {row["AccountID"]: row["Type"] for row in books.table("Accounts")}

    def of(amounts: dict[str, Decimal], *wanted: str) -> Decimal:
        return sum((net for own_id, net in amounts.items() if types.get(own_id) in wanted), shape.ZERO)

    on_bank = [one.net for one in within if types.get(one.account) == "BANK"]
    issued = [
        entry.in_base(books, row["SubTotal"], row["CurrencyRate"])
        for row in books.table("Invoices")
        if row["Type"] == "ACCREC" and row["Status"] in documents.POSTED
        and month.start <= wire.day_of(row["Date"]) <= month.end
    ]  # fmt: skip
    assets = [kind for kinds in balance_sheet.ASSETS.values() for kind in kinds]
    liabilities = [kind for kinds in balance_sheet.LIABILITIES.values() for kind in kinds]
    return Figures(
        received=sum((net for net in on_bank if net > 0), shape.ZERO),
        spent=-sum((net for net in on_bank if net < 0), shape.ZERO),
        bank=of(balances, "BANK"),
        income=-of(moved, *profit_and_loss.INCOME[2]),
        direct=of(moved, *profit_and_loss.COST_OF_SALES[2]),
        other=-of(moved, *profit_and_loss.OTHER_INCOME[2]),
        expenses=of(moved, *profit_and_loss.OPERATING[2]),
        debtors=balances.get(entry.system(books, entry.DEBTORS), shape.ZERO),
        creditors=-balances.get(entry.system(books, entry.CREDITORS), shape.ZERO),
        net_assets=of(balances, *assets, *liabilities),
        invoices=len(issued),
        invoiced=sum(issued, shape.ZERO),
        current_assets=of(balances, *_CURRENT_ASSETS),
        current_liabilities=-of(balances, *_CURRENT_LIABILITIES),
        term_assets=of(balances, *_TERM_ASSETS),
        term_liabilities=-of(balances, *_TERM_LIABILITIES),
        days=month.end.day,
    )


def _row(label: str, *values: str) -> Row:
    return shape.row(shape.cell(label), *(shape.cell(value) for value in values))


def _divided(one: Decimal, other: Decimal) -> Decimal | None:
    return one / other if other else None


def _per_cent(value: Decimal | None) -> str:
    return "" if value is None else f"{value.quantize(_TENTH, ROUND_HALF_UP) + 0:f}%"


def _change(one: Decimal | None, other: Decimal | None) -> str:
    """By how much of the earlier one the later is more; 0.0% where there is nothing to compare with."""
    if one is None or not other:
        return "0.0%"
    return _per_cent((one - other) * 100 / abs(other))
