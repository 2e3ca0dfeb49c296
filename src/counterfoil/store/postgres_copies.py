"""Backups of a Postgres database: Postgres's own dump of one moment, with what it is and the sentinel in files beside it.

Called by app/backups. `pg_dump` reads the snapshot of a transaction of ours, in which the manifest is read too, so that both are
of one moment while others work. The limits are of the present only and not in it, nor are the jobs, which the tables bring back.
The password goes to the program in its own environment, never on a command line.
"""

import datetime
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store import postgres_programs, restored
from counterfoil.store.backups import FORM, Manifest
from counterfoil.store.requests import ATTEMPT_SEQUENCE

ENDING: Final = ".dump"
MANIFEST: Final = ".json"
SENTINEL: Final = ".sentinel"
LEFT_OUT: Final = ("limits", *restored.TABLES)


def make(
    url: sa.URL, file: Path, *, now: datetime.datetime, version: str, configuration: str | None, sentinel: Path,
    environ: Mapping[str, str],
) -> Manifest:  # fmt: skip
    """Dump a database into a new file, readable by its owner alone, whole or not at all; → what is in it.

    `file`.json says that too, `file`.sentinel is the sentinel. `environ`: what the programs are given. Raises StoreError: no
    program, no space, no rights, a server that ends it, a file of that name.
    """
    dump, lister = postgres_programs.program("pg_dump"), postgres_programs.program("pg_restore")
    assert dump is not None, "the caller looked"
    assert lister is not None, "the caller looked"
    for one in (file, _beside(file, MANIFEST), _beside(file, SENTINEL)):
        if one.exists():
            raise errors.StoreError(f"{one} is there already.", remedy="Name another file; a backup replaces nothing.")
    import psycopg

    plain = url.set(drivername="postgresql")
    given = dict(environ) | ({} if url.password is None else {"PGPASSWORD": str(url.password)})
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder,
            psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection,
        ):
            copy = Path(folder) / "database.dump"
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute("SELECT pg_export_snapshot(), current_schema()").fetchone()
            assert row is not None
            said: dict[str, str] = {key: value for key, value in connection.execute("SELECT key, value FROM meta")}  # noqa: C416 - a cursor is no iterable of pairs for dict
            shown = plain.set(password=None).render_as_string()
            postgres_programs.carried_out([dump, "--format=custom", "--no-owner", "--no-password", f"--schema={row[1]}",
                  *(f"--exclude-table={one}" for one in LEFT_OUT), f"--snapshot={row[0]}", f"--file={copy}", f"--dbname={shown}"], given, makes=copy)  # fmt: skip
            connection.execute("COMMIT")
            postgres_programs.carried_out([lister, "--list", str(copy)], given)  # its table of contents can be read
            copy.chmod(0o600)
            content = sentinel.read_bytes() if sentinel.exists() else None
            with copy.open("rb") as raw:
                digest = hashlib.file_digest(raw, "sha256").hexdigest()
            manifest = Manifest(
                installation_id=said.get("installation_id", ""), environment=said.get("environment"),
                schema=int(said.get("schema_version", 0)), sequence=int(said.get(ATTEMPT_SEQUENCE, 0)), form=FORM,
                made_at=now, counterfoil=version, configuration=configuration, database_bytes=copy.stat().st_size,
                database_sha256=digest,
                sentinel_sha256=None if content is None else hashlib.sha256(content).hexdigest(),
            )  # fmt: skip
            _write(_beside(file, MANIFEST), msgspec.json.format(msgspec.json.encode(manifest)))
            if content is not None:
                _write(_beside(file, SENTINEL), content)
            copy.replace(file)  # the dump comes last: where it is, all of it is
    except (OSError, psycopg.Error) as cause:
        reason = getattr(cause, "strerror", None) or str(cause).splitlines()[0]
        raise errors.StoreError(f"The backup {file} cannot be made: {reason}.", remedy=_REMEDY) from cause
    return manifest


_REMEDY: Final = "Free some space, or name another place; the database itself is as it was."


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _write(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as into:
        into.write(content)
        into.flush()
        os.fsync(into.fileno())
