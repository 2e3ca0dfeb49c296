"""Bring every open posting of the tenants to its end: claim the next piece of work from the tables, carry it out, repeat.

Called by app for `run` and `finish`; any number of processes may do it at once. No state lives here that matters: what
is due is read from the tables each time (level-triggered), so that a kill at any instant loses nothing. A tenant that
Xero stops (limit, outage, consent) is left for the next run; the others go on.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.mirror.catching_up import CatchUp
from counterfoil.posting import claiming, kinds, looking_through, recording, recovering, unpaying
from counterfoil.posting.allocated import AllocationLooker
from counterfoil.posting.claiming import Claims, Work
from counterfoil.posting.looking import Looker
from counterfoil.posting.looking_through import PaymentLooker
from counterfoil.posting.rewriting import Rewriter
from counterfoil.posting.rules import LOOK_AGAIN_S, Rules
from counterfoil.posting.sending import Overtaken, Point, Sender
from counterfoil.posting.unpaying import Unpayer
from counterfoil.store import requests
from counterfoil.store.database import Database
from counterfoil.store.requests import Request, Whole
from counterfoil.xero.client import XeroClient

POLL_S = 1.0  # how often waiting work is looked for in the tables: another process may have finished it
UNREACHABLE_MAX = 3  # connections refused in a row before a tenant is left for the next run
LOOK_FAILURES_MAX = 3
EXPIRED_MAX = 3  # fresh tokens in a row that Xero calls expired (two clocks far apart) before a person is told

Progress = Callable[[str], None]


class Waiting(msgspec.Struct, frozen=True):
    """Flows whose postings are left alone, by their ids, and why: what is told when everything else is done."""

    flows: frozenset[str]
    why: errors.CounterfoilError


class TenantWorker:
    """Finishes one tenant's postings, those of flows that wait excepted."""

    def __init__(
        self, database: Database, client: XeroClient, rules: Rules, sender: Sender, looker: Looker, catch_up: CatchUp,
        owner: str, point: Point, progress: Progress, closed: claiming.Hours = claiming.always_open, waiting: Waiting | None = None,
    ) -> None:  # fmt: skip
        """`closed`: which flows may send nothing at an instant; asked before each request."""
        self._database = database
        self._waiting = waiting
        left_alone: frozenset[str] = waiting.flows if waiting else frozenset()
        self._client = client
        self.entity = client.binding.entity
        self._tenant = client.binding.tenant_id
        self._rules = rules
        self._sender = sender
        self._looker = looker
        self._catch_up = catch_up
        self._owner = owner
        self._point = point
        self._progress = progress
        self._closed = closed
        self._claims = Claims(database, client.binding, rules, owner, closed, left_alone)
        self._resting = False
        self._sending: dict[asyncio.Task[None], Request] = {}
        self._rewriter = Rewriter(database, rules, catch_up, owner, left_alone)
        self._unpayer = Unpayer(database, rules, catch_up, owner, left_alone)
        self._payment_looker = PaymentLooker(database, rules, catch_up, owner)
        self._allocation_looker = AllocationLooker(database, rules, catch_up, owner)
        self._unreachable = 0
        self._expired = 0
        self._look_failures = 0
        self.stopped: errors.CounterfoilError | None = None
        self.finished = 0  # elements whose request came to an end here; for the progress bar
        self.waiting_until: datetime.datetime | None = None
        self.next_at: datetime.datetime | None = None

    async def run(self, *, stay: bool = True, rest: asyncio.Event | None = None) -> None:
        """Work until nothing is open or Xero stops us. Interrupted, what is in flight is left to the next run.

        `stay` False: what has to wait is left, and `next_at` says until when. `rest`: once it is set nothing new is begun;
        what has begun is finished, and what only waits for its place in Xero's limits is planned again.
        """
        tasks: set[asyncio.Task[None]] = set()
        resting = asyncio.create_task((rest or asyncio.Event()).wait())
        try:
            while True:
                if resting.done():
                    self._rest()
                wait = await self._fill(tasks)
                if tasks:
                    waits = tasks if self._resting else {*tasks, resting}
                    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                    tasks -= done
                    self._ended(done - {resting})
                elif self._resting or self.stopped is not None or wait is None:
                    if wait is None and self._waiting is not None:  # everything else is done
                        self._stop(self._waiting.why)
                    return
                elif not stay:
                    self.next_at = wait
                    return
                else:
                    await self._pause(wait, resting)
        finally:
            resting.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, resting, return_exceptions=True)

    def _rest(self) -> None:
        """Begin nothing more, and do not wait for what has not begun."""
        if not self._resting:
            self._resting = True
            for task, request in self._sending.items():
                if not self._sender.has_begun(request):
                    task.cancel()

    def _ended(self, done: Iterable[asyncio.Task[Any]]) -> None:
        for task in done:
            self._sending.pop(task, None)
            if not (task.cancelled() and self._resting):
                task.result()

    async def _fill(self, tasks: set[asyncio.Task[None]]) -> datetime.datetime | None:
        """Start as much as slots allow; → when the next waiting work is due, None: nothing is open."""
        while self.stopped is None and not self._resting and len(tasks) < self._rules.slots:
            try:
                work = await self._database.run(self._claims.next)
            except errors.StoreError as error:  # disk full, database gone: what is in flight ends by itself
                self._stop(error)
                break
            if work.action == "closed" and not tasks:
                self._stop(errors.WindowClosed.of_flows(self.entity, work.when))
            if work.action in ("wait", "done", "closed"):
                return work.when
            if work.request is not None:
                self._claims.busy.add(work.request.id)
            task = asyncio.create_task(self._do(work))
            tasks.add(task)
            if work.action == "send" and work.request is not None:
                self._sending[task] = work.request
        return self._database.clock.now()

    async def _pause(self, until: datetime.datetime, resting: asyncio.Task[Any]) -> None:
        self.waiting_until = until
        self._progress("waiting")
        left = (until - self._database.clock.now()).total_seconds()
        sleep = asyncio.create_task(self._database.clock.sleep(min(max(left, 0.05), POLL_S)))
        try:
            await asyncio.wait({sleep, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
        self.waiting_until = None

    async def _do(self, work: Work) -> None:
        try:
            await self._carry_out(work)
        except errors.CounterfoilError as error:
            self._stop(error)
        finally:
            if work.request is not None:
                self._claims.busy.discard(work.request.id)
            self._progress(work.action)

    async def _carry_out(self, work: Work) -> None:
        if work.action == "recover":
            await self._recover(work.resource)
        elif work.action == "look":
            await self._look(work.request)
        elif work.action in ("compare", "unpay"):
            await self._compare(self._compare_open if work.action == "compare" else self._unpayer.delete)
        else:
            assert isinstance(work.request, Whole)
            self._point("after-freeze")
            stop = await self._sender.send(self._client, work.request)
            of_one = b'"InvoiceID"' if recording.is_change(work.request) else b'"Contact'
            self.finished += 0 if stop else work.request.body.count(of_one) or 1
            await self._after_send(stop)

    async def _after_send(self, stop: errors.CounterfoilError | None) -> None:
        if stop is None:
            self._unreachable = self._expired = 0
        elif isinstance(stop, errors.TokenExpired) and self._expired < EXPIRED_MAX:
            self._expired += 1  # the next attempt has it refreshed
        elif isinstance(stop, errors.XeroUnavailable) and stop.is_unreachable and self._unreachable < UNREACHABLE_MAX:
            self._unreachable += 1
            await self._database.clock.sleep(2 ** (self._unreachable - 1))
        elif isinstance(stop, errors.RateLimited) and stop.limit != "day":
            pass  # the pacer has learned from the answer and makes the next attempt wait
        else:
            self._stop(stop)

    async def _look(self, request: Request | None) -> None:
        assert request is not None
        try:
            looker = self._looker_of(request)
            await looker.look(self._client, request)
            self._look_failures = 0
        except (errors.Unclear, errors.XeroUnavailable) as error:
            self._look_failures += 1
            offline = isinstance(error, errors.XeroUnavailable) and error.is_paused
            later = self._database.clock.now() + datetime.timedelta(seconds=LOOK_AGAIN_S)
            values: dict[str, Any] = {"owner": None, "lease_until": None, "not_before": later}
            await self._database.run(lambda conn: requests.change(conn, request, values))
            if offline or self._look_failures >= LOOK_FAILURES_MAX:
                raise
        except Overtaken:
            pass

    def _looker_of(self, request: Request) -> Looker | Rewriter | Unpayer:
        if unpaying.kind_of(request) is not None:
            return self._unpayer
        if recording.is_change(request):
            return self._rewriter
        if request.resource == kinds.ALLOCATION.resource:
            return self._allocation_looker
        return self._payment_looker if request.resource == kinds.PAYMENT.resource else self._looker

    async def _compare_open(self, client: XeroClient) -> None:
        closed = await self._database.read(lambda conn: self._closed(conn, self._database.now(conn)))
        await self._rewriter.compare(client, closed.flow_ids)

    async def _compare(self, changing: Callable[[XeroClient], Awaitable[None]]) -> None:
        """Changes of documents: read them again, then freeze what is to be written."""
        try:
            await changing(self._client)
        finally:
            self._claims.comparing = False

    async def _recover(self, resource: str) -> None:
        """A new or restored database: read the resource once and adopt every mark of ours, before the first create."""
        try:
            if resource == kinds.PAYMENT.resource:
                await looking_through.verify(self._database, self._client, self._catch_up, self._database.clock.now())
                return
            await self._catch_up(self._client, resource, lane="looking")
            await self._database.run(
                lambda conn: recovering.adopt_marked(conn, self._tenant, resource, self._database.now(conn))
            )
        finally:
            self._claims.recovering = False

    def _stop(self, error: errors.CounterfoilError) -> None:
        """The first reason counts; what is in flight ends by itself."""
        if self.stopped is None:
            self.stopped = error


async def finish_all(workers: Iterable[TenantWorker]) -> dict[str, errors.CounterfoilError]:
    """Run the workers side by side; → what stopped which entity. An unforeseen error ends all of them."""
    running = list(workers)
    async with asyncio.TaskGroup() as group:
        for worker in running:
            group.create_task(worker.run())
    return {worker.entity: worker.stopped for worker in running if worker.stopped is not None}
