"""Telling people: what stands is noticed, what is due is sent, and it is shown what was.

Called by cli (after every command and by `notify`), the library, and later by the service. Reads our own tables; calls
nobody but the targets of [[notify]].
"""

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.app import needs, noticing
from counterfoil.delivery.notifying import Courier, Tried
from counterfoil.settings import NotifySettings
from counterfoil.store import messages, notices
from counterfoil.store.database import Connection
from counterfoil.store.messages import Message, Trouble
from counterfoil.store.notices import Notice

LISTED_MAX = 200


class Target(msgspec.Struct, frozen=True):
    """One [[notify]] table. `n`: as `notify test N` counts; `when`: as it is written; `failing`: what does not arrive."""

    n: int
    target: str
    to: str
    when: tuple[str, ...]
    failing: Trouble | None


class Sent(msgspec.Struct, frozen=True):
    """A message of a notice to one target. `sent_at` None: it has not arrived; `next_at` None: it is not tried again."""

    target: str
    state: str
    sent_at: datetime.datetime | None
    tries: int
    error: str | None
    next_at: datetime.datetime | None


class Told(msgspec.Struct, frozen=True):
    """A notice and what was sent of it. `over_at` None: it stands."""

    kind: str
    entity: str | None
    message: str
    remedy: str
    link: str | None
    count: int | None
    times: int
    since: datetime.datetime
    over_at: datetime.datetime | None
    sent: tuple[Sent, ...]


class Overview(msgspec.Struct, frozen=True):
    """What `notify list` shows: whom we tell, and the notices, those that stand first."""

    targets: tuple[Target, ...]
    notices: tuple[Told, ...]


class Notifying:
    """Notices of one installation, and their messages."""

    def __init__(self, books: Any) -> None:
        self._books = books

    @property
    def _tables(self) -> tuple[NotifySettings, ...]:
        tables: tuple[NotifySettings, ...] = self._books.settings.notify
        return tables

    def _courier(self) -> Courier:
        books = self._books
        return Courier(
            books.database, self._tables, owner=books.owner, environment=books.settings.environment or "default",
            folder=books.settings.path.parent, point=books.point,
        )  # fmt: skip

    async def notice(self) -> None:
        """Write down what stands and what is over. Raises StoreError."""
        flow_names = {flow.id: flow.table for flow in self._books.flows.values()}
        lacks = needs.causes(self._books, await needs.lacking(self._books)) + await needs.copies_lacking(self._books)
        await noticing.notice(self._books.database, self._books.settings.xero.client_id, flow_names, lacks)

    async def tell(self) -> int:
        """Notice what stands now and send what is due; → how many messages were taken. Raises StoreError.

        Without targets it does nothing at all. What a target does not take is tried again by a later call, so this may be
        called as often as one likes: nothing is sent twice to anybody who took it. Takes five seconds at most.
        """
        if not self._tables:
            return 0
        await self.notice()
        return await self._courier().send_due()

    async def failing(self) -> list[Trouble]:
        """The targets that messages do not get to."""
        keys = [table.to.key for table in self._tables]
        found: list[Trouble] = await self._books.database.read(lambda conn: messages.troubles(conn, keys))
        return found

    async def overview(self) -> Overview:
        """Whom we tell, what stands, and what was sent; the newest LISTED_MAX notices."""
        await self.notice()
        failing = {one.target: one for one in await self.failing()}
        targets = tuple(
            Target(n, table.to.key, table.to.label, table.given.when, failing.get(table.to.key))
            for n, table in enumerate(self._tables, 1)
        )
        told = await self._books.database.read(_told)
        return Overview(targets, tuple(sorted(told, key=lambda one: one.over_at is not None)))

    async def trial(self, n: int | None = None) -> list[Tried]:
        """Send a marked test message to the n-th target, or to all. Raises ConfigurationError, NotFound."""
        tables: Sequence[NotifySettings] = self._tables
        if not tables:
            raise errors.ConfigurationError(
                "The configuration names nobody to tell.", remedy="Add a [[notify]] table; docs/howto/notifications.md."
            )
        if n is not None and not 1 <= n <= len(tables):
            raise errors.NotFound(f"There is no target {n}.", remedy=f"`counterfoil notify` lists the {len(tables)}.")
        return await self._courier().trial(tables if n is None else [tables[n - 1]])


def _told(conn: Connection) -> list[Told]:
    standing = notices.standing(conn)[:LISTED_MAX]
    over = [one for one in notices.latest(conn, LISTED_MAX) if one.over_at is not None]
    found = [*standing, *over[: LISTED_MAX - len(standing)]]
    sent: dict[int, list[Sent]] = {}
    for one in messages.of_notice(conn, [told.id for told in found]):
        sent.setdefault(one.notice_id, []).append(_sent(one))
    return [_listed(one, tuple(sent.get(one.id, ()))) for one in found]


def _sent(one: Message) -> Sent:
    is_done = one.sent_at is not None or one.given_up_at is not None
    return Sent(one.target, one.state, one.sent_at, one.tries, one.error, None if is_done else one.next_at)


def _listed(one: Notice, sent: tuple[Sent, ...]) -> Told:
    return Told(
        one.kind, one.entity, one.message, one.remedy, one.link, one.count, one.times, one.since, one.over_at, sent
    )
