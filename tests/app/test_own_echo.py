"""The echo of our own write: a change is ours when it is what we sent, field for field, and somebody else's otherwise."""

import asyncio
from typing import Any

from counterfoil.app import syncing
from counterfoil.store import happenings, postings
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import Workbench, sale

__all__ = ["bench", "sandbox", "wide"]
NAMES = ("Contacts", "Invoices", "CreditNotes", "Payments")


def looked(bench: Workbench, *names: str) -> None:
    """Catch up."""

    async def work(books: Any) -> None:
        mirror, client = syncing.mirror(books), await books.client("acme-uk")
        for name in names or NAMES:
            await mirror.catch_up(client, name)

    asyncio.run(bench.use(work))


def told(bench: Workbench) -> list[tuple[str, str]]:
    """Every change that is kept: its name, and whose doing it was."""

    async def work(books: Any) -> list[tuple[str, str]]:
        kept = await books.database.read(lambda conn: happenings.after(conn, 0, None, 1000))
        known = await books.database.read(
            lambda conn: postings.many(conn, [one.posting for one in kept if one.posting])
        )
        return [(one.name, known[one.posting].kind if one.posting else "others") for one in kept]

    found: list[tuple[str, str]] = asyncio.run(bench.use(work))
    return found


def test_what_we_made_is_our_doing(wide: Workbench) -> None:
    """A contact and its invoice, seen by a look that knows nothing of the answer."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide)
    assert told(wide) == [
        ("contact.created", "contact"),
        ("invoice.created", "invoice"),
        ("invoice.approved", "invoice"),
    ]


def test_what_a_person_changed_besides_is_not(wide: Workbench) -> None:
    """One field of ours that says something else, and one that we never sent, as soon as it differs; each alone."""
    looked(wide)
    wide.run([sale(1)])
    one = wide.living()[0]
    tenant = wide.sandbox.tenant(1)
    wide.sandbox.edit(tenant, one["InvoiceID"], Reference="BY-HAND")
    looked(wide, "Invoices")
    assert told(wide) == [("invoice.created", "others"), ("invoice.approved", "others")]
    wide.sandbox.edit(tenant, one["InvoiceID"], ExpectedPaymentDate="2026-12-24")
    looked(wide, "Invoices")
    assert told(wide)[2:] == [("invoice.updated", "others")]


def test_who_puts_back_what_we_once_wrote_is_somebody_else(wide: Workbench) -> None:
    """There and back: the document is as we sent it again, and neither change was ours."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide, "Invoices")
    one = wide.living()[0]
    for reference in ("BY-HAND", one["Reference"]):
        wide.sandbox.edit(wide.sandbox.tenant(1), one["InvoiceID"], Reference=reference)
        looked(wide, "Invoices")
    assert told(wide) == [
        ("invoice.created", "invoice"), ("invoice.approved", "invoice"),
        ("invoice.updated", "others"), ("invoice.updated", "others"),
    ]  # fmt: skip


def test_our_update_our_void_and_our_deletion_are_ours(wide: Workbench) -> None:
    """Each by its own request."""
    wide.configure(flow='on_change = "update"')
    looked(wide)
    wide.run([sale(1, status="DRAFT")])
    looked(wide, "Invoices")
    assert wide.run([sale(1, status="DRAFT", reference="PO 77")]).updated == 1
    looked(wide, "Invoices")
    assert told(wide) == [("invoice.created", "invoice"), ("invoice.updated", "invoice")]
    last = wide.run([sale(2), sale(3, status="DRAFT")])
    looked(wide, "Invoices")
    seen = len(told(wide))
    asyncio.run(wide.use(lambda books: books.undo(last.run)))
    looked(wide, "Invoices")
    assert sorted(told(wide)[seen:]) == [("invoice.deleted", "invoice"), ("invoice.voided", "invoice")]


def test_our_payment_is_our_doing_on_the_invoice_and_a_person_s_is_not(wide: Workbench) -> None:
    """The payment and what it does to its invoice; the rest is paid by hand."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide)
    seen = len(told(wide))
    ours = {"external_id": "p", "date": "2026-11-02", "amount": "5", "account": "Business Bank Account"}
    wide.run([sale(1, payments=[ours])])
    looked(wide)
    assert told(wide)[seen:] == [("invoice.part_paid", "payment"), ("payment.created", "payment")]
    (one,) = wide.living()
    bank = next(row for row in wide.sandbox.ledger(wide.sandbox.tenant(1))["Accounts"] if row["Type"] == "BANK")
    by_hand = {
        "Invoice": {"InvoiceID": one["InvoiceID"]},
        "Account": {"AccountID": bank["AccountID"]},
        "Amount": 20.20,
        "Date": "2026-11-03",
    }
    wide.sandbox.make(wide.sandbox.tenant(1), "Payments", by_hand)
    looked(wide)
    assert told(wide)[seen + 2 :] == [("invoice.paid", "others"), ("payment.created", "others")]
