"""`backup` and `restore`: a whole copy in one file while others work, and a copy put back so that nothing is posted twice.

Called by cli/backup, cli/restore and cli/upgrade. What is in a backup and how it is checked stands in store/backups; that a
restored database reads Xero before it makes anything, in posting/recovering. On Postgres the copy is Postgres's own
(app/postgres_backups). No call to Xero.
"""

import asyncio
import contextlib
import datetime
import functools
import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import __version__, errors, settings
from counterfoil.access.audit import NO_ENTITY
from counterfoil.app import Books, open_books, postgres_backups
from counterfoil.model.ports import Clock
from counterfoil.posting import sending
from counterfoil.runtime.clock import SystemClock
from counterfoil.settings import Settings, environments, loading
from counterfoil.store import backups, installation, postgres_copies, replacing
from counterfoil.store.backups import Manifest, State
from counterfoil.store.database import Connection, Database
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.schema import SCHEMA_VERSION

INSTALL: Final = "Install them (Debian: apt install postgresql-client, as new as the server) and run it again"
DUMP: Final = (
    INSTALL
    + ", or, by hand: pg_dump --format=custom --file counterfoil.dump {url}   (the password in PGPASSWORD or ~/.pgpass), and copy {sentinel}"
)
RESTORE: Final = (
    INSTALL
    + ", or, by hand, with nothing of Counterfoil's running: pg_restore --clean --if-exists --no-owner --single-transaction --schema=public "
    "--dbname={url} FILE (the password in PGPASSWORD or ~/.pgpass); leave {sentinel} as it is; then "
    "`counterfoil config adopt-copy --moved`. The next run reads Xero before it makes anything."
)
KEPT_MAX: Final = 1_000  # replaced databases of one second


class Made(msgspec.Struct, frozen=True):
    """A backup that was made: what is in it, where it is, how large."""

    file: Path
    bytes: int
    manifest: Manifest


class Restored(msgspec.Struct, frozen=True):
    """A backup that was put back.

    `database`: its file or address; `kept`: what was there, its file or a dump of it; `forgotten`: attempts of its that the
    backup has not.
    """

    manifest: Manifest
    database: Path | str
    kept: Path | None
    forgotten: int
    configuration_changed: bool
    not_logged: str | None  # why the audit log does not say it; None: it does


async def backup(books: Any, file: Path | None) -> Made:
    """Copy the database into one file, while others work; on the audit log.

    On Postgres by its own programs, into a dump with two small files beside it; FixInput says what to do where they are not
    installed. `file` None: beside the database (or the configuration), named by the time. Raises StoreError for no space, no
    rights, a file that is there.
    """
    loaded, path = books.settings, books.database.path
    now = books.clock.now()
    if path is None:
        if books.database.is_sqlite or postgres_backups.are_missing():
            raise _postgres(loaded, "The backup of a Postgres database needs", DUMP)
        file = (
            file or loaded.path.with_name(f"{loaded.path.stem}-{now:%Y%m%dT%H%M%SZ}{postgres_copies.ENDING}")
        ).absolute()
        made = await asyncio.to_thread(
            postgres_copies.make, books.database.url, file, now=now, version=__version__,
            configuration=_configuration(loaded), sentinel=loaded.path.with_suffix(".sentinel"),
            environ=settings.without_secrets(),
        )  # fmt: skip
        return await _on_record(books, file, made, now)
    file = (file or path.with_name(f"{path.stem}-{now:%Y%m%dT%H%M%SZ}{backups.ENDING}")).absolute()
    hashed = _configuration(loaded)
    made = await asyncio.to_thread(backups.make, path, file, now=now, version=__version__, configuration=hashed)
    return await _on_record(books, file, made, now)


async def _on_record(books: Any, file: Path, made: Manifest, now: datetime.datetime) -> Made:
    def work(connection: Connection) -> None:
        set_meta(connection, installation.LAST_BACKUP, f"{now.isoformat()} {file}")
        books.access.audit.append(connection, NO_ENTITY, "backed up", {"sha256": made.database_sha256})

    await books.database.run(work)
    return Made(file, (await asyncio.to_thread(file.stat)).st_size, made)


async def newest(books: Any) -> tuple[datetime.datetime, str] | None:
    """When the newest backup was made, and which file; None: there was none that this database knows of."""
    told = await books.database.read(lambda conn: get_meta(conn, installation.LAST_BACKUP))
    if not told:
        return None
    at, _, file = told.partition(" ")
    return datetime.datetime.fromisoformat(at), file


async def restore(
    path: Path, env: str | None, file: Path, *, over_newer: bool = False, clock: Clock | None = None
) -> Restored:
    """Put a backup in the place of the database, which is kept beside it. Then the installation begins with `recover`.

    Raises InputError: no whole backup, of another installation or environment, of a newer schema, or older than what is
    there (`over_newer` lets it); StoreError: a process works on the database, or no space. Nothing is changed then.
    """
    loaded = settings.load(path, env)
    clock = clock or SystemClock()
    opened, now = Database(loaded.store.url, clock), clock.now()
    database: Path | str | None = opened.path
    if isinstance(database, Path):
        manifest, kept, forgotten = await asyncio.to_thread(
            _put_back, loaded, database, file, now, over_newer=over_newer
        )
    elif opened.is_sqlite or postgres_backups.are_missing():
        raise _postgres(loaded, "To restore a Postgres database needs", RESTORE)
    else:
        database = opened.url.set(password=None).render_as_string()
        manifest, kept, forgotten = await asyncio.to_thread(
            postgres_backups.put_back, loaded, opened, file, now, lambda made: _refuse(loaded, made, file),
            functools.partial(_compared, over_newer=over_newer),
        )  # fmt: skip
    changed = manifest.configuration is not None and manifest.configuration != _configuration(loaded)
    return Restored(manifest, database, kept, forgotten, changed, await _log(path, env, clock, manifest, forgotten))


def _put_back(
    loaded: Settings, database: Path, file: Path, now: datetime.datetime, *, over_newer: bool
) -> tuple[Manifest, Path | None, int]:
    manifest = backups.read(file)
    _refuse(loaded, manifest, file)
    named, database = database, Path(os.path.realpath(database))  # a link stays one; the sentinel is beside the link
    with replacing.one_at_a_time(database):
        return _put_in_place(manifest, named, database, file, now, over_newer=over_newer)


def _put_in_place(
    manifest: Manifest, named: Path, database: Path, file: Path, now: datetime.datetime, *, over_newer: bool
) -> tuple[Manifest, Path | None, int]:
    staged = database.with_name(database.name + ".restoring")
    staged.unlink(missing_ok=True)  # of a restore that was killed
    try:
        _manifest, sentinel = backups.extract(file, staged)
        replacing.mark_restored(staged, now)
        if not database.exists():
            replacing.sweep(database)
            _sentinel(named, sentinel)
            replacing.put_in_place(staged, database, None)
            return manifest, None, 0
        with replacing.alone(database) as there:
            forgotten = _compared(there.state, manifest, over_newer=over_newer)
            replacing.keep_paused(staged, there.pauses)  # whoever paused meant to be asked before anything is sent
            kept = _free(database.with_name(f"{database.name}.replaced-{now:%Y%m%dT%H%M%SZ}"))
            _sentinel(named, sentinel)
            replacing.put_in_place(staged, database, kept)
        return manifest, kept, forgotten
    finally:
        staged.unlink(missing_ok=True)


def _free(kept: Path) -> Path:
    """A name that nobody has: two restores within one second keep a database each."""
    names = (kept, *(kept.with_name(f"{kept.name}-{n}") for n in range(2, KEPT_MAX)))
    return next((one for one in names if not os.path.lexists(one)), kept)


def _refuse(loaded: Settings, manifest: Manifest, file: Path) -> None:
    if manifest.schema > SCHEMA_VERSION:
        raise errors.InputError(
            f"{file} has schema {manifest.schema}, this Counterfoil knows {SCHEMA_VERSION}.",
            remedy=f"Restore it with the Counterfoil that made it ({manifest.counterfoil}), or a newer one.",
        )
    mine = loaded.environment or environments.DEFAULT
    if manifest.environment not in (None, mine):
        raise errors.InputError(
            f"{file} is of environment {manifest.environment}, and this is {mine}.",
            remedy="Restore it with that --env; a copy of it for another one: docs/howto/environments.md.",
        )


def _compared(there: State, manifest: Manifest, *, over_newer: bool) -> int:
    """How many attempts of the database that is there the backup does not know. Raises InputError."""
    if there.installation_id != manifest.installation_id:
        raise errors.InputError(
            "The database that is there is another installation's: its history is not the backup's.",
            remedy="If it may go, move it away with its .sentinel file, and restore again.",
        )
    forgotten = there.sequence - manifest.sequence
    if forgotten > 0 and not over_newer:
        raise errors.InputError(
            f"The database that is there is newer: {forgotten:,} requests were sent since the backup of "
            f"{manifest.made_at:%Y-%m-%d %H:%M} UTC.",
            remedy="Xero has what they made, and it would be found again there; what people decided since (skips, fixes, "
            "links) is lost. If that is meant, say --over-newer.",
        )
    return max(0, forgotten)


def _sentinel(database: Path, content: bytes | None) -> None:
    """The one that is there knows more than the backup's; without any, the backup's says whose database it is."""
    place = backups.sentinel_of(database)
    if content is not None and not place.exists():
        place.write_bytes(content)


async def _log(path: Path, env: str | None, clock: Clock, manifest: Manifest, forgotten: int) -> str | None:
    """Open the restored database once: its schema is brought to ours, it turns to `recover`, its audit log says so."""
    try:
        async with open_books(path, env, clock=clock) as books:
            told = {"made_at": manifest.made_at.isoformat(), "sha256": manifest.database_sha256, "forgotten": forgotten}
            log = books.access.audit
            await books.database.run(lambda conn: log.append(conn, NO_ENTITY, "restored", told))
    except errors.CounterfoilError as error:  # the copy is in its place all the same, and its next opening will recover
        return str(error)
    return None


class Upgraded(msgspec.Struct, frozen=True):
    """`was`: the schema before; the same as `schema` when there was nothing to do."""

    was: int | None
    schema: int


async def upgrade(path: Path, env: str | None, clock: Clock | None = None) -> Upgraded:
    """Bring the database to this version's schema, which on Postgres nobody does unasked. In one transaction; may be repeated.

    On SQLite a backup is made first. Raises StoreError, with the database as it was.
    """
    loaded = settings.load(path, env)
    books = Books(loaded, clock or SystemClock(), sending.no_point)
    books.database.may_upgrade = True
    try:
        await books.open()
        return Upgraded(books.database.was, SCHEMA_VERSION)
    finally:
        await books.close()


def _configuration(loaded: Settings) -> str:
    """The SHA-256 of the configuration's files as they are written: their secrets are not in it by more than that."""
    files = [loaded.path] + ([loading.overlay_path(loaded.path, loaded.environment)] if loaded.environment else [])
    digest = hashlib.sha256()
    for file in files:
        with contextlib.suppress(OSError):
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def _postgres(loaded: Settings, what: str, how: str) -> errors.FixInput:
    shown = Database(loaded.store.url, SystemClock()).url
    if shown.get_backend_name() == "sqlite":
        return errors.FixInput("A database in memory has no file.", remedy="Set [store] url.")
    url = shown.set(password=None).render_as_string()
    what = f"{what} its own programs, {' and '.join(postgres_backups.PROGRAMS)}."
    return errors.FixInput(what, remedy=how.format(url=url, sentinel=loaded.path.with_suffix(".sentinel").name))
