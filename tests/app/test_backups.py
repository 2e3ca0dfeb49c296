"""backup and restore: whole, checked, refused when it would lose something unsaid, and never a second document."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import threading
import zipfile
from contextlib import closing
from unittest import mock

import pytest

from counterfoil import errors, settings
from counterfoil.app import backups as operations
from counterfoil.app import pausing
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import audit, backups, installation, replacing
from counterfoil.store.meta import get_meta
from tests.cli.test_full_disk import full_disk
from tests.durability import processes
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]
DATABASE = "counterfoil.db"
PACE_S = 0.001  # between two transactions of the other writer: hundreds of them during a backup


def backed_up(bench, name="one.backup"):
    file = bench.folder / name
    made = asyncio.run(bench.use(lambda books: operations.backup(books, file)))
    assert made.file == file
    return file


def restored(bench, file, **how):
    return asyncio.run(operations.restore(bench.write_config(), None, file, **how))


def test_a_backup_tells_what_it_is_and_holds_no_key(bench):
    """Installation, environment, schema, configuration; readable by its owner; the key's bytes are not in it."""
    bench.run([sale(1)])
    file = backed_up(bench)
    manifest = backups.read(file)
    there = backups.look(bench.folder / DATABASE)
    assert (manifest.installation_id, manifest.schema) == (there.installation_id, there.schema)
    assert manifest.environment == "default"
    assert manifest.configuration
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == ["database.sqlite", "manifest.json", "sentinel.json"]
        key = (bench.folder / "counterfoil.key").read_bytes().strip()
        assert not any(key in archive.read(name) for name in archive.namelist())

    async def told(books):
        acts = await books.database.read(lambda conn: audit.newest(conn, audit.Wanted(entity=""), 5))
        return [one.act for one in acts], await operations.newest(books)

    acts, newest = asyncio.run(bench.use(told))
    assert "backed up" in acts
    assert newest is not None
    assert newest[1] == str(file)


def test_a_backup_made_while_others_write_is_one_moment(bench):
    """A writer adds two rows in each transaction; every copy has an even number, and SQLite finds nothing wrong."""
    bench.run([sale(1)])
    path, stop = bench.folder / DATABASE, threading.Event()

    def write():
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE pairs (a)")
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO pairs VALUES (zeroblob(5000))")
                connection.execute("INSERT INTO pairs VALUES (zeroblob(5000))")
                connection.execute("COMMIT")
                stop.wait(PACE_S)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        files = [backed_up(bench, f"{n}.backup") for n in range(5)]
    finally:
        stop.set()
        writer.join()
    counts = []
    for n, file in enumerate(files):
        backups.extract(file, bench.folder / f"copy-{n}")
        with closing(sqlite3.connect(bench.folder / f"copy-{n}")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            counts.append(connection.execute("SELECT count(*) FROM pairs").fetchone()[0])
    assert [one % 2 for one in counts] == [0] * 5
    assert counts == sorted(counts)


def test_what_was_posted_since_is_recognised(bench):
    """The copy knows ten of thirty sales; afterwards all are posted, each stands once, the log tells of the restore."""
    bench.run([sale(n) for n in range(10)])
    file = backed_up(bench)
    bench.run([sale(n) for n in range(30)])
    done = restored(bench, file, over_newer=True)
    assert done.forgotten > 0
    assert done.kept is not None
    assert backups.look(done.kept).sequence == done.manifest.sequence + done.forgotten
    report = bench.run()
    assert (report.adopted, report.unchanged, report.exit_code) == (20, 10, 0)
    assert len(bench.living()) == 30
    acts = asyncio.run(
        bench.use(lambda books: books.database.read(lambda conn: audit.newest(conn, audit.Wanted(act="restored"), 5)))
    )
    assert len(acts) == 1


def test_also_without_its_sentinel_and_on_an_empty_folder(bench):
    """Everything but the configuration, the key and the backup is gone: the same."""
    bench.run([sale(n) for n in range(5)])
    file = backed_up(bench)
    bench.run([sale(n) for n in range(9)])
    for gone in bench.folder.glob("counterfoil.db*"):
        gone.unlink()
    done = restored(bench, file)
    assert (done.kept, done.not_logged) == (None, None)
    assert bench.run().exit_code == 0
    assert len(bench.living()) == 9


def test_the_journal_of_a_deleted_database_is_not_played_into_the_restored_one(bench):
    """Someone deleted the database's file alone; its write-ahead log lies beside."""
    bench.run([sale(1)])
    file = backed_up(bench)
    path = bench.folder / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE later (a)")
        connection.commit()
        log = path.with_name(DATABASE + "-wal").read_bytes()
    path.unlink()
    path.with_name(DATABASE + "-wal").write_bytes(log)
    restored(bench, file)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
    assert bench.run().unchanged == 1


def test_a_newer_database_is_not_replaced_unsaid(bench):
    """It says how many requests would be forgotten, and what to say; nothing is changed."""
    bench.run([sale(1)])
    file = backed_up(bench)
    bench.run([sale(1), sale(2)])
    before = (bench.folder / DATABASE).stat().st_ino
    with pytest.raises(errors.InputError, match="is newer") as refusal:
        restored(bench, file)
    assert "--over-newer" in refusal.value.remedy
    assert (bench.folder / DATABASE).stat().st_ino == before
    assert bench.run().unchanged == 2


def test_while_a_process_works_nothing_is_replaced(bench):
    """An open database, idle or not; afterwards it works on as if nothing had been tried."""
    bench.run([sale(1)])
    file = backed_up(bench)

    async def meanwhile(books):
        with pytest.raises(errors.StoreError, match="A process works on"):
            await operations.restore(books.settings.path, None, file)
        return await books.run("shop")

    bench.write([sale(1), sale(2)])
    assert asyncio.run(bench.use(meanwhile)).posted == 1
    assert list(bench.folder.glob("*.replaced-*")) == []


def test_while_a_suspended_process_works_nothing_is_replaced(bench):
    """SIGSTOP between its attempt and its send: it would go on with a database that no longer counts."""
    import psutil

    bench.run([sale(100)])
    file = backed_up(bench)
    bench.write([sale(n) for n in range(20)])
    worker = processes.start(bench, "after-attempt", 2, "stop")
    while psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED:
        os.sched_yield()
    try:
        with pytest.raises(errors.StoreError, match="A process works on"):
            restored(bench, file, over_newer=True)
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    assert processes.ended(worker)["exit"] == 0
    assert len(bench.living()) == 21


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9, 0.999])
def test_a_changed_file_is_refused(bench, where):
    """One byte anywhere, or its end cut off; the database stays."""
    bench.run([sale(1)])
    file = backed_up(bench)
    whole = file.read_bytes()
    at = int(len(whole) * where)
    for broken in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at]):
        file.write_bytes(broken)
        with pytest.raises(errors.InputError):
            restored(bench, file)
    file.write_bytes(whole)
    assert bench.run().unchanged == 1
    assert restored(bench, file).forgotten == 0


def test_what_is_no_backup_or_another_ones_is_refused(bench, tmp_path):
    """A missing file, some file, a backup of another environment, of a newer schema, of another installation."""
    bench.run([sale(1)])
    file = backed_up(bench)
    with pytest.raises(errors.InputError, match="There is no file"):
        restored(bench, tmp_path / "no.backup")
    (tmp_path / "some.backup").write_text("hello")
    with pytest.raises(errors.InputError, match="no whole backup"):
        restored(bench, tmp_path / "some.backup")
    for changed, word in (({"environment": "test"}, "environment test"), ({"schema": 99}, "schema 99")):
        other = tmp_path / f"{word[-2:]}.backup"
        _rewritten(file, other, changed)
        with pytest.raises(errors.InputError, match=word):
            restored(bench, other)

    async def another(books):
        from counterfoil.store.meta import set_meta

        await books.database.run(lambda conn: set_meta(conn, "installation_id", "another"))

    asyncio.run(bench.use(another))
    with pytest.raises(errors.InputError, match="another installation"):
        restored(bench, file)


def _rewritten(file, other, changed):
    import json

    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w") as made:
        told = json.dumps(json.loads(archive.read("manifest.json")) | changed).encode()
        made.writestr("manifest.json", told)
        made.writestr("database.sqlite", archive.read("database.sqlite"))
        made.comment = bytes(64)
    backups.seal(other)


def test_a_restore_that_was_killed_is_repeated(bench):
    """What it had laid out is thrown away; a file of that name is nobody's."""
    bench.run([sale(1)])
    file = backed_up(bench)
    (bench.folder / f"{DATABASE}.restoring").write_bytes(b"half a copy")
    restored(bench, file)
    assert list(bench.folder.glob("*.restoring")) == []
    assert bench.run().unchanged == 1


def _dies(name):
    def die(*_given, **_named):
        os.kill(os.getpid(), signal.SIGKILL)

    return mock.patch.object(*name, die)


@pytest.mark.parametrize(
    "name",
    [
        (replacing, "mark_restored"),
        (replacing, "alone"),
        (replacing, "put_in_place"),
        (replacing, "flush"),
        (operations, "_log"),
    ],
    ids=lambda name: name[1],
)
def test_kill_9_at_any_point_of_a_restore_leaves_one_of_the_two(bench, name):
    """The old database or the restored one, whole; repeated or not, everything is posted once."""
    bench.run([sale(n) for n in range(3)])
    file = backed_up(bench)
    bench.run([sale(n) for n in range(6)])
    path = bench.write_config()

    def child():
        with _dies(name):
            asyncio.run(operations.restore(path, None, file, over_newer=True))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert bench.run().exit_code == 0
    restored(bench, file, over_newer=True)
    assert bench.run().exit_code == 0
    assert len(bench.living()) == 6
    assert set(bench.marks().values()) == {1}


def test_the_same_name_twice_is_refused_and_the_first_stays(bench):
    """A backup replaces nothing."""
    bench.run([sale(1)])
    file = backed_up(bench)
    first = file.read_bytes()
    with pytest.raises(errors.StoreError, match="is there already"):
        backed_up(bench)
    assert file.read_bytes() == first
    with pytest.raises(errors.StoreError, match="cannot be written"):
        asyncio.run(bench.use(lambda books: operations.backup(books, bench.folder / "no" / "folder.backup")))


def test_a_restored_database_recovers_once(bench):
    """The first opening turns to `recover` and forgets that it has to; the second is like any other."""
    bench.run([sale(1)])
    restored(bench, backed_up(bench))
    flag = asyncio.run(bench.use(lambda books: books.database.read(lambda conn: get_meta(conn, installation.RESTORED))))
    assert not flag
    assert settings.load(bench.write_config()).store.url.startswith("sqlite")


def test_two_restores_within_a_second_keep_a_database_each(bench):
    """The first one's database, which has a posting that the backup has not, is not overwritten by the second's."""
    file = backed_up(bench)
    bench.run([sale(1)])
    clock = mock.Mock(wraps=SystemClock())
    clock.now.return_value = SystemClock().now()
    posted = (bench.folder / DATABASE).stat().st_ino
    first = restored(bench, file, over_newer=True, clock=clock)
    second = restored(bench, file, over_newer=True, clock=clock)
    assert first.kept != second.kept
    assert first.kept.stat().st_ino == posted


def test_a_second_restore_waits_for_the_first(bench):
    """Both would write into the same file beside the database: the second is refused, and nothing is changed."""
    file = backed_up(bench)
    before = (bench.folder / DATABASE).stat().st_ino
    with (
        replacing.one_at_a_time(bench.folder / DATABASE),
        pytest.raises(errors.StoreError, match="Another restore"),
    ):
        restored(bench, file)
    assert (bench.folder / DATABASE).stat().st_ino == before


def test_a_database_behind_a_link_is_restored_where_it_is(bench):
    """Moved to another disk, with a link in its place: the link stays, what it leads to is the restored one, and no copy."""
    bench.run([sale(1)])
    link, real = bench.folder / DATABASE, bench.folder / "disk" / DATABASE
    real.parent.mkdir()
    link.rename(real)
    link.symlink_to(real)
    file = backed_up(bench)
    back = restored(bench, file)
    assert link.readlink() == real
    assert back.kept is not None
    assert back.kept.parent == real.parent
    assert bench.run([sale(1)]).unchanged == 1


def test_what_is_paused_stays_paused_over_a_restore(bench):
    """The backup is older than the pause: nothing is sent by the run after it until somebody resumes, and the reason is kept."""
    file = backed_up(bench)
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", entity="acme-uk")))
    restored(bench, file)
    (standing,) = asyncio.run(bench.use(pausing.standing))
    assert (standing.name, standing.because) == ("acme-uk", "the auditor is here")
    assert bench.run([sale(1)]).planned == 1
    assert bench.invoices() == []
    asyncio.run(bench.use(lambda books: pausing.resume(books, entity="acme-uk")))
    assert bench.run().posted == 1


def test_a_copy_that_cannot_be_marked_is_an_error_with_a_remedy(tmp_path):
    """The disk fills up behind the last byte of a restored copy: said as all else that a full disk stops."""
    copy = tmp_path / "counterfoil.db.restoring"
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
    with full_disk(), pytest.raises(errors.StoreError) as caught:
        replacing.mark_restored(copy, SystemClock().now())
    assert "Free some space" in caught.value.remedy
