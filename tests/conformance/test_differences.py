"""A sale whose total is its shop's own: what the flow sends is stored at exactly the total that it predicts."""

import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.flows import sales_invoices
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Prepared
from counterfoil.settings import Difference, FlowSettings
from tests.conformance import foreign

ENTITY = SimpleNamespace(key="acme-uk", start=None, closed_through=None, accounts={}, taxes={})
LINE = {"account_code": "860", "tax_type": "ZERORATEDOUTPUT"}
POLICIES = {
    "tax": Difference(up_to=Decimal("0.05"), kind="tax"),
    "rounding": Difference(up_to=Decimal("0.10"), kind="rounding"),
    "line": Difference(up_to=Decimal("0.10"), kind="line", **LINE),
}


@pytest.fixture(scope="module")
def ledger(xero):
    """The British organisation as the checks see it."""
    names = ("Organisation", "Accounts", "TaxRates", "TrackingCategories", "Currencies")
    found = [xero.raw("GET", f"/{name}").json() for name in names]
    organisation, *lists = [
        body["Organisations" if name == "Organisation" else name] for name, body in zip(names, found, strict=True)
    ]
    return Ledger.from_wire(organisation[0], *lists, ENTITY)


prices = st.integers(1, 30_000).map(lambda number: str(Decimal(number) / 100))
sales = st.fixed_dictionaries(
    {
        "rows": st.lists(
            st.tuples(prices, st.sampled_from(["OUTPUT2", "RROUTPUT", "ZERORATEDOUTPUT"])), min_size=1, max_size=6
        ),
        "amounts": st.sampled_from(["exclusive", "exclusive", "inclusive", "no_tax"]),
        "policy": st.sampled_from(sorted(POLICIES)),
        "off": st.integers(-10, 10),
        "status": st.sampled_from(["DRAFT", "SUBMITTED", "AUTHORISED"]),
    }
)


def prepared(drawn, ledger, total):
    """The drawn sale, prepared; None when its policy cannot help."""
    tax = drawn["amounts"] != "no_tax"
    value = {
        "external_id": f"d-{foreign.unique()}",
        "contact": {"external_id": "c", "name": "Differences"},
        "date": "2026-11-01",
        "due_date": "2026-12-01",
        "amounts": drawn["amounts"],
        "status": drawn["status"],
        "expected_total": total,
        "lines": [
            {"description": "Tea", "quantity": "1", "unit_amount": price, "account_code": "200"}
            | ({"tax_type": rate} if tax else {})
            for price, rate in drawn["rows"]
        ],
    }
    flow = FlowSettings(
        table="shop", id="shop", kind="sales_invoices", source=Path("x"), difference=POLICIES[drawn["policy"]]
    )
    made = sales_invoices.prepare(sales_invoices.decode(json.dumps(value).encode()), ledger, flow)
    return made if isinstance(made, Prepared) else None


@settings(max_examples=12, deadline=None)
@given(st.lists(sales, min_size=5, max_size=25))
def test_the_sandbox_stores_the_records_total(xero, ledger, drawn):
    """Random sales up to ten cents off, under each policy and status: stored totals, taxes and lines as predicted."""
    found = []
    for one in drawn:
        own = prepared(one, ledger, None)
        total = own.predicted.total + Decimal(one["off"]) / 100
        made = prepared(one, ledger, str(total))
        if made is not None:
            assert made.predicted.total == total
            found.append(made)
    if not found:
        return
    body = [{**made.element, "Contact": {"Name": "Differences"}} for made in found]
    reply = xero.raw("PUT", "/Invoices?summarizeErrors=false&unitdp=4", body=body)
    for made, stored in zip(found, reply.json()["Invoices"], strict=True):
        assert stored["StatusAttributeString"] == "OK", stored
        amounts = [Decimal(str(stored[key])) for key in ("SubTotal", "TotalTax", "Total")]
        assert amounts == [made.predicted.sub_total, made.predicted.total_tax, made.predicted.total]
        lines = [(line["LineAmount"], line["TaxAmount"]) for line in stored["LineItems"]]
        assert [tuple(Decimal(str(each)) for each in pair) for pair in lines] == [
            (line.line_amount, line.tax_amount) for line in made.predicted.lines
        ]
