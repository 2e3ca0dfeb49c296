"""A flow runs when its time has come: its source is read and planned; sending is left to the work on open postings.

Called by serving as the work "flow"; one piece is one flow. A turn is claimed in the tables, so that missed runs happen once, over
any number of processes; a process that dies leaves a lease behind, and whoever finds it over reads the source again, which
goes on where the first one was (app/places). Calls: as app/ledgers says, and none for a source that is as it was.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app import places, timetables
from counterfoil.app.places import Reading, TurnLost
from counterfoil.app.running import DISK, Runner, Stage
from counterfoil.app.serving import concluding, source_look
from counterfoil.app.serving.health import Read, Scheduled
from counterfoil.app.serving.shift import Shift
from counterfoil.app.serving.source_look import Look
from counterfoil.app.timetables import Timetable
from counterfoil.model.lanes import Lane
from counterfoil.runtime import keeping
from counterfoil.runtime import schedules as times
from counterfoil.runtime.port import Due, Work
from counterfoil.settings import FlowSettings, Settings
from counterfoil.store import notices, schedules, waits
from counterfoil.store.database import Connection
from counterfoil.store.schedules import Turn

KIND: Final = "flow"
BOUND_S: Final = 6 * 3_600.0  # for the largest source; killed or cut off, it goes on there
LEASE: Final = datetime.timedelta(seconds=60)
RENEW_S: Final = 15.0
GROWING_S: Final = 5.0  # a file that is being written is looked at again after this
GROWING_MAX: Final = datetime.timedelta(minutes=10)  # then a person is told
AGAIN_S: Final = 60.0  # after a run that could not be finished; doubled with each in a row
AGAIN_MAX_S: Final = 3_600.0
PERSON_S: Final = 900.0
USUAL: Final[Lane] = "sync"
NOTICE: Final = "schedule"
CHANGED: Final = "the configuration changed while it read; it is read again by the new one"


def work(shift: Shift) -> Work:
    """The work "flow"."""
    runs = FlowRuns(shift)
    return Work(KIND, runs.handle, runs.find, bound_s=BOUND_S)


class _Stopping(Exception):
    """The process is asked to stop while a source is read, or another configuration came into force."""


class FlowRuns:
    """Runs flows by their timetables."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books
        self._growing: dict[str, datetime.datetime] = {}  # since when a flow's source is being written

    async def find(self) -> Sequence[Due]:
        """Every flow with a schedule, and when it is due."""
        if not self._shift.plans:
            return ()
        shown = await overview(self._books)
        self._shift.pulse.schedules = tuple(shown)
        return [Due(one.flow_id, one.next, one.lane) for one in shown if one.next is not None]

    async def handle(self, flow_id: str) -> datetime.datetime | None:
        """Run a flow if it is due and may; → when to come again."""
        found = _flow(self._books, flow_id)
        if found is None or found[1].text is None:
            return None
        began_with = self._books.settings
        flow, timetable = found
        turn, due = await self._due(timetable)
        now = self._shift.now()
        if due is None or due > now:
            return due
        looked = await self._look(flow, turn)
        if looked.growing:
            await self._grows(flow, now)
            return now + datetime.timedelta(seconds=GROWING_S)
        self._growing.pop(flow_id, None)
        if not await self._claimed(turn):
            return None  # another process has it; the sweep sees when it is due again
        if looked.same and turn.again_at is None and turn.owner is None:
            await self._end(flow, {"source": looked.seen.text() if looked.seen else None, "failures": 0})
        else:
            await self._run(flow, turn, looked, began_with)
        found = _flow(self._books, flow_id)  # another one, where the configuration changed
        return None if found is None or found[1].text is None else (await self._due(found[1]))[1]

    async def _due(self, timetable: Timetable) -> tuple[Turn, datetime.datetime | None]:
        """A flow's turn, and when it is due; None: its clock is not known."""
        assert timetable.text is not None, "it has a schedule"
        text = timetable.text

        def work(conn: Connection) -> tuple[Turn, str | None]:
            turn = schedules.know(conn, timetable.flow_id, text, self._books.database.now(conn))
            return turn, timetables.zone_of(conn, timetable)

        turn, zone = await self._books.database.run(work)
        if zone is None and timetable.needs_zone:
            return turn, None
        return turn, due_at(timetable, turn, zone or timetables.UTC, self._shift.now())

    async def _look(self, flow: FlowSettings, turn: Turn) -> Look:
        settings = source_look.settings_of(flow, self._books.settings.entities)
        return await source_look.look(self._books.clock, flow.source.path, settings, turn.source)

    async def _claimed(self, turn: Turn) -> bool:
        def work(conn: Connection) -> bool:
            now = self._books.database.now(conn)
            return schedules.claim(conn, turn, self._books.owner, now, now + LEASE)

        claimed: bool = await self._books.database.run(work)
        return claimed

    async def _run(self, flow: FlowSettings, turn: Turn, looked: Look, began_with: Settings) -> None:
        """Read and plan; whatever happens, the turn is given back with how it ended."""
        self._shift.say(KIND, flow.table, f"reads {flow.source.path.name}")

        def go_on(_stage: Stage) -> None:
            """Asked between two batches: what was planned until now stays planned."""
            if self._shift.rest.is_set() or self._books.settings != began_with:
                raise _Stopping

        runner = Runner(self._books, go_on)
        try:
            async with self._leased(flow.id):
                report, entities = await runner.schedule(flow, self._reading(flow, looked))
        except TurnLost:
            self._shift.say(KIND, flow.table, "another process has taken it over")
            return
        except (errors.RunAgain, errors.Reconnect, errors.FixInput) as error:
            await self._failed(flow, turn, str(error))
            return
        except errors.Stop as error:
            await self._failed(flow, turn, str(error))
            raise
        except _Stopping:
            await self._broken_off(flow)
            return
        except Exception as error:
            if self._books.settings != began_with:  # an entity or a flow that it asked for may be gone
                self._shift.say(
                    KIND, flow.table, f"broken off by a changed configuration: {type(error).__name__}: {error}"
                )
                await self._broken_off(flow)
                return
            await self._failed(flow, turn, f"{type(error).__name__}: {error}")
            raise
        for entity in entities:
            await self._books.database.run(lambda conn, entity=entity: waits.forget(conn, "postings", entity))
            await self._shift.wake("postings", entity, flow.lane or USUAL)
        said = f"{report.records:,} records, {report.planned:,} to be sent, problems: {report.problems:,}"
        values: dict[str, Any] = {"said": said, "run_id": report.run}
        if DISK not in runner.stops:
            values["reading"] = None
        if report.stops:
            await self._failed(flow, turn, "; ".join(report.stops), values)
            return
        whole = looked.seen is not None and source_look.is_still(flow.source.path, looked.seen)
        values["source"] = looked.seen.text() if whole and looked.seen is not None else None
        await self._end(flow, values | {"failures": 0}, over=True)
        self._shift.say(KIND, flow.table, said)
        if not report.planned:
            await concluding.conclude(self._books)

    async def _grows(self, flow: FlowSettings, now: datetime.datetime) -> None:
        """Its source is being written: said once, and told to a person when it never rests."""
        since = self._growing.setdefault(flow.id, now)
        said = f"{flow.source.path.name} is being written: it is read when it rests"
        if since == now:
            self._shift.say(KIND, flow.table, said)
        if now - since >= GROWING_MAX:

            def tell(conn: Connection) -> None:
                notices.tell(
                    conn, NOTICE, flow.id, message=f"The scheduled run of {flow.table} waits: {said}.",
                    remedy="Write to another file and rename it when it is whole.", now=now, entity=flow.entity,
                    since=since,
                )  # fmt: skip

            await self._books.database.run(tell)

    async def _broken_off(self, flow: FlowSettings) -> None:
        """It goes on where it was after a restart; a new configuration reads anew from the beginning, which plans nothing twice."""
        stopped = self._shift.rest.is_set()
        said = "stopped while it read; it goes on from there at the next start" if stopped else CHANGED
        await self._end(flow, {"said": said, "again_at": self._shift.now(), "source": None})

    def _reading(self, flow: FlowSettings, looked: Look) -> Reading:
        seen = looked.seen
        source = None if seen is None else places.source(seen.digest, seen.settings)
        return Reading(self._books.database, self._books.owner, flow.id, source)

    async def _failed(self, flow: FlowSettings, turn: Turn, said: str, values: dict[str, Any] | None = None) -> None:
        """It is tried again before its next time, later each time; from the third time on a person is told."""
        failures = turn.failures + 1
        wait_s = min(AGAIN_S * 2.0 ** min(failures - 1, 30), AGAIN_MAX_S)
        again = self._shift.now() + datetime.timedelta(seconds=wait_s)
        ended = (values or {}) | {"said": said, "failures": failures, "again_at": again, "source": None}
        await self._end(flow, ended, tell=said)
        self._shift.say(KIND, flow.table, f"tried again at {again:%H:%M:%S} UTC: {said}", bad=True)

    async def _end(
        self, flow: FlowSettings, values: dict[str, Any], *, tell: str | None = None, over: bool = False
    ) -> None:
        """Give the turn back; `tell`: what a person has to know, `over`: no more."""

        def work(conn: Connection) -> None:
            now = self._books.database.now(conn)
            schedules.end(conn, flow.id, self._books.owner, values | {"ended_at": now})
            if tell is not None:
                notices.tell(
                    conn, NOTICE, flow.id, message=f"The scheduled run of {flow.table} did not come to its end: {tell}",
                    remedy=f"It is tried again by itself; `counterfoil run {flow.table}` shows more.", now=now,
                    entity=flow.entity,
                )  # fmt: skip
            elif over:
                notices.over(conn, NOTICE, flow.id, now=now)

        await self._books.database.run(work)

    @contextlib.asynccontextmanager
    async def _leased(self, flow_id: str) -> AsyncIterator[None]:
        """Our turn is renewed for as long as the block lasts."""
        database, owner = self._books.database, self._books.owner

        async def renew() -> None:
            with contextlib.suppress(errors.StoreError):  # the lease has time for three more tries
                await database.run(lambda conn: schedules.renew(conn, flow_id, owner, database.now(conn) + LEASE))

        task = asyncio.create_task(keeping.keep("the lease of a flow", self._books.clock, RENEW_S, renew))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def due_at(timetable: Timetable, turn: Turn, zone: str, now: datetime.datetime) -> datetime.datetime:
    """When a flow's turn comes: its schedule's next time, or earlier what was left unfinished; never outside its window."""
    if turn.owner is not None:
        at = turn.lease_until or now
    else:
        schedule = timetable.schedule(zone)
        assert schedule is not None, "it has a schedule"
        if turn.last_at is not None and turn.last_at > now:
            at = now  # the clock was put back: what it missed meanwhile nobody can say
        elif turn.last_at is None:
            at = turn.known_at if isinstance(schedule, times.Every) else times.next_after(schedule, turn.known_at)
        elif isinstance(schedule, times.Every):
            at = times.next_after(schedule, turn.last_at)
        else:
            at = times.next_after(schedule, max(turn.last_at, turn.known_at))
        if turn.again_at is not None:
            at = min(at, turn.again_at)
    window = timetable.opening(zone)
    return at if window is None else window.opens_at(max(at, now))


def _flow(books: Any, flow_id: str) -> tuple[FlowSettings, Timetable] | None:
    """A flow and its timetable by its id; None: the configuration has it no more."""
    for table, flow in books.flows.items():
        if flow.id == flow_id:
            return flow, books.timetables[table]
    return None


async def overview(books: Any) -> list[Scheduled]:
    """Every flow with a schedule: when it ran and when it will; writes nothing."""

    def look(conn: Connection) -> tuple[dict[str, Turn], dict[str, str | None]]:
        zones = {table: timetables.zone_of(conn, one) for table, one in books.timetables.items() if one.text}
        return schedules.everything(conn), zones

    turns, zones = await books.database.read(look)
    now = books.clock.now()
    return [
        _scheduled(books.timetables[table], turns.get(books.timetables[table].flow_id), zones[table], now)
        for table in zones
    ]


def _scheduled(one: Timetable, turn: Turn | None, zone: str | None, now: datetime.datetime) -> Scheduled:
    assert one.text is not None, "chosen by it"
    known = turn if turn is not None and turn.schedule == one.text else None
    counted = known or _new(one, one.text, turn, now)
    why = str(timetables.unknown_zone(one)) if zone is None and one.needs_zone else None
    return Scheduled(
        flow=one.table, flow_id=one.flow_id, schedule=one.text, zone=zone, window=one.window, lane=one.lane or USUAL,
        last=turn.last_at if turn else None, running=turn is not None and turn.owner is not None,
        next=None if why else due_at(one, counted, zone or timetables.UTC, now),
        said=turn.said if turn else None, why=why, reading=Read.of(turn) if turn else None,
    )  # fmt: skip


def _new(one: Timetable, text: str, turn: Turn | None, now: datetime.datetime) -> Turn:
    """A schedule that nobody has written down yet, as it will be."""
    if turn is not None:
        return msgspec.structs.replace(turn, schedule=text, known_at=now)
    return Turn(one.flow_id, text, now, None, None, None, None, 0, None, None, None, None)
