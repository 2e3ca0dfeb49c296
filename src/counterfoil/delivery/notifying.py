"""Who gets which message now, and when a failed one is tried again.

Called by app after each command, and by the service. Each cause is told once to each target that wants it, and its end
to whoever was told. A message is claimed in the database first, sent without a transaction, then written down: of many
processes one sends it; one that is killed in between leaves a double with the same id.

A target that is down rests before anything else is sent there; a message that only it refuses is tried again by itself.
"""

import asyncio
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.delivery import mail, program, webhook
from counterfoil.delivery import message as messages
from counterfoil.delivery.message import Message
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.settings import NotifySettings, Target
from counterfoil.store import messages as store
from counterfoil.store.database import Connection, Database
from counterfoil.store.messages import OVER, Owed
from counterfoil.store.meta import get_meta

COMMAND_S: Final = 5.0  # the most that a command waits for all targets together
SEND_S: Final = 4.0  # the most that one message takes
BEGIN_S: Final = 0.5  # with less than this left nothing is begun
LEASE: Final = datetime.timedelta(seconds=60)  # longer than a sender that lives may take
ROUND_MAX: Final = 20  # messages to one target in one round
TRIES_MAX: Final = 20  # of one message; with the pauses below that is three days
FIRST_PAUSE: Final = datetime.timedelta(minutes=1)
PAUSE_MAX: Final = datetime.timedelta(hours=6)


class Tried(msgspec.Struct, frozen=True):
    """What became of a test message. `failed`: why; None: the target took it."""

    target: str
    label: str
    failed: str | None


def pause(tries: int) -> datetime.timedelta | None:
    """How long a message rests that failed for the `tries`-th time; None: it is given up."""
    return None if tries >= TRIES_MAX else min(FIRST_PAUSE * 2 ** (tries - 1), PAUSE_MAX)


class Courier:
    """Carries messages to the targets of [[notify]]. `owner`: unique to this process; `folder`: where commands start."""

    def __init__(
        self,
        database: Database,
        tables: Sequence[NotifySettings],
        *,
        owner: str,
        environment: str,
        folder: Path,
        point: Callable[[str], None],
    ) -> None:
        self._database = database
        self._tables = tables
        self._owner = owner
        self._environment = environment
        self._folder = folder
        self._point = point

    async def send_due(self, within_s: float = COMMAND_S) -> int:
        """Send what is due to every target, all at once; → how many were taken.

        Takes `within_s` at most, and our own database's time; what is left is sent by a later call. Raises StoreError.
        """
        clock = self._database.clock
        end_s = clock.elapsed_s() + within_s
        return sum(await asyncio.gather(*(self._round(table, end_s) for table in self._tables)))

    async def _round(self, table: NotifySettings, end_s: float) -> int:
        taken = 0
        for one in (await self._database.read(lambda conn: self._due(conn, table)))[:ROUND_MAX]:
            left_s = end_s - self._database.clock.elapsed_s()
            if left_s < BEGIN_S:
                break
            if not await self._claim(one, table.to):
                continue
            self._point("notice claimed")
            try:
                await self._carry(table.to, await self._written(one), min(SEND_S, left_s))
            except NotDelivered as failure:
                await self._failed(one, table.to, failure)
                if failure.target_is_down:
                    break
                continue
            self._point("notice sent")
            await self._arrived(one, table.to)
            taken += 1
        return taken

    def _due(self, conn: Connection, table: NotifySettings) -> list[Owed]:
        """What the target wants and is to be sent now: nothing while it rests."""
        now = self._database.now(conn)
        owed = store.owed(conn, table.to.key)
        if any(one.before is not None and one.before.target_is_down and one.before.next_at > now for one in owed):
            return []
        return [one for one in owed if _is_due(one, now) and (one.state == OVER or _wanted(table, one, now))]

    async def _claim(self, one: Owed, target: Target) -> bool:
        def claim(conn: Connection) -> bool:
            return store.claim(conn, one, target.key, owner=self._owner, now=self._database.now(conn), lease=LEASE)

        return await self._database.run(claim)

    async def _written(self, one: Owed) -> Message:
        installation = await self._database.read(lambda conn: get_meta(conn, "installation_id"))
        state: messages.State = "over" if one.state == OVER else "standing"
        return messages.of(one.notice, state, installation=installation or "", environment=self._environment)

    async def _arrived(self, one: Owed, target: Target) -> None:
        await self._database.run(lambda conn: store.arrived(conn, one, target.key, now=self._database.now(conn)))

    async def _failed(self, one: Owed, target: Target, failure: NotDelivered) -> None:
        rest = pause((one.before.tries if one.before is not None else 0) + 1)

        def write(conn: Connection) -> None:
            now = self._database.now(conn)
            store.failed(
                conn, one, target.key, owner=self._owner, error=failure.reason, now=now,
                may_have_arrived=failure.may_have_arrived, target_is_down=failure.target_is_down,
                next_at=None if rest is None else now + rest,
            )  # fmt: skip

        await self._database.run(write)

    async def _carry(self, target: Target, message: Message, within_s: float) -> None:
        """Raises NotDelivered."""
        if target.way == "webhook":
            await webhook.send(target, message, at=self._database.clock.now(), within_s=within_s)
        elif target.way == "email":
            await mail.send(target, message, within_s=within_s)
        else:
            await program.send(target, message, folder=self._folder, within_s=within_s)

    async def trial(self, chosen: Sequence[NotifySettings]) -> list[Tried]:
        """Send each of these a message that says that it is a test, all at once; → what became of each, in order.

        To a target that takes it, what failed before is due again: somebody has mended it.
        """
        now = self._database.clock.now()
        installation = await self._database.read(lambda conn: get_meta(conn, "installation_id"))
        message = messages.trial(now, installation=installation or "", environment=self._environment)
        return list(await asyncio.gather(*(self._tried(table.to, message) for table in chosen)))

    async def _tried(self, target: Target, message: Message) -> Tried:
        try:
            await self._carry(target, message, SEND_S)
        except NotDelivered as failure:
            return Tried(target.key, target.label, failure.reason)
        await self._database.run(lambda conn: store.try_again(conn, target.key, self._database.now(conn)))
        return Tried(target.key, target.label, None)


def _is_due(one: Owed, now: datetime.datetime) -> bool:
    return one.before is None or (one.before.next_at <= now and (one.before.lease_until or now) <= now)


def _wanted(table: NotifySettings, one: Owed, now: datetime.datetime) -> bool:
    told = one.notice
    return any(condition.holds(told.kind, since=told.since, count=told.count, now=now) for condition in table.when)
