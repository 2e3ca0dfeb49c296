"""Where secrets stand in the databases of the tests' Postgres: called by conftest after each test while that server runs.

Every row of every table is read as the bytes that the database keeps, so that a secret in a text and one in a blob are
found alike. Looked at is only what was written since the last look.
"""

from collections.abc import Iterator
from typing import Any

from tests.leaks import known

PATIENCE = "SET lock_timeout = '2s'; SET statement_timeout = '20s'"


class Tables:
    """The databases of one server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._looked_at: str | None = None

    def leaks(self, keys: list[tuple[str, bytes]]) -> list[str]:
        """Where a secret stands, by database and table; nothing when nothing was written since the last look."""
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as conn:
            (now,) = conn.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
            if now == self._looked_at:
                return []
            rows = conn.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn ORDER BY 1")
            names = [row[0] for row in rows]
        found = []
        try:
            for name in names:
                with psycopg.connect(self._server.get_uri(), dbname=name, autocommit=True) as conn:
                    found += [f"{name}.{table}: {leak}" for table, leak in _leaks(conn, keys)]
        # Something of the test still holds it, or it was dropped this moment: the next test's end looks again.
        except (psycopg.errors.LockNotAvailable, psycopg.OperationalError):
            return found
        self._looked_at = now
        return found


def _leaks(conn: Any, keys: list[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    conn.execute(PATIENCE)
    query = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT LIKE 'pg_%'"
    for (table,) in conn.execute(query + " AND schemaname <> 'information_schema' ORDER BY 1").fetchall():
        rows = bytearray()
        with conn.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT binary)") as copied:
            for piece in copied:
                rows += piece
                if len(rows) > known.FILE_BYTES_MAX:
                    break
        for leak in known.in_bytes(bytes(rows), keys):
            yield table, leak
