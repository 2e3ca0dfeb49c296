"""The web shop's export: as such platforms write it, the same for the same day, and with its few bad orders."""

import csv
import datetime
import io
from decimal import Decimal

from counterfoil.cli.sample import orders

TODAY = datetime.date(2026, 11, 3)
SAMPLE = [list(order) for order in orders.orders(TODAY)]


def test_there_are_400_orders_in_600_rows_of_25_columns():
    """The order's own columns stand on its first row only."""
    rows = list(csv.DictReader(io.StringIO(orders.text(TODAY), newline="")))
    assert (len(SAMPLE), len(rows), len(rows[0])) == (orders.ORDERS, orders.ROWS, 25)
    assert all(order[0]["Email"] and not any(row.get("Email") for row in order[1:]) for order in SAMPLE)
    assert {row["Name"] for row in rows} == {f"#{n}" for n in range(1001, 1401)}


def test_the_same_day_gives_the_same_bytes():
    """And another day another file."""
    assert orders.text(TODAY) == orders.text(TODAY)
    assert orders.text(TODAY) != orders.text(TODAY + datetime.timedelta(days=1))


def test_totals_are_what_the_shop_charges():
    """Subtotal, delivery and taxes less the gift card; one order is three pounds off."""
    wrong = []
    for first, *_ in SAMPLE:
        parts = [Decimal(first[name] or 0) for name in ("Subtotal", "Shipping", "Taxes")]
        if sum(parts) - Decimal(first["Gift card"] or 0) != Decimal(first["Total"]):
            wrong.append(first["Name"])
    assert wrong == [orders.WRONG_TOTAL]


def test_seven_orders_have_a_vat_name_that_nobody_configured():
    """One line each."""
    odd = [row["Name"] for order in SAMPLE for row in order if row["Item VAT"] == orders.ODD_VAT]
    assert (len(odd), len(set(odd))) == (orders.ODD, orders.ODD)


def test_what_makes_an_export_hard_is_in_it():
    """Names beyond cp1252, line breaks in cells, delivery, discounts and gift cards."""
    heads = [order[0] for order in SAMPLE]
    names = {head["Billing name"] for head in heads}
    assert any(not _fits(name, "cp1252") for name in names)
    assert any(not _fits(name, "ascii") and _fits(name, "cp1252") for name in names)
    for column, found in (("Notes", "\n"), ("Shipping", "3.95"), ("Discount code", "AUTUMN10"), ("Gift card", "10")):
        assert any(found in head[column] for head in heads), column


def _fits(name, encoding):
    try:
        return bool(name.encode(encoding))
    except UnicodeEncodeError:
        return False
