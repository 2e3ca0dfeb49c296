"""Bills and suppliers' credit notes: what they have apart from a customer's documents."""

import pytest

from tests.sandbox.conftest import invoice, line, messages

BANK = {"Code": "090"}


@pytest.fixture
def supplier(ledger):
    return ledger.contact("Paper Mill Ltd")


def bill(contact_id, **fields):
    """An approved bill of 21.00 + 20 %."""
    costs = {"LineItems": [line(AccountCode="429")]}
    return invoice(contact_id, Type="ACCPAY", **(costs | fields))


def supplier_credit(contact_id, **fields):
    made = bill(contact_id, **fields) | {"Type": "ACCPAYCREDIT"}
    del made["DueDate"]
    return made


def test_a_bill_is_kept_without_what_only_a_sale_has(ledger, supplier):
    """No number of ours, no Reference, no SentToContact or BrandingThemeID; the contact is a supplier."""
    (made,) = ledger.write("PUT", bill(supplier, Reference="ignored", SentToContact=True))
    assert (made["Type"], made["InvoiceNumber"], made["Reference"], made["Total"]) == ("ACCPAY", "", "", 25.2)
    assert not {"SentToContact", "BrandingThemeID"} & made.keys()
    contact = ledger.get(f"Contacts/{supplier}")["Contacts"][0]
    assert (contact["IsSupplier"], contact["IsCustomer"]) == (True, False)
    assert contact["Balances"]["AccountsPayable"]["Outstanding"] == 25.2
    assert contact["Balances"]["AccountsReceivable"]["Outstanding"] == 0.0


def test_a_bills_number_is_the_suppliers_and_no_key(ledger, supplier):
    """Two bills may share it, POST makes another one, and a sale of that number is another document."""
    numbered = bill(supplier, InvoiceNumber="R-77")
    first, second = ledger.write("PUT", numbered, numbered)
    (third,) = ledger.write("POST", numbered)
    (sale,) = ledger.write("POST", invoice(supplier, InvoiceNumber="R-77"))
    assert len({row["InvoiceID"] for row in (first, second, third, sale)}) == 4
    assert messages(ledger.write("PUT", invoice(supplier, InvoiceNumber="r-77"))[0]) == ["Invoice # must be unique."]


def test_a_bill_moves_as_an_invoice(ledger, supplier):
    """Draft, approved, paid, the payment deleted, voided."""
    (made,) = ledger.write("PUT", bill(supplier, Status="DRAFT"))
    own_id = made["InvoiceID"]
    assert ledger.write("POST", {"InvoiceID": own_id, "Status": "AUTHORISED"})[0]["Status"] == "AUTHORISED"
    paid = {"Invoice": {"InvoiceID": own_id}, "Account": BANK, "Date": "2026-11-03", "Amount": 25.2}
    (payment,) = ledger.write("PUT", paid, to="Payments")
    assert (payment["PaymentType"], payment["Invoice"]["Status"]) == ("ACCPAYPAYMENT", "PAID")
    ledger.call("POST", f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    assert ledger.write("POST", {"InvoiceID": own_id, "Status": "VOIDED"})[0]["Status"] == "VOIDED"


def test_a_paid_bill_can_still_be_planned(ledger, supplier):
    """PlannedPaymentDate of a bill with a payment may change, its date may not; a bill knows no discount."""
    (made,) = ledger.write("PUT", bill(supplier))
    own = {"InvoiceID": made["InvoiceID"]}
    ledger.write("PUT", {"Invoice": own, "Account": BANK, "Date": "2026-11-03", "Amount": 1}, to="Payments")
    planned, moved = ledger.write("POST", own | {"PlannedPaymentDate": "2026-11-20"}, own | {"Date": "2026-11-02"})
    assert messages(planned) == []
    assert messages(moved) == ["This document cannot be edited as it has a payment or credit note allocated to it."]
    (bad,) = ledger.write("PUT", bill(supplier, LineItems=[line(AccountCode="429", DiscountRate=10)]))
    assert messages(bad) == ["Discounts are only supported on sales invoices and quotes."]


def test_a_suppliers_credit_note_goes_to_bills_alone(ledger, supplier):
    """It has no number of ours; a sale is not found for it, a bill is; what is left can be refunded."""
    (note,) = ledger.write("PUT", supplier_credit(supplier), to="CreditNotes")
    assert (note["Type"], note["CreditNoteNumber"], note["RemainingCredit"]) == ("ACCPAYCREDIT", "", 25.2)
    (due,) = ledger.write("PUT", bill(supplier))
    (sale,) = ledger.write("PUT", invoice(supplier))
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    wrong, right = ledger.write(
        "PUT",
        *({"Invoice": {"InvoiceID": row["InvoiceID"]}, "Amount": 20} for row in (sale, due)),
        to="Allocations",
        path=path,
    )
    assert messages(wrong) == ["An existing Invoice with the specified InvoiceID could not be found"]
    assert (messages(right), right["Amount"]) == ([], 20.0)
    refund = {
        "CreditNote": {"CreditNoteID": note["CreditNoteID"]},
        "Account": BANK,
        "Date": "2026-11-09",
        "Amount": 5.2,
    }
    (made,) = ledger.write("PUT", refund, to="Payments")
    assert (made["PaymentType"], made["Invoice"]["Type"]) == ("APCREDITPAYMENT", "ACCPAYCREDIT")
    assert ledger.get(f"CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]["Status"] == "PAID"


def test_a_bill_is_not_emailed(ledger):
    """Only a sale is, even to a supplier with an address."""
    known = ledger.contact("Paper Mill Ltd", EmailAddress="ap@mill.example")
    (due,) = ledger.write("PUT", bill(known))
    reply = ledger.call("POST", f"Invoices/{due['InvoiceID']}/Email", {})
    assert (reply.status, messages(reply.json["Elements"][0])) == (
        400, ["The invoice cannot be emailed in its current status"],
    )  # fmt: skip


def test_a_sale_has_a_page_for_its_customer(ledger, supplier):
    """OnlineInvoice: the same address each time; a draft and a bill have none."""
    sale, draft, due = ledger.write("PUT", invoice(supplier), invoice(supplier, Status="DRAFT"), bill(supplier))
    path = f"Invoices/{sale['InvoiceID']}/OnlineInvoice"
    (shown,) = ledger.get(path)["OnlineInvoices"]
    assert shown["OnlineInvoiceUrl"].startswith("https://in.xero.com/")
    assert ledger.get(path)["OnlineInvoices"] == [shown]
    for other in (draft, due):
        assert ledger.call("GET", f"Invoices/{other['InvoiceID']}/OnlineInvoice").status == 404
