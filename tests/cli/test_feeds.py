"""`feeds`: how each stands, what failed, and what a person may do about it; from words to exit code, without a sandbox."""

import asyncio
import sys

import pytest

from counterfoil.delivery.outcome import NeverDelivered
from tests.cli.office import Office
from tests.delivery.desk import NOON, Desk, Taker

CONFIG = """
[xero]
client_id = "abc"
[entities.uk]
[feeds.crm]
on = ["invoice.*"]
to = { webhook = "https://crm.example/hooks", secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA" }
"""


@pytest.fixture
def shop(tmp_path):
    """A feed that took a1, can never take b1, and was not there yet when c1 happened."""
    (tmp_path / "counterfoil.toml").write_text(CONFIG)
    outlet = Taker(fails=lambda one: NeverDelivered("it is too large") if one.id == "b1" else None)

    async def before():
        desk = await Desk(f"sqlite:///{tmp_path / 'counterfoil.db'}").open()
        await desk.turn(desk.subscriber(outlet))
        await desk.record("a1", "b1")
        await desk.turn(desk.subscriber(outlet))
        desk.clock.forward(hours=1)
        await desk.record("c1")
        await desk.close()

    asyncio.run(before())
    office = Office(tmp_path)
    office.outlet = outlet
    return office


async def _turn(folder, outlet):
    desk = await Desk(f"sqlite:///{folder / 'counterfoil.db'}").open()
    desk.clock.at = NOON.replace(year=2030)  # later than what the command wrote
    await desk.turn(desk.subscriber(outlet))
    await desk.close()


def turn(office):
    """The service's turn; → what the feed got by it."""
    office.outlet.got.clear()
    office.outlet.fails = lambda _one: None
    asyncio.run(_turn(office.folder, office.outlet))
    return office.outlet.ids


def test_the_list_says_how_each_feed_stands(shop):
    """What was handed over, what is a dead letter, what is not looked at yet; and what to type next."""
    ended = shop("feeds", "--json")
    (crm,) = ended.value
    assert (ended.code, crm["name"], crm["state"], crm["delivered"], crm["dead"], crm["unseen"]) == (
        0,
        "crm",
        "ok",
        1,
        1,
        1,
    )
    text = shop("feeds").out
    assert [line.split()[:3] for line in text.splitlines()[:2]] == [["FEED", "TO", "STATE"], ["crm", "webhook", "ok"]]
    assert "MfKQ" not in text


def test_dead_letters_are_listed_and_retried(shop):
    """By id or all of them; an id that is none is exit 2, and nothing else changes."""
    (dead,) = shop("feeds", "dead", "crm", "--json").value
    assert (dead["id"], dead["name"], dead["tries"], dead["error"]) == ("b1", "invoice.updated", 1, "it is too large")
    assert shop("feeds", "retry", "crm", "a1", "--json").code == 2
    assert shop("feeds", "retry", "crm", "b1", "--json").value == {"feed": "crm", "due": 1}
    assert turn(shop) == ["b1", "c1"]
    assert shop("feeds", "dead", "crm", "--json").value == []


@pytest.mark.parametrize(
    ("since", "count", "got"),
    [
        ("a1", 3, ["a1", "b1", "c1"]),
        ("start", 3, ["a1", "b1", "c1"]),
        ("2026-11-22T12:30:00Z", 1, ["c1"]),
        ("2026-11-22 12:30", 1, ["c1"]),
        ("now", 0, []),
    ],
)
def test_a_feed_is_replayed_from_a_change_or_a_time(shop, since, count, got):
    """All that it wants since then comes again, in order."""
    assert shop("feeds", "replay", "crm", "--from", since, "--json").value["changes"] == count
    assert turn(shop) == got


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "crn"), "Did you mean `crm`?"),
        (("replay", "crm", "--from", "yesterday"), "No change 'yesterday' is kept."),
        (("replay", "crm"), "--from"),
    ],
)
def test_what_is_not_there_is_exit_2_with_what_would_be(shop, words, said):
    """A misspelt feed, a change that is not kept, a missing word."""
    ended = shop("feeds", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_feed_is_paused_and_resumed(shop):
    """Nothing is handed over meanwhile; nothing is lost."""
    assert shop("feeds", "pause", "crm", "--json").value == {"feed": "crm", "paused": True, "changed": True}
    assert turn(shop) == []
    assert shop("feeds", "show", "crm", "--json").value["state"] == "paused"
    assert "paused" in shop("status").out
    assert shop("feeds", "resume", "crm", "--json").value["changed"]
    assert turn(shop) == ["c1"]


def test_handlers_are_listed_beside_feeds_and_checked_with_the_configuration(shop, monkeypatch):
    """`config check` imports the module; a mistake in it is exit 2 with file and line."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = shop.folder / "counterfoil.toml"
    path.write_text(path.read_text() + '[handlers]\nmodule = "cli_handlers"\n')
    module = shop.folder / "cli_handlers.py"
    module.write_text("from counterfoil import on\n\n@on('invoice.payed')\ndef f(change): ...\n")
    ended = shop("config", "check")
    assert ended.code == 2
    assert (
        'cli_handlers.py:3: [handlers] @on("invoice.payed") names no change that there is. Did you mean `invoice.paid`?'
        in ended.err
    )
    del sys.modules["cli_handlers"]
    module.write_text("from counterfoil import on\n\n@on('invoice.paid')\ndef f(change): ...\n")
    assert shop("config", "check", "--json").value["handlers"] == ["cli_handlers.f"]
    assert [one["name"] for one in shop("feeds", "--json").value] == ["crm", "cli_handlers.f"]
    del sys.modules["cli_handlers"]


def test_rows_can_be_seen_before_there_are_any_and_a_table_be_filled(shop):
    """`try` and `fill`: what is wrong with a value, what would be made, and that nothing is written without need."""
    config = shop.folder / "counterfoil.toml"
    table = 'to = { sql = "sqlite:///books.db", table = "invoices", key = ["id"] }\nmap = { id = "{document_id}", ref = "{Reference}" }'
    config.write_text(f'{CONFIG}[feeds.books]\non = ["invoice.*"]\n{table}\n')
    ended = shop("feeds", "try", "books", "--last", "2")
    assert "invoice.updated  uk      c   c1" in ended.out
    assert 'The table invoices will be made: CREATE TABLE "invoices"' in ended.out
    (shown,) = shop("feeds", "try", "books", "--last", "1", "--json").value["found"]
    assert shown["rows"] == [{"id": "c", "ref": "c1"}]
    assert "The mirror has nothing that books wants" in shop("feeds", "fill", "books").out
    assert shop("feeds", "fill", "crm").code == 2
