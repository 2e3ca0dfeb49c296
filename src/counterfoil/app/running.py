"""`run`, `finish` and a scheduled run: finish what is open, plan, post, and say how it ended.

Called by cli/run, cli/finish, app/serving, the library and the demo. Safe to interrupt and repeat at any instant.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec

from counterfoil import errors, flows
from counterfoil.app import acts, at_once, housekeeping, pausing, places, room, saying, taking_back, watching
from counterfoil.app.intake import Intake
from counterfoil.app.places import Note, Reading
from counterfoil.app.reports import RunReport
from counterfoil.app.usage import for_its_flow
from counterfoil.posting import applying, crediting, finishing, planning, undoing
from counterfoil.posting.finishing import TenantWorker
from counterfoil.posting.plans import BATCH, Item, Plan, Writing
from counterfoil.posting.undoing import UndoPlan
from counterfoil.settings import FlowSettings
from counterfoil.sources import Row, jsonl
from counterfoil.store import credited, locks, runs
from counterfoil.store.database import Connection

Progress = Callable[["Stage"], None]
SCHEDULE = "schedule"  # the actor of a run that nobody typed
DISK: Final = "disk"  # among the stops, which otherwise are entities'
P = ParamSpec("P")
T = TypeVar("T")


class Stage(msgspec.Struct):
    """How far a run is; told to the progress bar."""

    name: str  # reading | posting | verifying
    done: int = 0
    total: int = 0
    waiting: str = ""


def _with_fresh_consents(
    work: Callable[Concatenate["Runner", P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Runner", P], Coroutine[Any, Any, T]]:
    """Consents are refreshed beside this work, so that no call waits for it, and no longer than it lasts."""

    @functools.wraps(work)
    async def beside(self: "Runner", /, *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._books.access.background.beside():
            return await work(self, *args, **kwargs)

    return beside


class Runner:
    """Carries out one run of one flow, or `finish` for all."""

    def __init__(self, books: Any, progress: Progress | None = None) -> None:
        self._books = books
        self._database = books.database
        self._progress = progress or (lambda _stage: None)
        self._started = books.clock.elapsed_s()
        self._calls, self._bytes = books.counts()
        self.stops: dict[str, errors.CounterfoilError] = {}
        self._notices: dict[str, tuple[str, ...]] = {}

    @for_its_flow
    @_with_fresh_consents
    async def run(
        self, flow: FlowSettings, source: Path | None, records: Sequence[bytes] | None = None, *,
        remap: bool = False, again: bool = False, approved: Mapping[str, str] | None = None,
    ) -> RunReport:  # fmt: skip
        """One run of a flow from a file, or from records that a program hands over: those are never mapped.

        `remap`: what only the mapping changed is applied. `again`: what was undone is posted anew. `approved`: what a
        person let this run do, for the audit log: {"plan": its hash, "live": how it was said}.

        Raises InputError for records of a flow that adds sales up: only its source's rows say what a day has.
        """
        if records is not None and flow.post == "daily":
            raise errors.InputError(
                f"Flow {flow.table} makes one document per day of its source's rows; records cannot be handed to it.",
                remedy='Write them to its source, or hand them to a flow with post = "each".',
            )
        path = source or (flow.source.path if records is not None else flow.source.file(flow.table))
        run_id = await self._start(flow, "run", "records" if records is not None else path.name, approved)
        await watching.daily(self._books)
        intake = Intake(self._books, flow, flows.kind(flow.kind), late=True)
        plan = await intake.plan(remap=remap, again=again)
        if records is None:
            await self._read(flow, intake, plan, run_id, path)
        elif await self._has_room():
            await self._apply(plan, run_id, await intake.records(records))
        self._take_over(intake, plan)
        await self._finish(None if DISK in self.stops else set(intake.bindings), flow.id)
        self._only_told(flow)
        report = await self._reported(run_id, flow)
        chains = await self._database.read(lambda conn: credited.of_run(conn, run_id))
        await housekeeping.tidy(self._books, most_s=housekeeping.AFTER_A_RUN_S)
        return msgspec.structs.replace(
            report, credits=tuple(map(crediting.left_with_customer, filter(_is_left, chains)))
        )

    @for_its_flow
    async def schedule(self, flow: FlowSettings, reading: Reading) -> tuple[RunReport, set[str]]:
        """Read and plan a flow's source whose time has come; → the run so far, and the entities that it touched.

        Nothing is sent: whoever finishes an entity's postings does that, and `conclude` counts what became of them. A run of
        the same source that was broken off goes on. Raises TurnLost when another process has taken it over.
        """
        path = flow.source.file(flow.table)
        place = await reading.find()
        run_id = place.run if place else await self._start(flow, "schedule", path.name, actor=SCHEDULE)
        intake = Intake(self._books, flow, flows.kind(flow.kind))
        plan = await intake.plan()
        if place is not None:
            await reading.remember(plan, path.name)
        note = reading.noting(run_id, plan, jsonl.total_bytes(path) or 0, lambda: intake.blocked)
        await self._read(flow, intake, plan, run_id, path, note, place.records if place else 0)
        self._take_over(intake, plan)
        return await self._reported(run_id, flow), set(intake.bindings)

    async def _read(
        self, flow: FlowSettings, intake: Intake, plan: Plan, run_id: int, path: Path,
        note: Note = places.nothing, first: int = 0,
    ) -> None:  # fmt: skip
        """Plan all that a source holds, a batch at a time, as long as there is room for it; the `first` records are planned."""
        if not await self._has_room():
            return
        size = jsonl.total_bytes(path) or 0
        planned = first
        async with contextlib.aclosing(intake.batches(path, first)) as batches:
            async for items in batches:
                planned += len(items)
                if items:
                    await self._apply(plan, run_id, items, functools.partial(note, planned, intake.bytes_read))
                else:
                    await asyncio.sleep(0)  # whatever else this process does gets its turn
                self._progress(Stage("reading", intake.bytes_read, size))
                if room.short(self._books) is not None and not await self._has_room():
                    return
        await self._database.run(lambda conn: runs.close_bad_rows(conn, flow.id, path.name, run_id))

    async def _has_room(self) -> bool:
        """Whether something new may be planned; if not, the report says why, and who wants to know is told."""
        short = await room.watch(self._books)
        if short is not None:
            self.stops[DISK] = short
        return short is None

    def _take_over(self, intake: Intake, plan: Plan) -> None:
        """What reading found out goes into the report."""
        self.stops.update(intake.blocked)
        self._notices = dict(intake.notices)
        if plan.remapped:
            self._notices[""] = (_remapped(plan.remapped),)

    async def _reported(self, run_id: int, flow: FlowSettings) -> RunReport:
        counts = await self._database.read(lambda conn: runs.counts(conn, run_id))
        problems = await self._database.read(lambda conn: runs.problem_count(conn, flow.id, run_id))
        return await self._report(run_id, flow.table, sum(counts.values()), counts, problems)

    @for_its_flow
    async def again(self, flow: FlowSettings, rows: Sequence[Row], why: str) -> RunReport:
        """Plan records of a flow that we keep once more, without their file; nothing is sent."""
        run_id = await self._start(flow, "retry", why)
        intake = Intake(self._books, flow, flows.kind(flow.kind))
        plan = await intake.plan()
        for first in range(0, len(rows), BATCH):
            await self._apply(plan, run_id, await intake.rows(rows[first : first + BATCH], first))
        self.stops.update(intake.blocked)
        counts = await self._database.read(lambda conn: runs.counts(conn, run_id))
        problems = await self._database.read(lambda conn: runs.problem_count(conn, flow.id, run_id))
        return await self._report(run_id, flow.table, len(rows), counts, problems)

    @for_its_flow
    async def handed(
        self, flow: FlowSettings, intake: Intake, items: Sequence[Item], source: str,
        done: Callable[[Connection, int, Sequence[Item]], None],
    ) -> RunReport:  # fmt: skip
        """Plan records that a program handed over; nothing is sent. `done` is told of each batch, in its transaction."""
        run_id = await self._start(flow, "records", source)
        plan = await intake.plan()
        for first in range(0, len(items), BATCH):
            batch = items[first : first + BATCH]
            await self._apply(plan, run_id, batch, lambda conn, batch=batch: done(conn, run_id, batch))  # type: ignore[misc]  # bound now
        self._take_over(intake, plan)
        return await self._reported(run_id, flow)

    @_with_fresh_consents
    async def finish(self) -> RunReport:
        """Bring every open posting of all flows to its end."""
        touched = await self._database.read(runs.open_postings)
        run_id = await self._start(None, "finish", "")
        await watching.daily(self._books)
        await self._finish(None)
        counts = await self._database.read(lambda conn: runs.open_counts(conn, touched))
        return await self._report(run_id, None, None, counts, counts["rejected"] + counts["held"])

    @_with_fresh_consents
    async def undo(self, run_id: int) -> tuple[UndoPlan, RunReport]:
        """Take a run back: what can be, is deleted or voided; → what was wanted and how it ended. Safe to repeat."""
        wanted, closed = await taking_back.plan(self._books, run_id)
        undo_id = await self._start(None, "undo", str(run_id), taken_back=wanted)
        await undoing.carry_out(self._database, wanted, undo_id, closed)
        await self._finish({line.entity for line in wanted.lines})
        ids = [line.posting_id for line in wanted.lines if line.action != undoing.KEEP]
        counts = await self._database.read(lambda conn: runs.open_counts(conn, ids))
        return wanted, await self._report(undo_id, None, None, counts, counts["rejected"] + counts["held"])

    async def _start(
        self, flow: FlowSettings | None, command: str, source: str, approved: Mapping[str, str] | None = None,
        taken_back: UndoPlan | None = None, actor: str | None = None,
    ) -> int:  # fmt: skip
        """Begin a run; in the same transaction what a person decided by beginning it goes into the audit log."""
        now, actor = self._books.clock.now(), actor or self._books.actor

        def work(connection: Connection) -> int:
            table, flow_id = (flow.table, flow.id) if flow else (None, None)
            made = runs.start(
                connection, flow=table, flow_id=flow_id, command=command, source=source, actor=actor, now=now
            )
            decided = acts.approved_by(connection, flow, made, approved) if flow and command == "run" else []
            decided += acts.taken_back(made, taken_back) if taken_back else []
            if decided:
                self._books.access.audit.append_all(connection, decided)
            return made

        run_id: int = await self._database.run(work)
        saying.began(run_id, command, flow.table if flow else None)
        return run_id

    async def _apply(
        self, plan: Plan, run_id: int, items: Sequence[Item], note: Callable[[Connection], None] | None = None
    ) -> None:
        def work(connection: Connection) -> None:
            locks.hold_tenants(connection, [binding.tenant_id for binding in plan.bindings.values()])
            planned = planning.decide_batch(connection, plan, items)
            applying.apply_batch(Writing(connection, plan, run_id, self._database.now(connection)), planned)
            if note is not None:
                note(connection)

        await self._database.run(work)

    async def _finish(self, entities: set[str] | None, flow_id: str | None = None) -> None:
        """Finish the tenants of these entities, or of all that have open postings. `flow_id`: of the flow that is run."""
        open_before = await self._database.read(runs.open_by_entity)
        wanted = [entity for entity in open_before if entities is None or entity in entities]
        made = await at_once.each(wanted, self._worker)
        workers = [worker for worker in made.values() if worker is not None]
        self._workers = workers
        self._left = sum(open_before[entity] for entity in wanted)
        self._progress(Stage("posting", 0, self._left))
        self.stops.update(await finishing.finish_all(workers))
        held_back = await pausing.stops(self._books, wanted, flow_id)
        self.stops.update({entity: error for entity, error in held_back.items() if entity not in self.stops})

    async def _worker(self, entity: str) -> TenantWorker | None:
        """Whoever finishes an entity's postings; None: its organisation cannot be reached now, which holds up no other."""
        try:
            worker: TenantWorker = await self._books.worker(entity, self._tell)
        except (errors.Reconnect, errors.RunAgain) as error:
            self.stops[entity] = error
            return None
        return worker

    def _only_told(self, flow: FlowSettings) -> None:
        """That other flows' postings wait for a scope does not stop this one's run: it is said and no more."""
        for entity, error in list(self.stops.items()):
            if isinstance(error, errors.MissingScope) and flow.table not in error.facts.get("flows", (flow.table,)):
                del self.stops[entity]
                self._notices[entity] = (*self._notices.get(entity, ()), str(error))

    def _tell(self, action: str) -> None:
        until = [worker.waiting_until for worker in self._workers if worker.waiting_until is not None]
        waiting = f"waiting until {min(until):%H:%M:%S} UTC" if until and action == "waiting" else ""
        done = sum(worker.finished for worker in self._workers)
        self._progress(Stage("posting", min(done, self._left), self._left, waiting))

    async def _report(
        self, run_id: int, flow: str | None, records: int | None, counts: dict[str, int], problems: int
    ) -> RunReport:
        for entity, error in self.stops.items():
            if isinstance(error, errors.NotConnected):
                self.stops[entity] = await watching.after_403(self._books, entity, error)
        calls, egress = self._books.counts()
        report = RunReport(
            run=run_id, flow=flow, records=records, **counts, problems=problems, api_calls=calls - self._calls,
            egress_bytes=egress - self._bytes, elapsed_s=self._books.clock.elapsed_s() - self._started,
            stops=tuple(f"{entity}: {error}" for entity, error in sorted(self.stops.items())),
            notices=tuple(said for entity in sorted(self._notices) for said in self._notices[entity]),
            credits=(), stop_code=min((error.exit_code for error in self.stops.values()), default=0),
        )  # fmt: skip
        now = self._books.clock.now()
        await self._database.run(lambda conn: runs.end(conn, run_id, now, report.to_json()))
        saying.ended(run_id, counts, problems, self.stops)
        return report


def _is_left(chain: credited.Chain) -> bool:
    return chain.credit is not None and chain.credit.state == "posted" and crediting.left(chain) > 0


def _remapped(count: int) -> str:
    return (
        f"{count:,} posted records would be mapped otherwise now, though their rows are the same; they were left alone. "
        "`run --remap` applies the new mapping; plan it first: `plan --remap`."
    )
