"""Bank transactions, transfers, batch payments, over- and prepayments: what may be done and what is refused."""

import pytest

from counterfoil.sandbox import edits
from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk, line

BANK = {"Code": "090"}
NOT_MODIFIABLE = "Invoice not of valid status for modification"


@pytest.fixture
def desk():
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    return made


def money(desk, type="SPEND", **fields):
    lines = [line("429" if type.startswith("SPEND") else "260", 10)]
    return {
        "Type": type,
        "Contact": desk.contact,
        "BankAccount": BANK,
        "Date": "2026-11-02",
        "LineItems": lines,
        **fields,
    }


def refused(answer):
    status, body = answer
    assert status == 400, body
    return messages(body["Elements"][0])


def test_spend_money_is_answered_in_xeros_shape(desk):
    """Account with its name, full contact, the account's currency; lists without a page have no lines."""
    made = desk.made("BankTransactions", **money(desk, Reference="R"))
    assert list(made)[:4] == ["BankTransactionID", "BankAccount", "Type", "Reference"]
    assert made["BankAccount"]["Name"] == "Business Bank Account"
    assert (made["Status"], made["CurrencyCode"], made["SubTotal"], made["TotalTax"]) == ("AUTHORISED", "GBP", 10, 2)
    assert made["Contact"]["ContactStatus"] == "ACTIVE"
    (unpaged,) = desk.ask("GET", "BankTransactions")[1]["BankTransactions"]
    (paged,) = desk.ask("GET", "BankTransactions?page=1")[1]["BankTransactions"]
    assert (unpaged["LineItems"], len(paged["LineItems"])) == ([], 1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Type": "SPEND-TRANSFER"}, "A transfer is made with BankTransfers"),
        ({"BankAccount": {"Code": "200"}}, "The account is not a bank account"),
        ({"BankAccount": {"Code": "nope"}}, "The bank account could not be found"),
        ({"LineItems": []}, "One or more line items must be specified"),
        ({"LineItems": [line("429", -1)]}, "The total of a bank transaction must not be negative"),
        ({"CurrencyCode": "EUR"}, "The currency of the transaction must be that of its bank account"),
        ({"Status": "DELETED"}, "Invoice not of valid status for creation"),
        ({"LineItems": [line("999", 1)]}, "Account code '999' is not a valid code for this document."),
    ],
)
def test_what_a_bank_transaction_may_not_be(desk, fields, expected):
    """Each broken rule has its message."""
    assert refused(desk.ask("PUT", "BankTransactions", money(desk, **fields))) == [expected]
    assert desk.sums() == {}


def test_a_transaction_without_a_contact_is_refused(desk):
    """Spend and receive money name a contact."""
    body = {key: value for key, value in money(desk).items() if key != "Contact"}
    assert refused(desk.ask("PUT", "BankTransactions", body)) == [
        "A Contact must be specified for this type of transaction"
    ]


def test_a_transaction_is_changed_until_it_is_reconciled_or_gone(desk):
    """Reconciled, its amounts stay and it cannot be deleted; deleted, nothing goes any more."""
    own_id = desk.made("BankTransactions", **money(desk))["BankTransactionID"]
    path = f"BankTransactions/{own_id}"
    assert desk.ask("POST", path, {"LineItems": [line("429", 20)]})[1]["BankTransactions"][0]["Total"] == 24
    desk.ask("POST", path, {"IsReconciled": True})
    for change in ({"LineItems": [line("429", 30)]}, {"Status": "DELETED"}):
        assert len(refused(desk.ask("POST", path, change))) == 1
    assert desk.ask("POST", path, {"Reference": "seen"})[0] == 200
    desk.ask("POST", path, {"IsReconciled": False})
    assert desk.ask("POST", path, {"Status": "DELETED"})[0] == 200
    assert refused(desk.ask("POST", path, {"Reference": "x"})) == [NOT_MODIFIABLE]


def test_an_overpayment_is_allocated_refunded_and_then_cannot_be_deleted(desk):
    """Status follows the remaining credit; its bank transaction stays while something was taken from it."""
    made = desk.made("BankTransactions", **money(desk, "RECEIVE-OVERPAYMENT", LineItems=[line("", 30)], Reference="O"))
    (credit,) = desk.ask("GET", "Overpayments?References=o")[1]["Overpayments"]
    assert (credit["Type"], credit["RemainingCredit"], credit["OverpaymentID"]) == (
        "RECEIVE-OVERPAYMENT", 30, made["OverpaymentID"],
    )  # fmt: skip
    sale = desk.made(
        "Invoices", Type="ACCREC", Contact=desk.contact, Date="2026-11-01", DueDate="2026-12-01", Status="AUTHORISED",
        LineItems=[line("200", 10)],
    )  # fmt: skip
    path = f"Overpayments/{made['OverpaymentID']}"
    too_much = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Amount": 13}
    assert refused(desk.ask("PUT", f"{path}/Allocations", too_much)) == [
        "The allocation amount exceeds the amount outstanding on the invoice"
    ]
    one = desk.made(f"{path}/Allocations", **{**too_much, "Amount": 12})
    stored = desk.ask("GET", f"Invoices/{sale['InvoiceID']}")[1]["Invoices"][0]
    assert (stored["Status"], stored["AmountCredited"], stored["Overpayments"][0]["AppliedAmount"]) == ("PAID", 12, 12)
    gone = desk.ask("POST", f"BankTransactions/{made['BankTransactionID']}", {"Status": "DELETED"})
    assert refused(gone) == ["The bank transaction cannot be changed because it has been allocated or refunded"]
    assert desk.ask("DELETE", f"{path}/Allocations/{one['AllocationID']}")[0] == 200
    refund = desk.made(
        "Payments", Overpayment={"OverpaymentID": made["OverpaymentID"]}, Account=BANK, Date="2026-11-03", Amount=30
    )
    assert (refund["PaymentType"], refund["Invoice"]["InvoiceID"]) == ("AROVERPAYMENTPAYMENT", made["OverpaymentID"])
    assert desk.ask("GET", path)[1]["Overpayments"][0]["Status"] == "PAID"
    desk.ask("POST", f"Payments/{refund['PaymentID']}", {"Status": "DELETED"})
    assert desk.ask("POST", f"BankTransactions/{made['BankTransactionID']}", {"Status": "DELETED"})[0] == 200
    assert desk.ask("GET", path)[1]["Overpayments"][0]["Status"] == "VOIDED"


def test_an_unknown_overpayment_is_named_in_the_refusal(desk):
    """By analogy to the sentence that is known for credit notes."""
    unknown = "11111111-2222-4333-8444-555555555555"
    answer = desk.ask("PUT", f"Overpayments/{unknown}/Allocations", {"Amount": 1})
    assert refused(answer) == ["An existing Overpayment with the specified OverpaymentID could not be found"]


def test_a_transfer_makes_two_transactions_and_is_only_deleted(desk):
    """Its halves are read only; a deleted one shows when it is asked for."""
    ends = {"FromBankAccount": BANK, "ToBankAccount": {"Code": "091"}}
    made = desk.made("BankTransfers", **ends, Amount=25, Date="2026-11-03")
    types = {row["Type"] for row in desk.ask("GET", "BankTransactions")[1]["BankTransactions"]}
    assert types == {"SPEND-TRANSFER", "RECEIVE-TRANSFER"}
    half = desk.ask("POST", f"BankTransactions/{made['FromBankTransactionID']}", {"Reference": "x"})
    assert refused(half) == [NOT_MODIFIABLE]
    body = {"BankTransferID": made["BankTransferID"], "Status": "DELETED"}
    assert desk.ask("POST", "BankTransfers", body)[0] == 200
    assert desk.ask("GET", "BankTransfers")[1]["BankTransfers"] == []
    assert len(desk.ask("GET", "BankTransfers?includeDeleted=true")[1]["BankTransfers"]) == 1
    assert refused(desk.ask("POST", "BankTransfers", body)) == ["The transfer has been deleted."]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Amount": 0}, "The amount of a transfer must be greater than zero"),
        ({"ToBankAccount": BANK}, "A transfer needs two different bank accounts"),
        (
            {"ToBankAccount": {"Code": "092"}},
            "Transfers between bank accounts of different currencies are not supported",
        ),
        ({"FromBankAccount": {"Code": "200"}}, "The account is not a bank account"),
    ],
)
def test_what_a_transfer_may_not_be(desk, fields, expected):
    """Each broken rule has its message."""
    body = {"FromBankAccount": BANK, "ToBankAccount": {"Code": "091"}, "Amount": 5, **fields}
    assert refused(desk.ask("PUT", "BankTransfers", body)) == [expected]


def bills(desk, *amounts, **fields):
    dates = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
    lines = [{"Type": "ACCPAY", "LineItems": [line("429", amount, TaxType="NONE")]} for amount in amounts]
    return [desk.made("Invoices", **{"Contact": desk.contact} | dates | one | fields) for one in lines]


def test_the_payments_of_a_batch_stay_together(desk):
    """None is deleted by itself; deleting the batch gives every bill back."""
    due = bills(desk, 10, 20)
    inside = [{"Invoice": {"InvoiceID": row["InvoiceID"]}, "Amount": str(row["Total"])} for row in due]
    made = desk.made("BatchPayments", Account=BANK, Date="2026-11-07", Reference="May run", Payments=inside)
    assert (made["Type"], made["TotalAmount"], len(made["Payments"])) == ("PAYBATCH", 30, 2)
    payment = desk.ask("GET", f"Payments/{made['Payments'][0]['PaymentID']}")[1]["Payments"][0]
    assert payment["BatchPayment"]["BatchPaymentID"] == made["BatchPaymentID"]
    alone = desk.ask("POST", f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    assert refused(alone) == ["The payment is part of a batch payment: delete the batch payment instead."]
    desk.ask("POST", f"BatchPayments/{made['BatchPaymentID']}", {"Status": "DELETED"})
    assert [row["Status"] for row in desk.books.table("Payments")] == ["DELETED", "DELETED"]
    assert [row["AmountDue"] for row in desk.books.table("Invoices")] == [10, 20]


def test_a_batch_that_cannot_be_leaves_nothing(desk):
    """A payment too high, documents of two sides, nothing at all, a text too long for the bank."""
    (due,) = bills(desk, 10)
    (sale,) = bills(desk, 10, Type="ACCREC", LineItems=[line("200", 10, TaxType="NONE")])

    def batch(*pairs, **fields):
        inside = [{"Invoice": {"InvoiceID": row["InvoiceID"]}, "Amount": amount} for row, amount in pairs]
        return refused(
            desk.ask("PUT", "BatchPayments", {"Account": BANK, "Date": "2026-11-07", "Payments": inside, **fields})
        )

    assert batch((due, 11)) == ["Payment amount exceeds the amount outstanding on this document"]
    assert batch((due, 1), (sale, 1)) == [
        "All documents of a batch payment must be on the same side and in the same currency"
    ]
    assert batch() == ["A batch payment needs at least one payment"]
    assert batch((due, 1), Particulars="x" * 13) == ["The Particulars must not be longer than 12 characters."]
    assert len(desk.books.table("Payments")) == 0


def test_a_renamed_contact_is_renamed_everywhere(desk):
    """Its bank transactions, credits, orders and quotes carry the new name."""
    desk.made("BankTransactions", **money(desk, "RECEIVE-PREPAYMENT"))
    desk.made("PurchaseOrders", Contact=desk.contact, LineItems=[line("429", 1)])
    desk.made("Quotes", Contact=desk.contact, Date="2026-11-01", LineItems=[line("200", 1)])
    desk.ask("POST", f"Contacts/{desk.contact['ContactID']}", {"Name": "Red Fern Ltd"})
    names = {
        row["Contact"]["Name"]
        for plural in ("BankTransactions", "Prepayments", "PurchaseOrders", "Quotes")
        for row in desk.ask("GET", plural)[1][plural]
    }
    assert names == {"Red Fern Ltd"}


def test_a_person_reconciles_a_bank_transaction(desk):
    """At Xero's own screen; the API then keeps its amounts."""
    own_id = desk.made("BankTransactions", **money(desk))["BankTransactionID"]
    edits.edited_document(desk.world, desk.books, own_id, {"IsReconciled": True})
    assert len(refused(desk.ask("POST", f"BankTransactions/{own_id}", {"Status": "DELETED"}))) == 1
