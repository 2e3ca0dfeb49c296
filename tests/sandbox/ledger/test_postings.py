"""What each kind of document posts, by hand; accounts by code, debits positive (090 bank, 610 owed to us, 800 we owe)."""

from decimal import Decimal

import pytest

from counterfoil.sandbox import edits
from tests.sandbox.ledger.desk import Desk, line

NONE = {"TaxType": "NONE"}


@pytest.fixture
def desk():
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    return made


def document(desk, type, *lines, **fields):
    due = {} if type.endswith("CREDIT") else {"DueDate": "2026-12-01"}
    return desk.made(
        "CreditNotes" if type.endswith("CREDIT") else "Invoices",
        Type=type,
        Contact=desk.contact,
        Date="2026-11-01",
        LineItems=list(lines),
        **{"Status": "AUTHORISED"} | due | fields,
    )


def paid(desk, document, amount, **fields):
    id_key = "CreditNoteID" if "CreditNoteID" in document else "InvoiceID"
    named = {id_key.removesuffix("ID"): {id_key: document[id_key]}}
    return desk.made(
        "Payments", **named, **{"Account": {"Code": "090"}, "Date": "2026-11-05", "Amount": amount} | fields
    )


def amounts(**sums):
    return {code.removeprefix("_"): Decimal(str(amount)) for code, amount in sums.items()}


@pytest.mark.parametrize(
    ("type", "account", "expected"),
    [
        ("ACCREC", "200", amounts(_200=-100, _610=120, _820=-20)),
        ("ACCRECCREDIT", "200", amounts(_200=100, _610=-120, _820=20)),
        ("ACCPAY", "429", amounts(_429=100, _800=-120, _820=20)),
        ("ACCPAYCREDIT", "429", amounts(_429=-100, _800=120, _820=-20)),
    ],
)
def test_an_approved_document_posts_lines_tax_and_control(desk, type, account, expected):
    """100.00 + 20 % VAT, whoever owes it."""
    document(desk, type, line(account, 100))
    assert desk.sums() == expected


def test_a_draft_posts_nothing_and_a_void_reverses(desk):
    """The reversal is a journal more, of the same day."""
    made = document(desk, "ACCREC", line("200", 100), Status="DRAFT")
    assert desk.sums() == {}
    desk.ask("POST", f"Invoices/{made['InvoiceID']}", {"Status": "AUTHORISED"})
    desk.ask("POST", f"Invoices/{made['InvoiceID']}", {"Status": "VOIDED"})
    journals = list(desk.books.table("journals"))
    assert [(row["n"], row["day"] == journals[0]["day"]) for row in journals] == [(1, True), (2, True)]
    assert desk.sums() == {}


def test_an_edit_reverses_and_posts_anew(desk):
    """A line moved to another account leaves three journals and the new sums."""
    made = document(desk, "ACCREC", line("200", 100))
    moved = line("260", 100, LineItemID=made["LineItems"][0]["LineItemID"])
    desk.ask("POST", f"Invoices/{made['InvoiceID']}", {"LineItems": [moved]})
    assert len(desk.books.table("journals")) == 3
    assert desk.sums() == amounts(_260=-100, _610=120, _820=-20)


def test_an_edit_that_moves_no_money_posts_nothing(desk):
    """A due date is no business of the ledger's."""
    made = document(desk, "ACCREC", line("200", 100))
    desk.ask("POST", f"Invoices/{made['InvoiceID']}", {"DueDate": "2027-01-01"})
    assert len(desk.books.table("journals")) == 1


def test_inclusive_prices_are_taken_apart(desk):
    """120.00 with its VAT inside."""
    document(desk, "ACCREC", line("200", 120), LineAmountTypes="Inclusive")
    assert desk.sums() == amounts(_200=-100, _610=120, _820=-20)


def test_a_stated_rounding_goes_to_the_rounding_account(desk):
    """Five cents that the sender stated."""
    document(desk, "ACCREC", line("200", 10), SubTotal=10, TotalTax=2, Total="12.05", RoundingAmount="0.05")
    assert desk.sums() == amounts(_200=-10, _610="12.05", _820=-2, _860="-0.05")


def test_a_payment_moves_the_money_and_its_deletion_moves_it_back(desk):
    """In and out, on both sides, refunds included."""
    sale, bill = document(desk, "ACCREC", line("200", 100)), document(desk, "ACCPAY", line("429", 100))
    note = document(desk, "ACCRECCREDIT", line("200", 10))
    payments = [paid(desk, sale, 120), paid(desk, bill, 50), paid(desk, note, 12)]
    assert desk.sums() == amounts(_090=58, _200=-90, _429=100, _800=-70, _820=2)
    for payment in payments:
        desk.ask("POST", f"Payments/{payment['PaymentID']}", {"Status": "DELETED"})
    assert desk.sums() == amounts(_200=-90, _429=100, _610=108, _800=-120, _820=2)


def test_a_foreign_invoice_realises_its_gain_at_payment(desk):
    """100.00 EUR at 1.25 is 80.00; paid when it is worth 1.20 it brings 83.33: a gain of 3.33."""
    sale = document(desk, "ACCREC", line("200", 100, **NONE), CurrencyCode="EUR", CurrencyRate="1.25")
    assert desk.sums() == amounts(_200=-80, _610=80)
    made = paid(desk, sale, 100, CurrencyRate="1.2")
    assert made["BankAmount"] == Decimal("83.33")
    assert desk.sums() == amounts(_090="83.33", _200=-80, _499="-3.33")
    desk.ask("POST", f"Payments/{made['PaymentID']}", {"Status": "DELETED"})
    assert desk.sums() == amounts(_200=-80, _610=80)


def test_a_foreign_bill_paid_from_an_account_of_its_currency(desk):
    """The bank account is worth the payment's rate; a worse rate is a loss."""
    bill = document(desk, "ACCPAY", line("429", 100, **NONE), CurrencyCode="EUR", CurrencyRate="1.25")
    paid(desk, bill, 100, CurrencyRate="1.2", Account={"Code": "092"})
    assert desk.sums() == amounts(_092="-83.33", _429=80, _499="3.33")


def test_cents_of_partial_payments_end_as_a_gain(desk):
    """Two halves of 50.00 at 3 convert to 33.34, the whole to 33.33: the cent is no debt."""
    sale = document(desk, "ACCREC", line("200", 100, **NONE), CurrencyCode="EUR", CurrencyRate="3")
    paid(desk, sale, 50, CurrencyRate="3")
    assert desk.sums()["610"] == Decimal("16.66")
    paid(desk, sale, 50, CurrencyRate="3")
    assert desk.sums() == amounts(_090="33.34", _200="-33.33", _499="-0.01")


def test_a_foreign_allocation_realises_what_the_rates_differ_by(desk):
    """An invoice at 1.25 credited by a note at 1.20; in base currency an allocation posts nothing."""
    foreign = {"CurrencyCode": "EUR"}
    sale = document(desk, "ACCREC", line("200", 100, **NONE), **foreign, CurrencyRate="1.25")
    note = document(desk, "ACCRECCREDIT", line("200", 100, **NONE), **foreign, CurrencyRate="1.2")
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    made = desk.made(path, Invoice={"InvoiceID": sale["InvoiceID"]}, Amount=100)
    assert desk.sums() == amounts(_200="3.33", _499="-3.33")
    desk.ask("DELETE", f"{path}/{made['AllocationID']}")
    assert desk.sums() == amounts(_200="3.33", _610="-3.33")


def bank(desk, type, *lines, **fields):
    return desk.made(
        "BankTransactions",
        Type=type,
        Contact=desk.contact,
        BankAccount={"Code": "090"},
        Date="2026-11-02",
        LineItems=list(lines),
        **fields,
    )


def test_spend_and_receive_money(desk):
    """Bank against lines and tax; deleted, nothing is left."""
    made = [bank(desk, "RECEIVE", line("260", 50)), bank(desk, "SPEND", line("429", 10))]
    assert desk.sums() == amounts(_090=48, _260=-50, _429=10, _820=-8)
    for row in made:
        desk.ask("POST", f"BankTransactions/{row['BankTransactionID']}", {"Status": "DELETED"})
    assert desk.sums() == {}


def test_an_overpayment_is_on_the_control_account_until_it_is_allocated(desk):
    """Allocating it moves nothing in base currency; refunding the rest pays it out."""
    made = bank(desk, "RECEIVE-OVERPAYMENT", line("", 30))
    assert desk.sums() == amounts(_090=30, _610=-30)
    sale = document(desk, "ACCREC", line("200", 10))
    desk.made(f"Overpayments/{made['OverpaymentID']}/Allocations", Invoice={"InvoiceID": sale["InvoiceID"]}, Amount=12)
    assert desk.sums() == amounts(_090=30, _200=-10, _610=-18, _820=-2)
    refund = {"Overpayment": {"OverpaymentID": made["OverpaymentID"]}, "Account": {"Code": "090"}, "Date": "2026-11-09"}
    desk.made("Payments", **refund, Amount=18)
    assert desk.sums() == amounts(_090=12, _200=-10, _820=-2)


def test_a_prepayment_waits_on_its_own_accounts(desk):
    """Received with its VAT; its allocation takes both back, so that nothing is counted twice."""
    made = bank(desk, "RECEIVE-PREPAYMENT", line("830", 50, TaxType="OUTPUT2"))
    assert desk.sums() == amounts(_090=60, _820=-10, _830=-50)
    sale = document(desk, "ACCREC", line("200", 50))
    path = f"Prepayments/{made['PrepaymentID']}/Allocations"
    parts = [desk.made(path, Invoice={"InvoiceID": sale["InvoiceID"]}, Amount=amount) for amount in ("19.99", "40.01")]
    assert desk.sums() == amounts(_090=60, _200=-50, _820=-10)
    desk.ask("DELETE", f"{path}/{parts[0]['AllocationID']}")
    sums = desk.sums()
    assert (sums["610"], sums["820"] + sums["830"]) == (Decimal("19.99"), Decimal("-29.99"))


def test_transfers_and_manual_journals(desk):
    """Money between accounts; debits and credits as they are, with the tax in them."""
    moved = desk.made(
        "BankTransfers", FromBankAccount={"Code": "090"}, ToBankAccount={"Code": "091"}, Amount=25, Date="2026-11-03"
    )
    posted = desk.made(
        "ManualJournals",
        Narration="Accrual",
        Date="2026-11-30",
        Status="POSTED",
        LineAmountTypes="Inclusive",
        JournalLines=[
            {"LineAmount": 12, "AccountCode": "429", "Description": "x", "TaxType": "INPUT2"},
            {"LineAmount": -12, "AccountCode": "835", "Description": "x", "TaxType": "NONE"},
        ],
    )
    assert desk.sums() == amounts(_090=-25, _091=25, _429=10, _820=2, _835=-12)
    desk.ask("POST", f"BankTransfers/{moved['BankTransferID']}", {"Status": "DELETED"})
    desk.ask("POST", f"ManualJournals/{posted['ManualJournalID']}", {"Status": "VOIDED"})
    assert desk.sums() == {}


def test_a_batch_posts_each_of_its_payments(desk):
    """Two bills from one account; deleted together."""
    bills = [document(desk, "ACCPAY", line("429", amount)) for amount in (10, 20)]
    made = desk.made(
        "BatchPayments",
        Account={"Code": "090"},
        Date="2026-11-07",
        Payments=[{"Invoice": {"InvoiceID": row["InvoiceID"]}, "Amount": str(row["Total"])} for row in bills],
    )
    assert (made["Type"], made["TotalAmount"]) == ("PAYBATCH", Decimal(36))
    assert desk.sums() == amounts(_090=-36, _429=30, _820=6)
    desk.ask("POST", "BatchPayments", {"BatchPaymentID": made["BatchPaymentID"], "Status": "DELETED"})
    assert desk.sums() == amounts(_429=30, _800=-36, _820=6)


def test_what_a_person_makes_of_a_document_is_posted_too(desk):
    """An edit at the screen outside all rules: still balanced, the difference on Rounding."""
    made = document(desk, "ACCREC", line("200", 100))
    edits.edited_document(desk.world, desk.books, made["InvoiceID"], {"Total": 121})
    desk.world.commit()
    assert desk.sums() == amounts(_200=-100, _610=121, _820=-20, _860=-1)
