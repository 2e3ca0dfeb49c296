"""Delivers: intents to receive, batches of events, one immediate retry, then by the quarter of an hour (facts 6.4 to 6.7).

Started by `server`, woken by `door` (events), `control` (subscriptions, the clock). One delivery to an app at a time, in
order; the faults of webhooks are played here. Events that come while a delivery runs go into the next one together.
"""

import asyncio
import contextlib
import math
import random
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.faults import Fault
from counterfoil.sandbox.tables import Change, Row
from counterfoil.sandbox.webhooks import payload, subscriptions
from counterfoil.sandbox.webhooks.postman import Postman
from counterfoil.sandbox.world import World

INTENTS: Final = 4
INTENTS_LONG: Final = 8
DELIVERIES_MAX: Final = 1_000
DELAY_DEFAULT_S: Final = 60.0
UNSIGNED_NOT_401: Final = "Response to incorrectly signed payload not 401"
_UNAUTHORISED: Final = 401


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST to an app: `kind` is event, intent, bad intent, forged or duplicate; `problem` empty: as it should be."""

    n: int
    at: str
    client_id: str
    kind: str
    events: int
    first: int
    last: int
    status: int | None
    problem: str


class Sender:
    """Webhooks of one world. `commit` ends a write in memory and in the state file."""

    def __init__(self, world: World, commit: Callable[[], None], api_url: str) -> None:
        self._world = world
        self._commit = commit
        self._api_url = api_url
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._postman = Postman()
        self._sent = 0
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_MAX)

    def note(self, changes: Iterable[Change]) -> None:
        """Make events of what is about to be committed; they become part of the same commit."""
        if subscriptions.raised(self._world, changes, self._api_url):
            self.wake()

    def wake(self) -> None:
        """There may be something to deliver."""
        self._idle.clear()
        self._wake.set()

    async def settled(self, within_s: float) -> bool:
        """Wait until nothing is due any more; whether that came in time."""
        if self._idle.is_set():
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def after(self, n: int) -> list[dict[str, Any]]:
        """The deliveries after number n, oldest first."""
        return [asdict(delivery) for delivery in self.deliveries if delivery.n > n]

    def forget(self) -> None:
        """The world was reset: nothing was ever delivered."""
        self.deliveries.clear()
        self._sent = 0
        self.wake()

    async def run(self) -> None:
        """Begin to deliver; `close` ends it."""
        self._postman.open()
        self._task = asyncio.create_task(self._deliver())

    async def close(self) -> None:
        """End at once; what was not delivered stays stored."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._postman.close()

    async def _deliver(self) -> None:
        while True:
            self._wake.clear()
            subscriptions.forget_old(self._world)
            busy = False
            try:
                for client_id in list(self._world.webhooks.rows):
                    busy = await self._served(client_id) or busy
                    self._commit()
            except OSError:  # the state file's disk: what was delivered just now will be delivered again
                traceback.print_exc(file=sys.stderr)
                busy = False
            if busy:
                continue
            if not self._wake.is_set():
                self._idle.set()
            wait_s = self._until_due_s()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if math.isinf(wait_s) else wait_s)

    def _until_due_s(self) -> float:
        """Seconds until the next thing that waits for its time."""
        due = [
            row["due_ms"] / 1000
            for row in self._world.webhooks
            if row["due_ms"] is not None
            and row["status"] in {subscriptions.OK, subscriptions.RETRY}
            and subscriptions.waiting(self._world, row["client_id"])
        ]
        return max(0.0, min(due) - self._world.clock.seconds()) if due else math.inf

    async def _served(self, client_id: str) -> bool:
        """Do the next thing for this app; whether there was one."""
        row = self._world.webhooks.get(client_id)
        if row is None:
            return False
        if row["status"] == subscriptions.IN_PROGRESS:
            subscriptions.intended(self._world, client_id, row["intent"], await self._intent(row))
            return True
        waiting = subscriptions.waiting(self._world, client_id)[: subscriptions.DELIVERY_EVENTS_MAX]
        is_due = row["due_ms"] is None or row["due_ms"] <= self._world.clock.seconds() * 1000
        if row["status"] not in {subscriptions.OK, subscriptions.RETRY} or not waiting or not is_due:
            return False
        return await self._batch(row, waiting)

    async def _batch(self, row: Row, waiting: list[Row]) -> bool:
        """Deliver these events, hit by a fault or not."""
        client_id = row["client_id"]
        fault = self._world.faults.take_webhook(row["url"], {event["tenant_id"] for event in waiting}, len(waiting))
        match None if fault is None else fault.kind:
            case "webhook_held":
                return False
            case "webhook_dropped":
                subscriptions.delivered(self._world, client_id, waiting)
                return True
            case "webhook_delayed":
                subscriptions.delayed(self._world, client_id, _delay_s(fault))
                return True
            case "webhook_forged":
                await self._forged(row, waiting)
            case "webhook_reordered":
                for event in reversed(waiting):
                    await self._tried(row, [event])
                return True
            case _:
                pass
        is_good = await self._tried(row, waiting)
        if is_good and fault is not None and fault.kind == "webhook_duplicated":
            await self._events(row, waiting, "duplicate")
        return True

    async def _tried(self, row: Row, batch: list[Row]) -> bool:
        """Deliver, once more at once if that fails, and note how it went."""
        problem = await self._events(row, batch, "event")
        if problem:
            problem = await self._events(row, batch, "event")
        if problem:
            subscriptions.failed(self._world, row["client_id"], problem)
        else:
            subscriptions.delivered(self._world, row["client_id"], batch)
        self._commit()
        return not problem

    async def _events(self, row: Row, batch: list[Row], kind: str) -> str:
        first, last = batch[0]["sequence"], batch[-1]["sequence"]
        dice = random.Random(f"{self._world.seed}/{row['client_id']}/{first}")
        body = payload.body([event["event"] for event in batch], first, last, dice)
        status, problem = await self._posted(row["url"], body, payload.signature(row["key"], body))
        self._noted(row, kind, (len(batch), first, last), status, problem)
        return problem

    async def _forged(self, row: Row, batch: list[Row]) -> None:
        """Somebody else's event about a document that is not there, with a signature that is not right."""
        dice = random.Random(f"{self._world.seed}/forged/{batch[0]['id']}")
        event = {**batch[0]["event"], "resourceId": guid_of(f"forged/{dice.random()}")}
        body = payload.body([event], 1, 1, dice)
        signature = payload.almost(payload.signature(row["key"], body), dice)
        status, _ = await self._posted(row["url"], body, signature)
        self._noted(row, "forged", (1, 1, 1), status, "" if status == _UNAUTHORISED else UNSIGNED_NOT_401)

    async def _intent(self, row: Row) -> str:
        """A mixed series of good and almost good signatures; returns what the portal would say, or nothing."""
        dice = random.Random(f"{self._world.seed}/{row['url']}/{self._sent}")
        series = self._series(dice)
        problem = ""
        for is_good in series:
            body = payload.body([], 0, 0, dice)
            right = payload.signature(row["key"], body)
            status, wrong = await self._posted(row["url"], body, right if is_good else payload.almost(right, dice))
            if not is_good and status is not None:
                wrong = "" if status == _UNAUTHORISED else UNSIGNED_NOT_401
            self._noted(row, "intent" if is_good else "bad intent", (0, 0, 0), status, wrong)
            problem = problem or wrong
        return problem

    def _series(self, dice: random.Random) -> list[bool]:
        """Which requests of an intent are signed well: how many there are, in which order, is not known (facts 11.5)."""
        if self._world.unknowns.plays("intent-series", "bad-first"):
            return [False, True]
        is_long = self._world.unknowns.plays("intent-series", "long")
        good = 1 if is_long else dice.choice((1, 2))
        series = [True] * good + [False] * ((INTENTS_LONG if is_long else INTENTS) - good)
        dice.shuffle(series)
        return series

    async def _posted(self, url: str, body: bytes, signature: str) -> tuple[int | None, str]:
        return await self._postman.post(url, body, signature, self._world.unknowns)

    def _noted(self, row: Row, kind: str, span: tuple[int, int, int], status: int | None, problem: str) -> None:
        self._sent += 1
        at = self._world.clock.now().isoformat(timespec="milliseconds")
        self.deliveries.append(Delivery(self._sent, at, row["client_id"], kind, *span, status, problem))


def _delay_s(fault: Fault | None) -> float:
    return DELAY_DEFAULT_S if fault is None or fault.delay_s is None else fault.delay_s
