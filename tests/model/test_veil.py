"""What is taken out of a document and what stays: ids, numbers, amounts, dates, marks."""

import msgspec

from counterfoil.model import veil

ID, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
MARK = "abcdefghij234567"


def invoice(contact_id=ID):
    return {
        "InvoiceID": "i", "InvoiceNumber": "INV-1", "Status": "PAID", "Type": "ACCREC", "CurrencyCode": "GBP",
        "Date": "/Date(1762041600000+0000)/", "DateString": "2026-11-02T00:00:00", "Total": 25.20, "AmountDue": "0.00",
        "Reference": f"For Ann {MARK}", "Url": f"http://x/p/{MARK}", "Contact": {"ContactID": contact_id, "Name": "Ann"},
        "LineItems": [{"Description": "Ann's", "AccountCode": "200", "Tracking": [{"Name": "Region", "Option": "North"}]}],
        "Payments": [{"PaymentID": "p", "Reference": "Ann", "Account": {"Code": "090", "Name": "Bank"}}],
        "SomethingNew": "Ann again", "SentToContact": True,
    }  # fmt: skip


def veiled(document, **how):
    return msgspec.json.decode(veil.body(msgspec.json.encode(document), {ID}, **how))


def test_what_stays_is_listed_and_everything_else_goes():
    """Also a field that nobody knows yet."""
    was, now = invoice(), veiled(invoice())
    changed = {name for name in was if was[name] != now[name]}
    assert changed == {"Reference", "Contact", "LineItems", "Payments", "SomethingNew"}
    assert now["Reference"] == f"erased {MARK}"
    assert now["Contact"] == {"ContactID": ID, "Name": "erased"}
    assert now["LineItems"][0] == {
        "Description": "erased", "AccountCode": "200", "Tracking": [{"Name": "Region", "Option": "North"}],
    }  # fmt: skip
    assert now["Payments"][0] == {"PaymentID": "p", "Reference": "erased", "Account": {"Code": "090", "Name": "Bank"}}
    assert b'"Total":25.2' in veil.body(msgspec.json.encode(invoice()), {ID})


def test_somebody_elses_document_keeps_all_but_the_part_about_them():
    """The very same bytes where they do not stand in it."""
    raw = msgspec.json.encode(invoice(OTHER))
    assert veil.body(raw, {ID}) is raw
    shared = invoice(OTHER) | {"Others": [{"ContactID": ID, "Name": "Ann"}, {"ContactID": OTHER, "Name": "Bob"}]}
    now = veiled(shared)
    assert now["Others"] == [{"ContactID": ID, "Name": "erased"}, {"ContactID": OTHER, "Name": "Bob"}]
    assert now["Reference"] == shared["Reference"]


def test_it_may_be_repeated():
    """What was taken out once is the same the second time."""
    once = veil.body(msgspec.json.encode(invoice()), {ID}, {"i"})
    assert veil.body(once, {ID}, {"i"}) == once
    assert msgspec.json.decode(once)["InvoiceNumber"] == "erased"


def test_numbers_that_are_names():
    """An e-mail address as a number goes always; one of their names where that is known."""
    assert veil.whole({"InvoiceNumber": "a@b.c"})["InvoiceNumber"] == "erased"
    assert veil.whole({"InvoiceNumber": "ANN-1"}, tells=lambda number: "ANN" in number)["InvoiceNumber"] == "erased"
    assert veil.whole({"InvoiceNumber": "INV-1"})["InvoiceNumber"] == "INV-1"


def test_an_answer_that_leaves_the_contact_out_is_as_the_document_was():
    """Of theirs, veiled; of nobody's, as it came."""
    raw = msgspec.json.encode({"InvoiceID": "i", "Reference": "Ann"})
    assert b"Ann" not in veil.like(raw, msgspec.json.encode(invoice()), {ID})
    assert veil.like(raw, msgspec.json.encode(invoice(OTHER)), {ID}) is raw
