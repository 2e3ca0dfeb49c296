"""A web shop's export as such platforms write it: one row per line, the order's own columns only on its first row.

Called by files, `demo` and tests. Deterministic for a seed and a day. 400 orders in 600 rows; prices without VAT, and
the shop rounds VAT once per order and rate, where Xero rounds it per line. A few orders cannot be posted as they stand:
their VAT name is one that the configuration does not know (ODD_VAT), or their total is wrong (WRONG_TOTAL).
"""

import csv
import datetime
import io
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from counterfoil.cli.sample import goods, shoppers

ORDERS: Final = 400
ROWS: Final = 600
FIRST: Final = 1001
ODD_VAT: Final = "Zero rated (print)"
ODD: Final = 7  # orders that have a line with it
WRONG_TOTAL: Final = "#1203"
LINES_MAX: Final = 4
CENT: Final = Decimal("0.01")
RATES: Final = {"VAT 20%": Decimal(20), "VAT 5%": Decimal(5), "VAT 0%": Decimal(0), ODD_VAT: Decimal(0)}
VAT_OF: Final = {"standard": "VAT 20%", "reduced": "VAT 5%", "zero": "VAT 0%"}
COLUMNS: Final = (
    "Name", "Email", "Financial status", "Paid at", "Fulfilment status", "Currency", "Subtotal", "Shipping", "Taxes",
    "Total", "Discount code", "Gift card", "Shipping method", "Created at", "Item quantity", "Item name", "Item price",
    "Item SKU", "Item discount", "Item VAT", "Billing name", "Billing city", "Billing country", "Payment method", "Notes",
)  # fmt: skip
Row = dict[str, str]


def text(today: datetime.date, seed: int = 11, *, first: int = FIRST, count: int = ORDERS, rows: int = ROWS) -> str:
    """The whole export, its header first. `count` orders numbered from `first` in `rows` rows."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for order in orders(today, seed, first=first, count=count, rows=rows):
        writer.writerows(order)
    return out.getvalue()


def orders(
    today: datetime.date, seed: int = 11, *, first: int = FIRST, count: int = ORDERS, rows: int = ROWS
) -> Iterator[list[Row]]:
    """The rows of each order, newest order last."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    sizes = _sizes(chance, count, rows)
    odd = set(chance.sample(range(first, first + count), ODD)) if count == ORDERS else set()
    for number, size in zip(range(first, first + count), sizes, strict=True):
        yield _order(chance, number, size, today, odd=number in odd)


def _sizes(chance: random.Random, count: int, rows: int) -> list[int]:
    """How many lines each order has: at least one, `rows` in all."""
    sizes = [1] * count
    while sum(sizes) < rows:
        index = chance.randrange(count)
        sizes[index] += sizes[index] < LINES_MAX
    return sizes


def _order(chance: random.Random, number: int, size: int, today: datetime.date, *, odd: bool) -> list[Row]:
    items = [_item(chance) for _ in range(size)]
    if odd:
        items[-1] = items[-1] | {"Item VAT": ODD_VAT, "Item name": "Gift book: a year by the sea"}
    shipping = chance.choice((Decimal(0), Decimal("3.95"), Decimal("6.50")))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for item in items:
        sums[item["Item VAT"]] += _net(item)
    subtotal = sum(sums.values(), Decimal(0))
    if shipping:
        sums["VAT 20%"] += shipping
    taxes = sum((_cents(net * RATES[name] / 100) for name, net in sums.items()), Decimal(0))
    total = subtotal + shipping + taxes
    gift = min(Decimal(10), total) if chance.random() < 0.04 else Decimal(0)
    total -= gift
    if f"#{number}" == WRONG_TOTAL:
        total += 3
    created = _moment(chance, today)
    paid = created + datetime.timedelta(minutes=chance.choice((0, 1, 2, 45)))
    head = {
        **shoppers.shopper(int(chance.triangular(0, shoppers.count(), 0))),
        "Financial status": "paid",
        "Paid at": _instant(paid),
        "Fulfilment status": chance.choice(("fulfilled", "unfulfilled")),
        "Currency": "GBP",
        "Subtotal": str(subtotal),
        "Shipping": str(shipping),
        "Taxes": str(taxes),
        "Total": str(total),
        "Gift card": str(gift) if gift else "",
        "Discount code": "AUTUMN10" if any(item["Item discount"] != "0.00" for item in items) else "",
        "Shipping method": "Tracked 48" if shipping else "Click & collect",
        "Created at": _instant(created),
        "Payment method": chance.choice(("Card", "Card", "Wallet")),
        "Notes": chance.choice(("", "", "", "Please leave with the neighbour,\nnumber 14")),
    }
    name = {"Name": f"#{number}"}
    return [name | head | items[0], *(name | item for item in items[1:])]


def _item(chance: random.Random) -> dict[str, str]:
    good = chance.choice(goods.GOODS)
    price = max(_cents(good.price), Decimal("0.35"))
    quantity = chance.choice((1, 1, 1, 2, 3))
    discount = _cents(price * quantity / 10) if chance.random() < 0.1 else Decimal(0)
    return {
        "Item quantity": str(quantity),
        "Item name": good.name.partition("\n")[0],
        "Item price": str(price),
        "Item SKU": f"S-{goods.GOODS.index(good) + 100}",
        "Item discount": str(discount.quantize(CENT)),
        "Item VAT": VAT_OF[good.tax],
    }


def _net(item: dict[str, Any]) -> Decimal:
    return Decimal(item["Item quantity"]) * Decimal(item["Item price"]) - Decimal(item["Item discount"])


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _moment(chance: random.Random, today: datetime.date) -> datetime.datetime:
    """Some time of the day before, in UTC; a late one is already the next day where the clocks say so."""
    midnight = datetime.datetime.combine(today - datetime.timedelta(days=1), datetime.time(), datetime.UTC)
    return midnight + datetime.timedelta(seconds=chance.randrange(86_400))


def _instant(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S %z")
