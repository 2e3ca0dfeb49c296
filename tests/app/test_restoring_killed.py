"""`restore` on Postgres, or its `pg_restore`, killed by the kernel in the middle: the books are the old ones or the new ones, never half."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from counterfoil import errors
from counterfoil.app import backups, pausing
from counterfoil.store import postgres_programs
from counterfoil.store.installation import RESTORED
from counterfoil.store.meta import get_meta
from tests import warm
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]

PATIENCE_S = 60
THERE = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'counterfoil restore'"
GATE = """#!/bin/sh
case "$*" in *--single-transaction*) ;; *) exec {real} "$@";; esac
echo $$ > {here}/begun.new && mv {here}/begun.new {here}/begun
while [ ! -e {here}/go ]; do sleep 0.02; done
exec {real} "$@"
"""


def until(true):
    """Wait until something is so."""
    end_s = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end_s
        time.sleep(0.02)
    return found


class Held:
    """A `restore` whose real pg_restore, in its one transaction, dropped tables and waits for a lock that is ours."""

    def __init__(self, bench, file):
        here = Path(bench.folder) / "programs"
        here.mkdir()
        gate = here / "pg_restore"
        gate.write_text(GATE.format(real=postgres_programs.program("pg_restore"), here=here))
        gate.chmod(0o755)
        words = ("-m", "counterfoil", "--config", str(bench.write_config()), "restore", str(file), "--over-newer")
        env = dict(os.environ) | {"PATH": f"{here}:{os.environ['PATH']}"}
        self.command = warm.start(*words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pg_restore = int(until(lambda: (here / "begun").exists() and (here / "begun").read_text()))
        self._url = bench.store.replace("+psycopg", "")
        self._ours = psycopg.connect(self._url)
        self._ours.execute("LOCK TABLE attempts IN ACCESS SHARE MODE")
        (here / "go").touch()
        until(lambda: self._counted(f"{THERE} AND wait_event_type = 'Lock'"))

    def go_on(self):
        """Give the lock back, and wait until the server has ended, or carried out, what pg_restore asked of it."""
        self._ours.close()
        until(lambda: not self._counted(THERE))

    def _counted(self, query):
        with psycopg.connect(self._url) as connection:
            return connection.execute(query).fetchone()[0]

    def kill(self, *pids):
        """As the kernel does when memory is short."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def held(bench):
    """What is there: sale 1 in the dump, sale 2 posted since, a pause since."""
    bench.run([sale(1)])
    file = bench.folder / "books.dump"
    asyncio.run(bench.use(lambda books: backups.backup(books, file)))
    bench.run([sale(1), sale(2)])
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", entity="acme-uk")))
    held = Held(bench, file)
    yield held
    held.go_on()
    for end in (lambda: os.kill(held.pg_restore, signal.SIGKILL), held.command.kill):
        with contextlib.suppress(ProcessLookupError):
            end()
    held.command.communicate()


def opened(bench):
    """What a command finds: why the pause stands, and whether the database was restored."""

    async def look(books):
        said = [one.because for one in await pausing.standing(books)]
        return said, await books.database.read(lambda conn: get_meta(conn, RESTORED)) is not None

    return asyncio.run(bench.use(look))


def goes_on(bench):
    """The pause is ended, and the same sales run again; → how many were known, and how many found at Xero."""
    asyncio.run(bench.use(lambda books: pausing.resume(books, entity="acme-uk")))
    report = bench.run([sale(1), sale(2)])
    assert (len(bench.living()), set(bench.marks().values()), report.posted) == (2, {1}, 0)
    return report.unchanged, report.adopted


def test_pg_restore_alone_killed_leaves_the_old_books_and_is_told(bench, held):
    """The command says what failed, and that the database is as it was."""
    held.kill(held.pg_restore)
    held.go_on()
    _out, told = held.command.communicate(timeout=PATIENCE_S)
    assert "pg_restore failed" in told
    assert "The database is as it was" in told
    assert held.command.returncode == errors.StoreError("").exit_code
    assert opened(bench) == (["the auditor is here"], False)
    assert goes_on(bench) == (2, 0)


def test_both_killed_leave_the_old_books(bench, held):
    """The server ends what nobody will commit; whoever opens next waits for that."""
    held.kill(held.command.pid, held.pg_restore)
    held.go_on()
    assert opened(bench) == (["the auditor is here"], False)
    assert goes_on(bench) == (2, 0)


def test_nobody_opens_books_that_an_orphaned_pg_restore_is_about_to_replace(bench, held):
    """The command alone is killed and its pg_restore goes on: refused until that has ended, then the new books, concluded."""
    held.kill(held.command.pid)
    with pytest.raises(errors.StoreError, match="still at work") as refused:
        opened(bench)
    assert "Wait" in refused.value.remedy
    held.go_on()
    assert opened(bench) == (["the auditor is here"], True)
    assert goes_on(bench) == (1, 1)
