"""The echo of our own write: a change is ours when it is what we sent, field for field, and somebody else's otherwise."""

import asyncio
from typing import Any

import msgspec
import pytest

from counterfoil import errors
from counterfoil.app import syncing
from counterfoil.app.own_answers import OwnAnswers
from counterfoil.mirror.mirroring import Mirror
from counterfoil.store import happenings, mirrored, postings
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import NO_KEY, Workbench, sale

__all__ = ["bench", "sandbox", "wide"]
NAMES = ("Contacts", "Invoices", "CreditNotes", "Payments")


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers to our writes do not reach the copy: they were lost, or another process had them."""

    async def take(*_given: Any) -> None:
        pass

    monkeypatch.setattr(OwnAnswers, "take", take)


@pytest.fixture(params=["by the answer", "by a look"])
def either(request: pytest.FixtureRequest) -> None:
    """However the change is seen first."""
    if request.param == "by a look":
        request.getfixturevalue("unheard")


def looked(bench: Workbench, *names: str) -> None:
    """Catch up."""

    async def work(books: Any) -> None:
        mirror, client = syncing.mirror(books), await books.client("acme-uk")
        for name in names or NAMES:
            await mirror.catch_up(client, name)

    asyncio.run(bench.use(work))


def told(bench: Workbench, *names: str) -> list[tuple[str, str]]:
    """Every change that is kept, in order: its name, and whose doing it was. `names`: of these resources alone."""

    async def work(books: Any) -> list[tuple[str, str]]:
        kept = await books.database.read(lambda conn: happenings.after(conn, 0, None, 1000))
        known = await books.database.read(
            lambda conn: postings.many(conn, [one.posting for one in kept if one.posting])
        )
        return [
            (one.name, known[one.posting].kind if one.posting else "others")
            for one in kept
            if one.resource in (names or NAMES)
        ]

    found: list[tuple[str, str]] = asyncio.run(bench.use(work))
    return found


@pytest.mark.usefixtures("either")
def test_what_we_made_is_our_doing(wide: Workbench) -> None:
    """A contact and its invoice, once each, whichever comes first."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide)
    assert told(wide) == [
        ("contact.created", "contact"),
        ("invoice.created", "invoice"),
        ("invoice.approved", "invoice"),
    ]


@pytest.mark.usefixtures("unheard")
def test_what_a_person_changed_besides_is_not(wide: Workbench) -> None:
    """One field of ours that says something else, and one that we never sent, as soon as it differs; each alone."""
    looked(wide)
    wide.run([sale(1)])
    one = wide.living()[0]
    tenant = wide.sandbox.tenant(1)
    wide.sandbox.edit(tenant, one["InvoiceID"], Reference="BY-HAND")
    looked(wide, "Invoices")
    assert told(wide, "Invoices") == [("invoice.created", "others"), ("invoice.approved", "others")]
    wide.sandbox.edit(tenant, one["InvoiceID"], ExpectedPaymentDate="2026-12-24")
    looked(wide, "Invoices")
    assert told(wide, "Invoices")[2:] == [("invoice.updated", "others")]


@pytest.mark.usefixtures("either")
def test_who_puts_back_what_we_once_wrote_is_somebody_else(wide: Workbench) -> None:
    """There and back: the document is as we sent it again, and neither change was ours."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide, "Invoices")
    one = wide.living()[0]
    for reference in ("BY-HAND", one["Reference"]):
        wide.sandbox.edit(wide.sandbox.tenant(1), one["InvoiceID"], Reference=reference)
        looked(wide, "Invoices")
    assert told(wide, "Invoices") == [
        ("invoice.created", "invoice"), ("invoice.approved", "invoice"),
        ("invoice.updated", "others"), ("invoice.updated", "others"),
    ]  # fmt: skip


@pytest.mark.usefixtures("either")
def test_our_update_our_void_and_our_deletion_are_ours(wide: Workbench) -> None:
    """Each by its own request."""
    wide.configure(flow='on_change = "update"')
    looked(wide)
    wide.run([sale(1, status="DRAFT")])
    looked(wide, "Invoices")
    assert wide.run([sale(1, status="DRAFT", reference="PO 77")]).updated == 1
    looked(wide, "Invoices")
    assert told(wide, "Invoices") == [("invoice.created", "invoice"), ("invoice.updated", "invoice")]
    last = wide.run([sale(2), sale(3, status="DRAFT")])
    looked(wide, "Invoices")
    seen = len(told(wide, "Invoices"))
    asyncio.run(wide.use(lambda books: books.undo(last.run)))
    looked(wide, "Invoices")
    assert sorted(told(wide, "Invoices")[seen:]) == [("invoice.deleted", "invoice"), ("invoice.voided", "invoice")]


@pytest.mark.usefixtures("either")
def test_our_payment_is_our_doing_on_the_invoice_and_a_person_s_is_not(wide: Workbench) -> None:
    """The payment and what it does to its invoice; the rest is paid by hand."""
    looked(wide)
    wide.run([sale(1)])
    looked(wide)
    seen = len(told(wide, "Invoices"))
    ours = {"external_id": "p", "date": "2026-11-02", "amount": "5", "account": "Business Bank Account"}
    wide.run([sale(1, payments=[ours])])
    looked(wide)
    assert told(wide, "Invoices")[seen:] == [("invoice.part_paid", "payment")]
    assert told(wide, "Payments") == [("payment.created", "payment")]
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
    assert told(wide, "Invoices")[seen + 1 :] == [("invoice.paid", "others")]
    assert told(wide, "Payments")[1:] == [("payment.created", "others")]


def held(bench: Workbench, resource: str) -> int:
    """How many documents of a resource are kept."""

    async def work(books: Any) -> int:
        client = await books.client("acme-uk")
        count: int = await books.database.read(lambda conn: mirrored.count(conn, client.binding.tenant_id, resource))
        return count

    found: int = asyncio.run(bench.use(work))
    return found


def test_the_answer_to_our_write_is_there_at_once_and_told_once(wide: Workbench) -> None:
    """Nobody looked: the change is kept, with its contact and its lines; the look afterwards adds nothing."""
    looked(wide)
    before = held(wide, "Invoices")
    wide.run([sale(1)])
    made = [("invoice.created", "invoice"), ("invoice.approved", "invoice")]
    assert (told(wide, "Invoices"), held(wide, "Invoices")) == (made, before + 1)

    async def kept(books: Any) -> Any:
        (change, _approved) = [
            one
            for one in await books.database.read(lambda conn: happenings.after(conn, 0, None, 10))
            if one.resource == "Invoices"
        ]
        return msgspec.json.decode(change.body)["after"]

    after = asyncio.run(wide.use(kept))
    assert (after["Contact"]["Name"], len(after["LineItems"]), after["AmountDue"]) == ("Customer 1", 2, "25.2")
    looked(wide)
    tenant = wide.sandbox.tenant(1)
    left = asyncio.run(
        wide.use(lambda books: books.database.read(lambda conn: mirrored.incomplete(conn, tenant, "Invoices", 9)))
    )
    assert (told(wide, "Invoices"), left) == (made, [])


def test_where_nothing_is_kept_no_answer_is_taken(wide: Workbench) -> None:
    """Who only posts has no copy, and of a resource that was never read to its end the first load brings all."""
    wide.run([sale(1)])
    looked(wide, "Contacts")
    wide.run([sale(1), sale(2)])
    assert (held(wide, "Invoices"), told(wide, "Invoices")) == (0, [])


@pytest.mark.parametrize(
    "wrong", [errors.StoreError("The disk is full."), errors.Unclear("Half an answer."), KeyError("x")]
)
def test_whatever_becomes_of_an_answer_the_posting_stands(
    wide: Workbench, monkeypatch: pytest.MonkeyPatch, wrong: Exception
) -> None:
    """Posted once, reported as posted; the next look brings what was missed, as our doing."""
    looked(wide)

    async def fail(*_given: Any) -> None:
        raise wrong

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "apply", fail)
        report = wide.run([sale(1)])
    assert (report.posted, report.problems, len(wide.living()), told(wide)) == (1, 0, 1, [])
    looked(wide)
    assert told(wide, "Invoices") == [("invoice.created", "invoice"), ("invoice.approved", "invoice")]


def test_a_void_whose_answer_shows_the_full_amount_due(wide: Workbench) -> None:
    """Xero answers a void with what was due, and shows nothing due afterwards: one change, and what is held is right."""
    looked(wide)
    run = wide.run([sale(1)])
    asyncio.run(wide.use(lambda books: books.undo(run.run)))
    voided = told(wide, "Invoices")
    looked(wide)
    assert voided[2:] == [("invoice.voided", "invoice")]
    assert told(wide, "Invoices") == voided


def test_a_write_whose_answer_was_lost_is_ours_all_the_same(wide: Workbench) -> None:
    """Found by its mark and adopted: the request is ours, and what stands there is what it sent."""
    looked(wide)
    wide.configure(**NO_KEY)
    wide.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices")
    assert wide.run([sale(1)]).uncertain + len(wide.living()) >= 1
    wide.finish()
    looked(wide)
    assert told(wide, "Invoices") == [("invoice.created", "invoice"), ("invoice.approved", "invoice")]


@pytest.mark.usefixtures("either")
def test_our_credit_and_its_allocation_are_our_doing(wide: Workbench) -> None:
    """An invoice that was part-paid by hand and is reissued: credited, allocated, posted anew; only the payment is somebody else's."""
    wide.configure(flow='on_change = "reissue"')
    looked(wide)
    wide.run([sale(1)])
    pay = {
        "Invoice": {"InvoiceID": wide.living()[0]["InvoiceID"]},
        "Account": {"Code": "090"},
        "Amount": 5,
        "Date": "2026-11-03",
    }
    wide.sandbox.make(wide.sandbox.tenant(1), "Payments", pay)
    looked(wide)
    seen = len(told(wide, "Invoices"))
    wide.run([sale(1, reference="PO 77")])
    looked(wide)
    invoices, notes = told(wide, "Invoices")[seen:], told(wide, "CreditNotes")
    assert notes[:2] == [("credit_note.created", "credit"), ("credit_note.approved", "credit")]
    assert {by for _name, by in notes + invoices} == {"credit", "allocation", "invoice"}, (notes, invoices)
    assert ("invoice.paid", "allocation") in invoices
    assert "credit_note.allocated" in [name for name, _by in notes]
