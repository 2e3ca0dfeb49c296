"""Backups of an SQLite database: one file with a consistent copy, the sentinel and what they are, under a checksum.

Called by app/backups and, before a schema is upgraded, by store/upgrading. The copy is taken while others read and write (SQLite's own
backup, in one step: a reader's view of one moment). The file is a zip archive of `manifest.json`, `database.sqlite` and
`sentinel.json`; the manifest holds the SHA-256 of both, and the archive's comment that of the whole file before it. Never in it: the master
key, so that the consents in it stay sealed, and the file of the limits, which is of the present only. How one takes the database's
place: replacing.
"""

import contextlib
import datetime
import hashlib
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.store.requests import ATTEMPT_SEQUENCE

FORM: Final = 1
ENDING: Final = ".backup"
_DATABASE, _SENTINEL, _MANIFEST = "database.sqlite", "sentinel.json", "manifest.json"
_MANIFEST_MAX: Final = 1 << 16
_PIECE: Final = 1 << 20
_SEAL: Final = 64  # hexadecimal digits at the file's end: the SHA-256 of all before them
_FULL: Final = "Free some space there, or name another place; the database itself is as it was."


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a database is. `sequence`: how many attempts it ever committed; `environment` None: it was never in use."""

    installation_id: str
    environment: str | None
    schema: int
    sequence: int


class Manifest(State, frozen=True, kw_only=True, omit_defaults=True):
    """What a backup is. `counterfoil`: the version that made it; `configuration`: the SHA-256 of the configuration's file; None when it was not known.

    `next_sha256`: of the dump that takes this one's place in this moment (store/copied/dumps); the one and the other are whole.
    """

    form: int
    made_at: datetime.datetime
    counterfoil: str
    configuration: str | None
    database_bytes: int
    database_sha256: str
    sentinel_sha256: str | None
    next_sha256: str | None = None

    @property
    def state(self) -> State:
        """What the database in it is."""
        return State(**{name: getattr(self, name) for name in State.__struct_fields__})


def sentinel_of(database: Path) -> Path:
    """The sentinel's place beside an SQLite database."""
    return database.with_name(database.name + ".sentinel")


def make(
    database: Path, file: Path, *, now: datetime.datetime, version: str, configuration: str | None = None
) -> Manifest:
    """Write a backup of a database into a new file, readable by its owner alone, whole or not at all; → what is in it.

    Takes the space of a second copy beside `file` while it works. Raises StoreError: no space, no rights, a damaged database,
    or a file of that name.
    """
    with told_by_disk(file):
        if file.exists():
            raise errors.StoreError(f"{file} is there already.", remedy="Name another file; a backup replaces nothing.")
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            copy = Path(folder) / _DATABASE
            _copy(database, copy)
            state = look(copy)
            sentinel = _content(sentinel_of(database))
            manifest = Manifest(
                **msgspec.structs.asdict(state), form=FORM, made_at=now, counterfoil=version, configuration=configuration,
                database_bytes=copy.stat().st_size, database_sha256=digest_of(copy),
                sentinel_sha256=None if sentinel is None else hashlib.sha256(sentinel).hexdigest(),
            )  # fmt: skip
            packed = Path(folder) / "packed"
            pack(packed, manifest, copy, sentinel)
            _name(packed, file)
    return manifest


def _copy(database: Path, target: Path) -> None:
    """The state of one moment, whoever writes meanwhile; checked, and without a journal of its own."""
    target.touch(mode=0o600)
    with (
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        verdict = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise errors.StoreError(f"The database {database} is damaged: {verdict}.", remedy="Restore an older backup.")


def _name(packed: Path, file: Path) -> None:
    """Give a finished file its name; one that turned up meanwhile is not replaced, where the disk knows links."""
    try:
        os.link(packed, file)
    except FileExistsError:
        raise
    except OSError:
        packed.replace(file)
    flush(file.parent)


def pack(packed: Path, manifest: Manifest, copy: Path, sentinel: bytes | None) -> None:
    """Write a backup's file, sealed and on disk; it still has no name that anybody looks for."""
    told = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    with packed.open("xb") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_MANIFEST, told)
            archive.write(copy, _DATABASE)
            if sentinel is not None:
                archive.writestr(_SENTINEL, sentinel)
            archive.comment = bytes(_SEAL)
        raw.flush()
        seal(packed)
        os.fsync(raw.fileno())
    packed.chmod(0o600)


def seal(file: Path) -> None:
    """Write the checksum of all that stands before it into the archive's comment, its last bytes."""
    digest = _digest_before_seal(file)
    with file.open("r+b") as archive:
        archive.seek(-_SEAL, os.SEEK_END)
        archive.write(digest)


def _digest_before_seal(file: Path) -> bytes:
    digest = hashlib.sha256()
    left = max(0, file.stat().st_size - _SEAL)
    with file.open("rb") as archive:
        while left and (piece := archive.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest().encode()


def read(file: Path) -> Manifest:
    """What a backup says it is. Raises InputError when it is none, was changed, or is of a form that is not known here."""
    with _opened(file) as archive:
        return _manifest(archive, file)


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    told = archive.open(_MANIFEST).read(_MANIFEST_MAX)
    form = msgspec.json.decode(told, type=dict[str, Any]).get("form")
    if form != FORM:
        raise errors.InputError(
            f"{file} has form {form}, this Counterfoil knows {FORM}.", remedy="Use a newer Counterfoil."
        )
    return msgspec.json.decode(told, type=Manifest)


def extract(file: Path, target: Path) -> tuple[Manifest, bytes | None]:
    """Put a backup's database at `target`, checked against its checksum and by SQLite; → what it is, and its sentinel.

    Raises InputError for a file that is no whole backup, StoreError for lack of space.
    """
    with told_by_disk(target), _opened(file) as archive:
        manifest = _manifest(archive, file)
        digest = hashlib.sha256()
        handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as into, archive.open(_DATABASE) as packed:
            while piece := packed.read(_PIECE):
                digest.update(piece)
                into.write(piece)
            into.flush()
            os.fsync(into.fileno())
        if digest.hexdigest() != manifest.database_sha256:
            raise _damaged(file, "the database in it does not have its checksum")
        if look(target) != manifest.state:
            raise _damaged(file, "the database in it is not the one that it describes")
        sentinel = None if manifest.sentinel_sha256 is None else archive.read(_SENTINEL)
        if sentinel is not None and hashlib.sha256(sentinel).hexdigest() != manifest.sentinel_sha256:
            raise _damaged(file, "its sentinel does not have its checksum")
    return manifest, sentinel


def look(database: Path) -> State:
    """What an SQLite file is, by its own words; writes nothing. Raises StoreError when it is no database of ours."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            return state_of(connection)
    except sqlite3.Error as error:
        raise errors.StoreError(f"{database} is no database of Counterfoil's: {error}.") from error


def state_of(connection: sqlite3.Connection) -> State:
    """What the database behind a connection says that it is."""
    said = dict(connection.execute("SELECT key, value FROM meta"))
    return State(
        installation_id=said.get("installation_id", ""), environment=said.get("environment"),
        schema=int(said.get("schema_version", 0)),
        sequence=int(said.get(ATTEMPT_SEQUENCE, 0)),
    )  # fmt: skip


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            if _digest_before_seal(file) != archive.comment:
                raise _damaged(file, "it does not have its checksum")
            yield archive
    except FileNotFoundError as error:
        raise errors.InputError(
            f"There is no file {file}.", remedy="`counterfoil doctor` says where the newest is."
        ) from error
    except (zipfile.BadZipFile, KeyError, msgspec.DecodeError, EOFError, ValueError) as error:
        raise _damaged(file, f"it cannot be read ({type(error).__name__})") from error


@contextlib.contextmanager
def told_by_disk(place: Path) -> Iterator[None]:
    """What the disk or SQLite refuses, as ours."""
    try:
        yield
    except OSError as error:
        raise errors.StoreError(f"{place} cannot be written: {error.strerror}.", remedy=_FULL) from error
    except sqlite3.Error as error:
        raise errors.StoreError(f"{place} cannot be made: {error}.", remedy=_FULL) from error


def _damaged(file: Path, how: str) -> errors.InputError:
    return errors.InputError(f"{file} is no whole backup: {how}.", remedy="Take another one; nothing was changed.")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(folder: Path) -> None:
    """A new name is on disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
