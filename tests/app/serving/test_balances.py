"""The service reads bank balances for entities that ask for them, as seldom as they say."""

import pytest

from counterfoil.app import bank_balances
from counterfoil.store import waits
from tests.posting import workbench
from tests.posting.workbench import sale
from tests.sandbox_process import SCOPES

REPORT = "/api.xro/2.0/Reports/BankSummary"
ASKS = '[entities.acme-uk]\nbank_balances = "6h"\n'


@pytest.fixture
def asking(served, monkeypatch):
    """acme-uk asks for balances every six hours; the other two do not."""
    monkeypatch.setattr(workbench, "CONFIG", workbench.CONFIG.replace("[entities.acme-uk]\n", ASKS))
    served.configure(flow='every = "1h"')
    served.token = served.sandbox.connect(f"{SCOPES} accounting.reports.banksummary.read")["access_token"]
    return served


def reads(served):
    """Of which organisations the report was asked for."""
    return [one["tenant"] for one in served.sandbox.requests() if one["path"].startswith(REPORT)]


async def looked(served, at):
    """The service has looked for work of this kind once more, and done what it found."""
    since = served.clock.now()
    await at.until(lambda: at.service.health().sweeps.get("balances", since) > since)
    await at.until(lambda: not [one for one in at.service.health().running if one.startswith("balances")])


async def test_one_call_per_organisation_and_interval(asking):
    """At the start, and again after six hours; never of who does not ask. A restart begins nothing anew."""
    tenant = asking.sandbox.tenant(1)
    async with asking.serving() as at:
        await at.until(lambda: asking.said("balances"))
        asking.clock.forward(hours=5)
        await looked(asking, at)
        assert reads(asking) == [tenant]
        asking.clock.forward(hours=1, minutes=1)
        await at.until(lambda: len(asking.said("balances")) == 2)
        held = await bank_balances.held(at.books, tenant)
        assert held is not None
        accounts = asking.sandbox.ledger(tenant)["Accounts"]
        assert held.amounts.keys() == {one["AccountID"] for one in accounts if one["Type"] == "BANK"}
    async with asking.serving() as at:
        await looked(asking, at)
    assert reads(asking) == [tenant, tenant]


async def test_a_user_who_may_not_see_reports_keeps_the_rest_going(asking):
    """403 for the report alone: told with its reason, asked again after an hour, and postings go on; then it is there."""
    asking.sandbox.fault("403", method="GET", path=REPORT, count=100)
    asking.sales(sale(1))
    async with asking.serving() as at:
        await at.until(lambda: asking.said("balances", bad=True))
        await at.until(lambda: len(asking.numbers(1)) == 1)
        await looked(asking, at)
        wait = (await at.read(lambda conn: waits.of_kind(conn, "balances")))["acme-uk"]
        assert (wait.until - wait.since).total_seconds() > 3500
        assert len(reads(asking)) == 1
        assert "balances" not in {one.kind for one in at.service.health().failures}
        asking.sandbox.clear_faults()
        asking.clock.forward(hours=1, minutes=1)
        await at.until(lambda: asking.said("balances", bad=False))
        assert await at.read(lambda conn: waits.of_kind(conn, "balances")) == {}
