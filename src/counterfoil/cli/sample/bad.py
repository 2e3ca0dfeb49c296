"""The dozen sales of the sample that cannot be posted, each wrong in another way, and what must be said of each.

Called by files, `demo` and tests. Each is made from a good sale, so that only one thing is wrong.
"""

import copy
import datetime
import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from counterfoil.cli.sample import goods

Sale = dict[str, Any]


class Bad(NamedTuple):
    """One kind of mistake: its order's key, the cause that we must name, what a person would call it."""

    external_id: str
    cause: str
    what: str
    spoil: Callable[[Sale], bytes]


def line_of(sale: Sale) -> bytes:
    """A sale as its line of the file, without the line's end."""
    return json.dumps(sale, ensure_ascii=False, separators=(", ", ": ")).encode()


def closed_through(today: datetime.date) -> datetime.date:
    """The day through which the sample's British books are closed: the end of the month before last."""
    return (today.replace(day=1) - datetime.timedelta(days=1)).replace(day=1) - datetime.timedelta(days=1)


def bad_lines(today: datetime.date) -> list[bytes]:
    """The lines of the dozen, in the order of BAD."""
    return [bad.spoil(_good(bad.external_id, today)) for bad in BAD]


def _good(external_id: str, today: datetime.date) -> Sale:
    return {
        "external_id": external_id,
        "entity": "acme-uk",
        "contact": {"external_id": "cust-001", "name": "Blue Fern Ltd", "email": "ap@bluefern.example"},
        "date": today.isoformat(),
        "due_date": (today + datetime.timedelta(days=30)).isoformat(),
        "lines": [
            {
                "description": "Linen tea towel",
                "quantity": 3,
                "unit_amount": "7.92",
                "account_code": "200",
                "tax_type": "OUTPUT2",
                "tracking": {"Region": goods.REGIONS[0]},
            }
        ],
        "expected_total": "28.51",
        "status": "AUTHORISED",
    }


def _sale(**changes: Any) -> Callable[[Sale], bytes]:
    return lambda sale: line_of(sale | changes)


def _line(**changes: Any) -> Callable[[Sale], bytes]:
    def spoil(sale: Sale) -> bytes:
        spoilt = copy.deepcopy(sale)
        spoilt["lines"][0] |= changes
        return line_of(spoilt)

    return spoil


def _cut(sale: Sale) -> bytes:
    return line_of(sale)[:-40]


def _before_the_lock(sale: Sale) -> bytes:
    return line_of(sale | {"date": closed_through(datetime.date.fromisoformat(sale["date"])).isoformat()})


BAD: Final = (
    Bad("order-2001", "broken-json", "a line that was cut off", _cut),
    Bad("order-2002", "unknown-key", "a misspelt key", _sale(curency="GBP")),
    Bad("order-2003", "too-many-decimals", "a price with five decimals", _line(unit_amount="7.91667")),
    Bad("order-2004", "key-illegal", "a comma in the invoice number", _sale(number="FT-2004,A")),
    Bad("order-2005", "entity-unknown", "an entity that is not configured", _sale(entity="acme-us")),
    Bad("order-2006", "account-unknown", "the letter O in an account code", _line(account_code="2OO")),
    Bad("order-2007", "account-archived", "an account that was archived", _line(account_code="290")),
    Bad("order-2008", "tax-not-allowed", "a purchase tax on a sale", _line(tax_type="INPUT2")),
    Bad("order-2009", "tracking-unknown", "a region that does not exist", _line(tracking={"Region": "Norht"})),
    Bad("order-2010", "total-differs", "a total that is a penny out", _sale(expected_total="28.52")),
    Bad("order-2011", "currency-unknown", "a currency that Xero does not have", _sale(currency="CHF")),
    Bad("order-2012", "before-closed-through", "a date in closed books", _before_the_lock),
)
