"""A dump of a Postgres database put back in one transaction of `pg_restore`: all of it is there afterwards, or nothing changed.

Called by app/postgres_backups. A lock that every start of ours asks for is held meanwhile, so that whoever begins waits and
finds the restored database. Whoever works on it already is asked to end first. What has to outlive it is written down before
(`intend`), and brought in by whoever opens the database next (store/restored), so that a restore may be killed at any time.
"""

import contextlib
import datetime
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store import opening, postgres_programs, restored
from counterfoil.store.backups import FORM, Manifest, State
from counterfoil.store.postgres_copies import MANIFEST
from counterfoil.store.requests import ATTEMPT_SEQUENCE

if TYPE_CHECKING:
    import psycopg

Spoken: TypeAlias = "psycopg.Connection[Any]"
WAIT_S: Final = 5  # for another restore, or a start, to end


def read(file: Path) -> Manifest:
    """What a dump says it is, its bytes checked against it. Raises InputError: no dump of ours, or a changed one."""
    told = file.with_name(file.name + MANIFEST)
    try:
        manifest = msgspec.json.decode(told.read_bytes(), type=Manifest)
        with file.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError as cause:
        raise errors.InputError(
            f"{cause.filename} cannot be read: {cause.strerror}.",
            remedy=f"A backup is three files together: {file.name}, {told.name} and the sentinel.",
        ) from cause
    except msgspec.MsgspecError as cause:
        raise errors.InputError(
            f"{told} is not what `counterfoil backup` wrote.", remedy="Take another backup."
        ) from cause
    if manifest.form != FORM or digest not in (manifest.database_sha256, manifest.next_sha256):
        raise errors.InputError(f"{file} is not the dump that {told.name} tells of.", remedy="Take another backup.")
    return manifest


@contextlib.contextmanager
def alone(url: sa.URL) -> Iterator[tuple[Spoken, State | None]]:
    """Nobody else works on the database inside, and who starts waits; → (our connection, what is there). Raises StoreError."""
    import psycopg

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    shown = url.set(password=None).render_as_string()
    try:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"SET lock_timeout = '{WAIT_S}s'")
            connection.execute("SELECT pg_advisory_lock(%s)", (opening.LOCK,))
            others = _first(
                connection,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
            )
            if others:
                raise errors.StoreError(
                    f"{others} other connections are open to {shown}.",
                    remedy="End what works on it (`run`, `serve`, `worker`, other programs), then restore again.",
                )
            yield connection, _there(connection)
    except psycopg.errors.LockNotAvailable as cause:
        raise errors.StoreError(
            f"A start or another restore is at work on {shown}.", remedy="Wait until it has ended."
        ) from cause
    except psycopg.Error as cause:
        raise errors.StoreError(
            f"The database {shown} cannot be restored: {str(cause).splitlines()[0]}.", remedy="It is as it was before."
        ) from cause


def put_back(connection: Spoken, url: sa.URL, file: Path, environ: Mapping[str, str]) -> None:
    """Let `pg_restore` replace every table that the dump holds, in one transaction. Raises StoreError: nothing changed then.

    The schema that they are in stays: what the dump does not hold (the limits) is in it, too.
    """
    program = postgres_programs.program("pg_restore")
    assert program is not None, "the caller looked"
    shown = url.set(drivername="postgresql", password=None).render_as_string()
    given = dict(environ) | {"PGAPPNAME": restored.PROGRAM}
    if url.password is not None:
        given["PGPASSWORD"] = str(url.password)
    postgres_programs.carried_out(
        [program, "--clean", "--if-exists", "--no-owner", "--no-password", "--single-transaction", "--exit-on-error",
         f"--schema={_first(connection, 'SELECT current_schema()')}",
         f"--dbname={shown}", str(file)], given,
    )  # fmt: skip


def intend(connection: Spoken, at: datetime.datetime) -> None:
    """Write down that what is there is about to be replaced, and what of it has to outlive that (restored.conclude reads it).

    In tables of their own, which no dump holds. In `meta`, which the dump replaces, stands that it was not replaced yet.
    """
    with connection.transaction():
        for table in restored.TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {restored.INTENT} AS SELECT %s::text AS at", (at.isoformat(),))
        if _first(connection, "SELECT to_regclass('pauses')") is not None:
            connection.execute(
                f"CREATE TABLE {restored.PAUSES} AS SELECT scope, name, because, actor, at, until FROM pauses"  # noqa: S608 - a name of ours
                " WHERE ended_at IS NULL"
            )
        if _first(connection, "SELECT to_regclass('meta')") is not None:
            connection.execute(
                "INSERT INTO meta (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (restored.NOT_YET, at.isoformat()),
            )


def _there(connection: Spoken) -> State | None:
    """The database that a restore replaces; None: it is empty."""
    if _first(connection, "SELECT to_regclass('meta')") is None:
        return None
    said: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    return State(
        installation_id=said.get("installation_id", ""), environment=said.get("environment"),
        schema=int(said.get("schema_version", 0)), sequence=int(said.get(ATTEMPT_SEQUENCE, 0)),
    )  # fmt: skip


def _first(connection: Spoken, query: str, *given: Any) -> Any:
    row = connection.execute(query, given or None).fetchone()
    return None if row is None else row[0]
