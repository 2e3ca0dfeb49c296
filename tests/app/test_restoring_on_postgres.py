"""A dump is put back into Postgres by `restore`: what was sent since is found at Xero, and nothing is made twice."""

import asyncio
import contextlib

import psycopg
import pytest

from counterfoil import errors
from counterfoil.app import backups, pausing
from counterfoil.store import postgres_restoring
from counterfoil.store.installation import RESTORED
from counterfoil.store.meta import get_meta
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]


def backed_up(bench):
    """A dump of what is there."""
    file = bench.folder / "books.dump"
    asyncio.run(bench.use(lambda books: backups.backup(books, file)))
    return file


def restored(bench, file, **options):
    """Put it back."""
    return asyncio.run(backups.restore(bench.write_config(), None, file, **options))


def test_what_was_sent_since_is_adopted_and_what_was_there_is_kept(bench):
    """Three records before the dump, three after it, a pause since: six documents, each once; the pause stands."""
    bench.run([sale(n) for n in range(3)])
    file = backed_up(bench)
    bench.run([sale(n) for n in range(6)])
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", entity="acme-uk")))
    with pytest.raises(errors.InputError, match="is newer"):
        restored(bench, file)
    done = restored(bench, file, over_newer=True)
    assert (done.forgotten > 0, done.not_logged) == (True, None)
    assert done.kept.stat().st_mode & 0o777 == 0o600
    (standing,) = asyncio.run(bench.use(pausing.standing))
    assert standing.because == "the auditor is here"
    asyncio.run(bench.use(lambda books: pausing.resume(books, entity="acme-uk")))
    report = bench.run([sale(n) for n in range(6)])
    assert (report.unchanged, report.adopted, report.posted) == (3, 3, 0)
    assert set(bench.marks().values()) == {1}
    assert len(bench.living()) == 6
    assert restored(bench, done.kept).forgotten == 0


def test_somebody_who_works_on_it_is_asked_to_end(bench):
    """One open connection is enough, and nothing is changed; while a restore is at work another one waits and says so."""
    bench.run([sale(1)])
    file = backed_up(bench)
    with (
        contextlib.closing(psycopg.connect(bench.store.replace("+psycopg", ""))),
        pytest.raises(errors.StoreError, match="1 other connection"),
    ):
        restored(bench, file)
    assert bench.run([sale(1)]).unchanged == 1


def test_a_changed_dump_or_one_without_its_files_is_refused(bench):
    """A flipped byte, a manifest of something else, a dump alone."""
    bench.run([sale(1)])
    file = backed_up(bench)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(errors.InputError, match="is not the dump"):
        restored(bench, file)
    told = file.with_name(file.name + ".json")
    told.write_text("{}")
    with pytest.raises(errors.InputError, match="not what `counterfoil backup` wrote"):
        restored(bench, file)
    told.unlink()
    with pytest.raises(errors.InputError, match="cannot be read"):
        restored(bench, file)


def put_back(bench, file, monkeypatch, *, until):
    """`restore --over-newer` killed right before (until="put_back") or right after the dump was put back."""

    class Killed(BaseException):
        """No error that anybody handles."""

    whole = postgres_restoring.put_back

    def killed(*arguments):
        if until != "put_back":
            whole(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(postgres_restoring, "put_back", killed)
        with pytest.raises(Killed):
            restored(bench, file, over_newer=True)


def test_one_that_is_killed_right_after_the_dump_is_concluded_by_the_next_command(bench, monkeypatch):
    """A pause since the dump still stands, and nothing is made twice."""
    bench.run([sale(1)])
    file = backed_up(bench)
    bench.run([sale(1), sale(2)])
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", entity="acme-uk")))
    put_back(bench, file, monkeypatch, until="concluded")
    (standing,) = asyncio.run(bench.use(pausing.standing))
    assert standing.because == "the auditor is here"
    asyncio.run(bench.use(lambda books: pausing.resume(books, entity="acme-uk")))
    assert bench.run([sale(1), sale(2)]).adopted == 1
    assert set(bench.marks().values()) == {1}


def test_one_that_is_killed_before_the_dump_changes_nothing(bench, monkeypatch):
    """No recovery, no pause that somebody ended since, and a later restore is one."""
    bench.run([sale(1)])
    file = backed_up(bench)
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", entity="acme-uk")))
    put_back(bench, file, monkeypatch, until="put_back")
    asyncio.run(bench.use(lambda books: pausing.resume(books, entity="acme-uk")))
    assert asyncio.run(bench.use(pausing.standing)) == ()
    assert bench.run([sale(1)]).unchanged == 1
    assert asyncio.run(bench.use(lambda books: books.database.read(lambda conn: get_meta(conn, RESTORED)))) is None
    assert restored(bench, file).not_logged is None
    assert bench.run([sale(1)]).unchanged == 1
