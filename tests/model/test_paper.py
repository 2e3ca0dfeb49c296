"""A ledger on paper: a record can be looked at before anything is known of its organisation."""

import datetime
from decimal import Decimal

import msgspec
import pytest

from counterfoil import flows
from counterfoil.model import paper
from counterfoil.settings.tables import EntitySettings
from tests.mapping import desk

OWN = EntitySettings(
    key="acme-uk",
    accounts={"sales": "200", "till": "091"},
    taxes={"standard": "20% (VAT on Income)", "reduced": "5,5 % TVA", "zero": "ZERORATEDOUTPUT", "odd": "TAX003"},
)
KIND = flows.kind("sales_invoices")
LINE = {"description": "x", "quantity": "1", "unit_amount": "10.00", "account": "sales", "tax": "standard"}


def record(*lines, **changes):
    """A decoded sale."""
    plain = {
        "external_id": "a-1", "entity": "acme-uk", "contact": {"external_id": "c", "name": "Ann"}, "date": "2026-11-02",
        "currency": "GBP", "lines": [LINE | line for line in lines or ({},)],
    } | changes  # fmt: skip
    return KIND.decode(msgspec.json.encode(plain))


def prepared(one):
    """The record prepared on paper, and what was assumed."""
    ledger, assumed, knows_rates = paper.ledger(one, OWN)
    return KIND.prepare(one, ledger, desk.flow()), assumed, knows_rates


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("20% (VAT on Income)", "20"), ("5,5 % TVA", "5.5"), ("GST 12.5%", "12.5"), ("ZERORATEDOUTPUT", "0"),
        ("No tax", "0"), ("NONE", "0"), ("Exempt Income", "0"), ("OUTPUT2", None), ("standard", None), ("", None),
    ],
)  # fmt: skip
def test_a_rate_is_read_off_a_taxs_name(name, rate):
    """Where the name tells it; nothing is guessed of the others."""
    assert paper.percent(name) == (None if rate is None else Decimal(rate))


def test_a_record_is_priced_by_what_its_names_tell():
    """Its accounts, taxes and tracking are believed; the total is checked where all rates are known."""
    found, assumed, knows_rates = prepared(record({}, {"tax": "zero", "tracking": {"Region": "North"}}))
    assert (found.predicted.total, found.predicted.total_tax, knows_rates) == (Decimal("22.00"), Decimal("2.00"), True)
    assert assumed == (paper.ALL_TAKEN,)
    assert found.predicted.due_date == datetime.date(2026, 12, 2)


def test_what_no_name_tells_is_said_once():
    """A rate that is not known, for two lines; no currency."""
    found, assumed, knows_rates = prepared(record({"tax": "odd"}, {"tax": "odd"}, currency=None))
    assert (found.predicted.total, found.predicted.currency, knows_rates) == (Decimal("20.00"), "???", False)
    assert assumed == (paper.ALL_TAKEN, paper.RATE.format(name="TAX003"), paper.CURRENCY)


def test_accounts_and_taxes_may_be_named_as_xero_names_them():
    """By code, by type, or by a name that is none of ours."""
    coded = {"description": "y", "quantity": "1", "unit_amount": "1.00", "account_code": "260", "tax_type": "OUTPUT2"}
    found, _assumed, knows_rates = prepared(record(lines=[coded, LINE | {"account": "Other Revenue"}]))
    assert [one["AccountCode"] for one in found.element["LineItems"]] == ["260", "Other Revenue"]
    assert not knows_rates


def test_payments_find_an_account_that_takes_them():
    """A sale with its payment is no mistake on paper."""
    paid = {"date": "2026-11-02", "amount": "12.00", "account": "till", "external_id": "p"}
    found, _assumed, _rates = prepared(record(payments=[paid], status="AUTHORISED"))
    assert [one.amount for one in found.payments] == [Decimal("12.00")]
