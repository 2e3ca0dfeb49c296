"""What every page of the diary is written with: clerk, cast, dice, and the forms that papers have in common.

Called by `trade` and `bank_book`. Amounts are of the document's currency, rates as Xero's: document currency for one of
base currency.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.past import names
from counterfoil.sandbox.past.cast import Company, Party
from counterfoil.sandbox.past.clerk import Clerk
from counterfoil.sandbox.resources import exchange
from counterfoil.sandbox.tables import Row

LINES_MAX: Final = 4
RECONCILED_AFTER_DAYS: Final = 35
_SATURDAY: Final = 5
_RATE_CYCLE_DAYS: Final = 240


@dataclass(frozen=True, slots=True)
class Scene:
    """One organisation's past; `last` is the last day on which anything happens."""

    clerk: Clerk
    company: Company
    dice: Random
    last: date

    def document(self, party: Party, day: date, lines: int | None = None) -> Row:
        """What invoices, bills and credit notes have in common."""
        return {
            "Contact": {"ContactID": party.contact_id},
            "Date": day.isoformat(),
            "DueDate": (day + timedelta(days=party.terms_days)).isoformat(),
            "LineAmountTypes": "Exclusive",
            "CurrencyCode": party.currency,
            "LineItems": [self._line(party) for _ in range(lines or self.dice.randint(1, LINES_MAX))],
            **self.rate(party.currency, day),
        }

    def _line(self, party: Party) -> Row:
        dice = self.dice
        line: Row = {
            "Description": dice.choice(names.GOODS),
            "Quantity": dice.randint(1, 12),
            "UnitAmount": self.amount(4, 180),
            "AccountCode": dice.choice(party.accounts),
        }
        options = [
            (category["Name"], option["Name"])
            for category in self.company.tracking[:1]
            for option in category["Options"]
            if option["Status"] == "ACTIVE"
        ]
        if options and dice.randrange(2):
            name, option = dice.choice(options)
            line["Tracking"] = [{"Name": name, "Option": option}]
        return line

    def rate(self, currency: str, day: date) -> Row:
        """The rate of a foreign document: the day's, which goes up and down by 3 % in eight months."""
        books = self.clerk.books
        if currency == books.base_currency:
            return {}
        place = abs(day.toordinal() % _RATE_CYCLE_DAYS - _RATE_CYCLE_DAYS // 2) - _RATE_CYCLE_DAYS // 4
        return {"CurrencyRate": wire.number(round(exchange.rate(books, currency) * (1 + Decimal(place) / 2000), 6))}

    def is_reconciled(self, day: date) -> bool:
        """Whether the bank's line of this day has been matched since."""
        return (self.last - day).days > RECONCILED_AFTER_DAYS

    def amount(self, least: int, most: int) -> Decimal:
        """Between so many whole units, to the cent."""
        return Decimal(self.dice.randrange(least * 100, most * 100)).scaleb(-2)


def weekday(day: date) -> date:
    """This day, or the Monday after it."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= _SATURDAY else day
