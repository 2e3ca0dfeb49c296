"""The distributed adapter: work of many processes on many machines, over Postgres, by Procrastinate.

Called by app (`serve` and `worker`, when the database is Postgres). A wake-up is a job in a schema of its own beside our
tables; nothing is kept there that the tables do not know. Procrastinate keeps a piece of work (kind, key) from running
twice at once and only reports the jobs of dead workers: each sweep here gives them to somebody else. A worker that was
merely suspended may then run beside its successor; handlers are safe for that (runtime/port).
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import procrastinate
from procrastinate import exceptions, jobs

from counterfoil import errors
from counterfoil.model.lanes import LANES, Lane
from counterfoil.model.ports import Clock
from counterfoil.runtime.port import SWEEP_BOUND_S, Due, Failure, Pace, Work, until

SCHEMA: Final = "counterfoil_jobs"
TASK: Final = "counterfoil"
FIRST: Final = "first"  # the queue of the lanes down to `realtime`
REST: Final = "rest"
FIRST_LANES: Final = frozenset(LANES[: LANES.index("realtime") + 1])
SLOTS: Final = 16
SLOTS_FOR_FIRST: Final = 4
POLL_S: Final = 5.0  # a job whose notification was lost is seen after this
STANDARD: Final = Pace()
DEAD_AFTER: Final = 3  # times `alive_s`
JOBS: Final = "jobs"  # our own kind of work: what each sweep does for the jobs of workers that died


def _as_it_is(work: Work) -> Work:
    """Nobody watches."""
    return work


class Distributed:
    """Implements runtime.port.Runtime. `conninfo`: libpq's, of our database. `told` hears of failures; it must not raise.

    `watched` makes of the work that is our own what its owner makes of every other: what hears of failures hears of their end.
    """

    def __init__(
        self,
        conninfo: str,
        clock: Clock,
        told: Callable[[Failure], None],
        *,
        slots: int = SLOTS,
        pace: Pace = STANDARD,
        watched: Callable[[Work], Work] = _as_it_is,
    ) -> None:
        self._clock = clock
        self._told = told
        self._slots = slots
        self._pace = pace
        self._works: dict[str, Work] = {}
        self._asked = asyncio.Event()  # for a sweep before its time
        connector = procrastinate.PsycopgConnector(
            conninfo=conninfo, kwargs={"options": f"-c search_path={SCHEMA}"}, min_size=1, max_size=8
        )
        self._jobs = procrastinate.App(connector=connector)
        self._jobs.task(name=TASK, pass_context=False)(self._carry_out)
        self.register(watched(Work(JOBS, self._nothing, self._give_away_what_dead_workers_had)))

    def register(self, work: Work) -> None:
        """Make a kind of work known. Raises ValueError for a kind that is known already."""
        if work.kind in self._works:
            raise ValueError(f"{work.kind} is registered already")
        self._works[work.kind] = work

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and make the jobs' tables if there are none. Raises StoreError."""
        try:
            await self._jobs.open_async()
        except exceptions.ConnectorException as cause:
            raise errors.StoreError(
                "The database of the jobs cannot be reached.", remedy="Check [store] url."
            ) from cause
        try:
            await self._make_tables()
            yield
        finally:
            await self._jobs.close_async()

    async def wake(
        self, kind: str, key: str, *, not_before: datetime.datetime | None = None, lane: Lane = "sync"
    ) -> None:
        """Hint that a piece of work is due. Raises KeyError for an unknown kind; the database away is no error."""
        work = self._works[kind]
        with contextlib.suppress(exceptions.ConnectorException):  # a hint that is lost: a sweep finds the work
            await self._want(work, Due(key, not_before, lane))

    def look(self) -> None:
        """Search for work of every kind now."""
        self._asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry work out until `stopping` is set; then finish what is in flight, for at most `grace_s`."""
        first = max(1, min(SLOTS_FOR_FIRST, self._slots - 1))
        tasks = [
            asyncio.create_task(self._sweep_for_ever()),
            asyncio.create_task(self._worker([FIRST], first)),
            asyncio.create_task(self._worker([FIRST, REST], max(1, self._slots - first))),
        ]
        stop = asyncio.create_task(stopping.wait())
        try:
            done, _ = await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                task.result()  # a worker ends by itself only with an error
        finally:
            stop.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _make_tables(self) -> None:
        connector = self._jobs.connector
        if await self._has_tables():
            return
        try:
            await connector.execute_query_async(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            await self._jobs.schema_manager.apply_schema_async()
        except exceptions.ConnectorException as cause:
            if not await self._has_tables():  # another process made them just now
                raise errors.StoreError(
                    "The tables of the jobs cannot be made.", remedy=f"May our user make the schema {SCHEMA}?"
                ) from cause

    async def _has_tables(self) -> bool:
        found = await self._jobs.connector.execute_query_one_async(
            f"SELECT to_regclass('{SCHEMA}.procrastinate_jobs') IS NOT NULL AS there"
        )
        return bool(found["there"])

    async def _worker(self, queues: list[str], slots: int) -> None:
        await self._jobs.run_worker_async(
            queues=queues,
            concurrency=slots,
            install_signal_handlers=False,
            delete_jobs="always",
            fetch_job_polling_interval=min(POLL_S, self._pace.sweep_s),
            shutdown_graceful_timeout=self._pace.grace_s,
            update_heartbeat_interval=self._pace.alive_s,
            stalled_worker_timeout=self._pace.alive_s * DEAD_AFTER,
        )

    async def _want(self, work: Work, due: Due, failures: int = 0) -> None:
        """Put a job down, unless one waits already: one for now, and one for later.

        A piece that failed waits in the place of "now", so that no sweep of any worker has it run before its time.
        """
        piece = f"{work.kind}:{due.key}"
        later = due.not_before is not None and due.not_before > self._clock.now() and not failures
        deferrer = self._jobs.configure_task(
            TASK,
            queue=FIRST if due.lane in FIRST_LANES else REST,
            priority=-LANES.index(due.lane),
            lock=piece,
            queueing_lock=f"{piece}@" if later else piece,
            schedule_at=due.not_before,
        )
        try:
            await deferrer.defer_async(kind=work.kind, key=due.key, lane=due.lane, failures=failures)
        except exceptions.AlreadyEnqueued:
            if failures:
                await self._put_off(piece, due.not_before, failures)

    async def _put_off(self, piece: str, until: datetime.datetime | None, failures: int) -> None:
        """Somebody woke a piece while it failed: the job that waits knows nothing of that, and would run at once."""
        await self._jobs.connector.execute_query_async(
            f"UPDATE {SCHEMA}.procrastinate_jobs SET scheduled_at = %(until)s,"  # noqa: S608 - a name of ours
            " args = jsonb_set(args, '{failures}', to_jsonb(%(failures)s::int))"
            " WHERE queueing_lock = %(piece)s AND status = 'todo'",
            until=until,
            failures=failures,
            piece=piece,
        )

    async def _carry_out(self, kind: str, key: str, lane: Lane, failures: int) -> None:
        work = self._works.get(kind)
        if work is None:
            return  # a newer version's kind of work: its own workers' sweeps bring it back
        try:
            async with asyncio.timeout(work.bound_s):
                again = await work.handle(key)
        except Exception as error:  # noqa: BLE001 - told and tried again; a poison piece must not end the worker
            # A database that goes away is nobody's failure: when it is back, the work must not wait for longer each time.
            count = max(1, failures) if isinstance(error, errors.DatabaseAway) else failures + 1
            at = self._clock.now() + datetime.timedelta(seconds=self._pace.wait_s(count))
            self._told(Failure(kind, key, error, count, at))
            await self._want(work, Due(key, at, lane), count)
            return
        if again is not None:
            await self._want(work, Due(key, again, lane))

    async def _sweep_for_ever(self) -> None:
        while True:
            for work in self._works.values():
                await self._sweep_one(work)
            await until(self._asked, self._clock, self._pace.sweep_s)

    async def _sweep_one(self, work: Work) -> None:
        try:
            async with asyncio.timeout(SWEEP_BOUND_S):
                for due in await work.find():
                    await self._want(work, due)
        except Exception as error:  # noqa: BLE001 - told; one kind's sweep must not end the others'
            at = self._clock.now() + datetime.timedelta(seconds=self._pace.sweep_s)
            self._told(Failure(work.kind, None, _said(error), 1, at))

    async def _nothing(self, _key: str) -> None:
        """There is no piece of our own work beside its sweep."""

    async def _give_away_what_dead_workers_had(self) -> Sequence[Due]:
        manager: Any = self._jobs.job_manager
        silent_s = self._pace.alive_s * DEAD_AFTER
        for job in await manager.get_stalled_jobs(task_name=TASK, seconds_since_heartbeat=silent_s):
            try:
                await manager.retry_job(job)
            except exceptions.ConnectorException:  # another job for the same piece waits: this one is of no use
                await manager.finish_job(job, status=jobs.Status.ABORTED, delete_job=True)
        return ()


def _said(error: Exception) -> Exception:
    """The job engine's own words for every failure of the database are its docstring; what the server said is told instead."""
    if not isinstance(error, exceptions.ConnectorException):
        return error
    told = str(error.__cause__ or "it does not answer").partition("\n")[0]
    return errors.StoreError(
        f"The database of the jobs fails: {told}.", remedy="It is tried again; if it stays so, see [store] url."
    )
