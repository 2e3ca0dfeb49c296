"""What a database is when it is opened: a new one gets its tables, an older one is named, a newer Counterfoil's is refused.

Called by database, within its first transaction. To bring an older one to this schema is database's work.
"""

import secrets
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store import migrations, schema
from counterfoil.store.meta import get_meta

LOCK: Final = (
    7263901  # the number of the lock that each start on Postgres holds for a moment, and a restore for its whole time
)


class Opened(msgspec.Struct, frozen=True):
    """`was`: the schema that was there; None: there was no database. `older`: the same where it is not ours yet."""

    was: int | None = None
    older: int | None = None


def prepare(connection: sa.Connection) -> Opened:
    """Make what is new. Raises StoreError for a database that is not to be used."""
    if connection.dialect.name == "postgresql":
        from counterfoil.store import restored  # which knows what an installation is, and so who opens one

        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK})"))  # two first starts at once
        restored.conclude(connection)
    if not sa.inspect(connection).has_table("meta"):
        _make(connection)
        return Opened()
    said = get_meta(connection, migrations.VERSION) or "none"
    needs = get_meta(connection, migrations.LEAST) or said
    if not (said.isdecimal() and needs.isdecimal()):
        raise _refused(said, "Use the Counterfoil that wrote it, or a newer one.")
    version = int(said)
    if migrations.fits(version, int(needs)):
        return Opened(version)
    if migrations.OLDEST <= version < schema.SCHEMA_VERSION:
        return Opened(version, version)
    if version > schema.SCHEMA_VERSION:
        raise _refused(said, "Use the Counterfoil that wrote it, or a newer one.")
    raise _refused(said, "It is from before the first release: begin a new one; what is in Xero is recognised.")


def _make(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        schema.for_postgres()
    schema.tables.create_all(connection)
    first = {
        migrations.VERSION: str(schema.SCHEMA_VERSION),
        migrations.LEAST: str(migrations.NEEDED),
        "installation_id": secrets.token_hex(16),
    }
    connection.execute(sa.insert(schema.meta), [{"key": k, "value": v} for k, v in first.items()])


def _refused(said: str, remedy: str) -> errors.StoreError:
    return errors.StoreError(
        f"The database has schema {said}, this Counterfoil knows {schema.SCHEMA_VERSION}.", remedy=remedy
    )
