"""privacy erase in copies: nothing of the person stays in a backup or a replaced database, and each is whole at every moment."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from counterfoil.app import backups as operations
from counterfoil.app.privacy import everywhere, in_copies
from counterfoil.store import backups
from tests.app.privacy import planted
from tests.app.privacy.test_erasing import Killed, at, erase
from tests.store.older import take_back


def backed_up(bench, name="monday.backup"):
    file = bench.folder / name
    asyncio.run(bench.use(lambda books: operations.backup(books, file)))
    return file


def treated(bench, *given, clue=None, plan=False, known=True, **more):
    """Erase in copies; → what became of each, by its file's name."""

    async def work(books):
        wanted = await everywhere.copies(books, list(given), known=known)
        if plan:
            return await everywhere.plan(books, clue, None, wanted)
        if clue is not None:
            return (await everywhere.erase(books, clue, None, wanted, lambda _done, _of: None))[1]
        return await everywhere.again(books, wanted, lambda _done, _of: None)

    return {Path(one.file).name: one for one in asyncio.run(bench.use(work, **more))}


def states(found):
    return {name: one.state for name, one in found.items()}


def words_in(file, folder):
    """Which of the person's words stand in a copy, whatever it is packed in."""
    database = file
    if zipfile.is_zipfile(file):
        database = folder / "unpacked.sqlite"
        database.unlink(missing_ok=True)
        backups.extract(file, database)
    content = database.read_bytes().lower() + b"".join(one.lower() for one in planted.answers(database))
    return {word for word in planted.WORDS if word.lower().encode() in content}


def test_every_copy_that_is_known_loses_their_text_and_is_restorable(shop, tmp_path_factory):
    """A backup and a replaced database of before: no word is left, name, mode and time stay; put back nothing is posted twice."""
    looked_at = tmp_path_factory.mktemp("unpacked")
    file, replaced = backed_up(shop), shop.folder / "counterfoil.db.replaced-20260101T000000Z"
    shutil.copy2(backups_of(file, looked_at), replaced)
    for one in (file, replaced):
        one.chmod(0o640)
        os.utime(one, (1_700_000_000, 1_700_000_000))
        assert len(words_in(one, looked_at)) == len(planted.WORDS)
    found = treated(shop, clue=planted.EMAIL)
    assert states(found) == {file.name: "erased", replaced.name: "erased"}
    for one in (file, replaced):
        assert found[one.name].rows["postings"] > 0
        assert words_in(one, looked_at) == set()
        assert (one.stat().st_mode & 0o777, one.stat().st_mtime) == (0o640, 1_700_000_000)
    assert [one.name for one in shop.folder.iterdir() if one.name.endswith(".erasing")] == []
    asyncio.run(operations.restore(shop.write_config(), None, file, over_newer=True))
    assert shop.run(planted.history()).unchanged == 6
    assert len(shop.living()) == 6
    assert planted.found(shop) == set()


def backups_of(file, folder):
    database = folder / "taken.sqlite"
    backups.extract(file, database)
    return database


def test_one_that_came_back_later_is_erased_by_the_list(shop, tmp_path_factory):
    """A copy that was elsewhere during the erasure; one made after it needs nothing, and the second time neither does."""
    elsewhere, looked_at = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("unpacked")
    inner = elsewhere / "2026" / "november"
    inner.mkdir(parents=True)
    backed_up(shop).rename(inner / "of-any-name.zip")
    erase(shop)
    after = backed_up(shop, "after.backup")
    shutil.copy2(after, elsewhere)
    before = after.read_bytes()
    assert states(treated(shop, elsewhere, plan=True, known=False)) == {
        "of-any-name.zip": "erased",
        after.name: "clean",
    }
    assert words_in(inner / "of-any-name.zip", looked_at)
    assert states(treated(shop, elsewhere, known=False)) == {"of-any-name.zip": "erased", after.name: "clean"}
    assert words_in(inner / "of-any-name.zip", looked_at) == set()
    assert states(treated(shop, elsewhere)) == {"of-any-name.zip": "clean", after.name: "clean"}
    assert after.read_bytes() == before
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection:
        data = connection.execute("SELECT data FROM audit WHERE act = 'copies erased' ORDER BY seq").fetchall()
    assert b'"erased":1' in data[0][0]
    assert b"of-any-name" not in data[0][0]


def test_who_is_erased_again_is_erased_again_in_copies(shop, tmp_path_factory):
    """A copy made between two erasures of one person has what came between them."""
    erase(shop)
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
        connection.execute(
            "UPDATE contacts SET name = 'Zelda Quixotl', name_key = 'zelda quixotl' WHERE contact_id = ?",
            (shop.contact_id,),
        )
    file = backed_up(shop)
    assert words_in(file, tmp_path_factory.mktemp("a"))
    assert states(treated(shop, clue=shop.contact_id)) == {file.name: "erased"}
    assert words_in(file, tmp_path_factory.mktemp("b")) == set()


def test_what_cannot_be_erased_in_is_left_and_named(shop, tmp_path_factory):
    """Another installation's, another environment's, a newer schema, broken, encrypted, read-only: the others go on."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    good = backed_up(shop)
    plain = backups_of(good, elsewhere)
    changes = {
        "a.replaced-1": "UPDATE meta SET value = 'another' WHERE key = 'installation_id'",
        "b.replaced-1": "UPDATE meta SET value = 'staging' WHERE key = 'environment'",
        "c.replaced-1": "UPDATE meta SET value = '99' WHERE key = 'schema_version'",
        "d.replaced-1": "UPDATE meta SET value = '1' WHERE key = 'schema_version'",
    }
    for name, text in changes.items():
        shutil.copy2(plain, elsewhere / name)
        with closing(sqlite3.connect(elsewhere / name)) as connection, connection:
            connection.execute(text)
    plain.unlink()
    (elsewhere / "e.backup").write_bytes(good.read_bytes()[:-100])
    (elsewhere / "f.backup.age").write_bytes(b"age-encryption.org/v1\n")
    (elsewhere / "g.dump").write_bytes(b"PGDMP of a server")
    shutil.copy2(good, elsewhere / "h.backup")
    (elsewhere / "h.backup").chmod(0o400)
    with closing(sqlite3.connect(elsewhere / "sombody-elses.db")) as connection, connection:
        connection.execute("CREATE TABLE meta (key, value)")
    shutil.copy2(good, elsewhere / "z.backup")
    before = {one.name: one.read_bytes() for one in elsewhere.iterdir()}
    erase(shop)
    found = treated(shop, elsewhere, known=False)
    assert found.pop("z.backup").state == "erased"
    said = {
        "a.replaced-1": "another installation", "b.replaced-1": "environment staging", "c.replaced-1": "schema 99",
        "d.replaced-1": "before the first release", "e.backup": "whole backup", "f.backup.age": "encrypted", "g.dump": "SQLite",
        "h.backup": "mode 400",
    }  # fmt: skip
    assert sorted(found) == sorted(said)
    for name, one in found.items():
        assert one.state == "left"
        assert said[name] in one.reason
        assert (elsewhere / name).read_bytes() == before[name]


def test_one_that_somebody_has_open_is_left(shop, tmp_path_factory):
    """A replaced database that another process reads is not changed under it."""
    file = shop.folder / "counterfoil.db.replaced-1"
    shutil.copy2(backups_of(backed_up(shop, "m.backup"), tmp_path_factory.mktemp("x")), file)
    erase(shop)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM meta").fetchone()
        found = treated(shop, file, known=False)
    assert (found[file.name].state, "works on" in found[file.name].reason) == ("left", True)
    assert states(treated(shop, file, known=False)) == {file.name: "erased"}


def test_killed_at_every_step_there_is_the_old_copy_or_the_new_one(shop, tmp_path_factory):
    """Each is whole; what a killed one leaves beside it is cleared away by the next run, which finishes the work."""
    looked_at, whole = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("whole")
    file = backed_up(shop)
    shutil.copy2(file, whole)
    erase(shop)
    seen = []
    treated(shop, point=seen.append)
    points = [one for one in dict.fromkeys(seen) if one.startswith("copy") or one[-2:] in (" 4", "20", "30")]
    assert len(points) > 5
    for point in points:
        shutil.copy2(whole / file.name, file)
        with contextlib.suppress(Killed):
            treated(shop, point=at(point))
        assert backups.read(file).schema == backups.read(whole / file.name).schema
        left = shop.folder / ".counterfoil-0123456789abcdef.erasing"
        left.mkdir()
        (left / "database.sqlite").write_bytes(b"Zelda Quixotl")
        assert treated(shop)[file.name].state in ("erased", "clean")
        assert words_in(file, looked_at) == set(), point
        assert list(shop.folder.glob(".counterfoil-*.erasing")) == []


def test_a_disk_that_is_full_leaves_the_copy_as_it_is(shop, monkeypatch):
    """Before anything is written, and in the middle."""
    file = backed_up(shop)
    before = file.read_bytes()
    erase(shop)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(1, 1, 0))
        found = treated(shop)
    assert (found[file.name].state, "MiB free" in found[file.name].reason) == ("left", True)

    def full(*_given):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(backups, "pack", full)
        found = treated(shop)
    assert (found[file.name].state, "No space left" in found[file.name].reason) == ("left", True)
    assert file.read_bytes() == before
    assert list(shop.folder.glob(".counterfoil-*.erasing")) == []
    assert states(treated(shop)) == {file.name: "erased"}


def test_a_copy_of_an_older_schema_stays_one(shop, tmp_path_factory):
    """It is erased in, and its number stays: what wrote it restores it; opened by this version it is upgraded, and clean."""
    looked_at = tmp_path_factory.mktemp("unpacked")
    file = shop.folder / "counterfoil.db.replaced-old"
    shutil.copy2(backups_of(backed_up(shop, "m.backup"), looked_at), file)
    (shop.folder / "m.backup").unlink()
    take_back(file)
    assert words_in(file, looked_at)
    assert states(treated(shop, clue=planted.EMAIL)) == {file.name: "erased"}
    assert words_in(file, looked_at) == set()
    assert backups.look(file).schema == 4
    assert states(treated(shop)) == {file.name: "clean"}
    shutil.copy2(shop.folder / "counterfoil.db.erased", looked_at)
    for one in shop.folder.glob("counterfoil.db*"):
        if one != file:
            one.unlink()
    file.rename(shop.folder / "counterfoil.db")
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key = 'home'")
    assert shop.run(planted.history()).posted == 0
    assert planted.found(shop) == set()
    assert len(shop.living()) == 6


def test_what_a_killed_backup_left_is_erased_in(shop, tmp_path_factory):
    """The folder in which it worked lies beside the database, and a whole copy of it within."""
    left = shop.folder / ".tuesday.backup.abcdefgh"
    left.mkdir()
    shutil.copy2(backups_of(backed_up(shop), tmp_path_factory.mktemp("x")), left / "database.sqlite")
    assert states(treated(shop, clue=planted.EMAIL)) == {"monday.backup": "erased", "database.sqlite": "erased"}
    assert words_in(left / "database.sqlite", tmp_path_factory.mktemp("y")) == set()


def test_another_name_of_the_old_file_is_told(shop):
    """A hard link keeps what a rename takes away; where both names are given nothing is left of it."""
    file = backed_up(shop)
    linked = shop.folder / "monday-again.backup"
    os.link(file, linked)
    erase(shop)
    (found,) = treated(shop, file, known=False).values()
    assert (found.state, found.reason) == ("erased", in_copies.OTHER_NAMES)
    assert states(treated(shop)) == {file.name: "clean", linked.name: "erased"}


def test_nobody_else_works_on_it_meanwhile(shop):
    """Two at once: the second one leaves it to the first."""
    file = backed_up(shop)
    erase(shop)
    inner = []

    def point(name):
        if name == "copy: swept":
            inner.append(in_the_meantime(shop, file))

    assert states(treated(shop, point=point)) == {file.name: "erased"}
    ((state, reason),) = inner
    assert (state, "Another process" in reason) == ("left", True)


def in_the_meantime(shop, file):
    """What a second process finds, played in a thread of its own."""
    import threading

    told = []

    def second():
        (one,) = treated(shop, file, known=False).values()
        told.append((one.state, one.reason))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    return told[0]
