"""A Postgres dump taken out into a database of its own, and dumped again in its old one's place. By Postgres's own programs.

Called by app/privacy. The database is made on the installation's own server, under a name that says whose it is, and dropped at
the end, or by a next run after a kill. A dump and the file that tells of it are two names: while the one is new and the other
is not yet, the telling file knows both dumps (`next_sha256`), so that either of them can be restored at any moment.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store import backups, postgres_copies, postgres_restoring
from counterfoil.store.backups import Manifest
from counterfoil.store.copied import files
from counterfoil.store.postgres_copies import MANIFEST, SENTINEL

if TYPE_CHECKING:
    import psycopg

NAME: Final = "counterfoil_erasing_"  # and the beginning of the installation's id
LOCK: Final = 7263902  # who holds it on the server works on dumps of an installation
ANEW: Final = "anew.dump"


@contextlib.contextmanager
def taken_out(url: sa.URL, installation_id: str, file: Path, environ: Mapping[str, str]) -> Iterator[sa.URL]:
    """A dump as a database of its own, on the server of `url`; it is gone afterwards. Raises StoreError, with the reason."""
    name = f"{NAME}{installation_id[:16]}"
    with _server(url) as connection:
        if not _first(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", LOCK, name):
            raise errors.StoreError("another process works on a dump: run the same command again.")
        schema = _first(connection, "SELECT current_schema()") or "public"
        _drop(connection, name)
        try:
            connection.execute(_sql("CREATE DATABASE {} TEMPLATE template0", name))
            there = url.set(database=name)
            with _server(there) as inside:
                inside.execute(_sql("CREATE SCHEMA IF NOT EXISTS {}", schema))
                inside.execute(_sql("ALTER DATABASE {} SET search_path TO {}", name, schema))
            with _server(there) as inside:
                postgres_restoring.put_back(inside, there, file, environ)
            yield there
        finally:
            _drop(connection, name)


def clear(url: sa.URL, installation_id: str) -> None:
    """Drop the database of a run that was killed, if there is one and nobody works on it."""
    name = f"{NAME}{installation_id[:16]}"
    with _server(url) as connection:
        if _first(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", LOCK, name):
            _drop(connection, name)


def put_back(there: sa.URL, file: Path, manifest: Manifest, folder: Path, environ: Mapping[str, str]) -> None:
    """Dump a database in the place of the dump that it came from. Raises StoreError: nothing is changed then."""
    was, beside = file.stat(), file.with_name(file.name + SENTINEL)
    new = folder / ANEW
    made = postgres_copies.make(
        there, new, now=manifest.made_at, version=manifest.counterfoil, configuration=manifest.configuration, sentinel=beside,
        environ=environ,
    )  # fmt: skip
    kept = msgspec.structs.replace(made, sentinel_sha256=manifest.sentinel_sha256)
    if kept.state != manifest.state:
        raise errors.StoreError("what was dumped is not the database that was taken out.")
    with backups.told_by_disk(file):
        _tell(file, msgspec.structs.replace(manifest, next_sha256=kept.database_sha256), folder)
        files.take_its_place(new, file, was, files.times_of(was))
        _tell(file, kept, folder)


def conclude(file: Path, manifest: Manifest, folder: Path) -> None:
    """After a kill between the two names: the file beside a dump tells of that dump alone again."""
    if manifest.next_sha256 is None:
        return
    digest = backups.digest_of(file)
    with backups.told_by_disk(file):
        kept = msgspec.structs.replace(
            manifest, database_sha256=digest, database_bytes=file.stat().st_size, next_sha256=None
        )
        _tell(file, kept, folder)


def _tell(file: Path, manifest: Manifest, folder: Path) -> None:
    place, staged = file.with_name(file.name + MANIFEST), folder / "told"
    was = place.stat()
    staged.unlink(missing_ok=True)
    handle = os.open(staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as into:
        into.write(msgspec.json.format(msgspec.json.encode(manifest)))
    files.take_its_place(staged, place, was, files.times_of(was))


@contextlib.contextmanager
def _server(url: sa.URL) -> Iterator["psycopg.Connection[Any]"]:
    import psycopg

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain, autocommit=True) as connection:
            yield connection
    except psycopg.Error as cause:
        raise errors.StoreError(f"the server cannot make a database of it: {str(cause).splitlines()[0]}.") from cause


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.execute(_sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", name))


def _sql(text: str, *names: str) -> Any:
    from psycopg import sql

    return sql.SQL(text).format(*map(sql.Identifier, names))


def _first(connection: "psycopg.Connection[Any]", query: Any, *given: Any) -> Any:
    row = connection.execute(query, given or None).fetchone()
    return None if row is None else row[0]
