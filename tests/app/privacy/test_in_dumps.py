"""privacy erase in Postgres dumps: restored into a database of its own, erased in, dumped again in its place."""

import asyncio
import contextlib
import re
import shutil
import zlib

import psycopg
import pytest

from counterfoil.app import backups as operations
from counterfoil.model import kept_answer
from counterfoil.store import postgres_programs, postgres_restoring
from counterfoil.store.copied import dumps
from tests.app.privacy import planted
from tests.app.privacy.test_erasing import Killed, at, erase
from tests.app.privacy.test_in_copies import states, treated
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench

__all__ = ["bench", "sandbox"]


def words_in(dump, folder):
    """Which of the person's words stand in a dump: its rows as `pg_restore` writes them out."""
    text = folder / "dump.sql"
    postgres_programs.carried_out([postgres_programs.program("pg_restore"), f"--file={text}", str(dump)], {})
    content = text.read_bytes()
    for told in re.findall(rb"\\\\x([0-9a-f]+)", content):
        raw = bytes.fromhex(told.decode())
        with contextlib.suppress(zlib.error):
            raw = kept_answer.unpack(raw)
        content += raw
    return {word for word in planted.WORDS if word.lower().encode() in content.lower()}


def killed_between(tell, *, is_first):
    """The process ends when the telling file knows both dumps, before the new one has its name or after it."""
    told = []

    def telling(*given):
        if not told:
            tell(*given)
            told.append(1)
            if not is_first:
                return
        raise Killed

    return telling


def databases(bench):
    """Those that a run made to work in."""
    with contextlib.closing(psycopg.connect(bench.store.replace("+psycopg", ""))) as connection:
        return connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'counterfoil_erasing%'"
        ).fetchall()


def test_a_dump_loses_their_text_and_is_restorable(bench, tmp_path_factory):
    """Killed between any two steps it is the old dump or the new one; in the end no word is left, and nothing is posted twice."""
    assert bench.run(planted.history()).posted == 6
    planted.synced(bench)
    file, folder = bench.folder / "books.dump", tmp_path_factory.mktemp("folder")
    asyncio.run(bench.use(lambda books: operations.backup(books, file)))
    assert len(words_in(file, folder)) == len(planted.WORDS)
    for one in bench.folder.glob("books.dump*"):
        shutil.copy2(one, folder)
    erase(bench)
    for point in ("copy: taken out", "copy: swept"):
        with contextlib.suppress(Killed):
            treated(bench, point=at(point))
        assert postgres_restoring.read(file) == postgres_restoring.read(folder / file.name)
    for is_first in (
        True,
        False,
    ):  # the dump is the old one still, and the new one already; what tells of it knows both
        for one in folder.glob("books.dump*"):
            shutil.copy2(one, bench.folder)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(dumps, "_tell", killed_between(dumps._tell, is_first=is_first))
            with pytest.raises(Killed):
                treated(bench)
        assert postgres_restoring.read(file).next_sha256
        assert bool(words_in(file, folder)) == is_first
    assert set(states(treated(bench)).values()) <= {"erased", "clean"}
    assert words_in(file, folder) == set()
    assert postgres_restoring.read(file).next_sha256 is None
    assert states(treated(bench)) == {file.name: "clean"}
    assert databases(bench) == []
    assert file.stat().st_mode & 0o777 == 0o600
    asyncio.run(operations.restore(bench.write_config(), None, file, over_newer=True))
    assert bench.run(planted.history()).unchanged == 6
    assert len(bench.living()) == 6
