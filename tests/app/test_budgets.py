"""What an installation says of its organisations' limits."""

import pytest

from counterfoil import open_books
from counterfoil.app.budgets import budgets
from tests import sandbox_process
from tests.cli.office import Office


@pytest.fixture(scope="module")
def sandbox():
    """A Xero with its limits."""
    with sandbox_process.start("--auto-consent") as process:
        yield process


@pytest.fixture
def shop(tmp_path, sandbox):
    """An office that is connected and bound."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox).open_for_business()
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("calls_per_minute = 100000\n", ""))
    return office


async def test_budgets_say_what_xero_said(shop):
    """One row per bound entity, with the day as the newest answer told it; reading costs no call."""
    async with open_books(shop.folder / "counterfoil.toml") as books:
        client = await books.client("acme-uk")
        await client.get("Organisation", lane="looking")
        calls, _ = books.counts()
        found = {one.entity: one for one in await budgets(books)}
        assert calls == books.counts()[0]
    one = found["acme-uk"]
    assert one.organisation == "Fernhill Trading Ltd"
    assert (one.day_limit, one.slots_limit, one.slots_used) == (5_000, 5, 0)
    assert 1 <= one.minute_used <= 5
    assert one.day_used + one.day_left == 5_000
    assert one.day_used >= 1
