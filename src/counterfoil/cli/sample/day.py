"""A shop's day of sales as its own software would push it: records of design §5.4, deterministic for a seed and a day.

Called by files, `demo` and tests. The expected totals are by model.totals, as a shop that rounds like Xero would print
them.
"""

import datetime
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from counterfoil.cli.sample import customers, goods
from counterfoil.model import totals
from counterfoil.model.money import plain
from counterfoil.model.totals import Amounts

SALES: Final = 388  # and a dozen bad ones make 400
FIRST_ORDER: Final = 1001
_DAYS_BACK: Final = (0, 0, 0, 0, 0, 1, 1, 2)  # most of today, some late ones
_LINES: Final = (1, 1, 2, 2, 2, 3, 3, 4, 5, 6)


def sales(today: datetime.date, seed: int = 7) -> Iterator[dict[str, Any]]:
    """The good sales, in the order of their orders, each with another `external_id`.

    Every one can be posted to the sandbox's first three organisations; each entity has some in foreign currency.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    weights = [company.share for company in goods.COMPANIES]
    for order in range(FIRST_ORDER, FIRST_ORDER + SALES):
        company = chance.choices(goods.COMPANIES, weights)[0]
        yield _sale(chance, company, order, today)


def _sale(chance: random.Random, company: goods.Company, order: int, today: datetime.date) -> dict[str, Any]:
    abroad = chance.random() < 0.12
    amounts: Amounts = "exclusive" if abroad else chance.choice(("exclusive", "exclusive", "inclusive"))
    date = today - datetime.timedelta(days=chance.choice(_DAYS_BACK))
    lines, sums = _lines(chance, company, amounts, abroad=abroad)
    sale: dict[str, Any] = {
        "external_id": f"order-{order}",
        "entity": company.key,
        "contact": customers.customer(int(chance.triangular(0, customers.count(), 0))),
        "date": date.isoformat(),
        "number": f"{company.prefix}{order}",
        "amounts": amounts,
        "lines": lines,
        "expected_total": str(sums.total),
    }
    if abroad or chance.random() < 0.3:
        sale["currency"] = chance.choice(company.foreign) if abroad else company.currency
    if chance.random() < 0.4:
        sale["reference"] = f"PO {chance.randint(10, 9_999)}"
    return sale | _status(chance, date)


def _status(chance: random.Random, date: datetime.date) -> dict[str, Any]:
    """Most are approved, with a due date, terms, or the organisation's own terms; the rest follow the flow."""
    drawn = chance.random()
    if drawn < 0.2:
        return {}
    if drawn < 0.3:
        return {"status": "SUBMITTED"}
    if drawn < 0.75:
        return {"status": "AUTHORISED", "due_date": (date + datetime.timedelta(days=30)).isoformat()}
    if drawn < 0.9:
        return {"status": "AUTHORISED", "terms": {"day": 20, "type": "OFFOLLOWINGMONTH"}}
    return {"status": "AUTHORISED"}


def _lines(
    chance: random.Random, company: goods.Company, amounts: Amounts, *, abroad: bool
) -> tuple[list[dict[str, Any]], totals.Totals]:
    """The lines of one sale and its totals; several goods and perhaps the delivery."""
    drawn = [_line(chance, company, amounts, abroad=abroad) for _ in range(chance.choice(_LINES))]
    if len(drawn) < 6 and chance.random() < 0.35:
        drawn.append(_shipping(chance, company, amounts, abroad=abroad))
    return [line for line, _ in drawn], totals.document((figures for _, figures in drawn), amounts)


def _line(
    chance: random.Random, company: goods.Company, amounts: Amounts, *, abroad: bool
) -> tuple[dict[str, Any], tuple[Decimal, Decimal]]:
    good = chance.choice(goods.GOODS)
    cheap = good.price < 1
    quantity = Decimal(chance.randint(100, 2_000) if cheap else chance.choice((1, 1, 1, 2, 2, 3, 5, 12)))
    if not cheap and chance.random() < 0.05:
        quantity += Decimal("0.5")
    line: dict[str, Any] = {
        "description": good.name,
        "quantity": int(quantity) if quantity == int(quantity) else plain(quantity),
        "unit_amount": plain(good.price),
    }
    tax = company.export_tax if abroad else good.tax
    line |= _codes(chance, company, "export" if abroad else "sales", tax)
    rate, amount = _discount(chance, quantity * good.price)
    if rate is not None:
        line["discount_rate"] = plain(rate)
    if amount is not None:
        line["discount_amount"] = str(amount)
    if chance.random() < 0.6:
        line["tracking"] = {"Region": chance.choice(goods.REGIONS)}
        if chance.random() < 0.3:
            line["tracking"]["Department"] = company.department
    total = totals.line_amount(quantity, good.price, rate, amount)
    return line, (total, totals.line_tax(total, company.taxes[tax][2], amounts))


def _shipping(
    chance: random.Random, company: goods.Company, amounts: Amounts, *, abroad: bool
) -> tuple[dict[str, Any], tuple[Decimal, Decimal]]:
    """Delivery: the account's own tax at home, written out; the export tax abroad."""
    price = chance.choice(goods.SHIPPING)
    tax = company.export_tax if abroad else "standard"
    line = {
        "description": "Delivery",
        "quantity": "1",
        "unit_amount": plain(price),
        "account": "shipping",
        "tax": tax if abroad else "account default",
    }
    total = totals.line_amount(Decimal(1), price)
    return line, (total, totals.line_tax(total, company.taxes[tax][2], amounts))


def _codes(chance: random.Random, company: goods.Company, account: str, tax: str) -> dict[str, str]:
    """Account and tax by the entity's own names or by Xero's codes; a shop's software does either."""
    if chance.random() < 0.5:
        return {"account": account, "tax": tax}
    return {"account_code": company.accounts[account], "tax_type": company.taxes[tax][1]}


def _discount(chance: random.Random, gross: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """(per cent, amount): one of them, or usually neither."""
    drawn = chance.random()
    if drawn < 0.12:
        return chance.choice((Decimal(5), Decimal(10), Decimal("12.5"), Decimal("33.33"))), None
    if drawn < 0.18 and gross > 5:
        return None, Decimal("2.50")
    return None, None
