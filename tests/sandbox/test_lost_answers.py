"""A write whose answer is lost, sent again with its key: done once, answered as it would have been, for every resource."""

import http.client
from typing import Any

import pytest

from tests.sandbox.conftest import Ledger, invoice, line

SIDES = [{"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in (("429", 1), ("835", -1))]


def bodies(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """One good element for each resource that is written."""
    contact = ledger.contact()
    (sale,) = ledger.write("PUT", invoice(contact))
    named = {"Contact": {"ContactID": contact}, "Date": "2026-11-01", "LineItems": [line()]}
    bank = {"BankAccount": {"Code": "090"}, "Type": "RECEIVE", **named}
    paid = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Amount": 1}
    return {
        "Accounts": {"Code": "777", "Name": "Seven", "Type": "EXPENSE"},
        "BankTransactions": bank,
        "BankTransfers": {"FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "091"}, "Amount": 1},
        "BatchPayments": {"Account": {"Code": "090"}, "Date": "2026-11-02", "Payments": [paid]},
        "ContactGroups": {"Name": "Regulars"},
        "Contacts": {"Name": "Rosebank Ltd"},
        "CreditNotes": {**invoice(contact), "Type": "ACCRECCREDIT"},
        "Invoices": invoice(contact),
        "Items": {"Code": "TEA"},
        "ManualJournals": {"Narration": "n", "Date": "2026-11-01", "JournalLines": SIDES},
        "Payments": {**paid, "Account": {"Code": "090"}, "Date": "2026-11-02"},
        "PurchaseOrders": named,
        "Quotes": named,
        "TaxRates": {"Name": "City", "ReportTaxType": "OUTPUT", "TaxComponents": [{"Name": "City", "Rate": 5}]},
    }


PLURALS = [
    "Accounts", "BankTransactions", "BankTransfers", "BatchPayments", "ContactGroups", "Contacts", "CreditNotes", "Invoices",
    "Items", "ManualJournals", "Payments", "PurchaseOrders", "Quotes", "TaxRates",
]  # fmt: skip
SCOPES = (
    "accounting.invoices accounting.payments accounting.contacts accounting.settings accounting.banktransactions "
    "accounting.manualjournals"
)


@pytest.mark.parametrize("plural", PLURALS)
def test_a_write_whose_answer_was_lost_is_done_once(sandbox, plural):
    """The same bytes with the same key give the answer that was lost, and nothing more is in the books."""
    ledger = Ledger(sandbox, sandbox.connect(SCOPES)["access_token"], sandbox.tenant(1))
    body = bodies(ledger)[plural]
    before = len(ledger.stored(plural))
    sandbox.fault("lost_answer", method="PUT", path=f"/api.xro/2.0/{plural}")
    with pytest.raises((http.client.HTTPException, OSError)):
        ledger.call("PUT", plural, body, Idempotency_Key="once")
    assert len(ledger.stored(plural)) == before + 1
    replayed = [ledger.call("PUT", plural, body, Idempotency_Key="once") for _ in range(2)]
    assert [reply.status for reply in replayed] == [200, 200]
    assert replayed[0].body == replayed[1].body
    assert len(ledger.stored(plural)) == before + 1
    assert ledger.call("PUT", plural, {**body, "Reference": "other"}, Idempotency_Key="once").status == 400
    assert ledger.call("POST", plural, body, Idempotency_Key="once").status == 400
