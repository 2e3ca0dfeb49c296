"""The work of an erasure or a purge: its steps, each in short transactions, resumed where a kill stopped it.

Called by erasing, purging, the service's housekeeping and app at opening. Each transaction moves the place with the rows that it
changed. At the end an SQLite file is rebuilt, so that nothing stays in free pages or in its log.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access.audit import NO_ENTITY
from counterfoil.app.privacy import settling
from counterfoil.mirror.described import NAMES
from counterfoil.model.person import Person
from counterfoil.store import removals, spool_tables
from counterfoil.store.database import Connection
from counterfoil.store.removals import ERASE, Place, Removal
from counterfoil.store.removing import copies, purging, sent, texts
from counterfoil.store.removing.copies import Swept
from counterfoil.store.removing.turns import Turn

TRANSACTION_S: Final = 0.02  # each is kept under it by its turn (store/removing/turns)
WINDOW: Final = 20  # rows of the first transaction; more when that is quick, fewer when it is not
WINDOW_MAX: Final = 500
POSTINGS_MAX: Final = 10
Step = Callable[[Connection, str | None, Turn], Swept]


class Done(msgspec.Struct, frozen=True):
    """How a removal ended. `rows` by table; `compacted` False: the file is rebuilt later, since it is read now, or the disk is full.

    `waits_for`: postings that were planned while it began; nothing is swept before they are at their end.
    """

    id: int
    rows: dict[str, int]
    compacted: bool
    waits_for: tuple[str, ...] = ()


async def go_on(books: Any, removal_id: int, *, awaits: bool = True) -> Done | None:
    """Work on a removal to its end; None: another process works on it, or it is at its end.

    `awaits` False: what is on its way is not waited for, since it is a copy's.
    """
    database = books.database
    if not await database.run(lambda conn: removals.take(conn, removal_id, books.owner, database.now(conn))):
        return None
    one = await database.read(lambda conn: removals.get(conn, removal_id))
    if not one.stands.settled:
        open_ones = await settling.settle(books, one, awaits=awaits)
        if open_ones:
            await database.run(lambda conn: removals.release(conn, removal_id))
            return Done(removal_id, {}, compacted=False, waits_for=open_ones)
        books.point(f"{one.kind}: settled")
        one = await database.read(lambda conn: removals.get(conn, removal_id))
    steps, window, step = _steps(books, one), WINDOW, -1
    while (one := await database.read(lambda conn: removals.get(conn, removal_id))).stands.step < len(steps):
        window = window if step == one.stands.step else WINDOW  # the rows of the next table cost otherwise
        step = one.stands.step
        books.point(f"{one.kind}: step {step}")
        began = books.clock.elapsed_s()
        turn: Turn = await database.run(functools.partial(_window, books, removal_id, steps, most=window))
        is_long = books.clock.elapsed_s() - began > TRANSACTION_S
        window = max(1, turn.taken // 2) if is_long else turn.taken if turn.is_cut else min(WINDOW_MAX, window * 2)
    books.point(f"{one.kind}: swept")
    await database.run(lambda conn: removals.forget_whom(conn, removal_id))
    books.point(f"{one.kind}: forgotten")
    compacted = await _compacted(books)
    books.point(f"{one.kind}: compacted")
    if compacted:
        await database.run(lambda conn: _end(books, conn, one))
    else:
        await database.run(lambda conn: removals.release(conn, removal_id))
    return Done(removal_id, one.counts, compacted)


async def _compacted(books: Any) -> bool:
    """Rebuild the file, if nobody needs it as it is and there is room; else the next command tries again."""
    if await _is_read(books):
        return False
    with contextlib.suppress(errors.StoreError):  # a disk that is full keeps nobody from working
        return bool(await books.database.compact())
    return False


async def _is_read(books: Any) -> bool:
    """Whether a source is being read: its rows stand in the database until it ends. What dead processes left of such goes."""
    database = books.database
    for left in await database.read(lambda conn: spool_tables.abandoned(conn, books.owner, database.now(conn))):
        while await database.run(functools.partial(spool_tables.delete_some, spool_id=left)):
            pass
    found: bool = await database.read(spool_tables.is_any)
    return found


def _window(books: Any, removal_id: int, steps: list[Step], connection: Connection, *, most: int) -> Turn:
    turn = Turn(most, books.clock.elapsed_s)
    one = removals.get(connection, removal_id)
    place = one.stands
    if place.step >= len(steps):
        return turn
    now = books.database.now(connection)
    swept = steps[place.step](connection, place.after, turn)
    moved = Place(place.step + 1) if swept.after is None else Place(place.step, swept.after)
    removals.move(connection, one, moved, swept.rows, now)
    return turn


def _end(books: Any, connection: Connection, one: Removal) -> None:
    now = books.database.now(connection)
    if removals.get(connection, one.id).ended_at is not None:
        return
    removals.end(connection, one.id, now)
    act = "person erased" if one.kind == ERASE else "entity purged"
    books.access.audit.append(connection, one.entity or NO_ENTITY, act, {"removal": one.id, "rows": one.counts})


def _steps(books: Any, one: Removal) -> list[Step]:
    if one.kind != ERASE:
        return purging.steps(one.entity, one.tenant_id)
    if one.person is None:
        return []
    person = msgspec.convert(one.person, Person)
    return [
        *(functools.partial(_documents, person, resource) for resource in NAMES),
        functools.partial(_index, person),
        functools.partial(_changes, person),
        functools.partial(_requests, person),
        functools.partial(_postings, books, person),
        functools.partial(_days, books, person),
        *(functools.partial(_texts, person, table) for table in texts.PLACES),
    ]


def _documents(person: Person, resource: str, conn: Connection, after: str | None, turn: Turn) -> Swept:
    return copies.documents(conn, person, resource, after, turn)


def _index(person: Person, conn: Connection, after: str | None, turn: Turn) -> Swept:
    return copies.index(conn, person, after, turn)


def _changes(person: Person, conn: Connection, after: str | None, turn: Turn) -> Swept:
    return copies.changes(conn, person, after, turn)


def _requests(person: Person, conn: Connection, after: str | None, _turn: Turn) -> Swept:
    return sent.requests(conn, person, after)


def _postings(books: Any, person: Person, conn: Connection, after: str | None, turn: Turn) -> Swept:
    keyed = functools.partial(books.access.audit.keyed_hash, conn)
    return sent.postings(conn, person, keyed, after, turn.but(POSTINGS_MAX), books.database.now(conn))


def _days(books: Any, person: Person, conn: Connection, after: str | None, turn: Turn) -> Swept:
    return texts.days(conn, person, after, turn, books.database.now(conn))


def _texts(person: Person, table: str, conn: Connection, after: str | None, turn: Turn) -> Swept:
    return texts.sweep(conn, person, table, after, turn)
