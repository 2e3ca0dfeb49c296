"""The same on Postgres: whether it is ready, what it measures, and a consent by the page."""

import asyncio

import pytest

from counterfoil.service import readiness
from tests.cli.office import sale
from tests.service.conftest import serving
from tests.service.test_metrics import read
from tests.service.visitor import Browser, ask, path_of


@pytest.fixture
def firm(office, server):
    """An office whose database is on Postgres."""
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text() + f'[store]\nurl = "{server.get_uri()}"\n')
    return office


async def test_from_nothing_to_ready_and_measured(firm, sandbox, monkeypatch):
    """Not ready without a consent; connected by the page; then numbers of what was posted and what failed."""
    monkeypatch.setattr(readiness, "KEPT_S", 0.0)
    async with serving(firm) as (books, door):
        browser = Browser(door.port)
        for entity in ("acme-uk", "acme-au"):
            to_xero = await browser.begin(entity)
            reply = await asyncio.to_thread(sandbox.request, "GET", path_of(to_xero.headers["location"]))
            assert (await browser.open(path_of(reply.headers["Location"]))).status == 303
        assert (await ask(door.port, path="/readyz")).json == {"ready": True, "reasons": []}
        firm.records(sale(1), sale(2), sale(3, date="no date"))
        await books.run("shop")
        found = read((await ask(door.port, path="/metrics")).text)
        uk = ("entity", "acme-uk")
        assert found["counterfoil_postings"][uk, ("state", "posted")] == 4
        assert sum(found["counterfoil_problems"].values()) == 1
        assert found["counterfoil_consents"][(("state", "living"),)] == 1
        await books.database.run(lambda conn: conn.exec_driver_sql("UPDATE grants SET lost = 'gone'"))
        assert [one["about"] for one in (await ask(door.port, path="/readyz")).json["reasons"]] == [
            "acme-au",
            "acme-uk",
        ]
