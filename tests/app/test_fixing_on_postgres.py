"""Corrections and decisions about customers on Postgres: the same course as on SQLite."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterfoil.app.wishes import Wish
from tests.posting.workbench import Workbench, sale
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def bench(server: Any, sandbox: SandboxProcess, tmp_path: Path) -> Workbench:
    """A fresh database on the server."""
    sandbox.post("/_sandbox/reset")
    url = sa.make_url(server.get_uri())
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text('CREATE DATABASE "fixing"'))
    engine.dispose()
    return Workbench(tmp_path, sandbox, store=url.set(database="fixing").render_as_string(hide_password=False))


def test_fix_retry_vouch_and_unfix(bench: Workbench) -> None:
    """An account, a misspelt company and a namesake are cured; a document stands for a record; a fix is undone."""

    async def course(books: Any) -> list[str]:
        found = {problem.cause.partition(":")[0]: problem.n for problem in await books.problems()}
        account = await books.fix(found["account-unknown"], Wish(use="200"))
        await books.fix(found["entity-unknown"], Wish(use="acme-uk"))
        await books.fix(found["contact-namesake"], Wish(use="link"))
        for n in found.values():
            await books.retry(n)
        await books.finish()
        await books.vouch(found["total-differs"], "typed in", "INV-5")
        await books.unfix(account.fixes[0])
        assert [one["records"] for one in await books.fixes()] == [1, 1]
        return [problem.cause for problem in await books.problems()]

    line = sale(1)["lines"][0]
    typed = {
        "Type": "ACCREC", "Date": "2026-11-02", "InvoiceNumber": "INV-5", "Contact": {"Name": "By hand"},
        "LineItems": [{"Description": "x", "Quantity": 1, "UnitAmount": 21, "AccountCode": "200", "TaxType": "OUTPUT2"}],
    }  # fmt: skip
    bench.sandbox.make(bench.sandbox.tenant(1), "Invoices", typed)
    bench.sandbox.make(bench.sandbox.tenant(1), "Contacts", {"Name": "Customer 4"})
    records = [
        sale(1, lines=[line | {"account_code": "2OO"}]), sale(2) | {"entity": "acme-ku"}, sale(3, expected_total="1.00"),
        sale(4), sale(5),
    ]  # fmt: skip
    report = bench.run(records)
    assert (report.posted, report.rejected, report.held) == (1, 3, 1)
    assert asyncio.run(bench.use(course)) == []
    assert len(bench.living()) == 5
    assert bench.run().unchanged == 5
