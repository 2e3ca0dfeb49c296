"""Erase a person here and in the copies that were made before; or everybody on the list in copies that came back.

Called by cli/privacy. No call; nothing is changed at Xero.
"""

from pathlib import Path
from typing import Any

from counterfoil.app.privacy import erasing, finding, in_copies, places
from counterfoil.app.privacy.in_copies import Tell, Treated
from counterfoil.app.privacy.sweeping import Done
from counterfoil.store.copied.finding import Copy


async def copies(books: Any, given: list[Path], *, known: bool) -> list[Copy]:
    """The copies that are meant: those that a person named, and with `known` all that we know of. Raises InputError."""
    found = {one.file.resolve(): one for one in places.given(books, given)}
    if known:
        found |= {one.file.resolve(): one for one in await places.known(books)}
    return sorted(found.values())


async def plan(books: Any, clue: str | None, entity: str | None, wanted: list[Copy]) -> list[Treated]:
    """What would become of these copies: each is taken out and looked at, and left as it is. Raises what `erase` raises."""
    person = None
    if clue is not None:
        found = await finding.one(books, clue, entity)
        person = await books.database.read(lambda conn: finding.whole(conn, found))
    return await in_copies.treat(books, wanted, person=person, is_plan=True)


async def erase(
    books: Any, clue: str, entity: str | None, wanted: list[Copy], tell: Tell
) -> tuple[Done | None, list[Treated]]:
    """Erase a person here, then in these copies, where their words are known from here. Raises what erasing.erase raises."""
    found = await finding.one(books, clue, entity)
    person = await books.database.read(lambda conn: finding.whole(conn, found))
    done = await erasing.erase(books, clue, entity)
    return done, await in_copies.treat(books, wanted, person=person, tell=tell)


async def again(books: Any, wanted: list[Copy], tell: Tell) -> list[Treated]:
    """Erase everybody on the list in these copies."""
    return await in_copies.treat(books, wanted, tell=tell)
