"""The day's exchange rates, which Xero takes from XE.com: here they are fixed, so that a run can be repeated.

Called by `document_writing`, `ordering`, `bank_transactions` and `payments`, for what comes with a CurrencyRate, too.
Direction: document currency for one unit of base currency, so amount / CurrencyRate = base amount (facts 4.6), unless a
switch turns it round.
"""

from decimal import Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.tables import Row

NO_RATE = "The CurrencyRate must be greater than zero and have at most twelve digits before the point."
RATE_MAX = Decimal(10) ** 12  # the greatest of Xero's format 18.6
_PER_US_DOLLAR = {
    "USD": Decimal(1),
    "GBP": Decimal("0.7534"),
    "EUR": Decimal("0.8613"),
    "AUD": Decimal("1.5287"),
    "NZD": Decimal("1.7391"),
}
_PLACES = Decimal("0.0000000001")
FAR = 10  # by how much a rate must differ from the day's to be suspicious; where Xero begins is not known


def problems(books: Books, code: str, posted: Row) -> list[str]:
    """What is wrong with the rate that was sent for something in this currency; in base currency it does not count."""
    sent = posted.get("CurrencyRate")
    if code == books.base_currency or not sent:
        return []
    return [] if sent.quantize(_PLACES) > 0 and sent < RATE_MAX else [NO_RATE]


def chosen(books: Books, code: str, posted: Row) -> Decimal:
    """The rate of something in this currency: 1 in base, else as sent, else the day's; ten places."""
    if code == books.base_currency:
        return Decimal("1.0")
    if posted.get("CurrencyRate"):
        return wire.number(posted["CurrencyRate"].quantize(_PLACES))
    return rate(books, code)


def suspicious(books: Books, code: str, posted: Row) -> list[str]:
    """A warning if a posted rate is ten times the day's, or a tenth of it (facts 4.6, since 7 Apr 2026); the words are ours."""
    given = posted.get("CurrencyRate")
    if (
        not given
        or code == books.base_currency
        or code not in _PER_US_DOLLAR
        or books.base_currency not in _PER_US_DOLLAR
    ):
        return []
    usual = rate(books, code)
    if usual / FAR < given < usual * FAR:
        return []
    return [f"The CurrencyRate {given} is far from the day's rate {usual}"]


def rate(books: Books, foreign: str) -> Decimal:
    """Ten places, in the direction that is played; 1 for a currency that this table does not know."""
    base = books.base_currency
    if base not in _PER_US_DOLLAR or foreign not in _PER_US_DOLLAR:
        return Decimal("1.0")
    if books.unknowns.plays("currency-rate", "base-per-foreign"):
        base, foreign = foreign, base
    return wire.number((_PER_US_DOLLAR[foreign] / _PER_US_DOLLAR[base]).quantize(_PLACES))
