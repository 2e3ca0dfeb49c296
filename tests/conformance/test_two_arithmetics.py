"""What we predict is what the sandbox stores: two implementations that share nothing, on any invoice."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.model import totals
from counterfoil.sandbox import arithmetic
from tests.conformance import foreign

KINDS = {"Exclusive": "exclusive", "Inclusive": "inclusive", "NoTax": "no_tax"}
PERCENTS = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5), "ZERORATEDOUTPUT": Decimal(0)}
ANY_PERCENT = {**PERCENTS, "EIGHTH": Decimal("12.5"), "THIRD": Decimal("33.3333")}


def lines_with(percents):
    """Random lines as they go over the wire: prices of up to four places, discounts of either kind."""
    plain = {
        "Description": st.just("Tea"),
        "Quantity": st.decimals("0.0001", 9_999, places=4),
        "UnitAmount": st.decimals(0, 99_999, places=4),
        "TaxType": st.sampled_from(sorted(percents)),
    }
    by_rate = {**plain, "DiscountRate": st.decimals(0, 100, places=2)}
    by_amount = {**plain, "UnitAmount": st.decimals(10, 99, places=4), "Quantity": st.decimals(1, 99, places=2)}
    by_amount["DiscountAmount"] = st.decimals(0, 10, places=2)
    return st.lists(
        st.one_of(*(st.fixed_dictionaries(each) for each in (plain, by_rate, by_amount))), min_size=1, max_size=8
    )


def predicted(kind, lines, percents):
    """Our totals and line amounts."""
    amounts = [
        totals.line_amount(line["Quantity"], line["UnitAmount"], line.get("DiscountRate"), line.get("DiscountAmount"))
        for line in lines
    ]
    taxes = [
        totals.line_tax(amount, percents[line["TaxType"]], KINDS[kind])
        for line, amount in zip(lines, amounts, strict=True)
    ]
    return amounts, taxes, totals.document(list(zip(amounts, taxes, strict=True)), KINDS[kind])


@given(st.sampled_from(sorted(KINDS)), lines_with(ANY_PERCENT))
def test_the_two_modules_agree(kind, lines):
    """Line amounts, line taxes and totals, to the last cent."""
    amounts, taxes, sums = predicted(kind, lines, ANY_PERCENT)
    priced = arithmetic.price(kind, lines, ANY_PERCENT.__getitem__, 4)
    assert [line["LineAmount"] for line in priced.lines] == amounts
    assert [line["TaxAmount"] for line in priced.lines] == taxes
    assert (priced.sub_total, priced.total_tax, priced.total) == (sums.sub_total, sums.total_tax, sums.total)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(KINDS)), lines_with(PERCENTS)), min_size=5, max_size=20))
def test_the_sandbox_stores_what_we_predict(xero, documents):
    """The same through HTTP: a batch of drafts with unitdp=4, read from the answer."""
    body = [
        {
            "Type": "ACCREC",
            "Contact": {"Name": "Arithmetic"},
            "LineAmountTypes": kind,
            "LineItems": [{**line, "AccountCode": "200"} for line in lines],
        }
        for kind, lines in documents
    ]
    reply = xero.raw("PUT", "/Invoices?summarizeErrors=false&unitdp=4", body=body)
    stored = reply.json()["Invoices"]
    assert {invoice["StatusAttributeString"] for invoice in stored} == {"OK"}
    for (kind, lines), invoice in zip(documents, stored, strict=True):
        amounts, taxes, sums = predicted(kind, lines, PERCENTS)
        assert [line["LineAmount"] for line in invoice["LineItems"]] == amounts
        assert [line["TaxAmount"] for line in invoice["LineItems"]] == taxes
        assert [invoice[key] for key in ("SubTotal", "TotalTax", "Total")] == [
            sums.sub_total,
            sums.total_tax,
            sums.total,
        ]


@given(st.decimals(0, 99_999, places=6), st.decimals(1, 999, places=2))
def test_a_price_with_too_many_places_is_rounded_first(price, quantity):
    """Without unitdp=4 the sandbox's line is that of the price in cents."""
    priced = arithmetic.price("NoTax", [{"Quantity": quantity, "UnitAmount": price}], ANY_PERCENT.__getitem__, 2)
    assert priced.total == totals.line_amount(quantity, price.quantize(Decimal("0.01"), ROUND_HALF_UP))


def test_the_wire_carries_decimals_exactly(xero):
    """0.1 + 0.2 is 0.3: no binary fraction on the way in or out."""
    line = {"Description": "Tea", "Quantity": 1, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}
    body = foreign.wire_invoice(
        xero.contact(f"Exact {foreign.unique()}"), LineItems=[{**line, "UnitAmount": each} for each in (0.1, 0.2)]
    )
    assert '"Total": 0.3,' in xero.raw("PUT", "/Invoices", body=body).text
