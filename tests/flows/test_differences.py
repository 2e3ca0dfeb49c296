"""The record's total against Xero's arithmetic: each policy ends at the record's total to the cent, or says why not."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.flows import sales_invoices
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.sandbox import arithmetic
from counterfoil.settings import Difference
from tests.flows.test_sales_invoices import flow
from tests.model import books
from tests.model.test_records import sale

PERCENTS = {"OUT20": Decimal(20), "OUT5": Decimal(5), "ZERO": Decimal(0)}
ROUNDING = books.account("860", "Rounding", tax="NONE", system="ROUNDING")
LINE = {"account": "Rounding", "tax_type": "ZERO"}


def policy(kind, up_to="0.05", **keys):
    return Difference(up_to=Decimal(up_to), kind=kind, **keys)


def ledger():
    """The small ledger with a rounding account."""
    return books.ledger(more_accounts=[ROUNDING])


def sold(*rows, total, amounts="exclusive", **changes):
    """A sale of lines given as (price, tax)."""
    lines = [
        {"description": "Tea", "quantity": "1", "unit_amount": price, "account_code": "200"}
        | ({"tax_type": tax} if amounts != "no_tax" else {})
        for price, tax in rows
    ]
    return sale(lines=lines, expected_total=total, amounts=amounts, **changes)


def prepare(value, difference):
    record = sales_invoices.decode(json.dumps(value).encode())
    return sales_invoices.prepare(record, ledger(), flow(difference=difference))


THREE = [("0.33", "OUT20"), ("0.34", "OUT20"), ("0.33", "ZERO")]  # Xero: 1.00 + 0.07 + 0.07 = 1.14


def test_onto_the_tax():
    """The cents go to the largest lines that bear tax; the others are as they were."""
    prepared = prepare(sold(*THREE, total="1.13"), policy("tax"))
    assert [row.get("TaxAmount") for row in prepared.element["LineItems"]] == [None, Decimal("0.06"), None]
    assert [row.tax_amount for row in prepared.predicted.lines] == [Decimal("0.07"), Decimal("0.06"), Decimal("0.00")]
    assert (prepared.predicted.total, prepared.difference) == (Decimal("1.13"), Decimal("-0.01"))
    assert prepared.predicted.notes == (
        "The record's total is 1.13 GBP, Xero by itself would make it 1.14 (-0.01): put onto the tax of line 2.",
    )


def test_a_tax_that_the_record_gives_is_not_moved():
    """The user's own tax of a line stays; there is nothing else to move."""
    value = sold(("1.00", "OUT20"), total="1.20")
    value["lines"][0]["tax_amount"] = "0.19"
    [finding] = prepare(value, policy("tax"))
    assert (finding.cause, "no line bears tax enough" in finding.remedy) == ("total-differs", True)


def test_as_rounding():
    """Xero gets the rounding beside totals that agree with it."""
    prepared = prepare(sold(*THREE, total="1.17"), policy("rounding"))
    stated = {key: prepared.element[key] for key in ("SubTotal", "TotalTax", "RoundingAmount", "Total")}
    assert stated == {
        "SubTotal": Decimal("1.00"), "TotalTax": Decimal("0.14"), "RoundingAmount": Decimal("0.03"),
        "Total": Decimal("1.17"),
    }  # fmt: skip
    assert (prepared.predicted.total, prepared.predicted.rounding) == (Decimal("1.17"), Decimal("0.03"))


def test_as_a_line():
    """One more line on the named account, with its tax."""
    prepared = prepare(sold(*THREE, total="1.12"), policy("line", **LINE))
    assert prepared.element["LineItems"][-1] == {
        "Description": "Rounding", "Quantity": 1, "UnitAmount": Decimal("-0.02"), "AccountCode": "860",
        "TaxType": "ZERO",
    }  # fmt: skip
    assert (prepared.predicted.lines[-1].account_code, prepared.predicted.total) == ("860", Decimal("1.12"))


@pytest.mark.parametrize(
    ("value", "difference", "words"),
    [
        (sold(*THREE, total="1.13"), None, "Check quantities"),
        (sold(*THREE, total="1.13"), policy("refuse"), "Check quantities"),
        (sold(*THREE, total="1.20"), policy("tax"), "evens out 0.05 at most"),
        (sold(*THREE, total="1.13", amounts="inclusive"), policy("tax", "1"), 'Use "rounding" or "line"'),
        (sold(*THREE, total="0.99", amounts="no_tax"), policy("tax"), 'Use "rounding" or "line"'),
        (sold(*THREE, total="1.13", status="DRAFT"), policy("rounding"), "this will be DRAFT"),
        (sold(*THREE, total="1.25"), policy("rounding", "1"), "Xero rounds by 0.10 at most"),
        (sold(*THREE, total="1.11"), policy("line", account="Rounding", tax_type="OUT20"), "use a tax of 0 %"),
    ],
)
def test_what_is_refused(value, difference, words):
    """The difference with both totals, and what to do about it."""
    [finding] = prepare(value, difference)
    assert (finding.cause, finding.field) == ("total-differs", "expected_total")
    assert words in finding.remedy


@pytest.mark.parametrize(
    ("keys", "cause", "field"),
    [
        ({"account": "Roundings", "tax_type": "ZERO"}, "account-unknown", "check.difference.account"),
        ({"account_code": "290", "tax_type": "ZERO"}, "account-archived", "check.difference.account_code"),
        ({"account": "Rounding", "tax": "standart"}, "tax-unknown", "check.difference.tax"),
        ({"account": "Rounding", "tax_type": "IN20"}, "tax-not-allowed", "check.difference.tax_type"),
    ],
)
def test_a_line_that_the_flow_names_wrongly(keys, cause, field):
    """It is checked as every line is."""
    [finding] = prepare(sold(*THREE, total="1.12"), policy("line", **keys))
    assert (finding.cause, finding.field) == (cause, field)


def test_no_difference_is_no_note():
    """A total that agrees leaves the document as it is, whatever the policy."""
    prepared = prepare(sold(*THREE, total="1.14"), policy("rounding"))
    assert (prepared.difference, prepared.predicted.notes) == (None, ())
    assert "RoundingAmount" not in prepared.element


def test_a_total_below_zero_is_a_credit_note():
    """Said before anything of a difference; also when evening out would lead there."""
    assert [finding.cause for finding in prepare(sold(("-1", "ZERO"), total="1"), policy("tax"))] == ["total-negative"]
    [finding] = prepare(sold(("0", "ZERO"), total="-0.01"), policy("line", **LINE))
    assert (finding.cause, "does not make" in finding.reason) == ("total-negative", True)


POLICIES = [policy("tax"), policy("rounding", "0.10"), policy("line", **LINE), policy("refuse"), None]
prices = st.integers(1, 20_000).map(lambda number: str(Decimal(number) / 100))
rows = st.lists(st.tuples(prices, st.sampled_from(sorted(PERCENTS))), min_size=1, max_size=7)


@given(rows, st.sampled_from(POLICIES), st.sampled_from(["exclusive", "inclusive", "no_tax"]), st.integers(-12, 12))
def test_predicted_is_what_the_sandbox_stores(drawn, difference, amounts, off):
    """Any sale a few cents off: a second implementation of Xero's arithmetic, given what we send, agrees to the cent."""
    own = prepare(sold(*drawn, total=None, amounts=amounts), None)
    total = own.predicted.total + Decimal(off) / 100
    made = prepare(sold(*drawn, total=str(total), amounts=amounts), difference)
    if not isinstance(made, Prepared):
        assert {finding.cause for finding in made} <= {"total-differs", "total-negative"}
        return
    element = made.element
    priced = arithmetic.price(element["LineAmountTypes"], element["LineItems"], PERCENTS.__getitem__, 4)
    rounding = element.get("RoundingAmount", Decimal(0))
    assert made.predicted.total == priced.total + rounding == total
    assert (made.predicted.sub_total, made.predicted.total_tax) == (priced.sub_total, priced.total_tax)
    assert [line.tax_amount for line in made.predicted.lines] == [line["TaxAmount"] for line in priced.lines]
    assert [line.line_amount for line in made.predicted.lines] == [line["LineAmount"] for line in priced.lines]
    assert (made.difference or 0) == Decimal(off) / 100
    assert bool(made.predicted.notes) == bool(off)


@given(rows)
def test_a_shop_that_rounds_once_is_evened_out_as_tax(drawn):
    """Tax rounded once per order and once per line are at most half a cent a line apart: up to 0.05 always suffices."""
    whole = sum(Decimal(price) * PERCENTS[tax] / 100 for price, tax in drawn)
    total = sum(Decimal(price) for price, _tax in drawn) + whole.quantize(Decimal("0.01"))
    made = prepare(sold(*drawn, total=str(total)), policy("tax"))
    assert isinstance(made, Prepared)
    assert made.predicted.total == total


def test_findings_are_findings():
    """A policy never raises, also for a sale without a single taxed line."""
    assert isinstance(prepare(sold(("1", "ZERO"), total="1.01"), policy("tax"))[0], Finding)
