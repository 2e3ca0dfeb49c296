"""`restore` on Postgres: a dump of `backup` put back by `pg_restore`, what was there dumped first. No call to Xero.

Called by app/backups, which has the rules for both kinds of databases, and opens the database afterwards, which concludes it
(store/restored). Killed at any time the database is the old one or the restored one, and the next command concludes it as well.
"""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Final

from counterfoil import __version__, errors, settings
from counterfoil.settings import Settings
from counterfoil.store import postgres_copies, postgres_programs, postgres_restoring
from counterfoil.store.backups import Manifest, State
from counterfoil.store.database import Database
from counterfoil.store.postgres_copies import ENDING, SENTINEL

PROGRAMS: Final = ("pg_dump", "pg_restore")
Compare = Callable[[State, Manifest], int]


def are_missing() -> bool:
    """Whether one of Postgres's own programs is not installed here."""
    return None in map(postgres_programs.program, PROGRAMS)


def put_back(
    loaded: Settings, database: Database, file: Path, now: datetime.datetime, refuse: Callable[[Manifest], None], compare: Compare
) -> tuple[Manifest, Path | None, int]:  # fmt: skip
    """→ what was put back, the dump of what was there, and how many attempts it forgets. `refuse` and `compare` raise InputError."""
    url, file, environ = database.url, file.absolute(), settings.without_secrets()
    manifest = postgres_restoring.read(file)
    refuse(manifest)
    sentinel = loaded.path.with_suffix(".sentinel")
    with postgres_restoring.alone(url) as (connection, there):
        kept, forgotten = None, 0
        if there is not None:
            forgotten = compare(there, manifest)
            if there.schema != manifest.schema:
                raise errors.InputError(
                    f"{file} has schema {manifest.schema}, and the database that is there {there.schema}: a dump replaces"
                    " only the tables that it holds.",
                    remedy="Make an empty database, name it in [store] url, restore into it, then `counterfoil upgrade`.",
                )
            kept = loaded.path.with_name(f"{loaded.path.stem}-replaced-{now:%Y%m%dT%H%M%S%fZ}{ENDING}")
            postgres_copies.make(
                url, kept, now=now, version=__version__, configuration=None, sentinel=sentinel, environ=environ
            )
        beside = file.with_name(file.name + SENTINEL)
        if not sentinel.exists() and beside.exists():  # the one that is there knows more than the backup's
            sentinel.write_bytes(beside.read_bytes())
        postgres_restoring.intend(connection, now)
        postgres_restoring.put_back(connection, url, file, environ)
    return manifest, kept, forgotten
