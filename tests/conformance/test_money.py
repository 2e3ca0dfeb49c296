"""Money on the bank through the SDK: transactions, transfers, batches, over- and prepayments (facts 5.11 to 5.14)."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import (
    Account,
    Allocation,
    Allocations,
    BankTransaction,
    BankTransactions,
    BankTransfer,
    BankTransferDeleteByUrlParam,
    BankTransfers,
    BatchPayment,
    BatchPaymentDelete,
    BatchPaymentDeleteByUrlParam,
    BatchPayments,
    Contact,
    HistoryRecord,
    HistoryRecords,
    Invoice,
    Overpayment,
    Payment,
    Payments,
)
from xero_python.exceptions import BadRequestException

from tests.conformance import foreign

BANK = Account(code="090")


def refusal(call):
    """The messages of the first element that a call is refused with."""
    with pytest.raises(BadRequestException) as refused:
        call()
    return foreign.messages(refused.value.error_data["Elements"][0])


def moved(xero, contact, type="SPEND", *lines, **fields):
    account = "429" if type.startswith("SPEND") else "260"
    transaction = BankTransaction(
        **{
            "type": type,
            "contact": Contact(contact_id=contact),
            "bank_account": BANK,
            "date": date(2026, 11, 2),
            "line_items": list(lines) or [foreign.line(account=account)],
            **fields,
        }
    )
    made = xero.api.create_bank_transactions(xero.tenant, BankTransactions(bank_transactions=[transaction]))
    return made.bank_transactions[0]


def bill(xero, contact, **fields):
    made = xero.invoice(contact, foreign.line(account="429"), type="ACCPAY", **fields)
    return xero.created(made)[0]


def test_spend_money_is_made_changed_and_deleted(xero, contact):
    """Read alone, in a page, by where; POST changes lines and status."""
    made = moved(xero, contact, reference="R 1")
    assert (made.status, made.bank_account.name, foreign.amount(made.total)) == (
        "AUTHORISED", "Business Bank Account", 12,
    )  # fmt: skip
    wanted = f'BankTransactionID==Guid("{made.bank_transaction_id}") AND Type=="SPEND"'
    listed = xero.api.get_bank_transactions(xero.tenant, where=wanted, page=1)
    assert [len(each.line_items) for each in listed.bank_transactions] == [1]
    assert listed.pagination.item_count == 1
    change = BankTransactions(bank_transactions=[BankTransaction(
        type="SPEND", line_items=[foreign.line(account="429", unit="20")], bank_account=BANK
    )])  # fmt: skip
    (changed,) = xero.api.update_bank_transaction(xero.tenant, made.bank_transaction_id, change).bank_transactions
    assert foreign.amount(changed.total) == 24
    gone = xero.raw("POST", f"/BankTransactions/{made.bank_transaction_id}", body={"Status": "DELETED"})
    assert gone.json()["BankTransactions"][0]["Status"] == "DELETED"
    (read,) = xero.api.get_bank_transaction(xero.tenant, made.bank_transaction_id).bank_transactions
    assert read.status == "DELETED"


def test_a_bank_transaction_without_lines_is_refused(xero, contact):
    """In the words that documents share."""
    body = {"Type": "SPEND", "Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "LineItems": []}
    reply = xero.raw("PUT", "/BankTransactions", body=body)
    assert foreign.messages(reply.json()["Elements"][0]) == ["One or more line items must be specified"]


def test_an_overpayment_is_allocated_and_refunded(xero, contact):
    """Made by receiving money; the allocation answers 200 when it is deleted, the refund is under Invoice."""
    made = moved(xero, contact, "RECEIVE-OVERPAYMENT", foreign.line(unit="30", account=None))
    (due,) = xero.created(xero.invoice(contact))
    allocation = Allocation(invoice=Invoice(invoice_id=due.invoice_id), amount=Decimal(12), date=date(2026, 11, 2))
    (one,) = xero.api.create_overpayment_allocations(
        xero.tenant, made.overpayment_id, Allocations(allocations=[allocation])
    ).allocations
    (credit,) = xero.api.get_overpayment(xero.tenant, made.overpayment_id).overpayments
    assert (credit.type, credit.status, foreign.amount(credit.remaining_credit)) == (
        "RECEIVE-OVERPAYMENT",
        "AUTHORISED",
        18,
    )
    (paid,) = xero.api.get_invoice(xero.tenant, due.invoice_id).invoices
    assert (paid.status, foreign.amount(paid.overpayments[0].applied_amount)) == ("PAID", 12)
    gone = xero.api.delete_overpayment_allocations(xero.tenant, made.overpayment_id, one.allocation_id)
    assert gone.is_deleted is True
    refund = Payment(overpayment=Overpayment(overpayment_id=made.overpayment_id), account=BANK, amount=Decimal(30))
    (back,) = xero.api.create_payments(xero.tenant, Payments(payments=[refund])).payments
    assert (back.payment_type, back.invoice.invoice_id) == ("AROVERPAYMENTPAYMENT", made.overpayment_id)
    listed = xero.api.get_overpayments(xero.tenant, where=f'OverpaymentID==Guid("{made.overpayment_id}")', page=1)
    assert [each.status for each in listed.overpayments] == ["PAID"]


def test_a_prepayment_is_listed_by_its_number_and_allocated(xero, contact, number):
    """The bank transaction's reference is its number."""
    line = foreign.line(unit="50", account="830", tax_type="OUTPUT2")
    made = moved(xero, contact, "RECEIVE-PREPAYMENT", line, reference=number)
    (credit,) = xero.api.get_prepayments(xero.tenant, invoice_numbers=[number]).prepayments
    assert (credit.prepayment_id, foreign.amount(credit.total)) == (made.prepayment_id, 60)
    (due,) = xero.created(xero.invoice(contact))
    allocation = Allocation(invoice=Invoice(invoice_id=due.invoice_id), amount=Decimal(12), date=date(2026, 11, 2))
    allocations = Allocations(allocations=[allocation])
    (one,) = xero.api.create_prepayment_allocations(xero.tenant, made.prepayment_id, allocations).allocations
    assert refusal(lambda: xero.api.create_prepayment_allocations(xero.tenant, made.prepayment_id, allocations)) == [
        "The allocation amount exceeds the amount outstanding on the invoice"
    ]
    assert xero.api.delete_prepayment_allocations(xero.tenant, made.prepayment_id, one.allocation_id).is_deleted


def test_a_transfer_is_made_and_deleted_both_ways(xero):
    """Of the collection and by its id; deleted ones show when asked for."""
    ends = {"from_bank_account": BANK, "to_bank_account": Account(code="091")}
    transfer = BankTransfer(**ends, amount=Decimal(20), date=date(2026, 11, 3), reference="savings")
    ids = []
    for _ in range(2):
        (made,) = xero.api.create_bank_transfer(xero.tenant, BankTransfers(bank_transfers=[transfer])).bank_transfers
        ids.append(made.bank_transfer_id)
    one, other = ids
    assert xero.api.get_bank_transfer(xero.tenant, one).bank_transfers[0].from_bank_account.code == "090"
    by_id = BankTransferDeleteByUrlParam(status="DELETED")
    (gone,) = xero.api.delete_bank_transfer(xero.tenant, one, by_id).bank_transfers
    assert gone.status == "DELETED"
    xero.raw("POST", "/BankTransfers", body={"BankTransferID": other, "Status": "DELETED"})
    shown = {each.bank_transfer_id for each in xero.api.get_bank_transfers(xero.tenant).bank_transfers}
    assert not shown & set(ids)
    every = xero.api.get_bank_transfers(xero.tenant, include_deleted=True).bank_transfers
    assert {each.bank_transfer_id for each in every} >= set(ids)


def test_a_batch_of_payments_is_made_and_deleted(xero, contact):
    """Two bills at once; its payments cannot go alone; both forms of deletion."""
    for by_url in (True, False):
        due = [bill(xero, contact), bill(xero, contact)]
        inside = [Payment(invoice=Invoice(invoice_id=each.invoice_id), amount=Decimal(12)) for each in due]
        batch = BatchPayment(account=BANK, date=date(2026, 11, 7), reference="run", payments=inside)
        (made,) = xero.api.create_batch_payment(xero.tenant, BatchPayments(batch_payments=[batch])).batch_payments
        assert (made.type, str(made.total_amount), len(made.payments)) == ("PAYBATCH", "24.0", 2)
        alone = xero.raw("POST", f"/Payments/{made.payments[0].payment_id}", body={"Status": "DELETED"})
        assert alone.status == 400
        own_id = made.batch_payment_id
        if by_url:
            body = BatchPaymentDeleteByUrlParam(status="DELETED")
            xero.api.delete_batch_payment_by_url_param(xero.tenant, own_id, body)
        else:
            xero.api.delete_batch_payment(xero.tenant, BatchPaymentDelete(status="DELETED", batch_payment_id=own_id))
        assert xero.api.get_batch_payment(xero.tenant, own_id).batch_payments[0].status == "DELETED"
        assert xero.api.get_invoice(xero.tenant, due[0].invoice_id).invoices[0].status == "AUTHORISED"


def test_what_moves_money_has_a_history(xero, contact):
    """Bank transactions, transfers, over- and prepayments: notes are kept and told."""
    spent = moved(xero, contact)
    over = moved(xero, contact, "RECEIVE-OVERPAYMENT", foreign.line(account=None))
    note = HistoryRecords(history_records=[HistoryRecord(details="Seen")])
    xero.api.create_bank_transaction_history_record(xero.tenant, spent.bank_transaction_id, note)
    xero.api.create_overpayment_history(xero.tenant, over.overpayment_id, note)
    for records in (
        xero.api.get_bank_transactions_history(xero.tenant, spent.bank_transaction_id),
        xero.api.get_overpayment_history(xero.tenant, over.overpayment_id),
    ):
        assert records.history_records[0].details == "Seen"
