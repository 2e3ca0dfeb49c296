"""What differs between two looks at a document has the names that a bookkeeper would give it."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.mirror.meaning import naming, words
from counterfoil.model.observed import Observed

NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
OWED = {
    "Type": "ACCREC", "Status": "AUTHORISED", "Total": Decimal("24.15"), "AmountDue": Decimal("24.15"),
    "AmountPaid": Decimal(0), "AmountCredited": Decimal(0), "DueDate": "2026-11-20", "Reference": "PO 77", "SentToContact": False,
    "LineItems": [{"LineItemID": "1", "Quantity": Decimal(2)}, {"LineItemID": "2", "Quantity": Decimal(1)}],
}  # fmt: skip
HALF = {
    "AmountDue": Decimal("4.15"),
    "AmountPaid": Decimal(20),
    "Payments": [{"PaymentID": "p", "Amount": Decimal(20)}],
}
WHOLE = {"Status": "PAID", "AmountDue": Decimal(0), "AmountPaid": Decimal("24.15"), "FullyPaidOnDate": "2026-11-21"}


def seen(before, after, resource="Invoices", *, snapshot=False, stamp=NOW):
    return Observed(
        tenant_id="t", resource=resource, document_id="d", before=before, after=after, stamp=stamp, seen_at=NOW, snapshot=snapshot
    )  # fmt: skip


def names(before, after, resource="Invoices"):
    return [one.name for one in naming.changes(seen(before, after, resource))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, OWED | {"Status": "DRAFT"}, ["invoice.created"]),
        (None, OWED | WHOLE, ["invoice.created", "invoice.paid"]),
        (OWED | {"Status": "DRAFT"}, OWED, ["invoice.approved"]),
        (OWED | {"Status": "DRAFT"}, OWED | {"Status": "SUBMITTED"}, ["invoice.submitted"]),
        (OWED, OWED | {"SentToContact": True}, ["invoice.sent"]),
        (OWED, OWED | HALF, ["invoice.part_paid"]),
        (OWED | HALF, OWED | WHOLE, ["invoice.paid"]),
        (OWED | WHOLE, OWED | HALF, ["invoice.reopened"]),
        (OWED | HALF, OWED, ["invoice.updated"]),
        (OWED, OWED | {"Status": "VOIDED"}, ["invoice.voided"]),
        (OWED, OWED | {"Status": "VOIDED", "AmountDue": Decimal(0)}, ["invoice.voided"]),
        (OWED | {"Status": "DRAFT"}, OWED | {"Status": "DELETED"}, ["invoice.deleted"]),
        (OWED, OWED | {"Reference": "PO 78"}, ["invoice.updated"]),
        (OWED, OWED | WHOLE | {"Reference": "PO 78"}, ["invoice.updated", "invoice.paid"]),
        (OWED, OWED | WHOLE | {"SentToContact": True}, ["invoice.sent", "invoice.paid"]),
    ],
)
def test_what_happens_to_an_invoice_has_one_name_for_each_thing(before, after, expected):
    """What no other name explains is `updated` as well; paid, part-paid and voided exclude each other."""
    assert names(before, after) == expected
    as_bill = [name.replace("invoice", "bill") for name in expected]
    assert names(before and before | {"Type": "ACCPAY"}, after | {"Type": "ACCPAY"}) == as_bill


@pytest.mark.parametrize(
    ("resource", "before", "after", "expected"),
    [
        ("Contacts", {"ContactStatus": "ACTIVE"}, {"ContactStatus": "ARCHIVED"}, ["contact.archived"]),
        ("Contacts", {"ContactStatus": "ACTIVE"}, {"ContactStatus": "ARCHIVED", "MergedToContactID": "w"}, ["contact.merged"]),
        ("Contacts", {"ContactStatus": "ARCHIVED"}, {"ContactStatus": "ACTIVE"}, ["contact.restored"]),
        ("Contacts", {"Name": "A"}, {"Name": "B"}, ["contact.updated"]),
        ("CreditNotes", {"Allocations": []}, {"Allocations": [{"AllocationID": "1"}]}, ["credit_note.allocated"]),
        ("CreditNotes", {"Allocations": [{"AllocationID": "1"}]}, {"Allocations": []}, ["credit_note.deallocated"]),
        ("Overpayments", {"Payments": []}, {"Payments": [{"PaymentID": "1"}]}, ["overpayment.refunded"]),
        ("Payments", {"Status": "AUTHORISED"}, {"Status": "DELETED"}, ["payment.deleted"]),
        ("BankTransactions", {"IsReconciled": False}, {"IsReconciled": True}, ["bank_transaction.reconciled"]),
        ("BankTransactions", {"IsReconciled": True}, {"IsReconciled": False}, ["bank_transaction.unreconciled"]),
        ("Accounts", {"Status": "ACTIVE"}, {"Status": "ARCHIVED"}, ["account.archived"]),
        ("ManualJournals", {"Status": "DRAFT"}, {"Status": "POSTED"}, ["manual_journal.posted"]),
        ("PurchaseOrders", {"Status": "AUTHORISED"}, {"Status": "BILLED"}, ["purchase_order.billed"]),
        ("Quotes", {"Status": "SENT"}, {"Status": "ACCEPTED"}, ["quote.accepted"]),
        ("Items", {"Code": "A"}, None, ["item.deleted"]),
        ("NewThings", {"Code": "A"}, {"Code": "B"}, ["new_things.updated"]),
    ],
)  # fmt: skip
def test_each_resource_has_its_own_names(resource, before, after, expected):
    """A resource that the table does not know yet is named plainly, never lost."""
    assert names(before, after, resource) == expected


def test_every_resource_of_the_mirror_can_be_created_updated_and_deleted():
    """The three names that nothing lacks, and no name twice."""
    for resource, kind in words.KINDS.items():
        for word in (kind.word, *kind.by_type.values()):
            assert {f"{word}.created", f"{word}.updated", f"{word}.deleted"} <= set(words.names())
        assert names(None, {"Name": "x"}, resource) == [f"{kind.word}.created"]
    assert len(words.names()) == len(set(words.names()))


def test_a_void_whose_answer_shows_the_full_amount_due_is_voided_and_nothing_when_it_is_read_again():
    """Xero's answer to the void keeps the amount; a later look has none. Neither is a payment."""
    voided = OWED | {"Status": "VOIDED"}
    assert (names(OWED | HALF, voided), names(voided, voided | {"AmountDue": Decimal(0)})) == (["invoice.voided"], [])


def test_what_a_document_shows_of_its_contact_is_updated_only_where_nothing_else_happened():
    """A customer's new address is news of the contact; another customer is news of the invoice."""
    before = OWED | {"Contact": {"ContactID": "1", "Name": "Ann", "EmailAddress": "a@x.example"}}
    moved = {"Contact": {"ContactID": "1", "Name": "Anne", "EmailAddress": "b@x.example"}}
    assert names(before, OWED | moved) == ["invoice.updated"]
    assert names(before, OWED | moved | WHOLE) == ["invoice.paid"]
    (told,) = naming.changes(seen(before, OWED | moved | WHOLE))
    assert {"Contact.Name", "Contact.EmailAddress"} < set(told.fields)
    assert names(before, OWED | {"Contact": {"ContactID": "2"}} | WHOLE) == ["invoice.updated", "invoice.paid"]


def test_a_document_that_changed_twice_between_two_looks_is_one_change_with_both_fields():
    """We cannot see what was in between, and do not make it up."""
    (only,) = naming.changes(seen(OWED, OWED | {"Reference": "PO 78", "DueDate": "2026-12-01"}))
    assert (only.name, only.fields) == ("invoice.updated", ("DueDate", "Reference"))


def test_what_only_another_look_spells_otherwise_is_no_change():
    """Digits after the point, blanks, the order of payments and what belongs to the answer say nothing new."""
    payments = [{"PaymentID": "a"}, {"PaymentID": "b"}]
    before = OWED | {"Payments": payments}
    after = OWED | {
        "Payments": payments[::-1], "Total": Decimal("24.1500"), "HasErrors": False, "Url": "", "UpdatedDateUTC": "later",
    }  # fmt: skip
    assert names(before, after) == []
    assert naming.state(before) == naming.state(after)


def test_lines_are_compared_by_their_ids_and_their_order_is_a_difference_of_its_own():
    """A line that is gone, one that changed, and two that changed places."""
    one, two = OWED["LineItems"]
    fields = [
        naming.changes(seen(OWED, OWED | {"LineItems": lines}))[0].fields
        for lines in ([two, one], [one], [one | {"Quantity": Decimal(3)}, two])
    ]
    assert fields == [("LineItems",), ("LineItems[2]",), ("LineItems[1].Quantity",)]


@pytest.mark.parametrize(
    ("differs", "today", "expected"),
    [
        ({}, 21, "invoice.overdue"), ({}, 20, None), ({"Type": "ACCPAY"}, 21, "bill.overdue"), ({"Status": "DRAFT"}, 21, None),
        ({"AmountDue": Decimal(0)}, 21, None), ({"DueDate": None}, 21, None),
    ],
)  # fmt: skip
def test_an_invoice_is_overdue_on_the_day_after_its_due_date_while_it_is_owed(differs, today, expected):
    """By the organisation's own day."""
    found = naming.overdue("t", "d", OWED | differs, NOW, datetime.date(2026, 11, today))
    assert expected == (found and found.name)


def test_overdue_has_one_id_for_each_due_date():
    """The next day says nothing new; a new due date that passes does."""
    ids = [
        naming.overdue("t", "d", OWED | {"DueDate": due}, NOW, datetime.date(2026, 12, day)).id
        for due, day in (("2026-11-20", 1), ("2026-11-20", 2), ("2026-11-25", 2))
    ]
    assert (ids[0] == ids[1], ids[1] == ids[2]) == (True, False)


texts = st.sampled_from(["", "a", "b"])
money = st.decimals(min_value=0, max_value=30, places=2)
documents = st.none() | st.fixed_dictionaries(
    {
        "Type": st.sampled_from(["ACCREC", "ACCPAY"]), "Reference": texts, "SentToContact": st.booleans(),
        "Status": st.sampled_from(["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED", "NEW"]),
        "AmountDue": money, "AmountPaid": money,
    }
)  # fmt: skip
looks = st.tuples(st.sampled_from(sorted(words.KINDS)), documents, documents)


@given(looks)
def test_every_difference_has_a_name_of_the_table_and_the_changes_give_what_is_there_now(look):
    """Complete: no difference without a change, no change without one; applied to an empty store they give `after`."""
    resource, before, after = look
    found = naming.changes(seen(before, after, resource))
    held = naming.state(before)
    for one in found:
        assert one.name in words.names()
        held = naming.state(one.after)
    assert len({one.id for one in found}) == len(found)
    ended = before and after and before["Status"] == after["Status"] and after["Status"] in words.ENDED
    if not ended:
        assert held == naming.state(after)
        assert bool(found) == (naming.state(before) != naming.state(after))


@given(looks)
def test_names_that_exclude_each_other_never_come_together(look):
    """Made, changed and gone; paid in part, in whole, voided."""
    resource, before, after = look
    said = {one.name.partition(".")[2] for one in naming.changes(seen(before, after, resource))}
    assert len(said & {"created", "updated"}) <= 1
    assert len(said & {"part_paid", "paid", "reopened", "voided", "deleted"}) <= 1


@given(looks)
def test_the_same_looks_give_the_same_ids_and_another_stamp_gives_others(look):
    """Another process, or this one after a restore, sees the same change; the same thing again later is another."""
    resource, before, after = look
    first, again = (naming.changes(seen(before, after, resource)) for _ in range(2))
    later = naming.changes(seen(before, after, resource, stamp=NOW + datetime.timedelta(seconds=1)))
    assert first == again
    assert not {one.id for one in first} & {one.id for one in later}
