"""Who and what a past is about: customers with their habits, suppliers, and the accounts of the chart that it uses.

Called by `living`. Nothing is taken from a particular chart: accounts are found by type and tax, so that a chart of
somebody's own has a past too; what it lacks does not happen.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.past import names
from counterfoil.sandbox.past.clerk import Clerk
from counterfoil.sandbox.tables import Row

CUSTOMERS_MIN: Final = 8
SUPPLIERS_MIN: Final = 5
CONTACTS_MAX: Final = 150
_TAX_FITS: Final = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


@dataclass(frozen=True, slots=True)
class Party:
    """A customer or supplier. Paid `days_late` after the due date (negative: early), in parts one time in `parts_in`.

    `currency`: of its documents. `accounts`: the codes that its lines are on. `terms_days`: from date to due date.
    """

    contact_id: str
    days_late: int
    parts_in: int
    currency: str
    accounts: tuple[str, ...]
    terms_days: int


@dataclass(frozen=True, slots=True)
class Company:
    """The cast. Lists may be empty where the chart has no such account; `banks` are active bank accounts in base currency."""

    customers: list[Party]
    suppliers: list[Party]
    banks: list[Row]
    fees: Row | None
    wages: Row | None
    interest: Row | None
    capital: Row | None
    wear: tuple[Row, Row] | None  # depreciation: the expense, and the asset that it wears down
    tracking: list[Row]


def hired(clerk: Clerk, dice: Random, documents: int) -> Company:
    """Make the contacts, at the clerk's present; `documents`: about how many a month."""
    books = clerk.books
    sales, costs = _usable(books, "REVENUE", "SALES"), _usable(books, "OVERHEADS", "EXPENSE", "DIRECTCOSTS")
    wear, worn = _first(_usable(books, "DEPRECIATN")), _first(_usable(books, "FIXED")[::-1])
    wages = _first(_named(costs, "salar", "wage"))
    goods = [row for row in costs if row is not wages]
    others = [code for code in books.table("Currencies").rows if code != books.base_currency]
    taken = books.table("Contacts")
    titles = (name for name in names.shuffled(dice, books.country) if taken.first("name", fold(name)) is None)
    customers = min(CONTACTS_MAX, CUSTOMERS_MIN + documents // 8) if sales else 0
    suppliers = min(CONTACTS_MAX, SUPPLIERS_MIN + documents // 15) if goods else 0
    sent = [names.contact(next(titles), n) for n in range(customers + suppliers)]
    rows = clerk.asked("PUT", "Contacts", {"Contacts": sent}) if sent else []
    return Company(
        customers=[_party(dice, row, n, sales, books.base_currency, others) for n, row in enumerate(rows[:customers])],
        suppliers=[_party(dice, row, n, goods, books.base_currency, others) for n, row in enumerate(rows[customers:])],
        banks=_banks(books),
        fees=_first(_named(goods, "bank")) or _first(goods),
        wages=wages,
        interest=_first(_usable(books, "OTHERINCOME")),
        capital=_first(_usable(books, "EQUITY")),
        wear=None if wear is None or worn is None else (wear, worn),
        tracking=[row for row in books.table("TrackingCategories") if row["Status"] == "ACTIVE"],
    )


def _party(dice: Random, contact: Row, n: int, accounts: list[Row], base: str, others: list[str]) -> Party:
    """Most are prompt, some are late, a few pay in parts or only after reminders; every sixth is abroad."""
    days_late = dice.choice((-6, -1, 0, 0, 2, 5, 11, 24, 47, 95))
    chosen = dice.sample(accounts, min(len(accounts), dice.randint(1, 3)))
    return Party(
        contact_id=contact["ContactID"],
        days_late=days_late,
        parts_in=dice.choice((4, 30, 30)),
        currency=dice.choice(others) if others and n % 6 == 5 else base,
        accounts=tuple(row["Code"] for row in chosen),
        terms_days=dice.choice((14, 30, 30, 30, 60)),
    )


def _banks(books: Books) -> list[Row]:
    return [
        row
        for row in books.table("Accounts")
        if row["Type"] == "BANK"
        and row["Status"] == "ACTIVE"
        and row.get("Code")
        and row.get("CurrencyCode", books.base_currency) == books.base_currency
    ]


def _usable(books: Books, *types: str) -> list[Row]:
    """Active accounts of these types that a document may name, whose own tax is fit for them."""
    rates = books.table("TaxRates")
    found = []
    for row in books.table("Accounts"):
        rate = rates.get(row.get("TaxType", ""))
        if row["Type"] not in types or row["Status"] != "ACTIVE" or row.get("SystemAccount") or not row.get("Code"):
            continue
        if rate is not None and rate["Status"] == "ACTIVE" and rate[_TAX_FITS[row["Class"]]]:
            found.append(row)
    return found


def _named(accounts: list[Row], *words: str) -> list[Row]:
    return [row for row in accounts if any(word in row["Name"].casefold() for word in words)]


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
