"""The daily look: a disconnect, a rename and a reset are noticed without a run that meets them."""

import asyncio
import datetime

import pytest

from counterfoil import errors, open_books
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import notices
from tests import sandbox_process
from tests.cli.office import Office, sale

DAY = datetime.timedelta(days=1, minutes=1)


class Later(SystemClock):
    """A clock that is so far ahead."""

    def __init__(self, ahead: datetime.timedelta) -> None:
        super().__init__()
        self.ahead = ahead

    def now(self):
        """The time then."""
        return super().now() + self.ahead


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox that consents to everything."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def office(tmp_path, sandbox):
    """A bound firm that looked at its organisations today."""
    sandbox.post("/_sandbox/reset")
    firm = Office(tmp_path, sandbox).open_for_business()
    look(firm)
    return firm


def look(office, ahead=datetime.timedelta()):
    """`status` so much later; → the notices that stand, and how many calls it made."""

    async def work():
        async with open_books(office.folder / "counterfoil.toml", clock=Later(ahead)) as books:
            await books.standing()
            calls, _bytes = books.counts()
            return await books.database.read(notices.standing), calls

    return asyncio.run(work())


def test_at_most_once_a_day(office):
    """The second look of a day costs nothing; the first one call for each grant and each entity, and a token."""
    assert look(office)[1] == 0
    assert 0 < look(office, DAY)[1] <= 4
    assert look(office, DAY)[1] == 0


def test_a_disconnect_is_noticed_and_its_end(office, sandbox):
    """Told for that tenant only, with what to do; over when a later look finds it again."""
    sandbox.organisation(sandbox.tenant(1), disconnected=True)
    [told] = look(office, DAY)[0]
    assert (told.kind, told.subject, told.entity, told.times) == ("disconnected", sandbox.tenant(1), "acme-uk", 1)
    assert told.link.endswith("/connect?entity=acme-uk")
    assert told.link in told.remedy
    assert "counterfoil connect" in told.remedy
    assert look(office, 2 * DAY)[0][0].times == 2
    sandbox.organisation(sandbox.tenant(1), disconnected=False)
    assert look(office, 3 * DAY)[0] == []


def test_a_changed_currency_is_noticed(office, sandbox):
    """And stops the entity's writes before any run."""
    sandbox.organisation(sandbox.tenant(2), base_currency="USD")
    [told] = look(office, DAY)[0]
    assert (told.kind, told.subject) == ("stopped", "acme-au")
    assert office("entities", "list", "--json").value[1]["stopped"]


def test_status_never_fails_for_the_look(office, sandbox):
    """Xero away, or the key gone: where things stand is told all the same."""
    office.write(api_url="http://127.0.0.1:9")
    assert look(office, DAY)[0] == []
    (office.folder / "counterfoil.key").rename(office.folder / "away.key")
    assert look(office, 3 * DAY)[0] == []


def test_a_run_looks_first_when_the_last_look_is_a_day_old(office, sandbox):
    """Nothing is written into books that became others overnight."""
    sandbox.organisation(sandbox.tenant(1), country="IE")

    async def work():
        async with open_books(office.folder / "counterfoil.toml", clock=Later(DAY)) as books:
            return await books.run("shop", records=[sale(1)])

    office.records(sale(1))
    report = asyncio.run(work())
    assert (report.exit_code, report.posted) == (3, 0)
    assert sandbox.ledger(sandbox.tenant(1))["Invoices"] == []


def test_every_refusal_has_a_code_of_its_own():
    """Programs tell them apart."""
    kinds = errors.WrongLedger.__subclasses__()
    assert len({kind.code for kind in kinds} | {errors.WrongLedger.code}) == len(kinds) + 1
