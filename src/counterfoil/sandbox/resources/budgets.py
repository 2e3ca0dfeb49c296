"""Budgets: what somebody meant to earn and spend by account and month; read only (facts 5.23).

Called through `resources`, by `reports.budget_summary`, and by `person`, who writes them down (`/_sandbox/organisation`).
Assumed, where no source tells: without dates the months shown are this one and the two after it.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.reports import asked
from counterfoil.sandbox.resources import coding, listing
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World

PLURAL: Final = "Budgets"
MONTHS_MAX: Final = 24
MONTHS: Final = 3
BUDGETS_MAX: Final = 100
AMOUNT_MAX: Final = Decimal("9999999999.99")
TYPES: Final = ("OVERALL", "TRACKING")
_PERIOD: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def replaced(world: World, books: Books, given: Any) -> None:
    """These are the budgets now, in Xero's own words; ids are given out. Raises TypeError, ValueError."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given) or len(given) > BUDGETS_MAX:
        raise TypeError(f"budgets is a list of at most {BUDGETS_MAX} budgets")
    table = books.table(PLURAL)
    rows = [_read(world, books, one) for one in given]
    if sum(row["Type"] == "OVERALL" for row in rows) > 1:
        raise ValueError("there is one OVERALL budget")
    for own_id in list(table.rows):
        table.drop(own_id)
    for row in rows:
        table.put(row["BudgetID"], row)


def _read(world: World, books: Books, one: Row) -> Row:
    kind = one.get("Type", "OVERALL")
    if kind not in TYPES:
        raise ValueError(f"the Type of a budget is one of {', '.join(TYPES)}")
    found = coding.Lines()
    tracking = coding.tracking_of(books, _objects(one, "Tracking"), found)
    if found.errors:
        raise ValueError(found.errors[0])
    return {
        "BudgetID": world.ids.guid(),
        "Type": kind,
        "Description": str(one.get("Description", "Overall Budget"))[:255],
        "UpdatedDateUTC": wire.stamp(world.clock.now()),
        "BudgetLines": [_line(books, line) for line in _objects(one, "BudgetLines")],
        "Tracking": tracking,
    }


def _objects(holder: Row, name: str) -> list[Row]:
    """A list of objects, if there is one."""
    inside = holder.get(name) or []
    if not isinstance(inside, list) or not all(isinstance(one, dict) for one in inside):
        raise TypeError(f"{name} is a list of objects")
    return inside


def _line(books: Books, line: Row) -> Row:
    account = books.table("Accounts").first("code", fold(line.get("AccountCode")))
    if account is None:
        raise ValueError(f"no such account: {line.get('AccountCode')}")
    balances = [_balance(one) for one in _objects(line, "BudgetBalances")]
    return {"AccountID": account["AccountID"], "AccountCode": account["Code"], "BudgetBalances": balances}


def _balance(one: Row) -> Row:
    period = str(one.get("Period", ""))
    try:
        amount = Decimal(str(one["Amount"]))
    except (KeyError, InvalidOperation):
        amount = Decimal("NaN")
    if not _PERIOD.fullmatch(period) or not amount.is_finite() or abs(amount) > AMOUNT_MAX:
        raise ValueError('a budget balance is {"Period": "2026-11", "Amount": 100}')
    return {"Period": period, "Amount": wire.number(amount), "Notes": str(one.get("Notes", ""))[:255]}


def overall(books: Books) -> Row | None:
    """The budget of the whole organisation, if there is one."""
    return next((row for row in books.table(PLURAL) if row["Type"] == "OVERALL"), None)


def _single(call: Call, row: Row) -> Row:
    """With the months that are asked for."""
    now = asked.month(asked.today(call)).start
    start = asked.day(call, "datefrom", now)
    end = asked.day(call, "dateto", asked.month_end(asked.back(start, 1 - MONTHS)))
    if not _months(start) <= _months(end) < _months(start) + MONTHS_MAX:
        asked.refuse(f"A budget is shown for 1 to {MONTHS_MAX} months.")
    first, last = f"{start:%Y-%m}", f"{end:%Y-%m}"
    lines = [
        {**line, "BudgetBalances": [one for one in line["BudgetBalances"] if first <= one["Period"] <= last]}
        for line in row["BudgetLines"]
    ]
    return row | {"BudgetLines": lines}


def _months(day: date) -> int:
    return day.year * 12 + day.month


def _chosen(call: Call) -> Iterable[Row]:
    ids = listing.names(call, "ids")
    rows = call.books.table(PLURAL)
    if ids is None:
        return rows
    wanted = {own_id.lower() for own_id in ids}
    return [row for row in rows if row["BudgetID"] in wanted]


def _listed(call: Call, row: Row) -> Row:
    """Lines only when budgets are chosen by IDs."""
    return _single(call, row) if "ids" in call.query else row | {"BudgetLines": []}


COLLECTION = Collection(
    plural=PLURAL,
    singular="Budget",
    id_key="BudgetID",
    single=_single,
    listed=_listed,
    chosen=_chosen,
    has_pages=False,
    has_history=False,
)


def _handle(call: Call) -> Answer:
    """GET; the dates are looked at even where no budget is shown."""
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    for name in ("datefrom", "dateto"):
        asked.day(call, name, date.min)
    return COLLECTION.handle(call)


RESOURCE = Resource(PLURAL, "Budget", "accounting.budgets", _handle)
