"""At each opening: what a copy that was put back knows nothing of is erased again; what a killed process began is finished.

Called by app. Costs two small queries and a look at a small file; the work itself is loaded only where there is some.
"""

from typing import Any

from counterfoil.app.privacy import beside
from counterfoil.store import erased, installation, removals
from counterfoil.store.database import Connection
from counterfoil.store.erased import Entry
from counterfoil.store.meta import get_meta
from counterfoil.store.removals import Removal


def _known(conn: Connection) -> tuple[str, set[Entry], list[Removal]]:
    return get_meta(conn, installation.INSTALLATION) or "", erased.everything(conn), removals.under_way(conn)


async def keep(books: Any) -> None:
    """Let the list beside the database say what the register says. Raises StoreError."""
    path = beside.path_of(books.sentinel.path)
    installed, entries, _open = await books.database.read(_known)
    beside.write(path, installed, entries | beside.read(path, installed))


async def again(books: Any) -> None:
    """Erase again what is on the list and not in the register, keep the list, finish what is under way. Raises StoreError."""
    path = beside.path_of(books.sentinel.path)
    installed, entries, left = await books.database.read(_known)
    listed = beside.read(path, installed)
    if entries - listed:
        beside.write(path, installed, entries | listed)
    if not left and listed <= entries:
        return
    from counterfoil.app.privacy import erasing  # what almost no opening needs

    missing = listed - entries
    if missing:
        await books.database.run(lambda conn: erasing.begin_again(books, conn, missing))
    await erasing.finish(books)
