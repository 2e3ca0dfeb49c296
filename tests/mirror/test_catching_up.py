"""Catching up: everything is read, once per page, by key; what moves while we read is not missed."""

import asyncio
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app.reports import RunReport
from counterfoil.mirror import catching_up
from counterfoil.model.invoice import Invoice
from counterfoil.store import documents, schema
from tests.posting.workbench import Workbench, WorkbenchBooks, sale

INVOICES = "/api.xro/2.0/Invoices"


async def known(books: WorkbenchBooks, tenant: str) -> set[str]:
    """The numbers that the index holds."""

    def read(connection: Any) -> set[str]:
        rows = connection.execute(schema.documents.select().where(schema.documents.c.tenant_id == tenant))
        return {row.number for row in rows}

    return await books.database.read(read)


def forget(connection: Any) -> None:
    """As a new database knows nothing of any tenant."""
    for table in (schema.cursors, schema.documents, schema.contacts):
        connection.execute(table.delete())


def reads(bench: Workbench, after: int) -> list[dict[str, Any]]:
    """The request log's list reads of invoices."""
    return [one for one in bench.sandbox.requests(after) if one["method"] == "GET" and one["path"].startswith(INVOICES)]


def last(bench: Workbench) -> int:
    """The number of the newest request."""
    return max((one["n"] for one in bench.sandbox.requests()), default=0)


def test_more_documents_in_one_second_than_fit_a_page(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """45 invoices of the same second are all read with pages of 10: further pages while the second fills one."""
    bench.run([sale(n) for n in range(45)])
    monkeypatch.setattr(catching_up, "PAGE_SIZE", 10)

    async def work(books: WorkbenchBooks) -> set[str]:
        client = await books.client("acme-uk")
        await books.database.run(forget)
        await books.catch_up(client, "Invoices")
        return await known(books, client.binding.tenant_id)

    assert asyncio.run(bench.use(work)) == {f"SHOP-acme-uk-{n}" for n in range(45)}


def test_what_moves_while_pages_are_counted_hides_nothing(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person edits an invoice of a page that we have: all behind it move up by one, and none is missed."""
    bench.run([sale(n) for n in range(45)])
    monkeypatch.setattr(catching_up, "PAGE_SIZE", 10)
    page = catching_up._page
    edited: list[str] = []

    async def page_before_an_edit(*args: Any) -> Any:
        answer = await page(*args)
        if not edited:
            edited.append(answer.items[3].invoice_number)
            bench.sandbox.edit(bench.sandbox.tenant(1), answer.items[3].invoice_id, InvoiceNumber="BY-HAND")
        return answer

    monkeypatch.setattr(catching_up, "_page", page_before_an_edit)

    async def work(books: WorkbenchBooks) -> set[str]:
        client = await books.client("acme-uk")
        await books.database.run(forget)
        await books.catch_up(client, "Invoices")
        return await known(books, client.binding.tenant_id)

    numbers = {f"SHOP-acme-uk-{n}" for n in range(45)}
    assert asyncio.run(bench.use(work)) == numbers - set(edited) | {"BY-HAND"}


def test_a_busy_minute_is_not_read_twice(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """45 invoices of one second on pages of 10: five calls, though the key alone would bring most of each page again."""
    bench.run([sale(n) for n in range(45)])
    monkeypatch.setattr(catching_up, "PAGE_SIZE", 10)

    async def work(books: WorkbenchBooks) -> int:
        client = await books.client("acme-uk")
        await books.database.run(forget)
        at = last(bench)
        await books.catch_up(client, "Invoices")
        return len(reads(bench, at))

    assert asyncio.run(bench.use(work)) == 5


def test_an_idle_organisation_costs_one_call(bench: Workbench) -> None:
    """Nothing new since: one page, and the cursor moves on."""
    bench.run([sale(n) for n in range(3)])
    bench.sandbox.advance(3600)

    async def work(books: WorkbenchBooks) -> tuple[Any, Any, int]:
        client = await books.client("acme-uk")
        tenant = client.binding.tenant_id
        await books.catch_up(client, "Invoices")
        before = await books.database.read(lambda conn: documents.cursor(conn, tenant, "Invoices"))
        at = last(bench)
        bench.sandbox.advance(600)
        await books.catch_up(client, "Invoices")
        after = await books.database.read(lambda conn: documents.cursor(conn, tenant, "Invoices"))
        return before.since, after.since, len(reads(bench, at))

    before, after, calls = asyncio.run(bench.use(work))
    assert calls == 1
    assert after > before


def test_a_failed_read_moves_no_cursor_and_deletes_nothing(bench: Workbench) -> None:
    """Xero breaks off in the middle: the index keeps what it had, the next catch-up reads it all again."""
    bench.run([sale(n) for n in range(3)])

    async def work(books: WorkbenchBooks) -> tuple[Any, Any, set[str]]:
        client = await books.client("acme-uk")
        tenant = client.binding.tenant_id
        await books.catch_up(client, "Invoices")
        bench.sandbox.fault("503_offline", method="GET", path=INVOICES, count=1)
        before = await books.database.read(lambda conn: documents.cursor(conn, tenant, "Invoices"))
        with pytest.raises(errors.OrganisationOffline):
            await books.catch_up(client, "Invoices")
        after = await books.database.read(lambda conn: documents.cursor(conn, tenant, "Invoices"))
        return before, after, await known(books, tenant)

    before, after, numbers = asyncio.run(bench.use(work))
    assert before == after
    assert numbers == {f"SHOP-acme-uk-{n}" for n in range(3)}


def test_a_person_s_edit_is_seen_by_the_next_catch_up(bench: Workbench) -> None:
    """A renumbered invoice is known by its new number and still by our mark."""
    bench.run([sale(1)])
    one = bench.living()[0]
    bench.sandbox.edit(bench.sandbox.tenant(1), one["InvoiceID"], InvoiceNumber="BY-HAND")

    async def work(books: WorkbenchBooks) -> set[str]:
        client = await books.client("acme-uk")
        await books.catch_up(client, "Invoices")
        return await known(books, client.binding.tenant_id)

    assert asyncio.run(bench.use(work)) == {"BY-HAND"}
    assert (bench.run().unchanged, len(bench.living())) == (1, 1)


@pytest.mark.parametrize(("type_", "taken"), [("ACCREC", True), ("ACCPAY", False)])
def test_a_bill_of_the_same_number_does_not_take_ours(bench: Workbench, type_: str, taken: bool) -> None:
    """A supplier's number on a bill holds up no sale; a sales invoice of that number does."""

    async def work(books: WorkbenchBooks) -> RunReport:
        client = await books.client("acme-uk")
        stranger = Invoice(
            type=type_, invoice_id="9d6f7a52-0000-4000-8000-000000000001", invoice_number="N-1", status="PAID"
        )
        await books.catch_up.keep(client, "Invoices", [stranger])
        return await books.run("shop")

    bench.write([sale(1, number="N-1")])
    report = asyncio.run(bench.use(work))
    assert (report.held, report.posted) == ((1, 0) if taken else (0, 1))
