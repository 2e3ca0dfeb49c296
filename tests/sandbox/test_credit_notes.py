"""Credit notes, their allocations to invoices and their refunds."""

import pytest

from tests.sandbox.conftest import invoice, line, messages

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
UNKNOWN = "11111111-2222-4333-8444-555555555555"
NOT_MODIFIABLE = "Invoice not of valid status for modification"


@pytest.fixture
def contact(ledger):
    return ledger.contact()


def credit_note(contact_id, **fields):
    """An approved credit note of 21.00 + 20 %."""
    made = invoice(contact_id, Type="ACCRECCREDIT", Date="2026-11-05", **fields)
    del made["DueDate"]
    return made


def put(ledger, *notes, method="PUT"):
    return ledger.write(method, *notes, to="CreditNotes")


def allocate(ledger, note, *allocations):
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    return ledger.write("PUT", *allocations, to="Allocations", path=path)


def allocation(due, amount, **fields):
    return {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Amount": amount, **fields}


def stored_note(ledger, note):
    return ledger.get(f"CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]


def stored_invoice(ledger, due):
    return ledger.get(f"Invoices/{due['InvoiceID']}")["Invoices"][0]


@pytest.fixture
def pair(ledger, contact):
    """A credit note of 25.20 and an invoice of 50.40."""
    (note,) = put(ledger, credit_note(contact))
    (due,) = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1", LineItems=[line(Quantity=4)]))
    return note, due


def test_a_created_credit_note_is_answered_in_xeros_shape(ledger, contact):
    """Keys and order are those of the published example and the recording; there is neither Url nor discount."""
    reply = ledger.call(
        "PUT", "CreditNotes", credit_note(contact, Reference="return 7 ABCDEFGHIJKLMNOP", Url="https://x")
    )
    (shown,) = reply.json["CreditNotes"]
    assert list(shown) == [
        "CreditNoteID", "CreditNoteNumber", "SentToContact", "Payments", "ID", "HasErrors", "CurrencyRate", "Type",
        "Reference", "RemainingCredit", "Allocations", "UpdatedDateUTCString", "Contact", "DateString", "Date",
        "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal", "TotalTax", "Total", "UpdatedDateUTC",
        "CurrencyCode",
    ]  # fmt: skip
    assert (shown["CreditNoteNumber"], shown["ID"] == shown["CreditNoteID"]) == ("CN-0001", True)
    assert (shown["Total"], shown["RemainingCredit"], shown["Reference"]) == (25.2, 25.2, "return 7 ABCDEFGHIJKLMNOP")


def test_a_credit_notes_number_is_its_own_and_unique(ledger, contact):
    """Credit notes and invoices count apart; a number taken is refused on PUT and updated on POST."""
    ledger.write("PUT", invoice(contact, InvoiceNumber="C-1"))
    (made,) = put(ledger, credit_note(contact, CreditNoteNumber="C-1", Status="DRAFT"))
    (bad,) = put(ledger, credit_note(contact, CreditNoteNumber="c-1"))
    assert (messages(bad), bad["CreditNoteID"]) == (["Credit Note # must be unique."], ZERO_GUID)
    (changed,) = put(ledger, {"CreditNoteNumber": "C-1", "Reference": "new"}, method="POST")
    assert (changed["CreditNoteID"], changed["Reference"]) == (made["CreditNoteID"], "new")
    assert messages(put(ledger, credit_note(contact))[0]) == []


@pytest.mark.parametrize(
    ("start", "end", "allowed"),
    [
        ("DRAFT", "AUTHORISED", True),
        ("DRAFT", "DELETED", True),
        ("SUBMITTED", "DRAFT", True),
        ("AUTHORISED", "VOIDED", True),
        ("AUTHORISED", "DELETED", False),
        ("AUTHORISED", "DRAFT", False),
        ("DRAFT", "VOIDED", False),
    ],
)
def test_a_credit_note_moves_as_an_invoice(ledger, contact, start, end, allowed):
    """The same statuses and transitions; what ends has no credit left."""
    (made,) = put(ledger, credit_note(contact, Status=start))
    reply = ledger.call("POST", f"CreditNotes/{made['CreditNoteID']}", {"Status": end})
    assert reply.status == (200 if allowed else 400)
    if not allowed:
        assert messages(reply.json["Elements"][0]) == [NOT_MODIFIABLE]
    row = stored_note(ledger, made)
    assert row["Status"] == (end if allowed else start)
    assert row["RemainingCredit"] == (0.0 if row["Status"] in {"VOIDED", "DELETED"} else 25.2)


def test_a_credit_note_knows_no_discount(ledger, contact):
    """Discounts belong to sales invoices and quotes."""
    (bad,) = put(ledger, credit_note(contact, LineItems=[line(DiscountRate=10)]))
    assert messages(bad) == ["Discounts are only supported on sales invoices and quotes."]


def test_an_allocation_credits_the_invoice_and_can_be_taken_back(ledger, pair):
    """Both documents show it, amounts and PAID follow, and DELETE answers 200 with the allocation marked."""
    note, due = pair
    (made,) = allocate(ledger, note, allocation(due, 25.2, Date="2030-01-01"))
    assert (made["Amount"], made["Date"]) == (25.2, "/Date(1793836800000+0000)/")
    assert made["CreditNote"]["CreditNoteID"] == note["CreditNoteID"]
    owing = stored_invoice(ledger, due)
    assert (owing["AmountCredited"], owing["AmountPaid"], owing["AmountDue"]) == (25.2, 0.0, 25.2)
    assert [(one["CreditNoteNumber"], one["AppliedAmount"], one["Total"]) for one in owing["CreditNotes"]] == [
        ("CN-0001", 25.2, 25.2)
    ]
    used = stored_note(ledger, note)
    assert (used["Status"], used["RemainingCredit"]) == ("PAID", 0.0)
    assert used["FullyPaidOnDate"] == "/Date(1793836800000+0000)/"
    assert used["Allocations"][0]["Invoice"]["InvoiceNumber"] == "S-1"
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations/{made['AllocationID']}"
    gone = ledger.call("DELETE", path)
    assert (gone.status, gone.json["AllocationID"], gone.json["IsDeleted"]) == (200, made["AllocationID"], True)
    assert ledger.call("DELETE", path).status == 404
    owing, used = stored_invoice(ledger, due), stored_note(ledger, note)
    assert (owing["AmountDue"], owing["AmountCredited"], "CreditNotes" in owing) == (50.4, 0.0, False)
    assert (used["Status"], used["RemainingCredit"], used["Allocations"]) == ("AUTHORISED", 25.2, [])


def test_a_credit_and_a_payment_together_pay_an_invoice(ledger, pair):
    """PAID is when nothing is due, whatever paid it."""
    note, due = pair
    allocate(ledger, note, allocation(due, 10), allocation(due, 15.2))
    payment = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 25.2}
    ledger.write("PUT", payment, to="Payments")
    owing = stored_invoice(ledger, due)
    assert (owing["Status"], owing["AmountDue"], len(owing["CreditNotes"])) == ("PAID", 0.0, 2)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (25.21, "The allocation amount exceeds the remaining credit of the credit note"),
        (0, "The allocation amount must be greater than zero"),
        (-5, "The allocation amount must be greater than zero"),
    ],
)
def test_no_more_is_allocated_than_there_is(ledger, pair, amount, expected):
    """A bad element is refused beside a good one, and the next sees what the first one took."""
    note, due = pair
    good, bad, late = allocate(ledger, note, allocation(due, 1), allocation(due, amount), allocation(due, 24.21))
    assert (messages(good), messages(bad)[:1]) == ([], [expected])
    assert messages(late) == ["The allocation amount exceeds the remaining credit of the credit note"]
    assert stored_note(ledger, note)["RemainingCredit"] == 24.2


def test_no_more_is_allocated_than_the_invoice_owes(ledger, contact):
    """A large credit note on a small invoice."""
    (note,) = put(ledger, credit_note(contact, LineItems=[line(Quantity=10)]))
    (due,) = ledger.write("PUT", invoice(contact))
    assert messages(allocate(ledger, note, allocation(due, 25.21))[0]) == [
        "The allocation amount exceeds the amount outstanding on the invoice"
    ]


def test_what_cannot_be_allocated(ledger, contact):
    """Drafts, other contacts, other currencies, and what is not there."""
    (draft,) = put(ledger, credit_note(contact, Status="DRAFT"))
    (note,) = put(ledger, credit_note(contact))
    mine, draft_due, theirs, foreign = ledger.write(
        "PUT",
        invoice(contact),
        invoice(contact, Status="DRAFT"),
        invoice(ledger.contact("Somebody else")),
        invoice(contact, CurrencyCode="EUR", LineItems=[line(TaxType="ZERORATEDOUTPUT")]),
    )
    not_authorised = ["Only an authorised credit note can be allocated, and only to an authorised invoice"]
    assert messages(allocate(ledger, draft, allocation(mine, 1))[0]) == not_authorised
    assert messages(allocate(ledger, note, allocation(draft_due, 1))[0]) == not_authorised
    others, currency, unknown = allocate(
        ledger, note, allocation(theirs, 1), allocation(foreign, 1), allocation({"InvoiceID": UNKNOWN}, 1)
    )
    assert messages(others) == ["The credit note and the invoice must have the same contact"]
    assert messages(currency) == ["The credit note and the invoice must have the same currency"]
    assert messages(unknown) == ["An existing Invoice with the specified InvoiceID could not be found"]
    (missing,) = allocate(ledger, {"CreditNoteID": UNKNOWN}, allocation(mine, 1))
    assert messages(missing) == ["An existing Credit Note with the specified CreditNoteID could not be found"]


def test_with_a_credit_on_it_neither_document_can_be_voided_or_rehomed(ledger, pair):
    """Status, contact and amounts are fixed; the invoice's reference is not."""
    note, due = pair
    allocate(ledger, note, allocation(due, 1))
    voiding = (
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    )
    fixed = "This document cannot be edited as it has a payment or credit note allocated to it."
    other = {"ContactID": ledger.contact("Somebody else")}
    key = {"InvoiceID": due["InvoiceID"]}
    assert messages(ledger.write("POST", {**key, "Status": "VOIDED"})[0]) == [voiding]
    assert messages(ledger.write("POST", {**key, "Contact": other})[0]) == [fixed]
    assert messages(ledger.write("POST", {**key, "Reference": "free"})[0]) == []
    key = {"CreditNoteID": note["CreditNoteID"]}
    assert messages(put(ledger, {**key, "Status": "VOIDED"}, method="POST")[0]) == [voiding]
    assert messages(put(ledger, {**key, "Date": "2026-11-06"}, method="POST")[0]) == [fixed]


def test_a_refund_uses_up_a_credit_note(ledger, contact):
    """A payment on a credit note is ARCREDITPAYMENT, shown under Invoice as in Xero's example; deleting gives it back."""
    (note,) = put(ledger, credit_note(contact))
    refund = {"CreditNote": {"CreditNoteID": note["CreditNoteID"]}, "Account": {"Code": "090"}, "Amount": 25.2}
    (made,) = ledger.write("PUT", refund, to="Payments")
    assert (made["PaymentType"], "CreditNote" in made) == ("ARCREDITPAYMENT", False)
    assert (made["Invoice"]["Type"], made["Invoice"]["InvoiceID"], made["Invoice"]["InvoiceNumber"]) == (
        "ACCRECCREDIT", note["CreditNoteID"], "CN-0001",
    )  # fmt: skip
    used = stored_note(ledger, note)
    assert (used["Status"], used["RemainingCredit"], used["Payments"][0]["Amount"]) == ("PAID", 0.0, 25.2)
    (again,) = ledger.write("PUT", refund, to="Payments")
    assert messages(again) == ["Payment amount exceeds the amount outstanding on this document"]
    ledger.call("POST", f"Payments/{made['PaymentID']}", {"Status": "DELETED"})
    used = stored_note(ledger, note)
    assert (used["Status"], used["RemainingCredit"], used["Payments"]) == ("AUTHORISED", 25.2, [])


def test_a_locked_period_takes_no_credit_note_and_no_allocation(ledger, pair):
    """The allocation's date is the later one of the two documents'."""
    note, due = pair
    (made,) = allocate(ledger, note, allocation(due, 1))
    ledger.sandbox.organisation(ledger.tenant, period_lock_date="2026-11-05")
    expected = ["The document date cannot be before the period lock date, currently set at 5 November 2026"]
    assert messages(put(ledger, credit_note(note["Contact"]["ContactID"]))[0]) == expected
    assert messages(allocate(ledger, note, allocation(due, 1))[0]) == expected
    reply = ledger.call("DELETE", f"CreditNotes/{note['CreditNoteID']}/Allocations/{made['AllocationID']}")
    assert (reply.status, messages(reply.json["Elements"][0])) == (400, expected)


def test_credit_notes_are_listed_filtered_and_paged(ledger, contact):
    """Lines only with a page; where on number and on what is left."""
    made = put(ledger, credit_note(contact), credit_note(contact, Status="DRAFT"))
    bare = ledger.get("CreditNotes")["CreditNotes"]
    assert [(row["CreditNoteID"], row["LineItems"]) for row in bare] == [(row["CreditNoteID"], []) for row in made]
    paged = ledger.get("CreditNotes?page=1&where=CreditNoteNumber%3D%3D%22cn-0002%22%20AND%20RemainingCredit%3E0")
    assert [row["Status"] for row in paged["CreditNotes"]] == ["DRAFT"]
    assert len(paged["CreditNotes"][0]["LineItems"]) == 1
    assert paged["pagination"]["itemCount"] == 1


def test_a_contacts_credit_lowers_what_it_owes(ledger, pair):
    """Outstanding is net of credit that is not used up yet, so allocating changes nothing."""
    note, due = pair

    def outstanding():
        (contact,) = ledger.get(f"Contacts/{due['Contact']['ContactID']}")["Contacts"]
        return contact["Balances"]["AccountsReceivable"]["Outstanding"]

    assert outstanding() == 25.2
    allocate(ledger, note, allocation(due, 25.2))
    assert outstanding() == 25.2


def test_an_unknown_credit_note_is_not_found(ledger):
    """404, and a method that Xero does not have is 501."""
    assert ledger.call("GET", f"CreditNotes/{UNKNOWN}").status == 404
    assert ledger.call("DELETE", "CreditNotes").status == 501
