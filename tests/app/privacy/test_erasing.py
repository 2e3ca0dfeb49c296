"""privacy erase: nothing of the person stays in any file, nothing is posted twice afterwards, and nothing comes back."""

import asyncio
import contextlib
import shutil
import sqlite3
from contextlib import closing

import pytest

from counterfoil import errors
from counterfoil.app.privacy import erasing, exporting
from tests.app.privacy import planted
from tests.app.privacy.planted import theirs
from tests.cli.office import Office
from tests.posting.workbench import sale


def erase(bench, clue=planted.EMAIL, **more):
    return asyncio.run(bench.use(lambda books: erasing.erase(books, clue, None), **more))


def test_what_is_exported_before_is_nowhere_afterwards(shop):
    """Every word of theirs is in the export and in the database; after the erasure in no file, free pages and log included."""
    out = shop.folder / "privacy-all.json"
    asyncio.run(shop.use(lambda books: exporting.export(books, planted.EMAIL, None, out)))
    told = out.read_text().lower()
    assert [word for word in planted.WORDS if word.lower() not in told] == []
    assert "customer 1" not in told
    assert out.stat().st_mode & 0o777 == 0o600
    assert planted.found(shop)
    done = erase(shop)
    assert done.compacted
    assert planted.found(shop) == set()


def test_afterwards_the_same_source_is_unchanged_and_nothing_is_posted_twice(shop):
    """Every record is the same again; a new or changed one of theirs is held without its text; others go on as ever."""
    erase(shop)
    before, contacts = len(shop.living()), len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Contacts"])
    report = shop.run(planted.history())
    assert (report.unchanged, report.posted) == (6, 0)
    changed = [theirs(21, notes=None) | {"reference": "Mumblecore anew"}, theirs(23), sale(5)]
    changed[0].pop("notes")
    report = shop.run(changed)
    assert (report.unchanged, report.held, report.posted) == (0, 2, 1)
    assert len(shop.living()) == before + 1
    assert len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Contacts"]) <= contacts + 1
    assert planted.found(shop) == set()
    office = Office(shop.folder)
    assert "The customer of this record was erased" in office("problems").out + office("problems", "show", "1").out


def test_xero_does_not_bring_it_back(shop):
    """Read again, whole and by what changed: the documents come, their text does not; amounts and marks are kept."""
    erase(shop)
    planted.synced(shop, full=True)
    shop.sandbox.advance(5)
    tenant = shop.sandbox.tenant(1)
    shop.sandbox.edit(tenant, shop.contact_id, Name="Zelda Quixotl again")
    planted.synced(shop)
    assert planted.found(shop) == set()
    assert shop.run(planted.history()).unchanged == 6


class Killed(BaseException):
    """The process ends here, without another word."""


def at(point):
    """End the process when the erasure comes to this point."""

    def reach(name):
        if name == point:
            raise Killed

    return reach


def points_of(bench):
    """Every point that an erasure passes, in order."""
    seen = []
    erase(bench, point=seen.append)
    return list(dict.fromkeys(seen))


def copied(bench, folder):
    """The installation's files, elsewhere; or back again."""
    shutil.copytree(bench.folder, folder)
    return folder


def put_back(bench, folder):
    for file in bench.folder.iterdir():
        if file.name.startswith("counterfoil.") and file.suffix not in (".toml", ".key"):
            file.unlink()
    for file in folder.iterdir():
        if not file.name.endswith((".toml", ".key")):
            shutil.copy(file, bench.folder / file.name)


def test_killed_at_every_step_the_next_command_finishes_it(shop, tmp_path_factory):
    """Whatever was done before the kill, opening the books once is enough; what was begun is on the audit log, once ended."""
    whole = copied(shop, tmp_path_factory.mktemp("whole") / "installation")
    points = points_of(shop)
    named = [one for one in points if not one[-1].isdigit()]
    assert len(points) > 35
    for point in (*named, *points[2:-3:6]):  # the steps are alike: each a window of rows, and its place
        put_back(shop, whole)
        with contextlib.suppress(Killed):
            erase(shop, point=at(point))
        with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
            connection.execute("UPDATE removals SET owner = 'elsewhere:1:a', touched_at = 0")  # the process is no more
            connection.execute("DELETE FROM meta WHERE key = 'home'")
        asyncio.run(shop.use(lambda books: books.finish()))
        assert planted.found(shop) == set(), point
        with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection:
            ended = connection.execute("SELECT count(*) FROM removals WHERE ended_at IS NOT NULL").fetchone()
            assert ended == (1,), point
            acts = [
                row[0] for row in connection.execute("SELECT act FROM audit WHERE act LIKE 'person era%' ORDER BY seq")
            ]
            assert acts == ["person erasure begun", "person erased"], point
    assert shop.run(planted.history()).unchanged == 6


def test_an_older_copy_is_erased_again_when_it_is_opened(shop, tmp_path_factory):
    """The database of before the erasure is put back: the list beside it knows whom, and the first command does it."""
    older = copied(shop, tmp_path_factory.mktemp("older") / "installation")
    erase(shop)
    listed = (shop.folder / "counterfoil.db.erased").read_bytes()
    assert shop.contact_id.encode() in listed
    put_back(shop, older)
    (shop.folder / "counterfoil.db.erased").write_bytes(listed)
    assert planted.found(shop)
    assert shop.run(planted.history()).unchanged == 6
    assert planted.found(shop) == set()
    assert len(shop.living()) == 6


def test_what_is_open_is_refused(shop):
    """A sale of theirs that is still to be sent: its bytes are needed; nothing is begun."""
    shop.sandbox.fault("429_day", method="PUT", count=40)
    assert shop.run([theirs(31)]).planned == 1
    with pytest.raises(errors.FixInput, match="order-31"):
        erase(shop)
    shop.sandbox.clear_faults()
    shop.new_day()
    assert shop.finish().posted == 1
    assert erase(shop).compacted
    assert planted.found(shop) == set()


def test_what_waits_for_a_person_is_dropped(shop):
    """Held and refused records of theirs are not wanted any more: off the list, without their text, never sent."""
    report = shop.run([theirs(41, due_date=None, terms=None), theirs(42) | {"expected_total": "1.00"}])
    assert report.posted < 2
    erase(shop)
    assert planted.found(shop) == set()
    assert "No problems" in Office(shop.folder)("problems").out


def test_words_in_notices_problems_and_corrections_go_too(shop):
    """Texts that no id links to them: their name, address and number are taken out, the rest of the sentence stays."""
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
        connection.execute(
            "INSERT INTO notices (kind, subject, message, remedy, first_at, last_at, times, since) "
            "VALUES ('x', 'y', 'Ask ZELDA QUIXOTL of xyz', ?, 0, 0, 1, 0)", (f"Write to {planted.EMAIL}.",)
        )  # fmt: skip
        connection.execute("INSERT INTO problems (key) VALUES ('shop|xero:The contact Zelda Quixotl is archived.')")
        connection.execute("INSERT INTO problems (key) VALUES ('shop|xero:The contact erased is archived.')")
        connection.execute(
            "INSERT INTO bad_rows (flow, flow_id, source, content_hash, cause, reason, remedy, state, last_run_id, record) "
            r"""VALUES ('shop', 'shop', 's:1', 'h', 'c', 'r', 'm', 'open', 1, CAST('{"name": "Zelda\u0020Quixotl"}' AS BLOB))"""
        )
        connection.execute(
            "INSERT INTO fixes (flow_id, problem, by_name, cause, field, value, put, actor, at) VALUES "
            "('shop', 1, 0, 'c', 'contact.email', ?, CAST(? AS BLOB), 'me', 0)", (planted.EMAIL, f'{{"a": "{planted.EMAIL}"}}')
        )  # fmt: skip
    erase(shop)
    assert planted.found(shop) == set()
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection:
        assert ("Ask erased of xyz",) in connection.execute("SELECT message FROM notices").fetchall()
        assert connection.execute("SELECT count(*) FROM problems WHERE key LIKE '%archived%'").fetchone() == (1,)
        assert connection.execute("SELECT state, record FROM bad_rows").fetchall() == [("gone", None)]
        assert connection.execute("SELECT undone_by FROM fixes").fetchall() == [("erased",)]


def test_while_somebody_reads_the_file_the_next_command_does_the_last_of_it(shop):
    """The text is out of the tables at once, and out of the file as soon as nobody needs it as it was."""
    with closing(sqlite3.connect(shop.folder / "counterfoil.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM postings").fetchone()
        assert not erase(shop).compacted
        told = "".join(str(row) for row in sqlite_rows(shop, "SELECT external_id, number FROM postings"))
        assert "zelda" not in told
        reader.execute("COMMIT")
    asyncio.run(shop.use(lambda books: books.finish()))
    assert planted.found(shop) == set()
    assert sqlite_rows(shop, "SELECT count(*) FROM removals WHERE ended_at IS NULL") == [(0,)]


def sqlite_rows(bench, text):
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection:
        return connection.execute(text).fetchall()


def test_proof_and_other_commands_after_an_erasure(shop):
    """Totals still agree with Xero's, nothing differs by what was erased, and nothing breaks where a text is missing."""
    erase(shop)
    proof = asyncio.run(shop.use(lambda books: books.prove("shop")))
    assert (proof.differences, proof.duplicates, proof.not_posted) == ((), (), 0)
    office = Office(shop.folder)
    shop.run([*planted.history(), theirs(61)])
    for words in (["postings"], ["problems"], ["problems", "show", "1"], ["why", "order-21"], ["runs"], ["status"]):
        assert office(*words).code == 0, words
    assert asyncio.run(shop.use(lambda books: books.retry(1))) == 0
    assert asyncio.run(shop.use(lambda books: books.skip(1, "erased"))) == 1
    assert shop.run([*planted.history(), theirs(61)]).unchanged == 7
    assert planted.found(shop) == set()
