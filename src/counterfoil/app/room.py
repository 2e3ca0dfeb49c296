"""The disk watch: nothing new is planned when the disk of an SQLite database has little room left, before it has none.

Called by running before a source is read and after each batch. What is open is finished all the same: it takes little room,
and a request whose outcome is unknown is worse than a full disk. On Postgres the disk is the server's, and not ours to see.
"""

import shutil
from typing import Any, Final

from counterfoil import errors
from counterfoil.store import notices
from counterfoil.store.database import Connection

KIND: Final = "disk"
SUBJECT: Final = "database"
MEBIBYTE: Final = 1 << 20


def short(books: Any) -> errors.NoRoom | None:
    """What to say when less than [store] free_min_mib is free beside the database; None: there is room. Costs microseconds."""
    path, least = books.database.path, books.settings.store.free_min_mib
    if path is None or not least:
        return None
    free = shutil.disk_usage(path.parent).free // MEBIBYTE
    if free >= least:
        return None
    return errors.NoRoom(
        f"The disk of the database has {free:,} MiB left, less than the {least:,} of [store] free_min_mib: nothing new is planned.",
        remedy="Free some space there, then run again; what was open is finished meanwhile, and nothing is lost.",
    )


async def watch(books: Any) -> errors.NoRoom | None:
    """The same, and who wants to be told of it is; or that it is over."""
    found = short(books)

    def work(conn: Connection) -> None:
        now = books.database.now(conn)
        if found is not None:
            notices.tell(conn, KIND, SUBJECT, message=found.message, remedy=found.remedy, now=now)
        else:
            notices.over(conn, KIND, SUBJECT, now=now)

    if found is not None or await books.database.read(lambda conn: notices.standing(conn, KIND)):
        await books.database.run(work)
    return found
