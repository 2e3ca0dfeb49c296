"""One document per day: amounts are conserved, the order of sales is of no matter, and each sale can be found in it."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.mapping import daily
from counterfoil.model import records, totals
from tests.mapping.desk import FLOW, LINE, MAP, flow

FLOW_DAILY = flow(FLOW + 'post = "daily"\n' + MAP + LINE)


def sale(key, lines, **changes):
    plain = {
        "external_id": key,
        "contact": {"external_id": "till", "name": "Till takings"},
        "date": "2026-11-01",
        "currency": "GBP",
        "lines": [
            {"description": "x", "quantity": "1", "unit_amount": str(amount), "account": account, "tax": tax, **more}
            for amount, account, tax, more in lines
        ],
    } | changes
    record = records.decode(msgspec.json.encode(plain))
    assert isinstance(record, records.SalesInvoice), record
    return daily.Part(record, f"hash of {key}", (f"till.jsonl:{key}",))


def combined(parts, the_flow=FLOW_DAILY):
    found = daily.combine(parts, the_flow)
    assert isinstance(found, daily.DailyRecord), found
    return found, records.decode(found.raw)


def test_the_sales_of_a_day():
    """A line for each account, tax and tracking; the total is the sum; every sale is named."""
    parts = [
        sale("a", [("10.00", "sales", "std", {}), ("2.50", "sales", "zero", {})], expected_total="14.50"),
        sale("b", [("1.005", "sales", "std", {}), ("4", "fees", "std", {"tracking": {"Region": "North"}})], expected_total="6.02"),
    ]  # fmt: skip
    found, record = combined(parts)
    assert found.parts == ("a", "b")
    assert found.sources == ("till.jsonl:a", "till.jsonl:b")
    assert (record.external_id, record.reference, record.expected_total) == ("daily-2026-11-01-GBP", "2 sales", Decimal("20.52"))  # fmt: skip
    assert [(line.account, line.tax, line.tracking, line.unit_amount, line.description) for line in record.lines] == [
        ("fees", "std", {"Region": "North"}, Decimal("4.00"), "fees, std, North: 1 line"),
        ("sales", "std", {}, Decimal("11.01"), "sales, std: 2 lines"),
        ("sales", "zero", {}, Decimal("2.50"), "sales, zero: 1 line"),
    ]


AMOUNTS = st.decimals(-1000, 1000, places=4)
LINES = st.lists(st.tuples(AMOUNTS, st.sampled_from("ab"), st.sampled_from("xy"), st.just({})), min_size=1, max_size=4)


@given(st.lists(LINES, min_size=1, max_size=6).flatmap(lambda sales: st.tuples(st.just(sales), st.permutations(range(len(sales))))))  # fmt: skip
def test_amounts_are_conserved_whatever_the_order(drawn):
    """The document's lines add up to what the sales' lines do, rounded as Xero rounds each."""
    sales, order = drawn
    parts = [sale(f"s{n}", lines) for n, lines in enumerate(sales)]
    found, record = combined(parts)
    other, _ = combined([parts[n] for n in order])
    assert (found.raw, found.rows_hash, found.parts) == (other.raw, other.rows_hash, other.parts)
    there = sum(totals.line_amount(line.quantity, line.unit_amount) for line in record.lines)
    here = sum(totals.line_amount(Decimal(1), amount) for lines in sales for amount, *_ in lines)
    assert there == here
    assert len({(line.account, line.tax) for line in record.lines}) == len(record.lines)


def test_lines_that_give_their_tax_stay_apart():
    """What Xero computes is not mixed with what the source says."""
    _, record = combined([sale("a", [("10", "s", "t", {}), ("5", "s", "t", {"tax_amount": "0.99"}), ("5", "s", "t", {"tax_amount": "1"})])])  # fmt: skip
    assert [(line.unit_amount, line.tax_amount) for line in record.lines] == [(Decimal("10.00"), None), (Decimal("10.00"), Decimal("1.99"))]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "cause", "field"),
    [
        ({"contact": {"external_id": "other", "name": "Other"}}, "daily-disagrees", "contact.external_id"),
        ({"amounts": "inclusive"}, "daily-disagrees", "amounts"),
        ({"due_date": "2026-12-01"}, "daily-disagrees", "due_date"),
        ({"expected_total": "1.00"}, "total-missing", "expected_total"),
        ({"payments": [{"date": "2026-11-01", "amount": "1", "account": "bank"}]}, "daily-payments", "payments"),
    ],
)
def test_sales_that_cannot_be_one_document(changes, cause, field):
    """They are named, with what to do."""
    line = [("1", "sales", "std", {})]
    (finding, *_) = daily.combine([sale("a", line), sale("b", line, **changes)], FLOW_DAILY)
    assert (finding.cause, finding.field) == (cause, field)
    assert finding.remedy


def test_the_key_of_a_day():
    """Day and currency; the entity too when the flow is for several."""
    line = [("1", "sales", "std", {})]
    several = msgspec.structs.replace(FLOW_DAILY, entity=None)
    assert daily.key_of(sale("a", line, entity="acme-uk").record, FLOW_DAILY) == "daily-2026-11-01-GBP"
    assert daily.key_of(sale("a", line, entity="acme-uk").record, several) == "daily-acme-uk-2026-11-01-GBP"
    assert (
        daily.key_of(msgspec.structs.replace(sale("a", line).record, currency=None), FLOW_DAILY) == "daily-2026-11-01"
    )
