"""Schema upgrades: from version 4 as it really was, whole or not at all, once, and not behind anybody's back."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import backups, migrations, schema
from counterfoil.store.database import Database
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.migrations import additive
from tests.store.older import version_4


def opened(path: Path, work=lambda _conn: None):
    """Open, carry out, close."""

    async def through():
        database = Database(f"sqlite:///{path}", SystemClock())
        try:
            await database.open()
            return await database.run(work)
        finally:
            await database.close()

    return asyncio.run(through())


def shape(connection):
    """Every table with its columns, every index."""
    found = sa.inspect(connection)
    indexes = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
    columns = {name: sorted(one["name"] for one in found.get_columns(name)) for name in found.get_table_names()}
    return columns, sorted(indexes.scalars())


def test_version_4_becomes_what_a_new_database_is(tmp_path):
    """Same tables, columns and indexes as one that is made today; what was in it stays; a second opening does nothing."""
    old = version_4(tmp_path / "old.db")
    assert opened(tmp_path / "new.db", shape) == opened(old, shape)
    assert opened(old, lambda conn: get_meta(conn, "schema_version")) == str(schema.SCHEMA_VERSION)
    assert opened(old, lambda conn: conn.execute(sa.text("SELECT actor FROM runs")).scalars().all()) == ["me"]
    assert len(list(tmp_path.glob("*.backup"))) == 1


def test_a_backup_is_made_first_and_is_of_the_old_schema(tmp_path):
    """It is whole, and putting it back would be schema 4 again."""
    opened(version_4(tmp_path / "old.db"))
    (file,) = tmp_path.glob("old.db.schema-4-*.backup")
    assert (backups.read(file).schema, backups.read(file).installation_id) == (4, "old")
    assert file.stat().st_mode & 0o077 == 0


def test_a_newer_schema_is_refused_with_the_remedy(tmp_path):
    """Two versions on, or one that says that older code may not work on it."""
    opened(tmp_path / "new.db", lambda conn: set_meta(conn, "schema_version", str(schema.SCHEMA_VERSION + 2)))
    with pytest.raises(errors.StoreError, match="a newer one"):
        opened(tmp_path / "new.db")


@pytest.mark.parametrize(
    ("version", "least", "expected"), [(6, 5, True), (6, 6, False), (7, 5, False), (5, 5, True), (4, 4, False)]
)
def test_versions_one_apart_coexist_when_the_step_says_so(version, least, expected):
    """Code of schema 5 works on schema 6 whose step lets it, on its own, and on nothing else."""
    assert migrations.fits(version, least, 5) is expected


def test_an_older_worker_works_on_beside_an_additive_step(tmp_path):
    """The version after adds a column with a default and a table: this version opens it, reads and writes."""

    def next_version(conn):
        conn.execute(sa.text("ALTER TABLE runs ADD COLUMN colour TEXT DEFAULT 'blue'"))
        conn.execute(sa.text("CREATE TABLE tomorrow (id INTEGER PRIMARY KEY)"))
        set_meta(conn, migrations.VERSION, str(schema.SCHEMA_VERSION + 1))

    opened(tmp_path / "a.db", next_version)
    row = {"command": "run", "source": "s", "actor": "me", "started": SystemClock().now()}
    opened(tmp_path / "a.db", lambda conn: conn.execute(sa.insert(schema.runs).values(**row)))
    assert opened(tmp_path / "a.db", lambda conn: conn.execute(sa.text("SELECT colour FROM runs")).scalar()) == "blue"
    assert opened(tmp_path / "a.db", lambda conn: get_meta(conn, migrations.VERSION)) == str(schema.SCHEMA_VERSION + 1)


def test_the_step_adds_columns_and_refuses_one_that_old_rows_cannot_have(tmp_path, monkeypatch):
    """A nullable one, one with a default; a mandatory one without would leave old rows without an answer."""
    tables = sa.MetaData()
    now = sa.Table(
        "meta", tables, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False),
        sa.Column("colour", sa.Text), sa.Column("size", sa.Integer, nullable=False, server_default="3"),
    )  # fmt: skip
    monkeypatch.setattr(schema, "tables", tables)
    path = version_4(tmp_path / "old.db")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        additive.add_missing(connection)
        rows = connection.execute(sa.text("SELECT key, colour, size FROM meta ORDER BY key")).all()
    assert [tuple(row) for row in rows] == [("installation_id", None, 3), ("schema_version", None, 3)]
    now.append_column(sa.Column("weight", sa.Integer, nullable=False))
    with engine.begin() as connection, pytest.raises(AssertionError, match="weight"):
        additive.add_missing(connection)


def killed_while_upgrading(path):
    """A process that dies with SIGKILL when the step is done and its transaction is not."""

    def step(connection):
        additive.add_missing(connection)
        os.kill(os.getpid(), signal.SIGKILL)

    migrations.STEPS[5] = migrations.Step(step, coexists=False)
    opened(path)


def test_kill_9_in_the_middle_leaves_the_old_schema_and_the_next_one_upgrades(tmp_path):
    """All or nothing: afterwards it is version 4 without a trace of 5; the next opening carries it out."""
    path = version_4(tmp_path / "old.db")
    process = multiprocessing.get_context("fork").Process(target=killed_while_upgrading, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("4",)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'pauses'").fetchone() == (0,)
    assert opened(path, shape) == opened(tmp_path / "new.db", shape)


def upgraded_by(path, gate, told):
    """One of several processes that open an old database at once."""
    gate.wait()
    told.put(opened(path, lambda conn: get_meta(conn, migrations.VERSION)))


def test_processes_that_upgrade_at_once_upgrade_once(tmp_path):
    """Four of them: each ends on the new schema, none fails."""
    path = version_4(tmp_path / "old.db")
    context = multiprocessing.get_context("fork")
    gate, told = context.Barrier(4), context.Queue()
    processes = [context.Process(target=upgraded_by, args=(path, gate, told)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [told.get(timeout=60) for _ in processes] == [str(schema.SCHEMA_VERSION)] * 4
    for process in processes:
        process.join()


def test_a_disk_that_fills_up_in_the_middle_changes_nothing(tmp_path, monkeypatch):
    """The database may grow no more: the upgrade ends with a clear message, and the old schema is whole."""
    path = version_4(tmp_path / "old.db")

    def step(connection):
        connection.exec_driver_sql("PRAGMA max_page_count=1")
        additive.add_missing(connection)
        for n in range(200):
            connection.exec_driver_sql(f"CREATE TABLE filler_{n} (a)")

    with monkeypatch.context() as full:
        full.setitem(migrations.STEPS, 5, migrations.Step(step, coexists=False))
        with pytest.raises(errors.StoreError) as refusal:
            opened(path)
    assert "Free some space" in refusal.value.remedy
    assert backups.look(path).schema == 4
    assert opened(path, shape) == opened(tmp_path / "new.db", shape)


def test_on_postgres_a_person_says_so(server, tmp_path):
    """Opening is refused and says how; told to, it adds what is missing in one transaction."""
    from sqlalchemy.engine import make_url

    url = make_url(server.get_uri())
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE upgraded"))
    engine.dispose()
    there = url.set(database="upgraded").render_as_string(hide_password=False)

    async def through(work, *, may):
        database = Database(there, SystemClock())
        database.may_upgrade = may
        try:
            await database.open()
            return await database.run(work)
        finally:
            await database.close()

    def older(conn):
        conn.execute(sa.text("DROP TABLE pauses"))
        set_meta(conn, migrations.VERSION, "4")
        set_meta(conn, migrations.LEAST, "4")

    asyncio.run(through(older, may=False))
    with pytest.raises(errors.StoreError, match="has schema 4") as refusal:
        asyncio.run(through(lambda _conn: None, may=False))
    assert "counterfoil upgrade" in refusal.value.remedy
    count = sa.text("SELECT count(*) FROM pauses")
    assert asyncio.run(through(lambda conn: conn.execute(count).scalar_one(), may=True)) == 0
    assert json.loads(asyncio.run(through(lambda conn: get_meta(conn, migrations.LEAST), may=False))) == 5
