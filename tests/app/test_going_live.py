"""Going live: what a person is told before approved invoices go into an organisation. Design §3.1, facts 5.1."""

import pytest

from tests import sandbox_process
from tests.cli.office import FLOW, Office, sale


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox without limits that consents to everything."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def office(tmp_path, sandbox):
    """A firm that is connected and bound."""
    return Office(tmp_path, sandbox).open_for_business()


def test_reminders_that_are_on_are_said_before_invoices_are_approved(office):
    """`plan` of AUTHORISED invoices says that Xero itself will mail customers; of drafts it says nothing."""
    office.records(sale(1, status="AUTHORISED", due_date="2026-12-02"))
    assert "invoice reminders" not in office("plan", "shop").err
    tenant = office.sandbox.ready["organisations"][0]["tenant_id"]
    office.sandbox.organisation(tenant, invoice_reminders=True)
    (office.folder / "counterfoil.db").unlink()
    office.connect()
    office("entities", "bind", "--yes")
    assert "Fernhill Trading Ltd has invoice reminders on" in office("plan", "shop").err
    office.records(sale(2))
    assert "invoice reminders" not in office("plan", "shop").err
    office.sandbox.organisation(tenant, invoice_reminders=False)


def test_the_notices_are_no_part_of_the_json_of_a_run(office):
    """The JSON of `run` is contract: it has no key more, and the eight outcomes still add up."""
    office.records(sale(3, status="AUTHORISED", due_date="2026-12-02"))
    report = office("run", "shop", "--json").value
    assert "notices" not in report
    assert report["posted"] == report["records"] == 1


def test_a_flows_first_run_posts_no_more_than_limit_first_and_the_next_one_the_rest(office):
    """`plan` says so as well; a run that is repeated before anything was looked at does not post twice as much."""
    office.write(flows=FLOW.replace("[flows.shop]", "[flows.shop]\nlimit_first = 2"))
    office.records(*(sale(n) for n in range(10, 15)))
    planned = office("plan", "shop", "--json").value
    assert (planned["create"], planned["held"]) == (2, 3)
    first = office("run", "shop", "--json").value
    assert (first["posted"], first["held"]) == (2, 3)
    (problem,) = {one["cause"] for one in office("problems", "--json").value}
    assert problem == "limit-first"
    second = office("run", "shop", "--json").value
    assert (second["posted"], second["unchanged"], second["held"]) == (3, 2, 0)
