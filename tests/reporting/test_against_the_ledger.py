"""Receivables, payables and bank movements of random books, against the sandbox's journals and its own aged reports."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest

from counterfoil.reporting import papers
from counterfoil.reporting.ageing import Ageing
from counterfoil.reporting.bank import Banking
from tests.reporting import random_ledger

TODAY = date(2026, 12, 31)
ZERO = Decimal(0)
CENT = Decimal("0.01")
IDS = {
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Overpayments": "OverpaymentID",
    "Prepayments": "PrepaymentID",
}
INTO = {"ACCRECPAYMENT", "APCREDITPAYMENT", "APOVERPAYMENTPAYMENT", "APPREPAYMENTPAYMENT"}


@pytest.fixture(scope="module", params=[1, 2, 3, 4, "past"])
def desk(request):
    """Books of a month at random; or four months of ordinary trade."""
    if request.param == "past":
        return random_ledger.lived(7, 4)
    return random_ledger.kept(request.param, 160)


@pytest.fixture(scope="module")
def opened(desk):
    """What is open of all documents, in an order that nobody promised."""
    found = []
    for name in papers.RESOURCES:
        documents, unsaid = papers.read(name, random_ledger.listed(desk, name, IDS[name]), "GBP")
        assert unsaid == []
        found += documents
    Random(5).shuffle(found)
    return found


def summed(opened, side):
    """The ageing of one side."""
    sums = Ageing(TODAY, "GBP")
    sums.add(one for one in opened if one.side == side)
    return sums


@pytest.mark.parametrize(("side", "control", "sign"), [("receivables", "610", 1), ("payables", "800", -1)])
def test_all_that_is_open_is_the_balance_of_the_control_account(desk, opened, side, control, sign):
    """To the cent, foreign documents at their own rates; prepayments are on accounts of their own."""
    prepaid = sum((one.base for one in opened if one.side == side and one.kind == "prepayment"), ZERO)
    base = summed(opened, side).base()
    assert base.without_rate == 0
    assert base.aged.total - prepaid == sign * desk.sums().get(control, ZERO)


@pytest.mark.parametrize(("side", "report"), [("receivables", "Receivables"), ("payables", "Payables")])
def test_a_contact_owes_what_the_aged_report_of_xero_says(desk, opened, side, report):
    """Aged{side}ByContact's closing balance, of up to ten contacts that have something open."""
    names = sorted({one.contact_id for one in opened if one.side == side})[:10]
    for contact in names:
        status, answer = desk.ask("GET", f"Reports/Aged{report}ByContact?contactID={contact}&toDate={TODAY}")
        assert status == 200
        rows = [row for part in answer["Reports"][0]["Rows"] for row in part.get("Rows", [])]
        theirs = next(row["Cells"][-1]["Value"] for row in rows if row["Cells"][0]["Value"] == "Closing Balance")
        ours = [
            one.base for one in opened if (one.contact_id, one.side) == (contact, side) and one.kind != "prepayment"
        ]
        assert sum(ours, ZERO) == Decimal(theirs)


def independent(desk, side):
    """(contact, currency) → what is open, from documents, payments and allocations of the books and nothing derived."""
    own = "ACCREC" if side == "receivables" else "ACCPAY"
    money = "RECEIVE" if side == "receivables" else "SPEND"
    left = {}
    for plural, id_key in IDS.items():
        for row in desk.books.table(plural):
            mine = row["Type"] in (own, f"{own}CREDIT") or row["Type"].startswith(f"{money}-")
            if mine and row["Status"] in ("AUTHORISED", "PAID"):
                left[row[id_key]] = [row, row["Total"]]
    for payment in desk.books.table("Payments"):
        if payment["Status"] == "AUTHORISED" and payment["Invoice"]["InvoiceID"] in left:
            left[payment["Invoice"]["InvoiceID"]][1] -= payment["Amount"]
    for plural in ("CreditNotes", "Overpayments", "Prepayments"):
        for row in desk.books.table(plural):
            for one in row["Allocations"]:
                for own_id in (row[IDS[plural]], one["Invoice"]["InvoiceID"]):
                    if own_id in left:
                        left[own_id][1] -= one["Amount"]
    found = {}
    for row, amount in left.values():
        key = (row["Contact"]["ContactID"], row["CurrencyCode"])
        found[key] = found.get(key, ZERO) + (amount if row["Type"] == own else -amount)
    return {key: amount for key, amount in found.items() if amount}


@pytest.mark.parametrize("side", ["receivables", "payables"])
def test_each_contact_and_currency_is_what_a_slow_count_of_every_payment_gives(desk, opened, side):
    """Two computations that share nothing: what Xero says is due, and totals less every payment and allocation."""
    ours = {(one.contact_id, one.currency): one.aged.total for one in summed(opened, side).contacts() if one.aged.total}
    assert ours == independent(desk, side)


def test_totals_are_the_sum_of_contacts_and_buckets_of_documents(opened):
    """Per currency and in base, for both sides."""
    for side in ("receivables", "payables"):
        sums = summed(opened, side)
        for currency, total in sums.totals().items():
            mine = [one.aged for one in sums.contacts() if one.currency == currency]
            assert total.total == sum((one.total for one in mine), ZERO)
            assert total.documents == sum(one.documents for one in mine)
            buckets = (total.not_due, total.days_1_30, total.days_31_60, total.days_61_90, total.over_90, total.credit)
            assert total.total == sum(buckets, ZERO)
        assert sums.base().aged.total == sum((one.base_total for one in sums.contacts()), ZERO)


def test_a_bank_account_moved_by_what_its_journals_say(desk):
    """In base currency as the journals, less the balances that the books began with; in another as its documents say."""
    bank = Banking([body for _id, body in random_ledger.listed(desk, "Accounts", "AccountID")], TODAY, "GBP")
    bank.payments([body for _id, body in random_ledger.listed(desk, "Payments", "PaymentID")])
    bank.bank_transactions([body for _id, body in random_ledger.listed(desk, "BankTransactions", "BankTransactionID")])
    bank.transfers([body for _id, body in random_ledger.listed(desk, "BankTransfers", "BankTransferID")])
    opening = {}
    for journal in desk.books.table("journals"):
        if journal["of"].startswith("conversion"):
            opening = {line[0]: opening.get(line[0], ZERO) + line[1] for line in journal["lines"]}
    moved = 0
    for one in bank.balances():
        moved += bool(one.movements)
        if one.currency == "GBP":
            assert one.movements + opening.get(one.account_id, ZERO) == desk.sums().get(one.code, ZERO)
        else:
            assert one.movements == in_its_currency(desk, one.account_id, one.currency)
        assert one.movements == sum((part.received - part.spent for part in one.made_of.values()), ZERO)
    assert moved


@pytest.mark.parametrize("split", [date(2026, 11, 1), date(2026, 11, 15), date(2026, 12, 30)])
def test_the_bank_summary_is_the_sum_of_each_accounts_journals(desk, split):
    """Opening + received - spent = closing, each window opens where the one before closed, the last closes on the ledger."""
    codes = {row["AccountID"]: row["Code"] for row in desk.books.table("Accounts")}
    ended = {}
    for start, end in (("2000-01-01", split), (split + timedelta(days=1), TODAY)):
        status, answer = desk.ask("GET", f"Reports/BankSummary?fromDate={start}&toDate={end}")
        assert status == 200
        rows = [row for part in answer["Reports"][0]["Rows"] for row in part.get("Rows", []) if row["RowType"] == "Row"]
        for row in rows:
            opened, received, spent, closed = (Decimal(cell["Value"]) for cell in row["Cells"][1:])
            code = codes[row["Cells"][0]["Attributes"][0]["Value"]]
            assert opened + received - spent == closed
            assert received >= 0 <= spent
            assert opened == ended.get(code, ZERO)
            ended[code] = closed
    sums = desk.sums()
    assert ended == {code: sums.get(code, ZERO) for code in ended}
    assert sum(map(bool, ended.values())) > 1


def in_its_currency(desk, account_id, currency):
    """What a foreign account's documents moved it by, from the tables."""
    amount = ZERO
    for row in desk.books.table("Payments"):
        if row["Status"] == "AUTHORISED" and row["Account"]["AccountID"] == account_id:
            document = next(
                found for plural, key in IDS.items() for found in desk.books.table(plural)
                if found[key] == row["Invoice"]["InvoiceID"]
            )  # fmt: skip
            given = row["Amount"] if document["CurrencyCode"] == currency else row["BankAmount"]
            amount += given if row["PaymentType"] in INTO else -given
    for row in desk.books.table("BankTransactions"):
        if row["Status"] == "AUTHORISED" and row["BankAccount"]["AccountID"] == account_id:
            amount += row["Total"] if row["Type"].startswith("RECEIVE") else -row["Total"]
    return amount.quantize(CENT, ROUND_HALF_UP)
