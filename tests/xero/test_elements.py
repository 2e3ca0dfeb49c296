import json
from decimal import Decimal

import pytest

from counterfoil.xero import elements
from counterfoil.xero.elements import WrittenInvoice
from tests.xero.fakes import envelope


def parse(*items, count=None):
    return elements.parse(json.dumps(envelope("Invoices", list(items))).encode(), "Invoices", count or len(items))


def test_statuses_by_position():
    """OK, WARNING and ERROR keep their place, with Xero's words."""
    found = parse(
        {"StatusAttributeString": "OK", "HasErrors": False, "InvoiceID": "1"},
        {"StatusAttributeString": "WARNING", "HasErrors": False, "Warnings": [{"Message": "odd rate"}]},
        {"StatusAttributeString": "ERROR", "HasErrors": True, "ValidationErrors": [{"Message": "no"}]},
    )
    assert [(e.status, e.errors, e.warnings) for e in found] == [
        ("OK", (), ()),
        ("WARNING", (), ("odd rate",)),
        ("ERROR", ("no",), ()),
    ]


def test_errors_hide_in_nested_parts():
    """Messages of the contact and of lines belong to the element."""
    nested = {
        "StatusAttributeString": "ERROR",
        "Contact": {"ValidationErrors": [{"Message": "name taken"}]},
        "LineItems": [{"ValidationErrors": []}, {"ValidationErrors": [{"Message": "bad account"}]}],
    }
    assert parse(nested)[0].errors == ("name taken", "bad account")


def test_without_markers_the_flags_speak():
    """A plain write has no StatusAttributeString; HasErrors or HasValidationErrors decide."""
    found = parse(
        {"HasErrors": False}, {"HasValidationErrors": True}, {"HasErrors": False, "Warnings": [{"Message": "w"}]}
    )
    assert [e.status for e in found] == ["OK", "ERROR", "WARNING"]


def test_amounts_are_decimals():
    """No float enters with an element."""
    body = json.dumps(envelope("Invoices", [{"SubTotal": 0.10, "Total": 3}])).encode()
    [found] = elements.parse(body, "Invoices", 1, WrittenInvoice)
    assert (found.stored.sub_total, found.stored.total) == (Decimal("0.1"), Decimal(3))


CONTRADICTIONS = [
    {"StatusAttributeString": "OK", "HasErrors": True},
    {"StatusAttributeString": "OK", "ValidationErrors": [{"Message": "no"}]},
    {"StatusAttributeString": "MAYBE"},
]


@pytest.mark.parametrize("item", CONTRADICTIONS)
def test_contradictions_are_not_trusted(item):
    """An element that calls itself OK and carries errors makes the whole answer unclear."""
    assert parse({"StatusAttributeString": "OK"}, item) is None


BODIES = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b'{"Status": "OK"}',
    b'{"Status": "OK", "Invoices": {}}',
    b'{"Status": "OK", "Invoices": [1]}',
    b'{"Status": "ERROR", "Invoices": [{}]}',
    b'{"Status": "OK", "Contacts": [{}]}',
]


@pytest.mark.parametrize("body", BODIES)
def test_what_cannot_be_trusted(body):
    """Anything but a whole envelope with a list of objects is None."""
    assert elements.parse(body, "Invoices", 1) is None


def test_the_count_must_match():
    """One element too few or too many: by position nothing can be told."""
    assert [parse({}, {}, count=1), parse({}, {}, count=3)] == [None, None]
