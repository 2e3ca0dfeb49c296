"""Another configuration while the service runs: a good one is in force, a bad one is told and the old one stays."""

import pytest

from counterfoil import service
from counterfoil.app.serving import flow_runs, reloading
from counterfoil.store import notices
from tests.posting import workbench
from tests.posting.workbench import sale
from tests.service.visitor import ask
from tests.webhooks.sender import INTENT, KEY, signature

LANES = ("[pacing]", "[pacing]\nday_kept = { bulk = 333 }")
MORE = """
[service]
log_level = "debug"
heartbeat_url = "https://x.example/1"
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """The file is looked at ten times a second."""
    monkeypatch.setattr(reloading, "LOOK_S", 0.1)


async def standing(at):
    """What is told of the configuration."""
    return await at.read(lambda conn: notices.standing(conn, "service"))


async def test_a_bad_configuration_is_told_and_a_good_one_taken_over(served):
    """The mistake has its line; what runs goes on by the old one; corrected, the new flow runs."""
    served.configure(flow='entity = "acme-uk"')
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        served.configure(flow='entity = "acme-uk"\nevery = "soon"')
        served.write_config()
        (told,) = await at.until(lambda: standing(at))
        assert "`every` is 'soon'" in told.message
        assert "counterfoil.toml:" in told.message
        assert at.books.flows["shop"].every is None
        served.configure(flow='entity = "acme-uk"\nevery = "1h"')
        served.write_config()
        await at.until(lambda: len(served.numbers()) == 1)

        async def over():
            return not await standing(at)

        await at.until(over)


async def test_what_needs_a_restart_is_not_taken_over_in_part(served, monkeypatch):
    """The names of the door and a flow changed: neither is in force."""
    served.configure(flow='entity = "acme-uk"')
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        moved = workbench.CONFIG + '[service]\npublic_url = "http://localhost:8999"\nhosts = ["books"]\n'
        monkeypatch.setattr(workbench, "CONFIG", moved)
        served.configure(flow='entity = "acme-uk"\nevery = "1h"', quiet_s=9)
        served.write_config()
        (told,) = await at.until(lambda: standing(at))
        assert "[service] public_url, [service] hosts changed" in told.message
        assert "Restart" in told.remedy
        assert at.books.flows["shop"].every is None
        assert (at.books.rules.public_url, at.books.rules.quiet_s) != ("http://localhost:8999", 9)


async def test_the_times_of_requests_are_taken_over_for_those_to_come(served):
    """Whoever sends already holds the times that it began with; the next turn has the new ones."""
    served.configure(flow='entity = "acme-uk"')
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        begun_with, lease_s = at.books.rules, at.books.rules.lease.total_seconds()
        served.configure(quiet_s=90)
        served.write_config()
        await at.until(lambda: at.books.rules.quiet_s == 90)
        assert begun_with.lease.total_seconds() == lease_s
        assert not await standing(at)


async def test_a_file_of_keys_that_is_replaced_is_noticed_by_itself(served, monkeypatch):
    """Beside the old key, then alone; an empty one is told and the keys of before stay. It took a SIGHUP, which a container's secret has nobody to send."""
    with_keys = workbench.CONFIG.replace("[xero]\n", '[xero]\nwebhook_keys_file = "keys"\n')
    monkeypatch.setattr(workbench, "CONFIG", with_keys)
    file = served.folder / "keys"

    def in_force():
        return [one.reveal() for one in at.books.settings.xero.webhook_keys]

    def replaced(text):
        beside = served.folder / "new"
        beside.write_text(text)
        beside.replace(file)

    replaced("old\n")
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        replaced("old\nnew\n")
        await at.until(lambda: in_force() == ["old", "new"])
        replaced("\n")
        (told,) = await at.until(lambda: standing(at))
        assert "`webhook_keys_file` is empty" in told.message
        assert in_force() == ["old", "new"]
        replaced("new\n")
        await at.until(lambda: in_force() == ["new"])


async def test_a_change_while_the_last_one_is_taken_over_is_noticed(served, monkeypatch):
    """It counted as known, and stayed out of force until somebody wrote the file again."""
    served.configure(flow='entity = "acme-uk"')
    file, load = served.folder / "counterfoil.toml", reloading.settings.load

    def written_again(path, environment):
        loaded = load(path, environment)
        file.write_text(file.read_text().replace('"31d"', '"32d"'))
        return loaded

    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        monkeypatch.setattr(reloading.settings, "load", written_again)
        file.write_text(file.read_text() + '[retention]\nwebhooks = "31d"\n')
        await at.until(lambda: at.books.settings.retention.webhooks == "32d")


async def test_asked_for_it_looks_at_once(served, monkeypatch):
    """SIGHUP: the file is looked at, changed or not."""
    monkeypatch.setattr(reloading, "LOOK_S", 3_600.0)
    served.configure(flow='entity = "acme-uk"')
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        at.service.reload()
        await at.until(lambda: "the changed configuration is in force" in served.said("service"))


async def test_a_mode_is_in_force_for_turns_that_run_already(served, monkeypatch):
    """Who sends holds the rules that it began with: the modes in them change, so that nobody sends by the old ones."""
    served.configure(flow='entity = "acme-uk"')
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        begun_with = at.books.rules
        named = "[entities.acme-uk]\n"
        monkeypatch.setattr(workbench, "CONFIG", workbench.CONFIG.replace(named, f'{named}mode = "read_only"\n'))
        served.write_config()
        await at.until(lambda: begun_with.modes["acme-uk"] == "read_only")


async def test_an_entity_that_goes_in_the_middle_of_a_run_is_a_problem_of_its_records_alone(served, monkeypatch):
    """The run that began with it is broken off and made again by the new configuration; nothing is sent twice, nobody sees a KeyError."""
    served.configure(flow='every = "1h"')
    served.sales(sale(1), sale(2, entity="acme-nl"))
    real, begun = flow_runs.Runner.schedule, []

    async def schedule(runner, flow, reading):
        begun.append(flow)
        if len(begun) == 1:
            gone = '[entities.acme-nl]\norganisation = "Grachtenhuis BV"\n'
            monkeypatch.setattr(workbench, "CONFIG", workbench.CONFIG.replace(gone, ""))
            served.write_config()
            assert await at.service._reloading.take()
        return await real(runner, flow, reading)

    monkeypatch.setattr(flow_runs.Runner, "schedule", schedule)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 1 and len(begun) == 2)

        async def told():
            return [problem for problem in await at.books.problems() if "acme-nl" in problem.reason]

        await at.until(told)
        assert served.said("flow", bad=True) == []
    assert (set(served.marks().values()), served.numbers(3)) == ({1}, [])


async def test_the_tier_the_lanes_and_the_log_are_taken_over(served):
    """From the next call on: another day, other reserves; and whoever logs is told, with new secrets to leave out."""
    served.configure(flow='entity = "acme-uk"')
    heard = []
    async with served.serving(taken=heard.append) as at:
        await at.until(lambda: at.service.health().ready)
        assert at.books.pacer._limits.day == 5_000
        file = served.folder / "counterfoil.toml"
        file.write_text(file.read_text().replace("[xero]", '[xero]\ntier = "starter"').replace(*LANES) + MORE)
        await at.until(lambda: heard)
        assert (at.books.pacer._limits.day, at.books.pacer._limits.day_kept[-1]) == (1_000, 333)
        assert (heard[0].service.log_level, heard[0].service.heartbeat_url.reveal()) == ("debug", "https://x.example/1")
        assert not await standing(at)


async def test_a_link_that_leads_to_another_file_is_another_configuration(served):
    """As a ConfigMap is replaced: the file's name is a link through a folder's name, and that one leads elsewhere at one stroke."""
    served.configure(flow='entity = "acme-uk"')
    served.sales(sale(1))
    first, second = served.folder / "..1", served.folder / "..2"
    first.mkdir()
    second.mkdir()
    plain = served.write_config()
    plain.rename(first / plain.name)
    served.configure(flow='entity = "acme-uk"\nevery = "1h"')
    served.write_config().rename(second / plain.name)
    data = served.folder / "..data"
    data.symlink_to(first.name)
    plain.symlink_to(f"..data/{plain.name}")
    served.write_config = lambda: plain
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        beside = served.folder / "..data.new"
        beside.symlink_to(second.name)
        beside.replace(data)
        await at.until(lambda: len(served.numbers()) == 1)
        assert at.books.flows["shop"].every == "1h"


async def test_another_key_for_webhooks_is_in_force_at_once(served, monkeypatch):
    """Xero's key is replaced: what the new one signed is let in, what the old one signed no more, and nobody restarts anything."""
    monkeypatch.setenv("COUNTERFOIL_XERO__WEBHOOK_KEY", KEY)
    served.configure(flow='entity = "acme-uk"')
    async with (
        served.serving() as at,
        service.open_door(at.books, host="127.0.0.1", port=0, health=at.service.health) as door,
    ):

        async def answers():
            found = [
                await ask(door.port, "POST", "/webhooks/xero", INTENT, X_Xero_Signature=signature(INTENT, key))
                for key in (KEY, "another key")
            ]
            return [one.status for one in found]

        assert await answers() == [200, 401]
        monkeypatch.setenv("COUNTERFOIL_XERO__WEBHOOK_KEY", "another key")
        at.service.reload()
        await at.until(lambda: "the changed configuration is in force" in served.said("service"))
        assert await answers() == [401, 200]


async def test_what_nobody_foresaw_in_a_configuration_is_told_and_the_next_one_taken_over(served, monkeypatch):
    """The watch goes on."""
    whole = reloading.Reloading.take

    async def broken(_self):
        monkeypatch.setattr(reloading.Reloading, "take", whole)
        raise RuntimeError("a mistake of ours")

    served.configure(flow='entity = "acme-uk"')
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        monkeypatch.setattr(reloading.Reloading, "take", broken)
        at.service.reload()
        (told,) = await at.until(lambda: standing(at))
        assert "a mistake of ours" in told.message
        at.service.reload()
        await at.until(lambda: "the changed configuration is in force" in served.said("service"))
