"""Receipts and expense claims through the SDK (facts 5.23): legacy, with a scope of their own that nobody is sure of."""

import base64
from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import Contact, ExpenseClaim, ExpenseClaims, LineItem, Receipt, Receipts, User
from xero_python.exceptions import BadRequestException
from xero_python.exceptions.http_status_exceptions import NotFoundException

from tests import sandbox_process
from tests.conformance import foreign

SCOPES = f"{foreign.SCOPES} accounting.classicexpenses"


@pytest.fixture(scope="module")
def office():
    """A sandbox of its own, with the scope that one source names."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as process:
        process.post("/_sandbox/unknowns", {"classic-expenses-scope": "granted"})
        office = foreign.Foreign(process.ready, scope=SCOPES)
        office.user = office.api.get_users(office.tenant).users[0].user_id
        yield office


def receipt(office, amount, **fields):
    """An SDK receipt for lunch."""
    line = LineItem(description="Lunch", quantity=Decimal(2), unit_amount=amount, account_code="429", tax_type="INPUT2")
    who = {"user": User(user_id=office.user), "contact": Contact(name="Cafe Verde")}
    return Receipt(**{"date": date(2026, 11, 3), "line_items": [line], **who, **fields})


def kept(office, *amounts):
    sent = Receipts(receipts=[receipt(office, amount) for amount in amounts])
    return office.api.create_receipt(office.tenant, sent).receipts


def claimed(office, *receipts):
    inside = [Receipt(receipt_id=one.receipt_id) for one in receipts]
    claim = ExpenseClaim(status="SUBMITTED", user=User(user_id=office.user), receipts=inside)
    return office.api.create_expense_claims(office.tenant, ExpenseClaims(expense_claims=[claim])).expense_claims[0]


def moved(office, claim, status):
    sent = ExpenseClaims(expense_claims=[ExpenseClaim(status=status)])
    return office.api.update_expense_claim(office.tenant, claim.expense_claim_id, sent).expense_claims[0]


def refusal(call):
    with pytest.raises(BadRequestException) as refused:
        call()
    return foreign.messages(refused.value.error_data["Elements"][0])


def balance(office):
    """What the organisation owes to who paid, by its balance sheet."""
    today = office.api.get_report_balance_sheet(office.tenant).reports[0]
    rows = [row for part in today.rows for row in part.rows or [] if row.cells[0].value == "Unpaid Expense Claims"]
    return Decimal(rows[0].cells[1].value) if rows else Decimal(0)


def test_receipts_are_claimed_approved_and_voided(office):
    """The claim carries its receipts along; approved it is owed with tax, voided it is not."""
    lunch, dinner = kept(office, Decimal("10.00"), Decimal("20.50"))
    assert (lunch.status, foreign.amount(lunch.total), lunch.contact.name) == ("DRAFT", 24, "Cafe Verde")
    before = balance(office)
    claim = claimed(office, lunch, dinner)
    assert (claim.status, foreign.amount(claim.amount_due)) == ("SUBMITTED", Decimal("73.20"))
    assert office.api.get_receipt(office.tenant, lunch.receipt_id).receipts[0].status == "SUBMITTED"
    assert refusal(lambda: claimed(office, lunch)) == ["An expense claim needs receipts that are drafts."]
    approved = moved(office, claim, "AUTHORISED")
    assert [one.status for one in approved.receipts] == ["AUTHORISED", "AUTHORISED"]
    assert balance(office) - before == Decimal("73.20")
    listed = office.api.get_expense_claims(office.tenant).expense_claims
    assert claim.expense_claim_id in {one.expense_claim_id for one in listed}
    moved(office, claim, "VOIDED")
    assert balance(office) == before
    assert refusal(lambda: moved(office, claim, "AUTHORISED")) == ["Expense claim not of valid status for modification"]
    records = office.api.get_expense_claim_history(office.tenant, claim.expense_claim_id).history_records
    assert records[0].changes == "Voided"


def test_a_deleted_claim_gives_its_receipts_back(office):
    """As drafts, which can be changed again; a claimed one cannot."""
    (lunch,) = kept(office, Decimal(5))
    change = Receipts(receipts=[Receipt(reference="with Sam")])
    claim = claimed(office, lunch)
    assert refusal(lambda: office.api.update_receipt(office.tenant, lunch.receipt_id, change)) == [
        "Receipt not of valid status for modification"
    ]
    moved(office, claim, "DELETED")
    (changed,) = office.api.update_receipt(office.tenant, lunch.receipt_id, change).receipts
    assert (changed.status, changed.reference, foreign.amount(changed.total)) == ("DRAFT", "with Sam", 12)
    assert changed.receipt_number != kept(office, Decimal(5))[0].receipt_number


def test_a_receipt_needs_a_user_and_lines(office):
    """Xero's sentence for a user whom nobody knows; nothing is kept."""
    nobody = receipt(office, Decimal(1), user=User(user_id="00000000-0000-0000-0000-000000000001"))
    bare = receipt(office, Decimal(1), line_items=[])
    many = len(office.api.get_receipts(office.tenant).receipts)
    assert refusal(lambda: office.api.create_receipt(office.tenant, Receipts(receipts=[nobody]))) == [
        "A valid user should be identified using the UserID."
    ]
    assert refusal(lambda: office.api.create_receipt(office.tenant, Receipts(receipts=[bare]))) == [
        "One or more line items must be specified"
    ]
    assert len(office.api.get_receipts(office.tenant).receipts) == many
    assert office.raw("POST", "/Receipts", body={}).status == 501


def test_a_receipt_has_a_picture(office, tmp_path):
    """Attachments hang on receipts as on documents."""
    (lunch,) = kept(office, Decimal(5))
    picture = tmp_path / "lunch.png"
    picture.write_bytes(base64.b64decode("iVBORw0KGgo="))
    office.api.create_receipt_attachment_by_file_name(
        office.tenant, lunch.receipt_id, "lunch.png", picture.read_bytes()
    )
    listed = office.api.get_receipt_attachments(office.tenant, lunch.receipt_id).attachments
    assert [one.file_name for one in listed] == ["lunch.png"]
    assert office.api.get_receipt(office.tenant, lunch.receipt_id).receipts[0].has_attachments


def test_granular_scopes_do_not_open_them(xero):
    """Where the scope does not exist, which is the safer reading, only broad ones do."""
    assert xero.raw("GET", "/Receipts").status == 401


def test_they_are_gone_in_march_2027():
    """404, as for anything that Xero has not."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as process:
        process.post("/_sandbox/unknowns", {"classic-expenses-scope": "granted"})
        assert foreign.Foreign(process.ready, scope=SCOPES).api.get_receipts(process.tenant(1)).receipts == []
        process.advance(130 * 86_400)
        later = foreign.Foreign(process.ready, scope=SCOPES)
        with pytest.raises(NotFoundException):
            later.api.get_receipts(later.tenant)
        assert later.raw("GET", "/ExpenseClaims").status == 404
