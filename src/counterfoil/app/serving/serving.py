"""One process of the service, from its start to its stop.

Called by cli/serve and cli/worker. Which runtime carries the work out, the database says: embedded on SQLite, distributed on
Postgres. Works are registered here, and nowhere else.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, Literal

import msgspec

from counterfoil import errors
from counterfoil.app import feeding
from counterfoil.app.serving import (
    balances,
    delivering,
    ear,
    flow_runs,
    handed_records,
    looking_again,
    mirroring,
    open_postings,
    periodic,
    presence,
)
from counterfoil.app.serving.health import TROUBLED, Health, Pulse
from counterfoil.app.serving.reloading import Reloading
from counterfoil.app.serving.shift import Shift, Told
from counterfoil.runtime.embedded import Embedded
from counterfoil.runtime.port import Failure, Pace, Runtime
from counterfoil.settings import Settings
from counterfoil.store import notices
from counterfoil.store.database import Connection

GRACE_S: Final = 7.0  # of the ten seconds in which a stopped service has ended; the door has the rest
SLOTS: Final = 64  # pieces of work at once: a stuck organisation holds one
PACE: Final = Pace(grace_s=GRACE_S)
RESTART_MAX_S: Final = 60.0
LASTED_S: Final = 60.0  # a runtime that worked so long before it broke is begun anew at once
ANSWERS_S: Final = 1.0  # how often a database that went away is asked whether it is back
NOTICE: Final = "service"


class Summary(msgspec.Struct, frozen=True):
    """What a process of the service did. `failures`: pieces of work that failed last time."""

    kind: str
    started: datetime.datetime
    stopped: datetime.datetime
    pieces: int
    failures: int
    api_calls: int
    egress_bytes: int


class Serving:
    """One process of the service. `tell` hears what happens; it must not raise."""

    def __init__(
        self,
        books: Any,
        tell: Callable[[Told], None] = lambda _told: None,
        *,
        kind: Literal["serve", "worker"] = "serve",
        pace: Pace = PACE,
        taken: Callable[[Settings], None] = lambda _settings: None,
    ) -> None:
        """`taken` hears of a configuration that came into force while it ran."""
        self._books = books
        books.lane = "sync"  # nobody waits at a screen
        books.wake = self.wake
        self._kind = kind
        self._pace = pace
        self._pulse = Pulse(books.clock, kind)
        self._shift = Shift(books, self._pulse, tell, plans=kind == "serve")
        self._reloading = Reloading(self._shift, taken)
        self._troubled: set[str] = set()  # pieces of work of which a person was told
        self._telling: set[asyncio.Task[None]] = set()
        self._kinds: frozenset[str] = frozenset()  # of work, once a runtime does them

    def health(self) -> Health:
        """What it knows of itself; asks nobody."""
        return self._pulse.health()

    async def wake(self, kind: str, key: str) -> None:
        """A hint from the door that a piece of work is due. Lost where nobody does that kind, or now: a sweep finds the work."""
        if kind not in self._kinds or self._pulse.stopping:
            return
        if (kind, key) == (feeding.WORK, feeding.EVERYBODY):
            await delivering.wake(self._shift)
        else:
            await self._shift.wake(kind, key, "realtime")

    def _look(self) -> None:
        """A command beside us did something."""
        if self._kinds and not self._pulse.stopping:
            self._shift.runtime.look()

    def reload(self) -> None:
        """Look at the configuration now."""
        self._reloading.asked.set()

    async def run(
        self, stopping: asyncio.Event, beside: contextlib.AbstractAsyncContextManager[Any] | None = None
    ) -> Summary:
        """Work until `stopping` is set; then finish what is in flight, within GRACE_S.

        `beside`: what is open for as long as this works (the door), entered when nobody else serves the database.

        Raises StoreError when the database cannot be used at the start, or another serve works on it already, and
        ConfigurationError when the module of [handlers] cannot be imported.
        """
        books = self._books
        if self._kind == "worker" and books.database.is_sqlite:
            raise errors.ConfigurationError(
                "Workers share the work of a Postgres database; this one is SQLite, where `counterfoil serve` does all of it.",
                remedy="Run `counterfoil serve`, or set [store] url to postgresql://….",
            )
        self._shift.handlers = feeding.load_handlers(books)
        started = books.clock.now()
        service = presence.of_this_process(books, self._kind)
        with presence.only_one(books.database.path if self._kind == "serve" else None):
            await presence.begin(books, service)
            await self._refuse_altered_bindings()
            told = await books.database.read(lambda conn: notices.standing(conn, NOTICE))
            self._troubled = {one.subject for one in told}
            try:
                async with beside or contextlib.nullcontext():
                    beside_it: list[Any] = [presence.keep(books, service), self._reloading.keep()]
                    if self._kind == "serve":
                        beside_it.append(ear.listen(books, self._look))
                    await self._work(stopping, beside_it)
            finally:
                for end in self._shift.at_end:
                    await end()
                await presence.end(books, service)
        calls, egress = books.counts()
        health = self.health()
        return Summary(
            self._kind,
            started,
            books.clock.now(),
            health.done,
            len(health.failures),
            api_calls=calls,
            egress_bytes=egress,
        )

    async def _refuse_altered_bindings(self) -> None:
        for entity, wrong in await self._books.access.bindings.stop_off_the_record():
            self._shift.say("service", entity, f"writes are stopped: {wrong}", bad=True)

    async def _work(self, stopping: asyncio.Event, beside: list[Any]) -> None:
        tasks = [asyncio.create_task(one) for one in (*beside, self._rest_when(stopping))]
        try:
            await self._run_runtimes(stopping)
        finally:
            for task in (*tasks, *self._telling):
                task.cancel()
            await asyncio.gather(*tasks, *self._telling, return_exceptions=True)

    async def _rest_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._pulse.stopping = True
        self._shift.rest.set()
        self._shift.say("service", self._kind, "stops: what is in flight is finished")

    async def _run_runtimes(self, stopping: asyncio.Event) -> None:
        """A runtime that breaks (a database that restarts) is begun anew; at the very start it is refused."""
        broken = 0
        clock = self._books.clock
        while not stopping.is_set():
            began_s = clock.elapsed_s()
            try:
                async with self._opened() as runtime:
                    self._shift.runtime = runtime
                    self._register(runtime)
                    await runtime.run(stopping)
            except Exception as error:
                if not self._pulse.health().sweeps:
                    raise
                broken = 1 if clock.elapsed_s() - began_s > LASTED_S else broken + 1
                wait_s = min(2.0 ** min(broken, 10), RESTART_MAX_S)
                if await self._database_is_away():
                    self._shift.say("service", self._kind, f"begins anew when the database answers: {error}", bad=True)
                    broken = 0
                    wait_s = 0.0
                else:
                    self._shift.say("service", self._kind, f"begins anew in {wait_s:.0f} s: {error}", bad=True)
                await self._rest(stopping, wait_s)
                while not stopping.is_set() and await self._database_is_away():
                    await self._rest(stopping, ANSWERS_S)

    async def _rest(self, stopping: asyncio.Event, seconds: float) -> None:
        """Wait, or until it is to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)

    async def _database_is_away(self) -> bool:
        try:
            await self._books.database.read(lambda conn: notices.standing(conn, NOTICE))
        except errors.StoreError as error:  # of another kind: the works meet the same, and tell of it
            return isinstance(error, errors.DatabaseAway)
        return False

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Runtime]:
        database = self._books.database
        if database.is_sqlite:
            yield Embedded(self._books.clock, self._failed, slots=SLOTS, pace=self._pace)
            return
        from counterfoil.runtime.distributed import Distributed  # with the job engine, which SQLite does not need

        address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        distributed = Distributed(
            address, self._books.clock, self._failed, slots=SLOTS, pace=self._pace,
            watched=lambda work: self._pulse.watched(work, self._succeeded),
        )  # fmt: skip
        async with distributed.opened():
            yield distributed

    def _register(self, runtime: Runtime) -> None:
        shift = self._shift
        works = (
            open_postings.work(shift),
            flow_runs.work(shift),
            handed_records.work(shift),
            mirroring.work(shift),
            balances.work(shift),
            looking_again.work(shift),
            delivering.work(shift),
            *periodic.works(shift),
        )
        for work in works:
            runtime.register(self._pulse.watched(work, self._succeeded))
        self._kinds = frozenset(work.kind for work in works)

    def _failed(self, failure: Failure) -> None:
        """A piece of work failed: it is told, and tried again by the runtime; a person hears of it the third time."""
        piece = self._pulse.failed(failure)
        said = f"failed {piece.failures} times in a row, again at {piece.again_at:%H:%M:%S} UTC: {piece.error}"
        self._shift.say(piece.kind, piece.key or "its search", said, bad=True)
        if piece.failures >= TROUBLED and (name := f"{piece.kind}:{piece.key or ''}") not in self._troubled:
            self._troubled.add(name)
            self._soon(self._notice(name, piece.error))

    def _succeeded(self, name: str) -> None:
        """What a person was told of it is over."""
        if name in self._troubled:
            self._troubled.discard(name)
            self._soon(self._over(name))

    def _soon(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _over(self, subject: str) -> None:
        books = self._books
        with contextlib.suppress(errors.StoreError):  # the notice stands a little longer
            await books.database.run(lambda conn: notices.over(conn, NOTICE, subject, now=books.database.now(conn)))

    async def _notice(self, subject: str, error: str) -> None:
        def work(conn: Connection) -> None:
            notices.tell(
                conn, NOTICE, subject, message=f"The service's work {subject} fails again and again: {error}",
                remedy="It is tried again by itself, later each time; `counterfoil doctor` looks for causes.",
                now=self._books.database.now(conn),
            )  # fmt: skip

        with contextlib.suppress(errors.StoreError):  # then that is what fails, and it is told on the screen
            await self._books.database.run(work)
