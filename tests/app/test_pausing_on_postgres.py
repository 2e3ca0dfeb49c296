"""Pauses on Postgres, where transactions run side by side: a pause that was given holds for every request begun after it."""

import asyncio
import datetime
import hashlib
import json
import subprocess

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.app import backups, pausing
from counterfoil.store import postgres_copies, postgres_programs
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]


def test_a_pause_holds_on_postgres_too(bench):
    """Everything, a flow, an entity; resumed, each sale is posted once."""
    bench.write([sale(n) for n in range(5)])
    for of in ({}, {"entity": "acme-uk"}, {"flow": "shop"}):
        asyncio.run(bench.use(lambda books, of=of: pausing.pause(books, because="x", **of)))
        report = bench.run()
        assert (report.exit_code, report.planned, bench.writes(path="/api.xro/2.0/")) == (4, 5, [])
        asyncio.run(bench.use(lambda books, of=of: pausing.resume(books, **of)))
    assert bench.run().posted == 5
    assert set(bench.marks().values()) == {1}


def test_a_pause_given_in_the_middle_of_a_run(bench):
    """It waits for the transaction that begins a request, and the next one sees it."""
    bench.write([sale(n) for n in range(100)])
    sent = []

    async def work(books):
        other = await bench.open()

        async def stop():
            await pausing.pause(other, because="x")
            sent.append(len(bench.sandbox.requests()))

        tasks = []

        def point(name):
            if name == "after-send" and not tasks:
                tasks.append(asyncio.ensure_future(stop()))

        books.point = point
        try:
            report = await books.run("shop")
            await tasks[0]
        finally:
            await other.close()
        return report

    report = asyncio.run(bench.use(work))
    assert report.exit_code == 4
    assert report.planned > 0
    asyncio.run(bench.use(pausing.resume))
    bench.run()
    assert len(bench.living()) == 100
    assert set(bench.marks().values()) == {1}


def test_a_backup_is_a_dump_of_one_moment_with_what_it_is(bench):
    """It can be put into an empty database by pg_restore alone, holds what was there, and no file of it is another's to read."""
    bench.run([sale(n) for n in range(3)])
    made = asyncio.run(bench.use(lambda books: backups.backup(books, bench.folder / "a.dump")))
    told = json.loads((bench.folder / "a.dump.json").read_text())
    assert hashlib.sha256((bench.folder / "a.dump").read_bytes()).hexdigest() == told["database_sha256"]
    assert (told["sequence"] > 0, told["schema"], made.bytes) == (True, 6, told["database_bytes"])
    files = ("a.dump", "a.dump.json", "a.dump.sentinel")
    assert [(bench.folder / one).stat().st_mode & 0o777 for one in files] == [0o600] * 3
    listed = subprocess.run(
        [postgres_programs.program("pg_restore"), "--list", bench.folder / "a.dump"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "TABLE DATA public postings" in listed.stdout
    assert "limits" not in listed.stdout
    assert "counterfoil_jobs" not in listed.stdout
    with pytest.raises(errors.StoreError, match="is there already"):
        asyncio.run(bench.use(lambda books: backups.backup(books, bench.folder / "a.dump")))


def test_a_password_is_on_no_command_line(bench, monkeypatch):
    """It is in the environment of Postgres's program alone."""
    seen = []

    def run(command, **options):
        seen.append((command, options["env"]))
        raise FileNotFoundError(2, "nothing is run")

    asyncio.run(bench.use(lambda books: books.standing()))
    monkeypatch.setattr(postgres_programs, "program", lambda name: name)
    monkeypatch.setattr(postgres_programs.subprocess, "Popen", run)
    url = sa.make_url(bench.store).set(password="sesame-Yt5")
    with pytest.raises(errors.StoreError) as told:
        postgres_copies.make(
            url, bench.folder / "b.dump", now=datetime.datetime.now(datetime.UTC), version="1", configuration=None,
            sentinel=bench.folder / "none", environ={},
        )  # fmt: skip
    ((command, environ),) = seen
    assert "sesame" not in " ".join(command) + str(told.value)
    assert environ == {"PGPASSWORD": "sesame-Yt5"}
    assert not list(bench.folder.glob("*b.dump*"))


def test_backup_and_restore_say_what_to_do(bench, monkeypatch):
    """Without Postgres's programs: which, and the commands with the database's address, without its password; exit 2."""
    monkeypatch.setattr(postgres_programs, "program", lambda _name: None)
    with pytest.raises(errors.FixInput) as told:
        asyncio.run(bench.use(lambda books: backups.backup(books, None)))
    assert "pg_dump" in told.value.remedy
    with pytest.raises(errors.FixInput) as told:
        asyncio.run(backups.restore(bench.write_config(), None, bench.folder / "x"))
    assert "pg_restore" in told.value.remedy
