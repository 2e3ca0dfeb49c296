"""Payments, credit notes, allocations, e-mails and histories through the SDK (facts 5.8 to 5.10, 5.22, 5.23)."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import (
    Account,
    Allocation,
    Allocations,
    Contact,
    CreditNote,
    CreditNotes,
    HistoryRecord,
    HistoryRecords,
    Invoice,
    Invoices,
    Payment,
    PaymentDelete,
    Payments,
    RequestEmpty,
)
from xero_python.exceptions import BadRequestException, NotFoundException

from tests.conformance import foreign

UNKNOWN = "00000000-0000-0000-0000-000000000009"
TOO_MUCH = "Payment amount exceeds the amount outstanding on this document"


def refusal(call):
    """The messages of the first element that a call is refused with."""
    with pytest.raises(BadRequestException) as refused:
        call()
    return foreign.messages(refused.value.error_data["Elements"][0])


@pytest.fixture
def due(xero, contact):
    """An approved invoice of 12.00."""
    return xero.created(xero.invoice(contact))[0]


def payment(document, amount="12.00", **fields):
    return Payment(
        **{
            "invoice": Invoice(invoice_id=document.invoice_id),
            "account": Account(code="090"),
            "date": date(2026, 11, 3),
            "amount": Decimal(amount),
            **fields,
        }
    )


def pay(xero, *payments, **options):
    return xero.api.create_payments(xero.tenant, Payments(payments=list(payments)), **options).payments


def credit_note(contact_id, unit="10.00", **fields):
    return CreditNote(
        **{
            "type": "ACCRECCREDIT",
            "contact": Contact(contact_id=contact_id),
            "line_items": [foreign.line(unit=unit)],
            "date": date(2026, 11, 5),
            "status": "AUTHORISED",
            **fields,
        }
    )


def credit(xero, *notes, **options):
    return xero.api.create_credit_notes(xero.tenant, CreditNotes(credit_notes=list(notes)), **options).credit_notes


def allocate(xero, note, document, amount, **options):
    allocation = Allocation(
        invoice=Invoice(invoice_id=document.invoice_id), amount=Decimal(amount), date=date(2026, 11, 6)
    )
    made = xero.api.create_credit_note_allocation(
        xero.tenant, note.credit_note_id, Allocations(allocations=[allocation]), **options
    )
    return made.allocations[0]


def read(xero, document):
    return xero.api.get_invoice(xero.tenant, document.invoice_id).invoices[0]


def sums(document):
    """Status and the three amounts."""
    each = (document.amount_paid, document.amount_credited, document.amount_due)
    return (document.status, *(foreign.amount(value) for value in each))


def test_a_payment_pays_an_invoice(xero, due):
    """The answer has the payment and its paid invoice; the invoice has the payment."""
    (made,) = pay(xero, payment(due, reference="till"))
    assert (made.payment_type, made.status, made.is_reconciled) == ("ACCRECPAYMENT", "AUTHORISED", False)
    assert (made.date, made.account.code, made.account.name) == (date(2026, 11, 3), "090", "Business Bank Account")
    assert made.invoice.status == "PAID"
    paid = read(xero, due)
    assert sums(paid) == ("PAID", 12, 0, 0)
    assert paid.fully_paid_on_date == date(2026, 11, 3)
    assert [(each.payment_id, each.reference) for each in paid.payments] == [(made.payment_id, "till")]


def test_a_single_payment_is_made_by_post(xero, due):
    """createPayment posts the bare object."""
    (made,) = xero.api.create_payment(xero.tenant, payment(due, "5.00")).payments
    assert foreign.amount(made.amount) == 5
    assert sums(read(xero, due)) == ("AUTHORISED", 5, 0, 7)


def test_a_deleted_payment_gives_the_invoice_back(xero, due):
    """It stays readable as DELETED; the invoice may be voided then."""
    (made,) = pay(xero, payment(due))
    refused = refusal(lambda: xero.api.update_invoice(
        xero.tenant, due.invoice_id, Invoices(invoices=[Invoice(status="VOIDED")])
    ))  # fmt: skip
    assert refused == [
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    ]
    (gone,) = xero.api.delete_payment(xero.tenant, made.payment_id, PaymentDelete(status="DELETED")).payments
    assert gone.status == "DELETED"
    assert sums(read(xero, due)) == ("AUTHORISED", 0, 0, 12)
    assert xero.api.get_payment(xero.tenant, made.payment_id).payments[0].status == "DELETED"
    voided = xero.api.update_invoice(xero.tenant, due.invoice_id, Invoices(invoices=[Invoice(status="VOIDED")]))
    assert voided.invoices[0].status == "VOIDED"


def test_more_than_is_due_is_refused(xero, due):
    """In Xero's words; with summarizeErrors=false beside a good one."""
    assert refusal(lambda: pay(xero, payment(due, "12.01"))) == [TOO_MUCH]
    good, bad = pay(xero, payment(due), payment(due, "0.01"), summarize_errors=False)
    assert (good.status_attribute_string, bad.status_attribute_string) == ("OK", "ERROR")
    assert foreign.messages(bad) == [TOO_MUCH]


def test_a_draft_takes_no_payment(xero, contact):
    """Only authorised documents do."""
    (draft,) = xero.created(xero.invoice(contact, status="DRAFT"))
    assert refusal(lambda: pay(xero, payment(draft))) == ["Payments can only be made against Authorised documents"]
    assert refusal(lambda: pay(xero, payment(draft, account=Account(code="nope"))))[-1] == "Account could not be found"


def test_payments_are_listed(xero, due):
    """By where on the document, ordered, paged."""
    pay(xero, payment(due, "1.00"), payment(due, "2.00"))
    wanted = f'Invoice.InvoiceID==Guid("{due.invoice_id}") AND Status=="AUTHORISED"'
    listed = xero.api.get_payments(xero.tenant, where=wanted, order="Amount DESC", page=1, page_size=1)
    assert [foreign.amount(each.amount) for each in listed.payments] == [2]
    assert (listed.pagination.item_count, listed.pagination.page_count) == (2, 2)
    assert listed.payments[0].invoice.invoice_number == due.invoice_number
    since = xero.api.get_payments(xero.tenant, if_modified_since="2999-01-01T00:00:00")
    assert since.payments == []


def test_a_credit_note_is_created_changed_and_voided(xero, contact, number):
    """Its own number and statuses."""
    (made,) = credit(xero, credit_note(contact, credit_note_number=number, reference="R", status="DRAFT"))
    assert (made.credit_note_number, made.status, foreign.amount(made.remaining_credit)) == (number, "DRAFT", 12)
    update = CreditNotes(credit_notes=[CreditNote(status="AUTHORISED", reference="S")])
    (approved,) = xero.api.update_credit_note(xero.tenant, made.credit_note_id, update).credit_notes
    assert (approved.status, approved.reference) == ("AUTHORISED", "S")
    again = CreditNotes(credit_notes=[CreditNote(credit_note_number=number, status="VOIDED")])
    (voided,) = xero.api.update_or_create_credit_notes(xero.tenant, again).credit_notes
    assert (voided.credit_note_id, voided.status) == (made.credit_note_id, "VOIDED")
    stored = xero.api.get_credit_note(xero.tenant, made.credit_note_id).credit_notes[0]
    assert foreign.amount(stored.remaining_credit) == 0
    with pytest.raises(NotFoundException):
        xero.api.get_credit_note(xero.tenant, UNKNOWN)


def test_credit_notes_are_listed(xero, contact, number):
    """By where on the number, with their lines in a page."""
    credit(xero, credit_note(contact, credit_note_number=number))
    listed = xero.api.get_credit_notes(xero.tenant, where=f'CreditNoteNumber=="{number}"', page=1)
    assert [each.credit_note_number for each in listed.credit_notes] == [number]
    assert len(listed.credit_notes[0].line_items) == 1
    assert listed.pagination.item_count == 1


def test_an_allocation_is_made_and_deleted(xero, contact, due):
    """Both documents follow; the deletion answers 200 with the allocation marked."""
    (note,) = credit(xero, credit_note(contact))
    made = allocate(xero, note, due, "12.00")
    assert foreign.amount(made.amount) == 12
    assert made.date == date(2026, 11, 5)
    owing = read(xero, due)
    assert sums(owing) == ("PAID", 0, 12, 0)
    assert [(each.credit_note_id, foreign.amount(each.applied_amount)) for each in owing.credit_notes] == [
        (note.credit_note_id, 12)
    ]
    used = xero.api.get_credit_note(xero.tenant, note.credit_note_id).credit_notes[0]
    assert (used.status, used.allocations[0].invoice.invoice_number) == ("PAID", due.invoice_number)
    gone = xero.api.delete_credit_note_allocations(xero.tenant, note.credit_note_id, made.allocation_id)
    assert (gone.allocation_id, gone.is_deleted) == (made.allocation_id, True)
    assert sums(read(xero, due)) == ("AUTHORISED", 0, 0, 12)


def test_an_allocation_that_cannot_be(xero, contact, due):
    """Too much, a draft, and a credit note that is not there."""
    (note, draft) = credit(xero, credit_note(contact, "5.00"), credit_note(contact, status="DRAFT"))
    assert refusal(lambda: allocate(xero, note, due, "6.01")) == [
        "The allocation amount exceeds the remaining credit of the credit note"
    ]
    assert refusal(lambda: allocate(xero, draft, due, "1.00"))
    assert refusal(lambda: allocate(xero, CreditNote(credit_note_id=UNKNOWN), due, "1.00")) == [
        "An existing Credit Note with the specified CreditNoteID could not be found"
    ]


def test_a_refund_is_a_payment_on_a_credit_note(xero, contact):
    """ARCREDITPAYMENT, under Invoice in the answer."""
    (note,) = credit(xero, credit_note(contact))
    refund = Payment(
        credit_note=CreditNote(credit_note_id=note.credit_note_id), account=Account(code="090"), amount=Decimal(12)
    )
    (made,) = pay(xero, refund)
    assert (made.payment_type, made.invoice.invoice_id) == ("ARCREDITPAYMENT", note.credit_note_id)
    used = xero.api.get_credit_note(xero.tenant, note.credit_note_id).credit_notes[0]
    assert (used.status, foreign.amount(used.remaining_credit), len(used.payments)) == ("PAID", 0, 1)


def test_an_invoice_is_emailed(xero, due):
    """204; refused without an address; SentToContact and the history tell."""
    assert refusal(lambda: xero.api.email_invoice(xero.tenant, due.invoice_id, RequestEmpty()))
    known = xero.contact(f"Customer {foreign.unique()}", email_address="ap@bluefern.example")
    (made,) = xero.created(xero.invoice(known))
    xero.api.email_invoice(xero.tenant, made.invoice_id, RequestEmpty())
    assert read(xero, made).sent_to_contact is True
    records = xero.api.get_invoice_history(xero.tenant, made.invoice_id).history_records
    assert [each.changes for each in records] == ["Invoice sent", "Created"]
    assert records[0].date_utc.tzinfo is not None
    raw = xero.raw("POST", f"/Invoices/{made.invoice_id}/Email", body={})
    assert (raw.status, raw.body) == (204, b"")


def test_notes_are_kept_in_the_history(xero, contact, due):
    """On invoices, credit notes, payments and contacts."""
    note = HistoryRecords(history_records=[HistoryRecord(details="Called them")])
    (credited,) = credit(xero, credit_note(contact))
    (paid,) = pay(xero, payment(due))
    made = [
        (xero.api.create_invoice_history, xero.api.get_invoice_history, due.invoice_id),
        (xero.api.create_credit_note_history, xero.api.get_credit_note_history, credited.credit_note_id),
        (xero.api.create_payment_history, xero.api.get_payment_history, paid.payment_id),
        (xero.api.create_contact_history, xero.api.get_contact_history, contact),
    ]
    for write, fetch, own_id in made:
        assert write(xero.tenant, own_id, note).history_records[0].details == "Called them"
        newest = fetch(xero.tenant, own_id).history_records[0]
        assert (newest.changes, newest.user, newest.details) == ("Note", "System Generated", "Called them")


def test_settings_that_only_a_person_changes(xero):
    """Reminders and actions read through the SDK."""
    (reminders,) = xero.api.get_invoice_reminders(xero.tenant).invoice_reminders
    assert reminders.enabled is False
    actions = {each.name: each.status for each in xero.api.get_organisation_actions(xero.tenant).actions}
    assert (actions["CreateApprovedInvoice"], actions["CreateInvoicePayment"]) == ("ALLOWED", "ALLOWED")


@pytest.mark.parametrize(
    ("field", "name"), [("period_lock_date", "period lock"), ("end_of_year_lock_date", "end of year lock")]
)
def test_both_locks_hold_everything(xero, field, name):
    """Invoices, credit notes, payments and deletions of them are refused on and before the date, in Xero's words."""
    tenant = xero.tenants["AU"]
    contact = xero.contact(f"Customer {foreign.unique()}", tenant)
    (due,) = xero.created(xero.invoice(contact), tenant=tenant)
    (made,) = xero.api.create_payments(tenant, Payments(payments=[payment(due, "1.00")])).payments
    xero.control("POST", f"organisation/{tenant}", **{field: "2026-11-05"})
    try:
        expected = [f"The document date cannot be before the {name} date, currently set at 5 November 2026"]
        organisation = xero.api.get_organisations(tenant).organisations[0]
        assert getattr(organisation, field) == date(2026, 11, 5)
        writes = [
            lambda: xero.created(xero.invoice(contact), tenant=tenant),
            lambda: xero.api.update_invoice(tenant, due.invoice_id, Invoices(invoices=[Invoice(reference="x")])),
            lambda: xero.api.create_payments(tenant, Payments(payments=[payment(due, "1.00")])),
            lambda: xero.api.delete_payment(tenant, made.payment_id, PaymentDelete(status="DELETED")),
            lambda: xero.api.create_credit_notes(tenant, CreditNotes(credit_notes=[credit_note(contact)])),
        ]
        assert [refusal(write) for write in writes] == [expected] * len(writes)
    finally:
        xero.control("POST", f"organisation/{tenant}", **{field: None})
