"""What an installation says of its organisations' limits."""

import asyncio
import datetime
import zoneinfo

import pytest

from counterfoil import errors, open_books
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
    config.write_text(config.read_text().replace("calls_per_minute = 100000\n", "").replace("offline_s = 0.01\n", ""))
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


async def test_bulk_work_waits_for_the_hours_of_the_organisation(shop):
    """Outside them the lane is refused with the time at which they begin, before each request; other lanes go."""
    now = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/London"))
    opens, closes = now + datetime.timedelta(hours=2), now + datetime.timedelta(hours=3)
    configured(shop, f'[pacing]\nbulk_window = "{opens:%H:%M}-{closes:%H:%M}"\n')
    async with open_books(shop.folder / "counterfoil.toml") as books:
        client = await books.client("acme-uk")
        await client.get("Organisation", lane="sync")
        calls, _ = books.counts()
        with pytest.raises(errors.WindowClosed) as caught:
            await client.get("Organisation", lane="bulk")
        assert calls == books.counts()[0]
        assert 3_600 < caught.value.retry_after_s <= 2 * 3_600
        assert caught.value.exit_code == 4


async def test_without_a_known_clock_bulk_work_keeps_to_no_hours_and_status_says_so(shop):
    """The lane may call at any time; what to write is said once for each such organisation, and not of the others."""
    configured(shop, '[pacing]\nbulk_window = "03:00-03:01"\n')
    async with open_books(shop.folder / "counterfoil.toml") as books:
        await books.database.run(
            lambda conn: conn.exec_driver_sql("UPDATE bindings SET timezone = 'MARSTIME' WHERE entity = 'acme-uk'")
        )
        await (await books.client("acme-uk")).get("Organisation", lane="bulk")
        found = {one.entity: one.without_hours for one in await budgets(books)}
    assert found == dict.fromkeys(found, False) | {"acme-uk": True}
    told = (await asyncio.to_thread(shop.process, "status")).out
    assert told.count("keeps to no hours") == 1
    assert "into [entities.acme-uk]" in told


def test_hours_that_cannot_be_read_are_told_with_their_line(shop):
    """Before anything is done."""
    configured(shop, '[pacing]\nbulk_window = "at night"\n')
    ended = shop("status")
    assert ended.code == 2
    assert "`bulk_window` cannot be read" in ended.err
    assert "counterfoil.toml:" in ended.err


async def test_a_new_connection_has_rapid_sync_when_the_tier_has_it(shop):
    """For half an hour, less a margin; the rows of the budgets say so."""
    config = shop.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("[xero]\n", '[xero]\ntier = "plus"\n'))
    async with open_books(config) as books:
        await books.client("acme-uk")
        (one,) = [found for found in await budgets(books) if found.entity == "acme-uk"]
        left = one.rapid_until - books.clock.now()
    assert datetime.timedelta(minutes=25) < left <= datetime.timedelta(minutes=29)


async def test_an_offline_organisation_is_asked_by_nobody_until_its_time_comes(shop):
    """One call meets it; then every process hears why and until when without a call, and others go on."""
    tenants = {one["name"]: one["tenant_id"] for one in shop.sandbox.ready["organisations"]}
    shop.sandbox.fault("503_offline", tenant=tenants["Fernhill Trading Ltd"], count=1)
    async with open_books(shop.folder / "counterfoil.toml") as books:
        client = await books.client("acme-uk")
        with pytest.raises(errors.OrganisationOffline):
            await client.get("Organisation", lane="looking")
    async with open_books(shop.folder / "counterfoil.toml") as books:
        client = await books.client("acme-uk")
        with pytest.raises(errors.OrganisationOffline) as caught:
            await client.get("Organisation", lane="looking")
        assert books.counts()[0] == 0
        assert caught.value.sent is False
        assert 200 < caught.value.retry_after_s <= 330
        rows = {one.entity: one for one in await budgets(books)}
        assert [wait.why for wait in rows["acme-uk"].waits] == ["the organisation is offline"]
        for other in rows.keys() - {"acme-uk"}:
            await (await books.client(other)).get("Organisation", lane="looking")
            assert rows[other].waits == ()


async def test_status_says_what_is_left_and_what_waits(shop):
    """The day and when it begins anew, and of an offline organisation until when nobody asks."""
    tenants = {one["name"]: one["tenant_id"] for one in shop.sandbox.ready["organisations"]}
    shop.sandbox.fault("503_offline", tenant=tenants["Fernhill Trading Ltd"], count=1)
    async with open_books(shop.folder / "counterfoil.toml") as books:
        with pytest.raises(errors.OrganisationOffline):
            await (await books.client("acme-uk")).get("Organisation", lane="looking")
    shop.sandbox.clear_faults()
    ended = await asyncio.to_thread(shop.process, "status")
    assert "Calls for acme-uk (accounting) wait until " in ended.out
    assert "the organisation is offline" in ended.out
    shown = (await asyncio.to_thread(shop.process, "status", "--json")).value["budgets"]
    assert [one["entity"] for one in shown] == sorted(one["entity"] for one in shown)
    assert any(one["day_left"] for one in shown)
    assert " left today, anew by " in ended.out


def configured(shop, text):
    """The office's configuration with this table more."""
    config = shop.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("[pacing]\n", text))
