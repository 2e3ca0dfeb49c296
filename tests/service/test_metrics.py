"""/metrics in the form that Prometheus reads: every name explained, numbers that are so, and nobody's name in it."""

import datetime
import re
import types
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from counterfoil.app.places import Place
from counterfoil.service import metrics, snapshot
from counterfoil.store import schedules
from counterfoil.xero.tally import Tally
from tests import sandbox_process
from tests.cli.office import sale
from tests.leaks import known
from tests.service.conftest import health, serving
from tests.service.visitor import ask

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "operate.md"
FED = (("feed", "crm"),)
SECRETS = ("a-connect-token-of-the-tests-Yt5", "heartbeat-canary-Qq77")


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox with Xero's limits, whose answers say what is left."""
    with sandbox_process.start("--auto-consent") as process:
        yield process


def read(text):
    """Name → labels → value, as Prometheus' own parser has them."""
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found.setdefault(one.name, {})[tuple(sorted(one.labels.items()))] = one.value
    return found


async def measured(office, **changes):
    """What a service of the office tells now."""
    async with serving(office, state=lambda: health(**changes)) as (_books, door):
        answer = await ask(door.port, path="/metrics")
    assert (answer.status, answer.headers["content-type"].startswith("text/plain; version=0.0.4")) == (200, True)
    return read(answer.text)


@pytest.fixture
def posted(firm):
    """A firm that posted two sales and has one that needs a person."""
    firm.records(
        sale(1),
        sale(2),
        sale(
            3,
            lines=[
                {"description": "W", "quantity": 1, "unit_amount": "1", "account_code": "nope", "tax_type": "OUTPUT2"}
            ],
        ),
    )
    assert firm("run", "shop", "--json").value["posted"] == 2
    return firm


async def test_numbers_of_a_day(posted):
    """Postings by state, problems by cause, budgets, calls and consents, by the user's own keys."""
    found = await measured(posted)
    postings = {
        dict(key)["state"]: value
        for key, value in found["counterfoil_postings"].items()
        if ("entity", "acme-uk") in key
    }
    assert postings == {
        "planned": 0,
        "sending": 0,
        "uncertain": 0,
        "held": 0,
        "rejected": 1,
        "posted": 4,
        "cancelled": 0,
    }
    ((problem, count),) = found["counterfoil_problems"].items()
    assert (dict(problem)["flow"], count, ":" in dict(problem)["cause"]) == ("shop", 1, False)
    uk = (("entity", "acme-uk"),)
    assert 0 < found["counterfoil_minute_used"][uk] <= found["counterfoil_minute_limit"][uk]
    assert found["counterfoil_day_used"][uk] + found["counterfoil_day_left"][uk] == found["counterfoil_day_limit"][uk]
    assert found["counterfoil_app_minute_used"][()] <= found["counterfoil_app_minute_limit"][()]
    assert sum(value for key, value in found["counterfoil_calls_total"].items() if ("entity", "acme-uk") in key) > 3
    assert found["counterfoil_consents"] == {
        (("state", "living"),): 1,
        (("state", "lost"),): 0,
        (("state", "refreshing"),): 0,
    }
    assert set(found["counterfoil_entity_reached"].values()) == {1}
    assert found["counterfoil_oldest_open_posting_seconds"][uk] == 0
    assert 0 <= found["counterfoil_mirror_age_seconds"][("entity", "acme-uk"), ("resource", "Invoices")] < 3_600
    assert found["counterfoil_database_up"][()] == 1


async def test_an_open_posting_has_an_age(posted):
    """The lag: since when the oldest document waits."""
    async with serving(posted) as (books, door):
        await books.database.run(
            lambda conn: conn.exec_driver_sql(
                "UPDATE postings SET state = 'planned', planned_at = planned_at - 7200000000 WHERE number = 'order-1'"
            )
        )
        found = read((await ask(door.port, path="/metrics")).text)
    assert found["counterfoil_postings"][("entity", "acme-uk"), ("state", "planned")] == 1
    assert 7_000 < found["counterfoil_oldest_open_posting_seconds"][(("entity", "acme-uk"),)] < 7_400


async def test_how_far_an_import_is(posted):
    """What is left, the pace and the time, and how much of the source is planned while somebody reads it."""
    place = Place(source="", run=1, records=300, bytes=20, size=80, since=datetime.datetime.now(datetime.UTC))

    def reads(conn):
        conn.exec_driver_sql("UPDATE postings SET state = 'planned' WHERE number = 'order-1'")
        now = place.since
        turn = schedules.know(conn, "shop", "1h", now)
        assert schedules.claim(conn, turn, "us", now, now)
        assert schedules.note_reading(conn, "shop", "us", msgspec.to_builtins(place))

    async with serving(posted) as (books, door):
        await books.database.run(reads)
        found = read((await ask(door.port, path="/metrics")).text)
    uk, shop = (("entity", "acme-uk"),), (("flow", "shop"),)
    names = ("sending_left", "reading_records", "reading_percent")
    assert [found[f"counterfoil_{name}"][of] for name, of in zip(names, (uk, shop, shop), strict=True)] == [1, 300, 25]
    assert found["counterfoil_sending_per_minute"][uk] >= 1
    assert found["counterfoil_sending_left_seconds"][uk] >= 1


async def test_the_runtime(office):
    """What runs, what fails for how long, when work was looked for, which schedule is late."""
    now = datetime.datetime.now(datetime.UTC)
    late = types.SimpleNamespace(
        flow="shop", last=now - datetime.timedelta(hours=1), next=now - datetime.timedelta(minutes=2)
    )
    idle = types.SimpleNamespace(flow="days", last=None, next=None)
    found = await measured(
        office, in_flight=3, failures={"finish:acme-uk": 4, "finish:acme-au": 2, "sweep:": 1},
        sweeps={"finish": now - datetime.timedelta(seconds=30)}, schedules=(late, idle),
    )  # fmt: skip
    assert (found["counterfoil_working"][()], found["counterfoil_work_in_flight"][()]) == (1, 3)
    assert found["counterfoil_work_failing"] == {(("kind", "finish"),): 2, (("kind", "sweep"),): 1}
    assert found["counterfoil_work_failures_in_a_row"][(("kind", "finish"),)] == 4
    assert 29 < found["counterfoil_sweep_age_seconds"][(("kind", "finish"),)] < 90
    assert 119 < found["counterfoil_schedule_late_seconds"][(("flow", "shop"),)] < 180
    assert list(found["counterfoil_schedule_late_seconds"]) == [(("flow", "shop"),)]


async def test_without_a_runtime_or_a_database_it_still_answers(office, monkeypatch):
    """What is not known is absent; that it is not known is said."""
    from counterfoil import errors

    async def away(_work):
        raise errors.StoreError("away")

    async with serving(office, state=lambda: None) as (books, door):
        monkeypatch.setattr(books.database, "read", away)
        found = read((await ask(door.port, path="/metrics")).text)
        ready = (await ask(door.port, path="/readyz")).json
        monkeypatch.undo()
    assert (found["counterfoil_database_up"][()], found["counterfoil_working"][()]) == (0, 0)
    assert "counterfoil_postings" not in found
    assert [one["code"] for one in ready["reasons"]] == ["database", "runtime"]


async def test_it_is_read_once_for_many_who_ask(posted):
    """Within a few seconds the database is asked once."""
    async with serving(posted) as (books, door):
        first = (await ask(door.port, path="/metrics")).text
        await books.database.run(lambda conn: conn.exec_driver_sql("DELETE FROM bad_rows"))
        reads = []
        read_as_before = books.database.read

        async def counted(work):
            reads.append(work)
            return await read_as_before(work)

        books.database.read = counted
        for _ in range(5):
            await ask(door.port, path="/metrics")
    assert (reads, "counterfoil_postings" in first) == ([], True)


async def test_nobodys_name_and_no_secret_is_in_it(posted):
    """Neither in /metrics nor in /readyz: no token, no key, no customer, no organisation."""
    config = posted.folder / "counterfoil.toml"
    config.write_text(config.read_text() + f'[service]\nconnect_token = "{SECRETS[0]}"\n')
    async with serving(posted) as (_books, door):
        text = "".join([(await ask(door.port, path=path)).text for path in ("/metrics", "/readyz", "/healthz")])
    key = (posted.folder / "counterfoil.key").read_bytes().strip()
    assert known.in_bytes(text.encode(), [("the key", key)]) == []
    for word in ("Fernhill", "Wattle", "Customer", "order-1", "cust-1", "株式会社", "nope", *SECRETS):
        assert word not in text


async def test_series_are_bounded(office, monkeypatch):
    """Of each name there are so many at most; how many were left out is told."""
    monkeypatch.setattr(metrics, "SERIES_MAX", 3)
    found = await measured(office, sweeps={f"kind-{n}": datetime.datetime.now(datetime.UTC) for n in range(10)})
    assert len(found["counterfoil_sweep_age_seconds"]) == 3
    assert found["counterfoil_series_left_out"][()] >= 7


async def test_every_name_is_explained(posted):
    """The page says what each means, and names nothing that there is not."""
    now = datetime.datetime.now(datetime.UTC)
    schedule = types.SimpleNamespace(flow="shop", last=now, next=now)
    path = posted.folder / "counterfoil.toml"
    path.write_text(f'{path.read_text()}\n[feeds.crm]\non = ["*"]\nto = {{ jsonl = "changes.jsonl" }}\n')
    found = await measured(posted, failures={"finish:acme-uk": 1}, schedules=(schedule,))
    named = set(re.findall(r"^\| `(counterfoil_\w+)", PAGE.read_text(), re.MULTILINE))
    assert (found["counterfoil_feed_up"], found["counterfoil_feed_waiting"]) == ({FED: 1.0}, {FED: 0.0})
    given = {name for name in found if name.startswith("counterfoil_") and not name.endswith("_created")}
    assert given - named == set()
    standing = ("notices", "day_runs_out_seconds", "reading_records", "reading_percent")  # there while something stands
    standing += ("sending_left", "sending_per_minute", "sending_left_seconds", "background_failures_total")
    assert named - given <= {f"counterfoil_{name}" for name in standing}


def test_answers_are_told_apart():
    """By class; a 429 by its limit, where Xero says none by how many ran at once."""
    tally = Tally()
    for status, problem in (
        (200, None),
        (304, None),
        (404, None),
        (503, None),
        (None, None),
        (429, "minute"),
        (429, "appminute"),
        (429, None),
        (429, "Day"),
    ):
        tally.count(status, problem)
    assert dict(tally.answers) == {"2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1, "none": 1, "429": 4}
    assert dict(tally.refusals) == {"minute": 1, "app": 1, "concurrent": 1, "day": 1}


def test_snapshots_are_kept_for_a_few_seconds():
    """Long enough to be cheap, short enough for an alert."""
    assert 1 <= snapshot.KEPT_S <= 15
