"""Transactions that hold, errors that say what to do, and types that lose nothing."""

import asyncio
import contextlib
import datetime
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import database as database_module
from counterfoil.store import documents, limits, postings, problems, requests, schema, types
from counterfoil.store.database import Connection, Database
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.prepared import drive
from counterfoil.xero.pacing import Pacer

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture(params=[False, True], ids=["", "alone"])
async def database(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", SystemClock(), alone=request.param)
    await found.open()
    yield found
    await found.close()


def row(n: int, **changes: Any) -> dict[str, Any]:
    """A posting of one invoice."""
    values = {
        "flow_id": "shop", "kind": "invoice", "external_id": f"order-{n}", "scope": "", "entity": "acme-uk",
        "tenant_id": "t", "resource": "Invoices", "marker": f"m{n}", "state": "planned", "record_hash": "h",
        "source": "s:1", "own_number": True, "run_id": 1, "last_run_id": 1, "planned_at": NOW, "changed_at": NOW,
    }  # fmt: skip
    return postings.row(**values | changes)


async def test_what_fails_leaves_nothing_behind(database: Database) -> None:
    """A transaction is all or nothing."""

    def work(connection: Connection) -> None:
        set_meta(connection, "half", "done")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        await database.run(work)
    assert await database.read(lambda conn: get_meta(conn, "half")) is None


@pytest.mark.parametrize("database", [False], indirect=True, ids=[""])  # alone, nothing else runs meanwhile
async def test_an_interruption_waits_for_the_transaction_that_has_begun(database: Database) -> None:
    """Ctrl-C never leaves a half-told outcome: what has begun is on disk before the interruption goes on."""
    inside, go_on = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        inside.set()
        go_on.wait(10)
        set_meta(connection, "told", "whole")

    task = asyncio.create_task(database.run(work))
    await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read(lambda conn: get_meta(conn, "told")) == "whole"


async def test_work_without_a_pause_can_be_interrupted_between_two_transactions(database: Database) -> None:
    """A long source is read batch by batch: Ctrl-C ends it after the one that has begun, which is whole."""
    done: list[int] = []

    def work(connection: Connection) -> None:
        set_meta(connection, "count", str(len(done) + 1))
        done.append(len(done) + 1)
        if len(done) == 3:
            loop.call_soon_threadsafe(task.cancel)

    async def many() -> None:
        for _ in range(100):
            await database.run(work)

    loop = asyncio.get_running_loop()
    task = asyncio.create_task(many())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(done) < 100
    assert await database.read(lambda conn: get_meta(conn, "count")) == str(len(done))


async def test_while_another_process_writes_a_bar_moves_and_an_interruption_is_heard(database: Database) -> None:
    """Nobody holds up the event loop: others have their turns, Ctrl-C ends the wait, and with the lock gone it goes through."""
    path = database.path
    assert path is not None

    async def bar() -> None:
        for _ in range(4):
            await asyncio.sleep(0.01)

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        interrupted = asyncio.create_task(database.run(lambda conn: set_meta(conn, "first", "no")))
        patient = asyncio.create_task(database.run(lambda conn: set_meta(conn, "second", "yes")))
        await bar()
        assert not interrupted.done()
        interrupted.cancel()
        other.execute("ROLLBACK")
    await asyncio.gather(interrupted, return_exceptions=True)
    await patient
    assert await database.read(lambda conn: get_meta(conn, "second")) == "yes"
    if database.alone:
        assert interrupted.cancelled()
        assert await database.read(lambda conn: get_meta(conn, "first")) is None


async def test_a_lock_that_is_never_given_back_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the usual patience, with what to do; afterwards the same database works."""
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 100)
    path = database.path
    assert path is not None
    await database.run(lambda conn: drive(conn, "PRAGMA busy_timeout=100"))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.StoreError, match="locked") as caught:
            await database.run(lambda conn: set_meta(conn, "one", "1"))
    assert "run the same command again" in caught.value.remedy
    await database.run(lambda conn: set_meta(conn, "one", "1"))


async def test_a_file_of_limits_that_another_holds_keeps_the_loop_moving(tmp_path: Path) -> None:
    """A command takes its turn as soon as the file is free."""
    place = limits.InFile(tmp_path / "limits", SystemClock(), alone=True)
    await place.turn([], lambda _now, _states: (None, {}))
    with contextlib.closing(sqlite3.connect(tmp_path / "limits", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        turn = asyncio.create_task(place.turn(["a"], lambda _now, _states: ("mine", {"a": b"1"})))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not turn.done()
        other.execute("ROLLBACK")
    assert await turn == "mine"
    await place.close()


def modes_in(folder: Path) -> dict[str, int]:
    """Who may do what with each file."""
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


async def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    """It will hold customers' data: whatever the shell's mask says, nobody else reads it or what SQLite writes beside it."""
    database = Database(f"sqlite:///{tmp_path / 'fresh.db'}", SystemClock())
    pacer = Pacer(database.clock, limits.beside(database))
    await database.open()
    async with pacer.call("tenant", "sync"):
        modes = modes_in(tmp_path)
    assert modes == dict.fromkeys(modes, 0o600)
    assert {"fresh.db", "fresh.db-wal", "fresh.db-limits", "fresh.db-limits-wal"} <= modes.keys()
    await pacer.close()
    await database.close()


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [("no/such/folder/x.db", None, "does not exist"), ("text.db", b"not a database at all" * 100, "not a database")],
)
async def test_a_database_that_cannot_be_opened_is_named_with_a_remedy(
    tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    """Exit 2, no driver's exception."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    broken = Database(f"sqlite:///{tmp_path / name}", SystemClock())
    with pytest.raises(errors.StoreError, match=word) as caught:
        await broken.open()
    assert caught.value.remedy
    await broken.close()


@pytest.mark.parametrize(
    ("said", "word"),
    [("database or disk is full", "Free some space"), ("disk I/O error", "Free some space"),
     ("FATAL:  the database system is starting up", "restarted"), ("server closed the connection unexpectedly", "restarted")],
)  # fmt: skip
async def test_what_passes_by_itself_is_told_as_such(database: Database, said: str, word: str) -> None:
    """A full disk, a server that was restarted: run again, and nothing about the configuration."""

    def fail(_conn: Connection) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception(said))

    with pytest.raises(errors.StoreError) as caught:
        await database.run(fail)
    assert word in caught.value.remedy


async def test_a_newer_schema_is_refused(database: Database) -> None:
    """An older Counterfoil never writes into it."""
    await database.run(lambda conn: set_meta(conn, "schema_version", "999"))
    again = Database(str(database.url), SystemClock())
    with pytest.raises(errors.StoreError, match="schema 999"):
        await again.open()
    await again.close()


@given(amount=st.decimals(allow_nan=False, allow_infinity=False, places=4), seconds=st.integers(0, 10**10))
def test_amounts_and_instants_come_back_as_they_went(amount: Decimal, seconds: int) -> None:
    """To the last digit and microsecond."""
    kept: Any = types.Amount().process_bind_param(amount, None)
    assert types.Amount().process_result_value(kept, None) == amount
    instant = types.EPOCH + datetime.timedelta(seconds=seconds, microseconds=seconds % 1_000_000)
    stored: Any = types.Instant().process_bind_param(instant, None)
    assert types.Instant().process_result_value(stored, None) == instant


async def test_an_identity_is_planned_once(database: Database) -> None:
    """A second plan of the same record is left alone and not in the result."""
    first = await database.run(lambda conn: postings.insert(conn, [row(1), row(2)]))
    again = await database.run(lambda conn: postings.insert(conn, [row(2), row(3)]))
    assert sorted(first) == [("invoice", "", "order-1"), ("invoice", "", "order-2")]
    assert sorted(again) == [("invoice", "", "order-3")]


async def test_a_document_belongs_to_one_posting(database: Database) -> None:
    """The database refuses a second owner; contacts may share one (Xero merges customers)."""
    await database.run(lambda conn: postings.insert(conn, [row(1, document_id="d"), row(2)]))
    with pytest.raises(sa.exc.IntegrityError):
        await database.run(lambda conn: postings.update(conn, 2, ("planned",), {"document_id": "d"}))
    shared = [row(n, kind="contact", resource="Contacts", document_id="c") for n in (3, 4)]
    assert len(await database.run(lambda conn: postings.insert(conn, shared))) == 2


async def test_a_posting_is_in_one_open_request(database: Database) -> None:
    """The database refuses a second one until the first is closed."""
    values: dict[str, Any] = {
        "entity": "acme-uk", "tenant_id": "t", "resource": "Invoices", "method": "PUT", "path": "Invoices", "body": b"",
        "own_number": True, "state": "open", "attempts": 0, "unclear_attempts": 0, "looks": 0, "frozen_at": NOW,
    }  # fmt: skip
    full = {column.name: None for column in schema.requests.columns if column.name != "id"} | values

    def freeze(connection: Connection, key: str) -> int:
        return requests.insert(connection, full | {"idempotency_key": key}, [(1, 1)])

    first = await database.run(lambda conn: freeze(conn, "a"))
    with pytest.raises(sa.exc.IntegrityError):
        await database.run(lambda conn: freeze(conn, "b"))
    await database.run(lambda conn: requests.close_items(conn, first, {0: "split"}))
    assert await database.run(lambda conn: freeze(conn, "b")) > first


async def test_only_one_worker_begins_an_attempt(database: Database) -> None:
    """Compare and swap on the number of attempts: who read the request before is too late."""
    values: dict[str, Any] = dict.fromkeys(column.name for column in schema.requests.columns if column.name != "id")
    values |= {
        "entity": "e", "tenant_id": "t", "resource": "Invoices", "method": "PUT", "path": "Invoices", "body": b"",
        "own_number": True, "state": "open", "attempts": 0, "unclear_attempts": 0, "looks": 0, "frozen_at": NOW,
        "idempotency_key": "k",
    }  # fmt: skip
    found = await database.run(lambda conn: requests.get(conn, requests.insert(conn, values, [(1, 1)])))
    begun = [
        await database.run(lambda conn, owner=owner: requests.begin_attempt(conn, found, owner, NOW, NOW))
        for owner in ("one", "two")
    ]
    assert begun == [1, None]


async def test_a_skip_leaves_what_is_on_its_way_and_what_is_posted(database: Database) -> None:
    """Only what was not sent is cancelled."""
    states = ("planned", "sending", "uncertain", "posted", "held", "rejected")
    await database.run(lambda conn: postings.insert(conn, [row(n, state=state) for n, state in enumerate(states)]))
    await database.run(lambda conn: problems.skip(conn, list(range(1, 7)), "because"))
    found = await database.read(lambda conn: postings.many(conn, range(1, 7)))
    assert [found[n].state for n in range(1, 7)] == [
        "cancelled", "sending", "uncertain", "posted", "cancelled", "cancelled",
    ]  # fmt: skip


@given(text=st.text(max_size=30))
def test_folding_is_idempotent_and_ignores_case_and_outer_spaces(text: str) -> None:
    """How Xero compares names and numbers."""
    assert documents.fold(f"  {documents.fold(text)} ") == documents.fold(text)
