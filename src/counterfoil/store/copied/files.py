"""A copy of an SQLite database taken out of its file, and put back: a backup's archive, or a database that was replaced.

Called by app/privacy. What is put back was written anew as a whole, so that no free page holds what was taken out, was opened and
checked, and is on disk before it takes the old one's name, mode, owner and times.
"""

import contextlib
import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.store import backups, replacing
from counterfoil.store.backups import Manifest, State
from counterfoil.store.copied import finding, opened
from counterfoil.store.copied.finding import Copy

STAGED: Final = "database.sqlite"
ANEW: Final = "anew.sqlite"
PACKED: Final = "packed"
_ROOM: Final = 1 << 20  # beside what the files themselves need


class Taken(msgspec.Struct, frozen=True):
    """What was taken out of a copy. `database`: a file that is this process's alone; `was`: the copy's file as it stood then.

    `times`: when it was last read and changed, before anybody looked at it, in nanoseconds.
    """

    database: Path
    state: State
    manifest: Manifest | None
    sentinel: bytes | None
    was: os.stat_result
    times: tuple[int, int]


def look(copy: Copy) -> State:
    """What a copy is, without taking it out. Raises InputError, OSError."""
    if copy.form == finding.BACKUP:
        return backups.read(copy.file)
    return opened.look(copy.file)


def take_out(copy: Copy, folder: Path) -> Taken:
    """Put a copy's database into a folder. Raises InputError for a broken one, StoreError for no space or one that is in use."""
    refuse_read_only(copy.file)
    staged = folder / STAGED
    if copy.form == finding.BACKUP:
        manifest = backups.read(copy.file)
        has_room(folder, 2 * manifest.database_bytes + copy.file.stat().st_size)
        was = copy.file.stat()
        manifest, sentinel = backups.extract(copy.file, staged)
        return Taken(staged, opened.look(staged), manifest, sentinel, was, times_of(was))
    before = copy.file.stat()
    has_room(folder, 2 * before.st_size)
    with replacing.alone(copy.file):  # nobody works on it, and what its journal holds is in it
        was = copy.file.stat()
    _copied(copy.file, staged)
    return Taken(staged, opened.look(staged), None, None, was, times_of(before))


def put_back(copy: Copy, taken: Taken, folder: Path) -> None:
    """Let what was taken out, and changed, be the copy from now on. Raises StoreError: nothing is changed then."""
    anew = folder / ANEW
    with backups.told_by_disk(copy.file):
        _written_anew(taken.database, anew)
        taken.database.unlink()
        if opened.look(anew) != taken.state:
            raise errors.StoreError("what was written is not the database that was taken out.")
        if taken.manifest is None:
            with replacing.alone(copy.file):
                take_its_place(anew, copy.file, taken.was, taken.times)
            return
        packed = folder / PACKED
        manifest = msgspec.structs.replace(
            taken.manifest, database_bytes=anew.stat().st_size, database_sha256=backups.digest_of(anew)
        )
        backups.pack(packed, manifest, anew, taken.sentinel)
        anew.unlink()
        backups.extract(packed, folder / "looked-at.sqlite")  # it is whole, and a restore would take it
        take_its_place(packed, copy.file, taken.was, taken.times)


def times_of(was: os.stat_result) -> tuple[int, int]:
    """When a file was last read and changed, in nanoseconds."""
    return was.st_atime_ns, was.st_mtime_ns


def take_its_place(new: Path, file: Path, was: os.stat_result, times: tuple[int, int]) -> None:
    """Give a finished file another one's name, mode, owner and times, at once and on disk. Raises StoreError, OSError."""
    now = file.stat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (was.st_ino, was.st_size, was.st_mtime_ns):
        raise errors.StoreError("it was changed meanwhile.")
    new.chmod(stat.S_IMODE(was.st_mode))
    if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(new, was.st_uid, was.st_gid)
    os.utime(new, ns=times)
    with new.open("rb") as raw:
        os.fsync(raw.fileno())
    new.replace(file)
    backups.flush(file.parent)


def refuse_read_only(file: Path) -> None:
    """Raises StoreError: its owner wants nobody to change it."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & stat.S_IWUSR or not os.access(file, os.W_OK):
        raise errors.StoreError(f"it may not be written (mode {mode:o}).")


def has_room(folder: Path, needed: int) -> None:
    """Raises StoreError when the disk has no room for so many bytes more."""
    free = shutil.disk_usage(folder).free
    if free < needed + _ROOM:
        raise errors.StoreError(f"its disk has {free >> 20:,} MiB free, and {(needed + _ROOM) >> 20:,} are needed.")


def _copied(database: Path, staged: Path) -> None:
    staged.touch(mode=0o600)
    with (
        backups.told_by_disk(staged),
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(staged)) as target,
    ):
        source.backup(target)


def _written_anew(database: Path, anew: Path) -> None:
    """Only what is still in it, page by page; checked by SQLite."""
    anew.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("VACUUM INTO ?", (str(anew),))
    with contextlib.closing(sqlite3.connect(f"file:{anew}?mode=ro", uri=True)) as connection:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise errors.StoreError(f"what was written does not pass SQLite's own check: {verdict}.")
