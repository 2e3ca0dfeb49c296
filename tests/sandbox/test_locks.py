"""A locked period: nothing that would move the ledger gets in by any path of the API, and nothing gets out of it either."""

from typing import Any

import pytest

from counterfoil.sandbox import person
from tests.sandbox.ledger.desk import Desk, line

LOCKED = "2026-11-30"
BEFORE, AFTER = "2026-11-15", "2026-12-05"
SIDES = [{"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in (("429", 1), ("835", -1))]


class Closed:
    """Books with one of each in a period that is then locked."""

    def __init__(self) -> None:
        self.desk = Desk()
        dated: dict[str, Any] = {"Contact": {"Name": "Blue Fern Ltd"}, "Date": BEFORE, "DueDate": "2026-12-31"}
        untaxed = {"LineItems": [line("200", 100, TaxType="NONE")]}
        self.sale = dated | untaxed | {"Type": "ACCREC", "Status": "AUTHORISED"}
        bank = {"BankAccount": {"Code": "090"}, "Date": BEFORE, "Contact": dated["Contact"], **untaxed}
        made = self.desk.made
        invoice, other = made("Invoices", **self.sale), made("Invoices", **self.sale)
        note = made("CreditNotes", **{**self.sale, "Type": "ACCRECCREDIT"})
        self.ids = {
            "invoice": invoice["InvoiceID"],
            "free": made("Invoices", **self.sale)["InvoiceID"],
            "unspent": made("CreditNotes", **{**self.sale, "Type": "ACCRECCREDIT"})["CreditNoteID"],
            "draft": made("Invoices", **{**self.sale, "Status": "DRAFT"})["InvoiceID"],
            "note": note["CreditNoteID"],
            "payment": made("Payments", **self.paid(invoice["InvoiceID"]))["PaymentID"],
            "batch": made("BatchPayments", Account={"Code": "090"}, Date=BEFORE,
                          Payments=[{"Invoice": {"InvoiceID": other["InvoiceID"]}, "Amount": 1}])["BatchPaymentID"],
            "spent": made("BankTransactions", **{**bank, "Type": "SPEND", "LineItems": [line("429", 5)]})["BankTransactionID"],
            "prepaid": made("BankTransactions", **bank, Type="RECEIVE-PREPAYMENT")["PrepaymentID"],
            "overpaid": made("BankTransactions", **bank, Type="RECEIVE-OVERPAYMENT")["OverpaymentID"],
            "transfer": made("BankTransfers", **self.moved())["BankTransferID"],
            "journal": made("ManualJournals", **self.noted("POSTED"))["ManualJournalID"],
            "pencilled": made("ManualJournals", **self.noted("DRAFT"))["ManualJournalID"],
        }  # fmt: skip
        made(f"CreditNotes/{self.ids['note']}/Allocations", Amount=5, Invoice={"InvoiceID": self.ids["invoice"]})
        notes = self.desk.ask("GET", f"CreditNotes/{self.ids['note']}")[1]["CreditNotes"]
        self.ids["allocation"] = notes[0]["Allocations"][0]["AllocationID"]
        person.changed_organisation(self.desk.world, self.desk.books, {"period_lock_date": LOCKED})
        self.desk.world.commit()

    def paid(self, own_id: str, day: str = BEFORE) -> dict[str, Any]:
        """A payment."""
        return {"Invoice": {"InvoiceID": own_id}, "Account": {"Code": "090"}, "Amount": 1, "Date": day}

    def moved(self) -> dict[str, Any]:
        """A transfer."""
        return {"FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "091"}, "Amount": 1, "Date": BEFORE}

    def noted(self, status: str) -> dict[str, Any]:
        """A manual journal."""
        return {"Narration": "n", "Status": status, "Date": BEFORE, "JournalLines": SIDES}


@pytest.fixture(scope="module")
def closed():
    return Closed()


TRIES: list[tuple[str, str, Any]] = [
    ("PUT", "Invoices", "sale"),
    ("POST", "Invoices/{invoice}", {"Reference": "x"}),
    ("POST", "Invoices/{free}", {"Status": "VOIDED"}),
    ("POST", "Invoices/{invoice}", {"Date": AFTER}),
    ("POST", "Invoices/{draft}", {"Status": "AUTHORISED"}),
    ("POST", "Invoices/{draft}", {"Status": "AUTHORISED", "Date": AFTER}),
    ("POST", "CreditNotes/{unspent}", {"Status": "VOIDED"}),
    ("PUT", "CreditNotes/{note}/Allocations", {"Amount": 1, "Invoice": {"InvoiceID": "{invoice}"}}),
    ("PUT", "CreditNotes/{note}/Allocations", {"Amount": 1, "Invoice": {"InvoiceID": "{invoice}"}, "Date": AFTER}),
    ("DELETE", "CreditNotes/{note}/Allocations/{allocation}", None),
    ("PUT", "Prepayments/{prepaid}/Allocations", {"Amount": 1, "Invoice": {"InvoiceID": "{invoice}"}}),
    ("PUT", "Overpayments/{overpaid}/Allocations", {"Amount": 1, "Invoice": {"InvoiceID": "{invoice}"}}),
    ("PUT", "Payments", {"Invoice": {"InvoiceID": "{invoice}"}, "Account": {"Code": "090"}, "Amount": 1, "Date": BEFORE}),
    ("PUT", "Payments", {"CreditNote": {"CreditNoteID": "{note}"}, "Account": {"Code": "090"}, "Amount": 1, "Date": BEFORE}),
    ("PUT", "Payments", {"Prepayment": {"PrepaymentID": "{prepaid}"}, "Account": {"Code": "090"}, "Amount": 1, "Date": BEFORE}),
    ("PUT", "Payments", {"Overpayment": {"OverpaymentID": "{overpaid}"}, "Account": {"Code": "090"}, "Amount": 1, "Date": LOCKED}),
    ("POST", "Payments/{payment}", {"Status": "DELETED"}),
    ("PUT", "BatchPayments",
     {"Account": {"Code": "090"}, "Date": BEFORE, "Payments": [{"Invoice": {"InvoiceID": "{invoice}"}, "Amount": 1}]}),
    ("POST", "BatchPayments/{batch}", {"Status": "DELETED"}),
    ("POST", "BatchPayments", {"BatchPaymentID": "{batch}", "Status": "DELETED"}),
    ("POST", "BankTransactions/{spent}", {"Status": "DELETED"}),
    ("POST", "BankTransactions/{spent}", {"Date": AFTER}),
    ("POST", "BankTransfers/{transfer}", {"Status": "DELETED"}),
    ("PUT", "BankTransfers", "moved"),
    ("POST", "ManualJournals/{journal}", {"Status": "VOIDED"}),
    ("POST", "ManualJournals/{pencilled}", {"Status": "POSTED"}),
    ("POST", "ManualJournals/{pencilled}", {"Status": "POSTED", "Date": AFTER}),
]  # fmt: skip


def named(value: Any, ids: dict[str, str]) -> Any:
    """The ids in the place of their names, however deep."""
    if isinstance(value, dict):
        return {key: named(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [named(inner, ids) for inner in value]
    return value.format(**ids) if isinstance(value, str) else value


@pytest.mark.parametrize(("method", "path", "sent"), TRIES)
def test_no_path_leads_into_a_locked_period(closed, method, path, sent):
    """400 with the sentence about the lock, and not one journal more."""
    desk = closed.desk
    body = {"sale": closed.sale, "moved": closed.moved()}[sent] if isinstance(sent, str) else named(sent, closed.ids)
    before, journals = desk.sums(), len(desk.books.table("journals"))
    status, answer = desk.ask(method, path.format(**closed.ids), body)
    assert status == 400
    assert "The document date cannot be before the period lock date, currently set at 30 November 2026" in str(answer)
    assert (before, journals) == (desk.sums(), len(desk.books.table("journals")))


def test_what_is_after_the_lock_is_free(closed):
    """A payment of today on an old invoice is made: its own date counts."""
    status, _ = closed.desk.ask("PUT", "Payments", closed.paid(closed.ids["invoice"], AFTER))
    assert status == 200
