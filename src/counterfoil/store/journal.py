"""Let an SQLite file have a write-ahead log, also while others open it for the first time.

Called by database and limits. The kind of journal is kept in the file, so that only the first of all openings changes
it. SQLite waits for a reader then, as its busy_timeout says, but refuses at once while somebody writes: two commands
that open a new database together would not both get through.
"""

import sqlite3
import time
from typing import Final

TRIES: Final = 1_500
PAUSE_S: Final = 0.02  # together the 30 s that every other statement waits


def write_ahead(connection: sqlite3.Connection) -> None:
    """Change the journal's kind, waiting for writers. Raises sqlite3.OperationalError when they do not end."""
    for left in range(TRIES, 0, -1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as refusal:
            if left == 1 or refusal.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(PAUSE_S)
        else:
            return
