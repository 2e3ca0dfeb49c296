"""`sync --full` after deliberate damage to our own tables: whatever was done to them, it ends as Xero has it, and is told."""

import asyncio
import functools
from typing import Any

import pytest
import sqlalchemy as sa

from counterfoil.app import syncing
from counterfoil.mirror.described import BY_NAME
from counterfoil.model import record
from counterfoil.store import documents, mirrored
from counterfoil.xero.client import XeroClient
from tests.mirror.ledgers import there
from tests.posting.conftest import bench, sandbox
from tests.posting.test_postgres import bench as on_postgres
from tests.posting.workbench import Workbench, WorkbenchBooks

__all__ = ["bench", "on_postgres", "sandbox"]

ONE = "resource = 'Invoices' AND document_id = :id"
FUTURE = 4_102_444_800_000_000  # 2100, in microseconds
INVENT = f"""INSERT INTO mirrored SELECT tenant_id, resource, '{{id}}', status, {{stamp}}, seen_at, missing, NULL, NULL, body
FROM mirrored WHERE {ONE}"""
DAMAGE: dict[str, tuple[str, tuple[int, int, int]]] = {
    "deleted": (f"DELETE FROM mirrored WHERE {ONE}", (1, 0, 0)),
    "altered": (f"UPDATE mirrored SET body = :other WHERE {ONE}", (0, 1, 0)),
    "no JSON": (f"UPDATE mirrored SET body = :broken WHERE {ONE}", (1, 0, 0)),
    "of tomorrow": (f"UPDATE mirrored SET body = :other, stamp = {FUTURE} WHERE {ONE}", (0, 1, 0)),
    "a second newer": (f"UPDATE mirrored SET body = :other, stamp = stamp + 1000000 WHERE {ONE}", (0, 1, 0)),
    "seen tomorrow": (f"UPDATE mirrored SET body = :other, seen_at = {FUTURE} WHERE {ONE}", (0, 1, 0)),
    "another status": (f"UPDATE mirrored SET status = 'VOIDED' WHERE {ONE}", (0, 1, 0)),
    "called gone": (f"UPDATE mirrored SET deleted_at = 1 WHERE {ONE}", (1, 0, 0)),
    "invented": (INVENT.format(id="old", stamp="stamp - 900000000"), (0, 0, 1)),
    "invented tomorrow": (INVENT.format(id="future", stamp=FUTURE), (0, 0, 1)),
    "invented without a stamp": (INVENT.format(id="none", stamp="NULL"), (0, 0, 1)),
    "sought: deleted": (f"DELETE FROM documents WHERE {ONE}", (0, 1, 0)),
    "sought: altered": (f"UPDATE documents SET number_key = 'x' WHERE {ONE}", (0, 1, 0)),
    "sought: of tomorrow": (f"UPDATE documents SET number_key = 'x', updated_at = {FUTURE} WHERE {ONE}", (0, 1, 0)),
    "sought: invented": (
        f"""INSERT INTO documents SELECT tenant_id, resource, 'sought', number_key, number, marker, status, contact_id, date,
currency, sub_total, total_tax, total, reference, updated_at - 900000000 FROM documents WHERE {ONE}""",
        (0, 0, 1),
    ),
    "cursor": (f"UPDATE readings SET since = {FUTURE}, caught_up_at = {FUTURE}, listed_at = {FUTURE}", (0, 0, 0)),
}
OTHER = b'{"InvoiceID":"x","InvoiceNumber":"FALSE"}'


def invoice(contact: str, number: str) -> dict[str, Any]:
    """An approved one."""
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}
    return {
        "Type": "ACCREC", "Contact": {"ContactID": contact}, "Status": "AUTHORISED", "InvoiceNumber": number,
        "Date": "2026-11-02", "DueDate": "2026-12-02", "LineItems": [line],
    }  # fmt: skip


async def state_of(books: WorkbenchBooks, tenant: str) -> Any:
    """What is held, with its columns, and what postings would look up."""

    def work(conn: Any) -> Any:
        rows = [one for one in mirrored.page(conn, tenant, "Invoices") if one.deleted_at is None]
        ids = [one.document_id for one in rows]
        found = documents.documents_by(conn, tenant, "Invoices", "document_id", [*ids, "sought"])
        columns = [(one.document_id, one.status, one.stamp, record.plain(one.body)) for one in rows]
        return columns, sorted(found, key=lambda one: one.document_id)

    return await books.database.read(work)


def found_wrong(bench: Workbench, damages: list[str]) -> dict[str, Any]:
    """Each damage by itself and a full sync behind it: → what was not right then, by damage."""
    tenant = bench.sandbox.tenant(1)
    (contact,) = bench.sandbox.make(tenant, "Contacts", {"Name": "First"})
    for n in range(3):
        bench.sandbox.make(tenant, "Invoices", invoice(contact["ContactID"], f"N-{n}"))
    bench.sandbox.advance(3600)

    async def work(books: WorkbenchBooks) -> dict[str, Any]:
        client: XeroClient = await books.client("acme-uk")
        await syncing.sync(books, "acme-uk", "Invoices")
        before = await state_of(books, tenant)
        assert {one[0]: one[3] for one in before[0]} == await there(client, BY_NAME["Invoices"])
        wrong: dict[str, Any] = {}
        for name in damages:
            statement, expected = DAMAGE[name]
            given = {"id": before[0][1][0], "other": OTHER, "broken": b"{"}
            values = {one: value for one, value in given.items() if f":{one}" in statement}
            await books.database.run(functools.partial(harm, statement=statement, values=values))
            report = await syncing.sync(books, "acme-uk", "Invoices", full=True)
            (row,) = report.resources
            told = (row.created, row.updated, row.deleted)
            reading = await books.database.read(lambda conn: mirrored.reading(conn, tenant, "Invoices"))
            assert reading.since is not None
            now = (await state_of(books, tenant), told, row.error, reading.since.year < 2100)
            if now != (before, expected, None, True):
                wrong[name] = now
            assert not (await syncing.sync(books, "acme-uk", "Invoices", full=True)).repaired, name
        return wrong

    return asyncio.run(bench.use(work))


def harm(conn: Any, statement: str, values: dict[str, Any]) -> None:
    """Do it."""
    assert conn.execute(sa.text(statement), values).rowcount


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_full_sync_repairs_what_was_done_to_our_tables(bench: Workbench, damage: str) -> None:
    """Rows deleted, altered, invented, made newer than they are: repaired by the first one, said exactly, and nothing by the next."""
    assert found_wrong(bench, [damage]) == {}


def test_a_full_sync_repairs_on_postgres_too(on_postgres: Workbench) -> None:
    """One damage after the other."""
    assert found_wrong(on_postgres, list(DAMAGE)) == {}
