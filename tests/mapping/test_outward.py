"""A feed's map: changes become rows; what is wrong with it is told when it is loaded, and a change never breaks it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.mapping import outward
from counterfoil.mapping.rows import RowMapper
from counterfoil.settings import LookupSettings
from counterfoil.settings.lookups import LookupRow

LOOKUPS = {
    "desk": LookupSettings(
        name="desk", keys=("key",), rows=(LookupRow(("North",), "n-desk"),), otherwise=None, dated=False, place="x:1"
    )
}
INVOICE = {
    "InvoiceID": "d1", "InvoiceNumber": "INV-1", "Total": "25.20", "AmountDue": "0.00", "SentToContact": True,
    "Date": "2026-11-02", "UpdatedDateUTC": "2026-11-02T23:30:00.000Z", "Contact": {"Name": "Fern"}, "Status": "PAID",
    "LineItems": [
        {"LineItemID": "l1", "Description": "Widgets", "Quantity": "2", "LineAmount": "21.00",
         "Tracking": [{"Name": "Region", "Option": "North"}]},
        {"LineItemID": "l2", "Description": "Gloves", "Quantity": "1", "LineAmount": "4.20"},
    ],
}  # fmt: skip
CHANGE = {
    "id": "c1", "type": "invoice.paid", "entity": "uk", "tenant_id": "t", "resource": "Invoices", "document_id": "d1",
    "n": 5, "turn": 2, "stamp": "2026-11-02T23:30:00Z", "seen_at": "2026-11-02T23:30:05Z", "by": "us", "posting": 7,
    "snapshot": False, "fields": ["AmountDue", "Status"], "before": {**INVOICE, "Status": "AUTHORISED", "AmountDue": "25.20"},
    "after": INVOICE,
}  # fmt: skip


def compiled(columns, each=None, when=None, resources=("Invoices",)):
    return outward.compile_feed(
        outward.Outward(table="books", map=columns, each=each, when=when, resources=resources, lookups=LOOKUPS)
    )


def rows(columns, change=CHANGE, **more):
    mapper = compiled(columns, **more)
    assert isinstance(mapper, RowMapper), mapper
    return mapper.rows(change)


def value(written, change=CHANGE):
    return rows({"it": written}, change)[0]["it"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{InvoiceNumber}", "INV-1"), ("{after.InvoiceNumber}", "INV-1"), ("{before.Status}", "AUTHORISED"),
        ("{document.Status}", "PAID"), ("{Contact.Name}", "Fern"), ("{type}", "invoice.paid"), ("{entity}", "uk"),
        ("{document_id}", "d1"), ("{n}", 5), ("{fields}", "AmountDue, Status"), ("{SentToContact}", True),
        ("{Total}", "25.20"), ("{Date}", "2026-11-02"), ("{stamp}", "2026-11-02T23:30:00Z"), ("{gone}", False),
        ("{LineItems.1.Description}", "Gloves"), ("{LineItems.7.Description}", None), ("{Reference}", None),
        ("No {InvoiceNumber} of {Contact.Name}", "No INV-1 of Fern"), ("Ref {Reference}", None), ("plain", "plain"),
        (3, 3), (True, True), ("=sub(row.Total, row.before.AmountDue)", "0.00"), ("=gt(row.Total, 20)", True),
        ('=row.Status in ["PAID"] ? "yes" : "no"', "yes"), ("=date(row.UpdatedDateUTC)", "2026-11-02"),
        ("=mul(row.Reference, 2)", None), ('=split(row.InvoiceNumber, "-")[4]', None),
        ({"lookup": "desk", "key": "{LineItems.0.Tracking.0.Option}"}, "n-desk"),
        ({"lookup": "desk", "key": "{Contact.Name}"}, None), ("{LineItems.0.Tracking}", [{"Name": "Region", "Option": "North"}]),
    ],
)  # fmt: skip
def test_what_a_value_gives(written, expected):
    """Amounts stay text, yes and no stay themselves; what is not there, or cannot be worked out, is blank."""
    assert value(written) == expected


def test_what_is_gone_is_shown_as_it_was():
    """The short form is what the document is, or was."""
    gone = CHANGE | {"before": INVOICE, "after": None}
    assert rows({"no": "{InvoiceNumber}", "now": "{after.InvoiceNumber}", "gone": "{gone}"}, gone) == [
        {"no": "INV-1", "now": None, "gone": True}
    ]
    assert value("{gone}", CHANGE | {"after": INVOICE | {"Status": "DELETED"}}) is True
    assert value("{gone}", CHANGE | {"after": INVOICE | {"Status": "VOIDED"}}) is False


def test_a_row_of_each_line():
    """A short name is the line's; `head` and `document` are the invoice's; `when` leaves lines out."""
    columns = {
        "at": "{position}", "no": "{document.InvoiceNumber}", "total": "=head.Total", "what": "{Description}",
        "region": "{Tracking.0.Option}", "all": '=sum(rows, "LineAmount")',
    }  # fmt: skip
    assert rows(columns, each="LineItems") == [
        {"at": 1, "no": "INV-1", "total": "25.20", "what": "Widgets", "region": "North", "all": "25.20"},
        {"at": 2, "no": "INV-1", "total": "25.20", "what": "Gloves", "region": None, "all": "25.20"},
    ]
    (second,) = rows({"what": "{Description}"}, each="LineItems", when="=lt(row.Quantity, 2)")
    assert second == {"what": "Gloves"}
    assert rows(columns, CHANGE | {"after": {"InvoiceID": "d1"}}, each="LineItems") == []


def test_why_a_value_is_blank_can_be_asked():
    """`feeds try` shows it."""
    mapper = compiled({"twice": "=mul(row.Reference, 2)"})
    findings = []
    assert mapper.rows(CHANGE, findings) == [{"twice": None}]
    assert [one.field for one in findings] == ["twice"]
    assert "is not a number" in findings[0].reason


@pytest.mark.parametrize(
    ("columns", "more", "path", "reason", "remedy"),
    [
        ({"a": "{InvoiceNumbr}"}, {}, ("map", "a"), "no Invoice of Xero's has", "Did you mean `InvoiceNumber`?"),
        ({"a": "{invoiceNumber}"}, {}, ("map", "a"), "which no change has", "Did you mean `InvoiceNumber`?"),
        ({"a": "{entty}"}, {}, ("map", "a"), "which no change has", "Did you mean `entity`?"),
        ({"a": "after.Total"}, {}, ("map", "a"), "there is a column of that name", 'Write "{after.Total}".'),
        ({"a": "row.Total"}, {}, ("map", "a"), "looks like an expression", '"=row.Total"'),
        ({"a": "{position}"}, {}, ("map", "a"), "there are none", 'Write each = "LineItems"'),
        ({"a": "=row.Total == row.AmountDue"}, {}, ("map", "a"), "compares the amount", "eq(a, b)"),
        ({"a": {"b": "{Total}"}}, {}, ("map", "a"), "must be one value", "lookup"),
        ({"a": 1.5}, {}, ("map", "a"), "must be text", "Write a text"),
        ({"a": {"lookup": "desc", "key": "{Total}"}}, {}, ("map", "a"), "unknown lookup", "Did you mean `desk`?"),
        ({"a\n": "x"}, {}, ("map", "a\n"), "is no name of a column", ""),
        ({}, {}, ("map",), "must have 1 to 200 columns", ""),
        ({"a": "x"}, {"each": "LineItem"}, ("each",), "names no list of these documents", "Did you mean `LineItems`?"),
        ({"a": "{Quantty}"}, {"each": "LineItems"}, ("map", "a"), "no LineItem", "Did you mean `Quantity`?"),
        ({"a": "{Total}"}, {"when": "row.Total"}, ("when",), "must be an expression", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_when_the_map_is_loaded(columns, more, path, reason, remedy):
    """With its key, and the nearest name."""
    found = compiled(columns, **more)
    assert isinstance(found, tuple)
    one = found[0]
    assert one.path == path
    assert reason in one.reason
    assert remedy in one.remedy


def test_a_resource_is_found_by_its_words():
    """Bills are invoices too; no word means all."""
    assert outward.resources_of({"bill", "contact"}) == ("Contacts", "Invoices")
    assert len(outward.resources_of(())) == 17


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(allow_nan=True).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*INVOICE, "Name", "0"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
EVERYTHING = {
    "a": "{Contact.Name}", "b": "{LineItems.0.Tracking.0.Option}", "c": "{Total} of {Status}", "d": "=add(row.Total, row.AmountDue)",
    "e": "=date(row.Date)", "f": {"lookup": "desk", "key": "{Status}"}, "g": "{gone}", "h": "=substr(row.InvoiceNumber, 0, 3)",
    "i": "{before.Total}", "j": "{fields}",
}  # fmt: skip


@given(
    after=st.none() | st.dictionaries(st.sampled_from(list(INVOICE)), JSON),
    before=st.none() | st.dictionaries(st.sampled_from(list(INVOICE)), JSON),
)
def test_no_change_breaks_a_map(after, before):
    """Whatever Xero sends: a row with every column, and amounts that are plain digits or what was sent."""
    mapper = EACH_OR_NOT[0]
    found = mapper.rows(CHANGE | {"after": after, "before": before})
    assert [list(row) for row in found] == [list(EVERYTHING)]
    for mapped in EACH_OR_NOT[1:]:
        assert all(list(row) == ["a"] for row in mapped.rows(CHANGE | {"after": after, "before": before}))


EACH_OR_NOT = [compiled(EVERYTHING), compiled({"a": "{Quantity}"}, each="LineItems")]


@given(amount=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_an_amount_keeps_every_digit(amount):
    """However the JSON wrote it."""
    assert Decimal(value("{Total}", CHANGE | {"after": INVOICE | {"Total": str(amount)}})) == amount
