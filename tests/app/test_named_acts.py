"""What a bookkeeper does at Xero's screen is told by its names: those and no others, of those documents, with what each was and is."""

import asyncio
from typing import Any

import msgspec
import pytest

from counterfoil.app import syncing
from counterfoil.mirror import described
from counterfoil.mirror.mirroring import Mirror
from counterfoil.store import happenings
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import Workbench

__all__ = ["bench", "sandbox", "wide"]
DAY = "2026-11-02"
LINE = {"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "NONE"}
COST = LINE | {"AccountCode": "400"}
JOURNAL = [
    {"LineAmount": 5, "AccountCode": "200", "TaxType": "NONE"},
    {"LineAmount": -5, "AccountCode": "400", "TaxType": "NONE"},
]


class Bookkeeper:
    """Acts in organisation 1. `ids`: each document by what the test calls it; `is_now`: what was last told of each."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.sandbox, self.tenant = bench, bench.sandbox, bench.sandbox.tenant(1)
        self.seen, self.ids = 0, dict[str, str]()
        self.is_now: dict[str, Any] = {}
        ledger = self.sandbox.ledger(self.tenant)
        self.banks = [{"AccountID": one["AccountID"]} for one in ledger["Accounts"] if one["Type"] == "BANK"]

    def put(self, called: str, path: str, **body: Any) -> str:
        """Make something; → its id."""
        done = self.sandbox.person(self.tenant, "PUT", path, body)
        assert done["status"] == 200, done
        rows = (done["answer"] or {}).get(path.rpartition("/")[2]) or self.sandbox.ledger(self.tenant)[path]
        row = rows[-1]
        key = next(key for key in ("OverpaymentID", "PrepaymentID", f"{path.rpartition('/')[2][:-1]}ID") if key in row)
        self.ids[called] = row[key]
        return self.ids[called]

    def post(self, path: str, called: str, **body: Any) -> None:
        """Change something."""
        name = described.BY_NAME[path].id
        done = self.sandbox.person(self.tenant, "POST", f"{path}/{self.ids[called]}", {name: self.ids[called]} | body)
        assert done["status"] == 200, done

    def delete(self, path: str) -> None:
        """Take something away."""
        done = self.sandbox.person(self.tenant, "DELETE", path)
        assert done["status"] in (200, 204), done

    def edit(self, called: str, **fields: Any) -> None:
        """Change something that the API's rules do not let one change."""
        self.sandbox.edit(self.tenant, self.ids[called], **fields)

    def look(self, *, walk: bool = False) -> dict[str, list[str]]:
        """Catch everything up; → the names of the new changes by document, as the test calls it."""

        async def work(books: Any) -> list[Any]:
            mirror: Mirror = syncing.mirror(books)
            client = await books.client("acme-uk")
            for name in described.NAMES:
                await (mirror.walk if walk else mirror.catch_up)(client, name)
            found: list[Any] = await books.database.read(lambda conn: happenings.after(conn, self.seen, None, 1000))
            return found

        self.sandbox.advance(2)
        changes = asyncio.run(self.bench.use(work))
        self.seen = max([self.seen, *(one.n for one in changes)])
        called = {document_id: name for name, document_id in self.ids.items()}
        names: dict[str, list[str]] = {}
        bodies: dict[str, Any] = {}
        for one in changes:
            body = msgspec.json.decode(one.body)
            assert (one.revision, bodies.setdefault(one.document_id, body)) == (None, body)
            names.setdefault(called.get(one.document_id, one.resource), []).append(one.name)
        for document_id, body in bodies.items():
            assert self.is_now.get(document_id, body["before"]) == body["before"]  # the first of old ones is not known
            self.is_now[document_id] = body["after"]
        return names


@pytest.fixture
def at_xero(wide: Workbench) -> Bookkeeper:
    """Somebody at the screen of an organisation whose copy is kept."""
    found = Bookkeeper(wide)
    assert found.look() == {}
    return found


def debt(of: Bookkeeper, called: str, kind: str = "ACCREC", status: str = "AUTHORISED") -> None:
    """An invoice or a bill over 100."""
    due = {"Date": DAY, "DueDate": "2026-12-02", "LineItems": [LINE], "Status": status}
    of.put(called, "Invoices", Type=kind, Contact={"ContactID": of.ids["ann"]}, InvoiceNumber=called, **due)


def paid(of: Bookkeeper, called: str, amount: int, **what: Any) -> None:
    """A payment by the first bank account."""
    of.put(called, "Payments", Account=of.banks[0], Amount=amount, Date=DAY, **what)


def test_debts_and_credits_are_told_by_what_became_of_them(at_xero: Bookkeeper) -> None:
    """Made, approved, sent, part-paid, paid, taken back, reopened, voided, deleted; credit given, used, paid back, taken back."""
    of = at_xero
    ann = {"ContactID": of.put("ann", "Contacts", Name="Ann")}
    for called in ("b", "c", "d", "f"):
        debt(of, called)
    debt(of, "a", status="DRAFT")
    debt(of, "gone", status="DRAFT")
    debt(of, "bill", "ACCPAY")
    credit = {"Contact": ann, "Date": DAY, "LineItems": [LINE | {"UnitAmount": 60}]}
    for called in ("note", "void"):
        of.put(called, "CreditNotes", Type="ACCRECCREDIT", Status="AUTHORISED", **credit)
    banked = {"Contact": ann, "Date": DAY, "BankAccount": of.banks[0]}
    of.put(
        "over",
        "BankTransactions",
        Type="RECEIVE-OVERPAYMENT",
        LineItems=[{"Description": "x", "UnitAmount": 30, "Quantity": 1}],
        **banked,
    )
    of.put("pre", "BankTransactions", Type="RECEIVE-PREPAYMENT", LineItems=[LINE | {"UnitAmount": 30}], **banked)
    approved = ["invoice.created", "invoice.approved"]
    noted = ["credit_note.created", "credit_note.approved"]
    assert of.look() == {
        "ann": ["contact.created"], "a": ["invoice.created"], "gone": ["invoice.created"],
        **dict.fromkeys("bcdf", approved), "bill": ["bill.created", "bill.approved"], "note": noted, "void": noted,
        "over": ["overpayment.created"], "pre": ["prepayment.created"], "BankTransactions": ["bank_transaction.created"] * 2,
    }  # fmt: skip

    of.post("Invoices", "a", Status="SUBMITTED")
    of.post("Invoices", "gone", Status="DELETED")
    paid(of, "part", 40, Invoice={"InvoiceID": of.ids["b"]})
    paid(of, "whole", 100, Invoice={"InvoiceID": of.ids["c"]})
    paid(of, "of the bill", 100, Invoice={"InvoiceID": of.ids["bill"]})
    of.post("Invoices", "d", SentToContact=True)
    note, over = of.ids["note"], of.ids["over"]
    of.put("used", f"CreditNotes/{note}/Allocations", Invoice={"InvoiceID": of.ids["d"]}, Amount=25, Date=DAY)
    of.put("used over", f"Overpayments/{over}/Allocations", Invoice={"InvoiceID": of.ids["f"]}, Amount=10, Date=DAY)
    of.post("CreditNotes", "void", Status="VOIDED")
    assert of.look() == {
        "a": ["invoice.submitted"], "gone": ["invoice.deleted"], "b": ["invoice.part_paid"], "part": ["payment.created"],
        "c": ["invoice.paid"], "whole": ["payment.created"], "bill": ["bill.paid"], "of the bill": ["payment.created"],
        "d": ["invoice.sent", "invoice.part_paid"], "note": ["credit_note.allocated"], "over": ["overpayment.allocated"],
        "f": ["invoice.part_paid"], "void": ["credit_note.voided"],
    }  # fmt: skip

    of.post("Invoices", "a", Status="AUTHORISED")
    of.post("Payments", "part", Status="DELETED")
    of.post("Payments", "whole", Status="DELETED")
    paid(of, "back", 35, CreditNote={"CreditNoteID": note})
    paid(of, "over back", 20, Overpayment={"OverpaymentID": over})
    assert of.look() == {
        "a": ["invoice.approved"], "b": ["invoice.updated"], "part": ["payment.deleted"], "c": ["invoice.reopened"],
        "whole": ["payment.deleted"], "note": ["credit_note.refunded", "credit_note.paid"], "back": ["payment.created"],
        "over": ["overpayment.refunded", "overpayment.paid"], "over back": ["payment.created"],
    }  # fmt: skip

    of.post("Invoices", "b", Status="VOIDED")
    of.delete(f"CreditNotes/{note}/Allocations/{of.ids['used']}")
    of.post("Payments", "over back", Status="DELETED")
    assert of.look() == {
        "b": ["invoice.voided"], "note": ["credit_note.deallocated", "credit_note.reopened"], "d": ["invoice.updated"],
        "over": ["overpayment.refund_taken_back", "overpayment.reopened"], "over back": ["payment.deleted"],
    }  # fmt: skip
    assert of.look() == {}


def test_what_is_no_debt_is_told_by_what_became_of_it(at_xero: Bookkeeper) -> None:
    """Contacts, banking, journals, orders, quotes and settings; another address of a contact is news of no order of theirs."""
    of = at_xero
    ann = {"ContactID": of.put("ann", "Contacts", Name="Ann")}
    of.put("bob", "Contacts", Name="Bob")
    of.put("cid", "Contacts", Name="Cid")
    spent = {"Type": "SPEND", "Contact": ann, "BankAccount": of.banks[0], "Date": DAY, "LineItems": [COST]}
    of.put("seen", "BankTransactions", **spent)
    of.put("wrong", "BankTransactions", **spent)
    of.put("moved", "BankTransfers", FromBankAccount=of.banks[0], ToBankAccount=of.banks[1], Amount=12, Date=DAY)
    of.put("journal", "ManualJournals", Narration="x", Date=DAY, Status="DRAFT", JournalLines=JOURNAL)
    of.put("draft", "ManualJournals", Narration="y", Date=DAY, Status="DRAFT", JournalLines=JOURNAL)
    of.put("order", "PurchaseOrders", Contact=ann, Date=DAY, LineItems=[COST], Status="DRAFT")
    for called in ("won", "lost"):
        of.put(called, "Quotes", Contact=ann, Date=DAY, LineItems=[LINE], Status="DRAFT")
    of.put("item", "Items", Code="W")
    of.put("account", "Accounts", Code="987", Name="X", Type="EXPENSE")
    of.put("unused", "Accounts", Code="988", Name="Y", Type="EXPENSE")
    of.sandbox.person(of.tenant, "PUT", "Currencies", {"Code": "SEK"})
    assert of.look() == {
        **{one: ["contact.created"] for one in ("ann", "bob", "cid")}, "seen": ["bank_transaction.created"],
        "wrong": ["bank_transaction.created"], "moved": ["bank_transfer.created"], "BankTransactions": ["bank_transaction.created"] * 2,
        "journal": ["manual_journal.created"], "draft": ["manual_journal.created"], "order": ["purchase_order.created"],
        "won": ["quote.created"], "lost": ["quote.created"], "item": ["item.created"], "account": ["account.created"],
        "unused": ["account.created"], "Currencies": ["currency.created"],
    }  # fmt: skip

    quote = {"Contact": ann, "Date": DAY}
    of.post("Contacts", "ann", EmailAddress="ann@customer.example")
    of.post("Contacts", "bob", ContactStatus="ARCHIVED")
    of.post("BankTransactions", "seen", IsReconciled=True)
    of.post("BankTransactions", "wrong", Status="DELETED")
    of.post("ManualJournals", "journal", Status="POSTED")
    of.post("ManualJournals", "draft", Status="DELETED")
    of.post("PurchaseOrders", "order", Status="SUBMITTED")
    of.post("Quotes", "won", Status="SENT", **quote)
    of.post("Quotes", "lost", Status="SENT", **quote)
    of.post("Items", "item", Code="W", Name="Widget")
    of.post("Accounts", "account", Status="ARCHIVED")
    of.sandbox.organisation(of.tenant, name="Another Ltd")
    assert of.look() == {
        "ann": ["contact.updated"], "bob": ["contact.archived"], "seen": ["bank_transaction.reconciled"],
        "wrong": ["bank_transaction.deleted"], "journal": ["manual_journal.posted"], "draft": ["manual_journal.deleted"],
        "order": ["purchase_order.submitted"], "won": ["quote.sent"], "lost": ["quote.sent"], "item": ["item.updated"],
        "account": ["account.archived"], "Organisation": ["organisation.updated"],
    }  # fmt: skip

    of.edit("bob", ContactStatus="ACTIVE")
    of.edit("seen", IsReconciled=False)
    of.post("ManualJournals", "journal", Status="VOIDED")
    of.post("PurchaseOrders", "order", Status="AUTHORISED")
    of.post("Quotes", "won", Status="ACCEPTED", **quote)
    of.post("Quotes", "lost", Status="DECLINED", **quote)
    of.post("Accounts", "account", Status="ACTIVE")
    assert of.look() == {
        "bob": ["contact.restored"], "seen": ["bank_transaction.unreconciled"], "journal": ["manual_journal.voided"],
        "order": ["purchase_order.approved"], "won": ["quote.accepted"], "lost": ["quote.declined"], "account": ["account.restored"],
    }  # fmt: skip

    of.edit("bob", ContactStatus="ARCHIVED", MergedToContactID=of.ids["ann"])
    of.edit("cid", ContactStatus="GDPRREQUEST")
    of.post("PurchaseOrders", "order", Status="BILLED")
    of.post("Quotes", "won", Status="INVOICED", **quote)
    of.sandbox.advance(400)  # what was just made may be missing from a list that is behind
    of.delete(f"Accounts/{of.ids['unused']}")
    assert of.look(walk=True) == {
        "bob": ["contact.merged"], "cid": ["contact.erasure_asked"], "order": ["purchase_order.billed"], "won": ["quote.invoiced"],
        "unused": ["account.deleted"],
    }  # fmt: skip
    assert of.look() == {}
