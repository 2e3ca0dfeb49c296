"""Databases of schema 4: made from its own SQL, or an installation's taken back to it."""

import contextlib
import sqlite3
from pathlib import Path

SCHEMA_4 = (Path(__file__).parent / "schema_4.sql").read_text()


def version_4(path: Path) -> Path:
    """A database of schema 4 with an installation id and one run in it."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA_4)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("schema_version", "4"), ("installation_id", "old")])
        connection.execute("INSERT INTO runs (command, source, actor, started) VALUES ('run', 's', 'me', 1)")
    return path


def take_back(path: Path) -> None:
    """Let an installation's database be of schema 4, in its own file: what was added since is dropped, the rows stay."""
    with contextlib.closing(sqlite3.connect(":memory:")) as old, contextlib.closing(sqlite3.connect(path)) as now:
        old.executescript(SCHEMA_4)
        before = {name: _columns(old, name) for name in _names(old, "table")}
        for name in _names(now, "index") - _names(old, "index"):
            now.execute(f"DROP INDEX {name}")
        for name in _names(now, "table") - set(before):
            now.execute(f"DROP TABLE {name}")
        for name, columns in before.items():
            for column in _columns(now, name) - columns:
                now.execute(f"ALTER TABLE {name} DROP COLUMN {column}")
        now.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
        now.execute("DELETE FROM meta WHERE key = 'schema_least'")
        now.commit()


def _names(connection: sqlite3.Connection, kind: str) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    return {row[0] for row in connection.execute(query, (kind,))}


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
