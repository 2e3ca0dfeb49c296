"""Feeds and handlers of one installation: who is handed changes, how each stands, and what a person may do about it.

Called by serving (which carries them) and by cli. Our own tables alone; the targets are called by delivery.
"""

import datetime
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.delivery import alarm, handlers
from counterfoil.delivery.feed import Feed
from counterfoil.delivery.handlers import Handler
from counterfoil.delivery.sinks import Tools
from counterfoil.delivery.to_handler import HandlerOutlet
from counterfoil.delivery.turn import Subscriber
from counterfoil.mirror.meaning import words
from counterfoil.model import spelling
from counterfoil.settings import Settings
from counterfoil.store import beginnings, deliveries, feed_losses, feeds, happenings
from counterfoil.store.database import Connection
from counterfoil.store.deliveries import Dead, Standing

TO_HANDLER: Final = "handler"
WORK: Final = "deliver"  # the service's work that hands changes over
EVERYBODY: Final = "*"  # for a hint to all of them
TOGETHER: Final = 8  # documents of one webhook whose changes are on their way at once
DEAD_SHOWN: Final = 1000


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """How a feed or a handler stands. `unseen`: changes that were not looked through yet; `waiting` since `since`, again at `next_at`.

    `state`: "new" (never served), "paused", "ended" (its target wants no more), "down" (since `down_since`) or "ok". `begins`: "now" or
    "start"; `known_at`: when it was first served. `missed`: changes that were dropped before it got them. `behind`: the copy had documents
    when it began that it was never given: a table can be filled. `was`: a feed that the configuration has no longer; is this one it, renamed?
    """

    name: str
    id: str
    to: str
    on: tuple[str, ...]
    state: str
    unseen: int = 0
    waiting: int = 0
    since: datetime.datetime | None = None
    next_at: datetime.datetime | None = None
    dead: int = 0
    delivered: int = 0
    delivered_at: datetime.datetime | None = None
    missed: int = 0
    down_since: datetime.datetime | None = None
    error: str | None = None
    begins: str = "now"
    known_at: datetime.datetime | None = None
    behind: bool = False
    was: str | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A feed or a handler as the configuration has it."""

    name: str
    id: str
    to: str
    on: tuple[str, ...]
    from_start: bool = False
    snapshot: bool = False  # it asks for what the copy had before, too

    @property
    def begins(self) -> str:
        """Where it begins, in the configuration's word."""
        return "start" if self.from_start else "now"


def load_handlers(books: Any) -> list[Handler]:
    """The functions of [handlers] module. Raises ConfigurationError. Importing the module runs it."""
    return handlers_of(books.settings)


def handlers_of(loaded: Settings) -> list[Handler]:
    """The same of a configuration that nothing is opened for."""
    return handlers.load(loaded.handlers, loaded.path.parent, words.names(), loaded.entities)


def named(books: Any, functions: Sequence[Handler]) -> dict[str, Named]:
    """Every feed and handler by the name that people type."""
    found = {name: _feed(name, one) for name, one in books.feeds.items()}
    for one in functions:
        wanted = tuple(dict.fromkeys(name for wish in one.wishes for name in wish.names))
        found[one.id] = Named(name=one.id, id=f"{TO_HANDLER}:{one.id}", to=TO_HANDLER, on=wanted)
    return found


def _feed(name: str, one: Feed) -> Named:
    return Named(
        name=name, id=one.settings.id, to=one.to, on=one.settings.on, from_start=one.settings.begins == "start",
        snapshot=one.settings.snapshot,
    )  # fmt: skip


def subscribers(books: Any, functions: Sequence[Handler]) -> dict[str, Subscriber]:
    """Everybody who is handed changes, by id, with an outlet made for each."""
    tools = Tools(clock=books.clock, folder=books.settings.path.parent)
    found = {}
    for name, one in books.feeds.items():
        known = _feed(name, one)
        found[known.id] = Subscriber(
            id=known.id, label=name, to=one.to, outlet=one.outlet(tools), from_start=known.from_start,
            wants=_of_feed(one), at_once=TOGETHER if one.to == "webhook" else 1,
        )  # fmt: skip
    for handler in functions:
        key = f"{TO_HANDLER}:{handler.id}"
        outlet = HandlerOutlet(handler, books.settings.handlers.timeout_s)
        found[key] = Subscriber(id=key, label=handler.id, to=TO_HANDLER, outlet=outlet, wants=_of_handler(handler))
    return found


def _of_feed(one: Feed) -> Any:
    return lambda name, entity, snapshot: one.settings.wants(name, entity, snapshot=snapshot)


def _of_handler(one: Handler) -> Any:
    return lambda name, entity, snapshot: one.wants(name, entity, snapshot=snapshot)


async def standing(books: Any) -> list[Stands]:
    """How each stands, feeds first, by name. Raises ConfigurationError."""
    known = named(books, load_handlers(books))
    found: list[Stands] = await books.database.read(lambda conn: _stands(conn, list(known.values())))
    return found


async def served(books: Any) -> tuple[Stands, ...]:
    """The same without importing the user's module: feeds, and the handlers that the tables know."""
    if not books.feeds and books.settings.handlers.module is None:
        return ()
    known = named(books, ())

    def work(conn: Connection) -> list[Stands]:
        there = [
            key for key in feeds.everything(conn) if key.startswith(f"{TO_HANDLER}:{books.settings.handlers.module}.")
        ]
        functions = [Named(name=key.partition(":")[2], id=key, to=TO_HANDLER, on=()) for key in there]
        return _stands(conn, [*known.values(), *functions])

    found: list[Stands] = await books.database.read(work)
    return tuple(found)


async def tell_losses(books: Any) -> None:
    """Tell of changes that are dropped before a feed had them, also one that nobody carries; and some time before. Idempotent."""
    labels = {one.id: one.name for one in await served(books)}
    keeps = books.settings.retention.kept("changes")

    def read(conn: Connection) -> bool:
        return alarm.look_for_losses(conn, labels, keeps, books.database.now(conn), write=False)

    if labels and await books.database.read(read):
        await books.database.run(
            lambda conn: alarm.look_for_losses(conn, labels, keeps, books.database.now(conn), write=True)
        )


def _stands(conn: Connection, known: Sequence[Named]) -> list[Stands]:
    rows, before, newest = feeds.everything(conn), deliveries.standings(conn), feeds.newest(conn)
    lost = feed_losses.lost(conn)
    gone = sorted(one for one in set(rows) - {one.id for one in known} if not one.startswith(f"{TO_HANDLER}:"))
    unseen = {id_: happenings.given(conn, row.n, newest) for id_, row in rows.items()}
    found = [_one(one, rows.get(one.id), before.get(one.id, Standing()), unseen.get(one.id, 0)) for one in known]
    behind = beginnings.behind(
        conn, {one.id: one.snapshot for one in known if one.snapshot or one.to == beginnings.TABLE}
    )
    return [
        msgspec.structs.replace(
            one, missed=one.missed + lost.get(one.id, 0), behind=one.id in behind,
            was=gone[0] if gone and one.state == "new" and one.to != TO_HANDLER else None,
        )
        for one in found
    ]  # fmt: skip


def _one(one: Named, row: feeds.Feed | None, before: Standing, unseen: int) -> Stands:
    if row is None:
        return Stands(name=one.name, id=one.id, to=one.to, on=one.on, state="new", begins=one.begins)
    return Stands(
        name=one.name, id=one.id, to=one.to, on=one.on, state=_state(row), unseen=unseen, waiting=before.waiting,
        since=before.since, next_at=None if row.rests else before.next_at, dead=before.dead, delivered=row.delivered,
        delivered_at=row.delivered_at, missed=row.missed, down_since=row.down_since,
        error=row.ended_why if row.ended_at is not None else row.error, begins=one.begins, known_at=row.known_at,
    )  # fmt: skip


def _state(row: feeds.Feed) -> str:
    if row.ended_at is not None:
        return "ended"
    if row.paused_at is not None:
        return "paused"
    return "down" if row.failures else "ok"


async def one(books: Any, name: str) -> Stands:
    """One of them. Raises ConfigurationError for an unknown name, with the nearest."""
    return (await _known(books, name))[1]


async def _known(books: Any, name: str) -> tuple[Named, Stands]:
    known = named(books, load_handlers(books))
    if name not in known:
        raise errors.ConfigurationError(f"There is no feed {name!r}.", remedy=spelling.suggestion(name, known))
    found = await books.database.read(lambda conn: _stands(conn, list(known.values())))
    return known[name], next(one for one in found if one.name == name)


async def dead(books: Any, name: str) -> list[Dead]:
    """Its dead letters, oldest first, at most DEAD_SHOWN. Raises ConfigurationError."""
    known, _stands = await _known(books, name)
    found: list[Dead] = await books.database.read(lambda conn: deliveries.dead(conn, known.id, DEAD_SHOWN))
    return found


async def retry(books: Any, name: str, ids: Sequence[str] = ()) -> int:
    """Have dead letters handed over again: those of these ids, or all, and what waits is tried now; → how many changes."""
    known, _stands = await _known(books, name)

    def work(conn: Connection) -> int:
        now = books.database.now(conn)
        feeds.hold(conn, known.id)
        count = deliveries.retry(conn, known.id, ids or None, now)
        feeds.awaken(conn, known.id)
        alarm.look(conn, known.id, name, now)
        return count

    count: int = await books.database.run(work)
    await books.wake(WORK, known.id)
    if ids and count < len(set(ids)):
        raise errors.NotFound(
            f"{count} of {len(set(ids))} are dead letters of {name} and are handed over again.",
            remedy=f"`counterfoil feeds dead {name}` lists their ids.",
        )
    return count


async def replay(books: Any, name: str, since: str) -> int:
    """Begin again: at the change of that id, at the first seen at that time or later, at "start" or at "now"; → how many lie there.

    Raises ConfigurationError, NotFound for an id that is not kept (any more).
    """
    known, _stands = await _known(books, name)

    def work(conn: Connection) -> int | None:
        now = books.database.now(conn)
        feeds.know(conn, known.id, from_start=known.from_start, now=now)
        feeds.hold(conn, known.id)
        if since == "now":
            feeds.skip(conn, known.id)
            count = 0
        elif (n := _place(conn, since)) is not None:
            count = feeds.send_back(conn, known.id, n)
        else:
            return None
        alarm.look(conn, known.id, name, now)
        return count

    count: int | None = await books.database.run(work)
    if count is None:
        raise errors.NotFound(
            f"No change {since!r} is kept.",
            remedy="Give a change's id, a time such as 2026-11-22T08:00:00Z, `start` or `now`.",
        )
    await books.wake(WORK, known.id)
    return count


def _place(conn: Connection, since: str) -> int | None:
    """The change after which it begins; None: there is no such place."""
    if since == "start":
        oldest = feeds.oldest(conn)
        return feeds.newest(conn) if oldest is None else oldest - 1
    if (n := happenings.place(conn, since)) is not None:
        return n - 1
    try:
        at = datetime.datetime.fromisoformat(since)
    except ValueError:
        return None
    return feeds.before(conn, at if at.tzinfo is not None else at.replace(tzinfo=datetime.UTC))


async def pause(books: Any, name: str) -> bool:
    """Hand nothing over until `resume`; what comes meanwhile waits. False: it was paused already."""
    known, _stands = await _known(books, name)

    def work(conn: Connection) -> bool:
        now = books.database.now(conn)
        feeds.know(conn, known.id, from_start=known.from_start, now=now)
        return feeds.pause(conn, known.id, books.actor, now)

    done: bool = await books.database.run(work)
    return done


async def resume(books: Any, name: str) -> bool:
    """Go on where it was, also one that ended. False: it was going on."""
    known, _stands = await _known(books, name)

    def work(conn: Connection) -> bool:
        done = feeds.resume(conn, known.id)
        alarm.look(conn, known.id, name, books.database.now(conn))
        return done

    done: bool = await books.database.run(work)
    await books.wake(WORK, known.id)
    return done
