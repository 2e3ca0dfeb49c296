"""Environments and copies: a database is opened by its own environment, at its own place, and by nobody else.

Called by app at opening, by cli/config (`environment`, `adopt-copy`) and by connecting before a bind. A copy has its
original's tokens and bindings: two that refresh the same tokens lose them, two that post the same records post twice.
So a copy is opened by nothing but `adopt-copy`. Design §3.1 (coming back).
"""

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access.audit import NO_ENTITY
from counterfoil.settings import environments
from counterfoil.store import installation
from counterfoil.store.database import Connection
from counterfoil.store.installation import Home
from counterfoil.store.meta import get_meta

PEEK_TIMEOUT_S: Final = 10.0
HOW: Final = "docs/howto/environments.md"


class Adopted(msgspec.Struct, frozen=True):
    """What became of a copy. `held`: postings that were on their way in the original, and stay its to send."""

    environment: str
    was: str
    moved: bool
    held: int


def name_of(books: Any) -> str:
    """The name of the environment that these books are opened for."""
    return books.settings.environment or environments.DEFAULT


async def check(books: Any) -> None:
    """Claim a new database for this environment; refuse another's, and a copy whose original may be at work.

    Raises OtherEnvironment, CopiedDatabase.
    """
    await books.database.run(lambda conn: _check(conn, books))


def _check(connection: Connection, books: Any) -> None:
    name, here = name_of(books), installation.here(connection, books.database)
    environment, home = installation.held(connection)
    if environment is not None and environment != name:
        raise errors.OtherEnvironment(
            f"The database belongs to environment {environment}, and this is {name}. It is not opened here: its consents and "
            f"its ledgers are {environment}'s, and two that use them lose the one and post twice into the other.",
            remedy=f"Give {name} a [store] url of its own. To work on with a copy: "
            f"`counterfoil {_switch(name)}config adopt-copy` takes {environment}'s consents and bindings out of it ({HOW}).",
        )
    if home is not None and not home.is_same(here) and (beside := _original(connection, home, here)) is not None:
        raise errors.CopiedDatabase(
            f"The database was last used {beside}: this is a copy of it, with the same consents and the same work to do.",
            remedy="Use the original. If it is gone for good and this took its place: "
            f"`counterfoil {_switch(name)}config adopt-copy --moved` ({HOW}).",
        )
    if environment is None or home != here:
        installation.settle(connection, name, here)


def _original(connection: Connection, home: Home, here: Home) -> str | None:
    """Where the original is or may be at work, in words; None: it was moved here, or restored in its place."""
    if not home.host:
        return f"as another Postgres database ({home.place})" if home.place != here.place else None
    if home.host != here.host:
        return f"on {home.host} as {home.place}"
    if home.place == here.place or not Path(home.place).is_file() or Path(home.place).samefile(here.place):
        return None
    try:
        there, _entity = installation.peek(f"sqlite:///{home.place}", "")
    except OSError:
        return f"as {home.place}, which is there and cannot be read"
    return f"as {home.place}, which is there" if there == get_meta(connection, installation.INSTALLATION) else None


async def adopt(books: Any, *, moved: bool) -> Adopted:
    """Make a copy this environment's own database. `books` are not open yet, and are closed afterwards. On the audit log.

    `moved`: the original is gone and this is the same environment: consents, bindings and work stay. Otherwise they are
    taken out, what was under way is held, and history stays. Raises InputError when it is no copy, or not by that word.
    """
    try:
        await books.database.open()
        adopted: Adopted = await books.database.run(lambda conn: _adopt(conn, books, moved=moved))
    finally:
        await books.close()
    return adopted


def _adopt(connection: Connection, books: Any, *, moved: bool) -> Adopted:
    name, here = name_of(books), installation.here(connection, books.database)
    environment, home = installation.held(connection)
    if environment is None or home is None:
        raise errors.InputError("The database was never in use: it is no copy.", remedy=f"Just use it: {HOW}.")
    if home.is_same(here):
        raise errors.InputError(
            f"This is the database of environment {environment} itself, no copy of it. Nothing was done.",
            remedy="Copy it first, and point [store] url at the copy.",
        )
    log = books.access.audit
    if moved:
        if environment != name:
            raise errors.InputError(
                f"It belongs to environment {environment}, and this is {name}: --moved is for the same environment.",
                remedy="Leave --moved out: its consents and bindings are then taken out of it.",
            )
        installation.settle(connection, name, here)
        log.append(connection, NO_ENTITY, "database moved", {})
        return Adopted(name, environment, moved=True, held=0)
    told = installation.renew(connection, name, here, books.database.now(connection))
    books.access.rotation(books.point).adopt(connection, books.access.vault, log)
    log.append(connection, NO_ENTITY, "copy adopted", told)
    return Adopted(name, environment, moved=False, held=told["held"])


async def refuse_bound_elsewhere(books: Any, entity: str, tenant_id: str) -> None:
    """Raises BoundElsewhere when another environment's database has this organisation bound.

    An environment that cannot be read or reached is not asked: what it has is not known here.
    """
    own = environments.database_of(books.settings.store.url)
    for other in environments.others(books.settings)[0]:
        if other.url is None or environments.database_of(other.url) == own:
            continue
        try:
            async with asyncio.timeout(PEEK_TIMEOUT_S):
                _id, theirs = await asyncio.to_thread(installation.peek, other.url, tenant_id)
        except (OSError, TimeoutError):
            continue
        if theirs is not None:
            raise errors.BoundElsewhere(
                f"The organisation is bound to {theirs} in environment {other.name}: two databases may not post into one ledger.",
                remedy=f"Run `counterfoil {_switch(other.name)}entities unbind {theirs}` first, or bind {entity} to another one.",
            )


def _switch(name: str) -> str:
    return "" if name == environments.DEFAULT else f"--env {name} "
