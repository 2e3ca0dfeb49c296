"""Sales invoices: what decodes, what is refused and in which words, what the hash ignores, what is published."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import records
from counterfoil.model.records import SalesInvoice

DOCS = Path(__file__).parents[2] / "docs" / "records"


def sale(**changes):
    """The record of the documentation, changed."""
    return {
        "external_id": "order-1001",
        "entity": "acme-uk",
        "contact": {"external_id": "cust-7", "name": "Blue Fern Ltd", "email": "ap@bluefern.example"},
        "date": "2026-11-01",
        "due_date": "2026-12-01",
        "currency": "GBP",
        "number": "SHOP-1001",
        "reference": "PO 77",
        "amounts": "exclusive",
        "lines": [
            {
                "description": "Widgets",
                "quantity": "2",
                "unit_amount": "10.50",
                "account_code": "200",
                "tax_type": "OUTPUT2",
                "tracking": {"Region": "North"},
            }
        ],
        "expected_total": "25.20",
        "status": "AUTHORISED",
    } | changes


def with_line(**changes):
    """The same with its line changed."""
    return sale(lines=[sale()["lines"][0] | changes])


def with_contact(**changes):
    """The same with its customer changed."""
    return sale(contact=sale()["contact"] | changes)


def with_payment(**changes):
    """The same with one payment."""
    return sale(payments=[{"date": "2026-11-01", "amount": "25.20", "account": "bank"} | changes])


def decode(value):
    return records.decode(json.dumps(value).encode())


def test_a_good_record():
    """The record of the documentation decodes; amounts are decimals and nothing else."""
    record = decode(sale())
    assert isinstance(record, SalesInvoice)
    assert (record.lines[0].unit_amount, record.expected_total) == (Decimal("10.50"), Decimal("25.20"))


@pytest.mark.parametrize(
    ("value", "cause", "field", "words"),
    [
        (sale(curency="GBP"), "unknown-key", "curency", "Did you mean `currency`?"),
        (with_line(quantitty=1), "unknown-key", "lines[0].quantitty", "Did you mean `quantity`?"),
        (with_contact(mail="x"), "unknown-key", "contact.mail", "Did you mean `email`?"),
        (sale(date=None), "wrong-value", "date", "must be a date such as 2026-11-01: null"),
        (sale(date="01/11/2026"), "wrong-value", "date", "01/11/2026"),
        (sale(date="2026-02-30"), "wrong-value", "date", "must be a date"),
        (with_line(quantity="two"), "wrong-value", "lines[0].quantity", "must be a number such as 10.50"),
        (with_line(quantity="1,5"), "wrong-value", "lines[0].quantity", "no thousands separator"),
        (with_line(quantity="NaN"), "wrong-value", "lines[0].quantity", "must be a number"),
        (with_line(quantity=True), "wrong-value", "lines[0].quantity", "must be a number"),
        (with_line(quantity=1e300), "wrong-value", "lines[0].quantity", "too large"),
        (with_line(unit_amount="1.23456"), "too-many-decimals", "lines[0].unit_amount", "has 5 decimals"),
        (with_line(discount_rate="33.333"), "too-many-decimals", "lines[0].discount_rate", "`discount_amount`"),
        (with_line(discount_rate="-1"), "wrong-value", "lines[0].discount_rate", "must not be negative"),
        (with_line(tax_amount="0.001"), "too-many-decimals", "lines[0].tax_amount", "has 3 decimals"),
        (with_line(description=""), "wrong-value", "lines[0].description", "must not be empty"),
        (with_line(description=" \n "), "wrong-value", "lines[0].description", "Not blank"),
        (sale(entity="a\x1b[31m"), "wrong-value", "entity", "a�[31m"),
        (sale(**{"a\x1b": 1}), "unknown-key", "a�", "not a known key"),
        (with_line(quantity=10**30), "wrong-value", "lines[0].quantity", "too large"),
        (with_line(description="x" * 4001), "wrong-value", "lines[0].description", "at most 4000"),
        (with_line(tracking={"Region": 1}), "wrong-value", "lines[0].tracking.Region", "must be text: 1"),
        (sale(rate="0"), "wrong-value", "rate", "must be more than zero"),
        (with_payment(amount="0"), "wrong-value", "payments[0].amount", "must be more than zero"),
        (with_payment(amount="-1"), "wrong-value", "payments[0].amount", "must be more than zero"),
        (with_payment(amount="1.234"), "too-many-decimals", "payments[0].amount", "has 3 decimals"),
        (with_payment(rate="-1"), "wrong-value", "payments[0].rate", "must be more than zero"),
        (with_payment(amuont="1"), "unknown-key", "payments[0].amuont", "Did you mean `amount`?"),
        (with_payment(date="1/11/26"), "wrong-value", "payments[0].date", "must be a date"),
        (with_payment(external_id="a,b"), "key-illegal", "payments[0].external_id", "Commas"),
        (sale(payments=[{"amount": 1, "account": "bank"}]), "missing", "payments[0].date", "Give `date`."),
        (sale(payments=with_payment()["payments"] * 51), "wrong-value", "payments", "at most 50"),
        (sale(url="shop.example/1"), "wrong-value", "url", "complete address"),
        (sale(url="ftp://shop.example/1"), "wrong-value", "url", "complete address"),
        (sale(url="https://shop.example/a b"), "wrong-value", "url", "complete address"),
        (sale(rate_source="x" * 101), "wrong-value", "rate_source", "at most 100"),
        (sale(amounts="gross"), "wrong-value", "amounts", "one of exclusive, inclusive, no_tax"),
        (sale(status="PAID"), "wrong-value", "status", "AUTHORISED"),
        (sale(lines=[]), "wrong-value", "lines", "at least 1"),
        (sale(lines={}), "wrong-value", "lines", "must be a list"),
        (sale(contact="Blue Fern"), "wrong-value", "contact", "must be an object"),
        (sale(sent="yes"), "wrong-value", "sent", "must be true or false"),
        (sale(terms={"day": -1}), "wrong-value", "terms.day", "must be 0 or more"),
        (sale(terms={"day": "5"}), "wrong-value", "terms.day", "must be a whole number"),
        (sale(terms={"day": 99999}), "wrong-value", "terms.day", "must be 3650 or less"),
        (sale(currency="gbp"), "currency-unknown", "currency", "Three capital letters"),
        (sale(external_id="a,b"), "key-illegal", "external_id", "Commas, quotes"),
        (sale(number='7"'), "key-illegal", "number", "Commas, quotes"),
        (sale(number="O'Neil-7"), "key-illegal", "number", "Commas, quotes"),
        (sale(external_id=" a"), "key-illegal", "external_id", "spaces at either end"),
        (sale(external_id="a\u00a0"), "key-illegal", "external_id", "spaces at either end"),
        (sale(external_id="a\u0085b"), "key-illegal", "external_id", "has the character U+0085, which is not allowed"),
        (sale(external_id="a\n"), "key-illegal", "external_id", "U+000A"),
        (with_contact(name="Blue\x00Fern"), "contact-name-illegal", "contact.name", "U+0000"),
        (
            with_contact(name="Blue\u200cFern  Ltd"),
            "contact-name-illegal",
            "contact.name",
            "a form that is not allowed",
        ),
        (sale(external_id="x" * 256), "key-illegal", "external_id", "at most 255"),
        (with_contact(external_id="x" * 51), "key-illegal", "contact.external_id", "at most 50"),
        (with_contact(name="Blue  Fern"), "contact-name-illegal", "contact.name", "double spaces"),
        (with_contact(name="<Blue>"), "contact-name-illegal", "contact.name", "angle brackets"),
        (with_contact(name="x" * 256), "contact-name-illegal", "contact.name", "at most 255"),
        (with_contact(email="ap@blue\u200bfern.example"), "email-invalid", "contact.email", "U+200B"),
        (with_contact(email="ap at bluefern"), "email-invalid", "contact.email", "ap@example.com"),
        (with_contact(email="jörg@bluefern.example"), "email-invalid", "contact.email", "ap@example.com"),
        (sale(reference="x" * 256), "wrong-value", "reference", "at most 255"),
        (sale(branding_theme="Blue"), "wrong-value", "branding_theme", "BrandingThemeID"),
        ([], "wrong-value", "", "must be an object"),
    ],
)
def test_refusals(value, cause, field, words):
    """One mistake is one finding that names the field, the value and what to do."""
    (finding,) = decode(value)
    assert (finding.cause, finding.field) == (cause, field)
    assert words in f"{finding.reason} {finding.remedy}"
    assert finding.remedy


def test_every_mistake_at_once():
    """Mistakes in different places are all told, in the order of the record."""
    value = sale(date="x", expected_total="y", contact={"name": "a"}, oops=1)
    assert [finding.field for finding in decode(value)] == [
        "contact.external_id", "date", "expected_total", "oops"
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a': 1}", b'"\xff"', b"[" * 100_000, b'{"external_id": "\\ud800"}'])
def test_broken_json(raw):
    """What is no JSON is one finding."""
    assert [finding.cause for finding in records.decode(raw)] == ["broken-json"]


@pytest.mark.parametrize("number", [b"1e99999999999999999999", b"-1e-99999999999999999999"])
def test_absurd_numbers(number):
    """A number that no decimal can hold is refused, not a crash."""
    raw = json.dumps(sale(expected_total=0)).encode().replace(b'"expected_total": 0', b'"expected_total": ' + number)
    assert isinstance(records.decode(raw), tuple)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(sale())), inner, max_size=5),
    max_leaves=8,
))  # fmt: skip
def test_any_json_gives_a_record_or_findings(value):
    """Whatever the JSON says, decode answers and never raises."""
    result = decode(value)
    assert isinstance(result, SalesInvoice) or (result and all(finding.reason for finding in result))


@given(st.binary(max_size=40))
def test_any_bytes_give_findings(raw):
    """So it does for whatever bytes."""
    assert isinstance(records.decode(raw), tuple)


def test_identify():
    """The keys of a record that is wrong otherwise can still be told; of nonsense nothing can."""
    good = json.dumps(sale(date="x")).encode()
    assert records.identify(good) == ("order-1001", "acme-uk")
    assert [records.identify(raw) for raw in (b"{", b"[]", b'{"external_id": 7}', b'{"external_id": "a,b"}')] == [
        (None, None)
    ] * 4


@pytest.mark.parametrize(
    "same",
    [
        with_line(quantity=2),
        with_line(quantity=2.0),
        with_line(quantity="2.0000", unit_amount=10.5),
        with_line(discount_rate=None),
        sale(expected_total=25.2),
        sale(sent=False, payments=[], terms=None),
        dict(reversed(sale().items())),
    ],
)
def test_what_the_hash_ignores(same):
    """Numbers or strings, zeros at the end, defaults written out and the order of keys do not change a record."""
    assert records.record_hash(decode(same)) == records.record_hash(decode(sale()))


def test_a_number_equal_to_the_key_is_the_default():
    """Writing out the number that would be taken anyway changes nothing."""
    absent = {key: value for key, value in sale().items() if key != "number"}
    written = sale(number="order-1001")
    assert records.record_hash(decode(written)) == records.record_hash(decode(absent))


@pytest.mark.parametrize(
    "other",
    [
        with_line(quantity="2.01"),
        with_line(description="widgets"),
        with_line(tracking={"Region": "South"}),
        sale(status="DRAFT"),
        sale(lines=sale()["lines"] * 2),
        with_contact(name="Blue Fern Limited"),
    ],
)
def test_what_the_hash_sees(other):
    """Anything that the record says otherwise changes it."""
    assert records.record_hash(decode(other)) != records.record_hash(decode(sale()))


def test_the_hash_never_changes():
    """The hash of a record is stored; a version that computes it otherwise would see changes everywhere."""
    assert records.record_hash(decode(sale())) == "e5a36b7c9ac680f3d819c4b5600b346296ee3c3c4d116d35e6c37f7bbed33273"


amounts = st.decimals("-9999999", "9999999", places=4)


@given(amounts, st.randoms(use_true_random=False))
def test_hashes_of_the_same_sale(amount, random):
    """Any price in any of its spellings, under keys in any order, is the same record."""
    items = list(sale().items())
    random.shuffle(items)
    spelled = random.choice([str(amount), f"{amount}00", str(amount.normalize()), format(amount, "f")])
    line = dict(sale()["lines"][0], unit_amount=spelled)
    other = decode({**dict(items), "lines": [line]})
    assert records.record_hash(other) == records.record_hash(decode(with_line(unit_amount=str(amount))))


def test_the_published_schema():
    """docs/records holds what the code says; write `records.json_schema()` there when the record changes."""
    assert (DOCS / "sales_invoice.schema.json").read_bytes() == records.json_schema()


@pytest.mark.parametrize(("value", "valid"), [(sale(), True), (with_line(quantity=2), True), (sale(date=1), False),
                                              (sale(extra=1), False), (sale(external_id="a,b"), False)])  # fmt: skip
def test_the_schema_judges_as_we_do(value, valid):
    """A foreign validator of JSON Schema comes to our conclusions."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(records.json_schema()))
    assert (validator.is_valid(value), isinstance(decode(value), SalesInvoice)) == (valid, valid)


@pytest.mark.parametrize("character", ["\u200b", "\u202e", "\ufeff", "\u00ad", "\u2066", "\u3164"])
@pytest.mark.parametrize("made", [lambda key: sale(external_id=key), lambda key: sale(number=key),
                                  lambda key: with_contact(external_id=key), lambda key: with_payment(external_id=key)])  # fmt: skip
def test_the_schema_refuses_keys_with_what_nobody_sees(character, made):
    """It speaks of new records; a key that was taken before still decodes, and what is planned anew is refused."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(records.json_schema()))
    value = made(f"a{character}b")
    assert (validator.is_valid(value), isinstance(decode(value), SalesInvoice)) == (False, True)
    assert validator.is_valid(made("aéß北b"))


@pytest.mark.parametrize(
    "struct", [records.SalesInvoice, records.Contact, records.Line, records.Address, records.Payment]
)
def test_the_page_names_every_key(struct):
    """The page for people leaves no key out."""
    page = (DOCS / "sales_invoice.md").read_text()
    known = {"line2", "line3"}  # within "line1 to line4"
    assert [name for name in struct.__struct_fields__ if f"`{name}`" not in page and name not in known] == []


def test_the_example_on_the_page():
    """The example of the page is a good record, equal to the one that these tests use."""
    page = (DOCS / "sales_invoice.md").read_text()
    example = page.split("```json\n")[1].split("```")[0]
    assert json.loads(example) == sale()


def test_records_are_frozen():
    """A record cannot be changed after its checks."""
    with pytest.raises(AttributeError):
        decode(sale()).number = "other"


def test_structs_refuse_unknown_keys():
    """No part of a record ignores a key."""
    for struct in (
        records.SalesInvoice,
        records.Contact,
        records.Line,
        records.Address,
        records.Terms,
        records.Payment,
    ):
        with pytest.raises(msgspec.ValidationError, match=r"unknown field|missing required"):
            msgspec.convert({"nonsense": 1}, struct)
