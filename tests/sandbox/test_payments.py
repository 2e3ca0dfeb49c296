"""Payments: what they take off a document, what Xero refuses, and deleting them."""

import pytest

from tests.sandbox.conftest import invoice, line, messages

BANK = {"Code": "090"}
NOT_ONE = "A payment needs one document: an Invoice, a CreditNote, an Overpayment or a Prepayment."
TOO_MUCH = "Payment amount exceeds the amount outstanding on this document"


@pytest.fixture
def contact(ledger):
    return ledger.contact()


@pytest.fixture
def due(ledger, contact):
    """An approved invoice of 25.20."""
    return ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))[0]


def payment(document, **fields):
    """A payment of the whole 25.20 into the bank."""
    return {
        "Invoice": {"InvoiceID": document["InvoiceID"]},
        "Account": BANK,
        "Date": "2026-11-03",
        "Amount": 25.2,
        **fields,
    }


def pay(ledger, *payments):
    return ledger.write("PUT", *payments, to="Payments")


def amounts(ledger, invoice_id):
    (row,) = ledger.get(f"Invoices/{invoice_id}")["Invoices"]
    return row["Status"], row["AmountPaid"], row["AmountCredited"], row["AmountDue"]


def test_a_payment_is_answered_in_xeros_shape(ledger, due):
    """Keys, their order and the document inside are those of the published example."""
    reply = ledger.call("PUT", "Payments", payment(due, Reference="till 3"))
    (shown,) = reply.json["Payments"]
    assert list(shown) == [
        "PaymentID", "Date", "BankAmount", "Amount", "Reference", "CurrencyRate", "PaymentType", "Status",
        "UpdatedDateUTC", "UpdatedDateUTCString", "HasAccount", "IsReconciled", "Account", "Invoice",
        "HasValidationErrors",
    ]  # fmt: skip
    assert (shown["PaymentType"], shown["Status"], shown["Date"]) == (
        "ACCRECPAYMENT", "AUTHORISED", "/Date(1793664000000+0000)/",
    )  # fmt: skip
    assert list(shown["Account"]) == ["AccountID", "Code", "Name"]
    assert (shown["Invoice"]["InvoiceID"], shown["Invoice"]["AmountDue"], shown["Invoice"]["Status"]) == (
        due["InvoiceID"], 0.0, "PAID",
    )  # fmt: skip


def test_payments_make_an_invoice_paid_and_back(ledger, due):
    """Part, rest, and the rest deleted: amounts and status follow, and so does FullyPaidOnDate."""
    own_id = due["InvoiceID"]
    pay(ledger, payment(due, Amount=20, Date="2026-11-02"))
    assert amounts(ledger, own_id) == ("AUTHORISED", 20.0, 0.0, 5.2)
    (last,) = pay(ledger, payment(due, Amount="5.20", Date="2026-11-09"))
    assert amounts(ledger, own_id) == ("PAID", 25.2, 0.0, 0.0)
    row = ledger.get(f"Invoices/{own_id}")["Invoices"][0]
    assert row["FullyPaidOnDate"] == "/Date(1794182400000+0000)/"
    assert [(one["Amount"], one["HasAccount"]) for one in row["Payments"]] == [(20.0, False), (5.2, False)]
    gone = ledger.call("POST", f"Payments/{last['PaymentID']}", {"Status": "DELETED"}).json["Payments"][0]
    assert (gone["Status"], gone["Invoice"]["Status"], gone["Invoice"]["AmountDue"]) == ("DELETED", "AUTHORISED", 5.2)
    row = ledger.get(f"Invoices/{own_id}")["Invoices"][0]
    assert "FullyPaidOnDate" not in row
    assert [one["Amount"] for one in row["Payments"]] == [20.0]


def test_a_payment_moves_the_invoices_stamp(ledger, due):
    """The invoice is found by If-Modified-Since after it was paid."""
    ledger.sandbox.advance(5)
    pay(ledger, payment(due))
    assert ledger.stored("Invoices")[0]["UpdatedDateUTC"] > due["UpdatedDateUTC"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Amount": 25.21}, TOO_MUCH),
        ({"Amount": 0}, "Payment amount must be greater than zero"),
        ({"Amount": -1}, "Payment amount must be greater than zero"),
        ({"Amount": 0.004}, "Payment amount must be greater than zero"),
        ({"Account": {"Code": "9999"}}, "Account could not be found"),
        ({"Account": {}}, "Account could not be found"),
        (
            {"Account": {"Code": "200"}},
            "The account cannot be used for payments: it is neither a bank account nor enabled for them.",
        ),
        (
            {"Invoice": {"InvoiceID": "11111111-2222-4333-8444-555555555555"}},
            "The document that is paid could not be found",
        ),
        ({"Invoice": {}}, NOT_ONE),
        ({"CreditNoteNumber": "CN-1"}, NOT_ONE),
    ],
)
def test_what_a_payment_may_not_be(ledger, due, fields, expected):
    """Each broken rule has its message; the element beside it is saved."""
    bad, good = pay(ledger, payment(due, **fields), payment(due, Amount=1))
    assert (messages(bad), bad["HasValidationErrors"], bad["StatusAttributeString"]) == ([expected], True, "ERROR")
    assert (good["StatusAttributeString"], good["HasValidationErrors"]) == ("OK", False)
    assert [row["Amount"] for row in ledger.stored("Payments")] == [1.0]


def test_two_payments_in_one_request_never_pay_too_much(ledger, due):
    """The second element sees what the first one took."""
    first, second = pay(ledger, payment(due), payment(due, Amount=0.01))
    assert (messages(first), messages(second)) == ([], [TOO_MUCH])


def test_a_summarised_refusal_takes_the_good_payment_back(ledger, due):
    """With summarizeErrors absent the invoice is as it was."""
    reply = ledger.call("PUT", "Payments", {"Payments": [payment(due), payment(due)]})
    assert reply.status == 400
    assert [messages(element) for element in reply.json["Elements"]] == [[TOO_MUCH]]
    assert amounts(ledger, due["InvoiceID"]) == ("AUTHORISED", 0.0, 0.0, 25.2)
    assert ledger.stored("Payments") == []


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "VOIDED"])
def test_only_an_approved_invoice_is_paid(ledger, contact, status):
    """Everything else is refused in Xero's words."""
    (made,) = ledger.write("PUT", invoice(contact, Status="AUTHORISED" if status == "VOIDED" else status))
    if status == "VOIDED":
        ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": "VOIDED"})
    assert messages(pay(ledger, payment(made))[0]) == ["Payments can only be made against Authorised documents"]


def test_a_document_is_named_by_number_too(ledger, due):
    """Inside Invoice or beside it; the account by id or by a code beside it."""
    account = next(row for row in ledger.stored("Accounts") if row.get("Code") == "835")
    ways = [
        {"Invoice": {"InvoiceNumber": "s-1"}, "Account": {"AccountID": account["AccountID"]}, "Amount": 1},
        {"InvoiceNumber": "S-1", "Code": "090", "Amount": 2},
    ]
    assert [row["StatusAttributeString"] for row in pay(ledger, *ways)] == ["OK", "OK"]
    assert amounts(ledger, due["InvoiceID"])[1] == 3.0


def test_post_makes_one_payment(ledger, due):
    """POST creates too: the first element alone."""
    reply = ledger.call("POST", "Payments", {"Payments": [payment(due, Amount=1), payment(due, Amount=2)]})
    assert [row["Amount"] for row in reply.json["Payments"]] == [1.0]
    assert amounts(ledger, due["InvoiceID"])[1] == 1.0


def test_a_payment_is_only_ever_deleted_and_once(ledger, due):
    """No change, no second deletion, none of a reconciled one."""
    made, reconciled = pay(ledger, payment(due, Amount=1), payment(due, Amount=2, IsReconciled=True))

    def refused(row, **body):
        reply = ledger.call("POST", f"Payments/{row['PaymentID']}", body)
        assert reply.status == 400, reply.body
        return messages(reply.json["Elements"][0])

    assert refused(made, Amount=5) == ["A payment cannot be changed, it can only be deleted."]
    assert refused(reconciled, Status="DELETED") == ["The payment has been reconciled and cannot be deleted."]
    envelope = {"Payments": [{"Status": "DELETED"}]}
    assert ledger.call("POST", f"Payments/{made['PaymentID']}", envelope).status == 200
    assert refused(made, Status="DELETED") == ["The payment has been deleted."]
    assert [row["Status"] for row in ledger.stored("Payments")] == ["DELETED", "AUTHORISED"]


@pytest.mark.parametrize("field", ["period_lock_date", "end_of_year_lock_date"])
def test_a_locked_period_takes_no_payment_and_gives_none_back(ledger, due, field):
    """The payment's own date counts: a later one on an old invoice is taken."""
    (early,) = pay(ledger, payment(due, Amount=1, Date="2026-11-03"))
    ledger.sandbox.organisation(ledger.tenant, **{field: "2026-11-05"})
    name = field.replace("_", " ").removesuffix(" date")
    expected = f"The document date cannot be before the {name} date, currently set at 5 November 2026"
    locked, free = pay(ledger, payment(due, Amount=1, Date="2026-11-05"), payment(due, Amount=1, Date="2026-11-06"))
    assert (messages(locked), messages(free)) == ([expected], [])
    reply = ledger.call("POST", f"Payments/{early['PaymentID']}", {"Status": "DELETED"})
    assert messages(reply.json["Elements"][0]) == [expected]


def test_payments_are_listed_filtered_and_paged(ledger, due):
    """Deleted ones stay; where reaches into the document; a page has its pagination."""
    made = pay(ledger, *(payment(due, Amount=amount, Reference=f"r{amount}") for amount in (1, 2, 3)))
    ledger.call("POST", f"Payments/{made[0]['PaymentID']}", {"Status": "DELETED"})
    rows = ledger.get("Payments?where=Status%3D%3D%22AUTHORISED%22&order=Amount%20DESC")["Payments"]
    assert [row["Amount"] for row in rows] == [3.0, 2.0]
    assert list(rows[0]["Account"]) == ["AccountID", "Code"]
    assert (rows[0]["Invoice"]["InvoiceNumber"], rows[0]["Invoice"]["LineItems"]) == ("S-1", [])
    by_document = f"Payments?where=Invoice.InvoiceID%3D%3DGuid(%22{due['InvoiceID']}%22)&page=1&pageSize=2"
    answer = ledger.get(by_document)
    assert len(answer["Payments"]) == 2
    assert answer["pagination"] == {"page": 1, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert ledger.get(f"Payments/{made[1]['PaymentID']}")["Payments"][0]["Reference"] == "r2"


def test_a_renumbered_invoice_shows_its_new_number_in_its_payments(ledger, due):
    """The payment follows its document."""
    (made,) = pay(ledger, payment(due))
    ledger.write("POST", {"InvoiceID": due["InvoiceID"], "InvoiceNumber": "S-2"})
    assert ledger.get(f"Payments/{made['PaymentID']}")["Payments"][0]["Invoice"]["InvoiceNumber"] == "S-2"
    assert ledger.get("Payments")["Payments"][0]["Invoice"]["InvoiceNumber"] == "S-2"


def test_a_foreign_payment_has_a_rate_and_a_bank_amount(ledger, contact):
    """Into an account of its currency the bank gets the amount; into one in base currency what the rate makes of it."""
    rated = invoice(contact, CurrencyCode="EUR", CurrencyRate=1.25, LineItems=[line(TaxType="ZERORATEDOUTPUT")])
    (due,) = ledger.write("PUT", rated)
    same, base, told = pay(
        ledger,
        payment(due, Amount=5, Account={"Code": "092"}, CurrencyRate=1.25),
        payment(due, Amount=5, CurrencyRate=1.25),
        payment(due, Amount=5, CurrencyRate=1.25, BankAmount=4.1),
    )
    assert [row["BankAmount"] for row in (same, base, told)] == [5.0, 4.0, 4.1]


def test_payments_need_their_own_scope(ledger, due):
    """accounting.invoices does not reach payments."""
    token = ledger.sandbox.connect("offline_access accounting.invoices", user="pat@example.com")["access_token"]
    reply = ledger.sandbox.api("GET", "Payments", token, ledger.tenant)
    assert (reply.status, reply.json["Detail"]) == (401, "AuthorizationUnsuccessful")
