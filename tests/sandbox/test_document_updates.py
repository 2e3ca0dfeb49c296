"""What may change on an invoice in each state, and what moves its stamp."""

import pytest

from tests.sandbox.conftest import invoice, line, messages

FIXED = "This document cannot be edited as it has a payment or credit note allocated to it."


@pytest.fixture
def contact(ledger):
    return ledger.contact()


@pytest.fixture
def part_paid(ledger, contact):
    """An approved invoice of 25.20 with a payment of 5.00 on it."""
    (made,) = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))
    payment = {"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 5}
    ledger.write("PUT", payment, to="Payments")
    return ledger.stored("Invoices")[0]


def post(ledger, document, **fields):
    return ledger.write("POST", {"InvoiceID": document["InvoiceID"], **fields})[0]


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED"])
def test_without_a_payment_everything_may_change(ledger, contact, status):
    """Contact, dates, currency, kind of amounts and lines, at once."""
    (made,) = ledger.write("PUT", invoice(contact, Status=status, InvoiceNumber="S-1"))
    other = ledger.contact("Somebody else")
    changed = post(
        ledger,
        made,
        Contact={"ContactID": other},
        Date="2026-11-05",
        DueDate="2026-12-05",
        InvoiceNumber="S-2",
        CurrencyCode="EUR",
        LineAmountTypes="Inclusive",
        LineItems=[line(Quantity=1, UnitAmount=60, TaxType="OUTPUT2")],
    )
    assert messages(changed) == []
    row = ledger.stored("Invoices")[0]
    assert (row["Contact"]["ContactID"], row["InvoiceNumber"], row["CurrencyCode"]) == (other, "S-2", "EUR")
    assert (row["Status"], row["SubTotal"], row["TotalTax"], row["Total"]) == (status, 50.0, 10.0, 60.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"Reference": "new"},
        {"InvoiceNumber": "S-9"},
        {"DueDate": "2027-01-31"},
        {"Url": "https://shop.example/1"},
        {"BrandingThemeID": "11111111-2222-4333-8444-555555555555"},
        {"SentToContact": True},
    ],
)
def test_with_a_payment_the_heading_may_change(ledger, part_paid, fields):
    """What moves no money stays free."""
    assert messages(post(ledger, part_paid, **fields)) == []
    row = ledger.stored("Invoices")[0]
    assert (row["Total"], row["AmountPaid"], row["AmountDue"], row["Status"]) == (25.2, 5.0, 20.2, "AUTHORISED")


def test_with_a_payment_the_contact_may_change(ledger, part_paid):
    """Only a credit note on it would forbid that."""
    other = ledger.contact("Somebody else")
    assert messages(post(ledger, part_paid, Contact={"ContactID": other})) == []
    assert ledger.stored("Invoices")[0]["Contact"]["Name"] == "Somebody else"


def test_with_a_payment_a_line_may_change_its_words_and_its_account(ledger, part_paid):
    """Description, account and tracking of a line named by its id."""
    own_id = part_paid["LineItems"][0]["LineItemID"]
    new = {"LineItemID": own_id, "Description": "Better words", "AccountCode": "260", "TaxType": "OUTPUT2"}
    new["Tracking"] = [{"Name": "Region", "Option": "North"}]
    assert messages(post(ledger, part_paid, LineItems=[new])) == []
    (stored,) = ledger.stored("Invoices")[0]["LineItems"]
    assert (stored["Description"], stored["AccountCode"], stored["Tracking"][0]["Option"]) == (
        "Better words", "260", "North",
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"Date": "2026-11-02"},
        {"CurrencyCode": "EUR"},
        {"LineAmountTypes": "NoTax"},
        {"LineItems": [line()]},
        {"LineItems": [line(), line()]},
    ],
)
def test_with_a_payment_the_money_may_not_change(ledger, part_paid, fields):
    """Dates, currency, amounts; and the same line made anew is another line."""
    assert messages(post(ledger, part_paid, **fields)) == [FIXED]
    assert ledger.stored("Invoices")[0] == part_paid


@pytest.mark.parametrize(
    "change", [{"Quantity": 1, "UnitAmount": 21}, {"TaxType": "ZERORATEDOUTPUT"}, {"TaxAmount": 4.19}]
)
def test_with_a_payment_a_line_keeps_its_amounts(ledger, part_paid, change):
    """Also where the line's total would stay the same."""
    own_id = part_paid["LineItems"][0]["LineItemID"]
    assert messages(post(ledger, part_paid, LineItems=[{"LineItemID": own_id, **change}])) == [FIXED]


@pytest.mark.parametrize("status", ["VOIDED", "DRAFT", "SUBMITTED", "DELETED"])
def test_with_a_payment_no_status_can_be_set(ledger, part_paid, status):
    """Each in Xero's words; after the payment is deleted the void goes through."""
    refused = messages(post(ledger, part_paid, Status=status))
    with_payment = (
        f"The status {status} cannot be applied to the invoice because it has payments or credit notes allocated to it."
    )
    assert refused == ["Invoice not of valid status for modification" if status == "DELETED" else with_payment]
    ledger.call("POST", f"Payments/{part_paid['Payments'][0]['PaymentID']}", {"Status": "DELETED"})
    assert messages(post(ledger, part_paid, Status="VOIDED")) == []


@pytest.mark.parametrize("fields", [{"DueDate": "2027-01-31"}, {"SentToContact": True}])
def test_due_date_and_sent_mark_leave_the_stamp_of_a_part_paid_invoice(ledger, part_paid, fields):
    """Such an edit is not seen by If-Modified-Since; with another field it is."""
    ledger.sandbox.advance(5)
    post(ledger, part_paid, **fields)
    row = ledger.stored("Invoices")[0]
    assert row != part_paid
    assert row["UpdatedDateUTC"] == part_paid["UpdatedDateUTC"]
    post(ledger, part_paid, Reference="seen", **fields)
    assert ledger.stored("Invoices")[0]["UpdatedDateUTC"] > part_paid["UpdatedDateUTC"]


def test_the_due_date_of_an_unpaid_invoice_moves_its_stamp(ledger, contact):
    """Only part-paid ones are silent."""
    (made,) = ledger.write("PUT", invoice(contact))
    ledger.sandbox.advance(5)
    assert post(ledger, made, DueDate="2027-01-31")["UpdatedDateUTC"] > made["UpdatedDateUTC"]


@pytest.mark.parametrize(("status", "sent"), [("DRAFT", False), ("SUBMITTED", False), ("AUTHORISED", True)])
def test_only_an_approved_invoice_can_be_marked_as_sent(ledger, contact, status, sent):
    """On others the mark is ignored."""
    (made,) = ledger.write("PUT", invoice(contact, Status=status, SentToContact=True))
    assert made["SentToContact"] is sent


def test_a_lines_tax_can_be_overridden(ledger, contact):
    """TaxAmount counts as sent, survives approval, and is computed anew when the price changes."""
    (made,) = ledger.write("PUT", invoice(contact, Status="DRAFT", LineItems=[line(TaxAmount=4.21)]))
    assert (made["TotalTax"], made["Total"]) == (4.21, 25.21)
    assert post(ledger, made, Status="AUTHORISED")["TotalTax"] == 4.21
    own_id = made["LineItems"][0]["LineItemID"]
    assert post(ledger, made, LineItems=[{"LineItemID": own_id, "Quantity": 4}])["TotalTax"] == 8.4


STATED = {"SubTotal": 21, "TotalTax": 4.2, "Total": 25.25, "RoundingAmount": 0.05}


@pytest.mark.parametrize("status", ["SUBMITTED", "AUTHORISED"])
def test_a_consistent_rounding_is_honoured(ledger, contact, status):
    """It is a part of Total and AmountDue, and stays when something else is edited."""
    (made,) = ledger.write("PUT", invoice(contact, Status=status, **STATED))
    assert (made["SubTotal"], made["TotalTax"], made["Total"], made["RoundingAmount"]) == (21.0, 4.2, 25.25, 0.05)
    changed = post(ledger, made, Reference="new")
    assert (changed["Total"], changed["AmountDue"], changed["RoundingAmount"]) == (25.25, 25.25, 0.05)
    anew = post(ledger, made, LineItems=[line()])
    assert (anew["Total"], "RoundingAmount" in anew) == (25.2, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Status": "DRAFT"},
        {"RoundingAmount": 0.11, "Total": 25.31},
        {"RoundingAmount": 0.04},
        {"SubTotal": 21.05},
        {"TotalTax": None},
        {"Total": None},
        {"SubTotal": None},
    ],
)
def test_any_other_rounding_is_ignored(ledger, contact, wrong):
    """On a draft, beyond ten cents, or without three totals that fit: the lines alone count."""
    stated = {key: value for key, value in {**STATED, **wrong}.items() if value is not None}
    (made,) = ledger.write("PUT", invoice(contact, **stated))
    assert (messages(made), made["Total"], "RoundingAmount" in made) == ([], 25.2, False)


def test_a_draft_keeps_its_entered_total(ledger, contact):
    """It changes no amount and goes when the draft is approved."""
    (draft,) = ledger.write("PUT", invoice(contact, Status="DRAFT", EnteredTotal=25.25))
    assert (draft["EnteredTotal"], draft["Total"]) == (25.25, 25.2)
    assert "EnteredTotal" not in post(ledger, draft, Status="AUTHORISED")
    (approved,) = ledger.write("PUT", invoice(contact, EnteredTotal=25.25))
    assert "EnteredTotal" not in approved


def test_a_plans_cap_on_approvals(ledger, contact):
    """Drafts are free; approving counts, also by update; a refused one is not counted."""
    ledger.sandbox.organisation(ledger.tenant, approvals_left=1)
    draft, bad, good, late = ledger.write(
        "PUT",
        invoice(contact, Status="DRAFT"),
        invoice(contact, LineItems=[line(AccountCode="9999")]),
        invoice(contact),
        invoice(contact),
    )
    assert (messages(draft), len(messages(bad)), messages(good)) == ([], 1, [])
    expected = ["You have reached the limit of invoices you can approve"]
    assert messages(late) == expected
    assert messages(post(ledger, draft, Status="AUTHORISED")) == expected
    assert messages(post(ledger, good, Reference="still editable")) == []
    actions = {row["Name"]: row["Status"] for row in ledger.get("Organisation/Actions")["Actions"]}
    assert (actions["CreateApprovedInvoice"], actions["CreateDraftInvoice"]) == ("NOT-ALLOWED", "ALLOWED")
    ledger.sandbox.organisation(ledger.tenant, approvals_left=None)
    assert messages(post(ledger, draft, Status="AUTHORISED")) == []
