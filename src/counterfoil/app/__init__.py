"""The composition root: builds everything once from settings, and holds the operations that cli/ and programs call.

Called by cli/, the library (`counterfoil.open_books`) and tests. May import everything but cli/ and the sandbox; never
the HTTP library or a database driver. The only place that knows every layer. Operations answer plain values of
app/reports and app/telling; they raise the errors of counterfoil.errors and nothing else.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil import errors, settings
from counterfoil.access import actors
from counterfoil.access.bindings import load as load_binding
from counterfoil.app import (
    budgets,
    compiling,
    environments,
    fixes_kept,
    fixing,
    links,
    previewing,
    proving,
    running,
    standing,
    taking_back,
    telling,
    troubles,
    vouching,
    watching,
    wishes,
    workers,
)
from counterfoil.app.access import Access
from counterfoil.app.notifying import Notifying
from counterfoil.app.nudging import Nudging
from counterfoil.app.own_answers import OwnAnswers
from counterfoil.app.privacy import reopening
from counterfoil.app.reports import Listed, PlanReport, Problem, Proof, RunReport
from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model import spelling
from counterfoil.model.actor import Actor
from counterfoil.model.binding import Binding
from counterfoil.model.lanes import Lane
from counterfoil.model.ports import Clock
from counterfoil.posting import identity, recovering, sending
from counterfoil.posting.finishing import TenantWorker
from counterfoil.posting.rules import Rules
from counterfoil.posting.sentinel import Sentinel
from counterfoil.posting.undoing import UndoPlan
from counterfoil.runtime.clock import SystemClock
from counterfoil.settings import FlowSettings, Settings
from counterfoil.store import grants, runs
from counterfoil.store.database import Database
from counterfoil.store.fixes import Stored
from counterfoil.store.grants import Connected
from counterfoil.xero.client import XeroClient
from counterfoil.xero.metering import Meter
from counterfoil.xero.transport import Transport

if TYPE_CHECKING:
    from counterfoil.app import matching_contacts


class Books:
    """One installation: its configuration, database, consents and ledgers. Use `open_books`."""

    def __init__(
        self, loaded: Settings, clock: Clock, point: Callable[[str], None], actor: Actor | None = None, *,
        alone: bool = False,
    ) -> None:  # fmt: skip
        self.settings = loaded
        self.clock = clock
        compiled = compiling.compiled(loaded)
        self.flows, self.mapped, self.timetables = compiled.flows, compiled.mapped, compiled.timetables
        self.feeds = compiled.feeds
        self.actor = str(actor or actors.of_this_process())
        self.lane: Lane = "interactive"  # of what a command reads: a person waits for it; `serve` has its own
        self.sees: Callable[[str | None], bool] = lambda _entity: True  # whose records whoever acts is shown
        self.owner = sending.owner_name()
        self.point = point
        self.database = Database(loaded.store.url, clock, alone=alone)
        self._nudging = Nudging(self.database, clock)
        self.wake: Callable[[str, str], Awaitable[None]] = self._nudging.wake  # a hint that work is due
        self.rules = Rules(
            **msgspec.structs.asdict(loaded.posting), public_url=loaded.service.public_url, modes=loaded.modes
        )  # fmt: skip
        xero = loaded.xero
        self.transport = Transport(
            clock, api_url=xero.api_url, identity_url=xero.identity_url, login_url=xero.login_url,
            meter=Meter(self.database),
        )  # fmt: skip
        self.pacer = budgets.pacer(loaded, clock, self.database)
        self.catch_up = CatchUp(self.database, identity.find_marker)
        path = self.database.path
        beside = path.with_name(path.name + ".sentinel") if path else loaded.path.with_suffix(".sentinel")
        self.sentinel = Sentinel(None if self.database.is_sqlite and path is None else beside, path)
        self.restored = False
        self.seen: set[str] = set()  # entities whose organisation was looked at since this process began
        self._short_codes: dict[str, str] = {}  # of the bound organisations, for links
        self._clients: dict[str, XeroClient] = {}
        self.notifying = Notifying(self)
        self.own_answers = OwnAnswers(self)
        self.access = Access(loaded, clock, self.database, self.transport, self.pacer, self.actor, self.owner)

    # ---- opening and closing

    async def open(self) -> None:
        """Open the database; notice a new or restored one; refuse another environment's, and a copy."""
        await self.database.open()
        await environments.check(self)
        self.restored = await recovering.check(self.database, self.sentinel, self.rules)
        await reopening.again(self)

    async def close(self) -> None:
        """Close connections and the database."""
        await self._nudging.close()
        await self.pacer.close()
        await self.transport.close()
        await self.database.close()

    # ---- parts that operations use

    def flow(self, name: str) -> FlowSettings:
        """A flow by its table's name. Raises ConfigurationError with the nearest one."""
        found = self.flows.get(name)
        if found is None:
            raise errors.ConfigurationError(f"There is no flow {name!r}.", remedy=spelling.suggestion(name, self.flows))
        return found

    async def flow_to_run(self, name: str) -> FlowSettings:
        """The same, for reading its records: a table without id that was renamed would make all of them new.

        Raises ConfigurationError with the line to write.
        """
        flow = self.flow(name)
        known = await self.database.read(runs.flow_ids)
        gone = sorted(known - {one.id for one in self.flows.values()})
        if flow.id_is_written or flow.id in known or not gone:
            return flow
        raise errors.ConfigurationError(
            f"[flows.{flow.table}] has no id and never ran here, and flow {gone[0]!r} is no longer in the configuration.",
            remedy=f'Was it renamed? Write id = "{gone[0]}" into [flows.{flow.table}]; a new flow gets id = "{flow.id}".',
        )

    def flow_name(self, flow_id: str) -> str:
        """The table's name of a flow id; the id itself when the table is gone."""
        return next((flow.table for flow in self.flows.values() if flow.id == flow_id), flow_id)

    async def binding(self, entity: str) -> Binding:
        """The binding of an entity. Raises NoBinding."""
        return await load_binding(self.database, entity)

    async def client(self, entity: str) -> XeroClient:
        """The client of an entity's organisation, as it is bound now. Raises NoBinding, WrongLedger."""
        bound, client = await self.binding(entity), self._clients.get(entity)
        if client is None or client.binding != bound:  # another command bound it anew, or somebody else consented
            client = self._clients[entity] = await self._client(bound)
        return client

    async def _client(self, bound: Binding) -> XeroClient:
        return await budgets.client(self, bound)

    async def check_fingerprint(self, binding: Binding, organisation: Mapping[str, Any]) -> None:
        """Look whether the organisation is still the one that was bound; it costs nothing, each run reads it anyway.

        Raises WrongLedger, after stopping the entity's writes, when its id, currency or country differ. Another name is told.
        """
        await watching.check(self, binding, organisation)

    async def catch_up_safely(self, client: XeroClient, resource: str) -> None:
        """Catch the mirror up; in a restored database not before what may still run at Xero has ended."""
        await recovering.catch_up_safely(self.database, client, self.catch_up, resource, lane=self.lane)

    async def worker(self, entity: str, progress: Callable[[str], None], usual: Lane = "interactive") -> TenantWorker:
        """A worker that finishes the entity's postings, after a look at the organisation if it may have changed.

        `usual`: its calls' lane where no flow with something open asks for one.
        Those of flows that the consent does not cover wait. Raises WrongLedger when it is another one now, NotConnected when
        it was disconnected, MissingScope when the consent covers no flow that has something open.
        """
        return await workers.of(self, entity, progress, usual)

    def counts(self) -> tuple[int, int]:
        """Calls made and bytes received from Xero so far."""
        found = self.transport.counts.values()
        return sum(count.calls for count in found), sum(count.bytes_in for count in found)

    def document_url(self, entity: str, resource: str, document_id: str) -> str:
        """A link to a document that a person can open: Xero's own page, or the sandbox's."""
        binding = self._clients[entity].binding if entity in self._clients else None
        code = self._short_codes.get(entity) or (binding.fingerprint.short_code if binding else "")
        return links.document(self.settings, resource, code, document_id)

    async def learn_short_codes(self) -> None:
        """Look up what links to Xero's pages are made of; no call."""
        codes = {}
        for entity in self.settings.entities:
            with contextlib.suppress(errors.NoBinding):
                codes[entity] = (await self.binding(entity)).fingerprint.short_code
        self._short_codes = codes

    async def known_connections(self) -> list[Connected]:
        """What our consents reach, as last seen; no call."""
        return await self.database.read(grants.connections)

    # ---- operations

    async def run(
        self, flow: str, source: Path | None = None, *, records: Sequence[Any] | None = None,
        progress: Callable[[running.Stage], None] | None = None, remap: bool = False, again: bool = False,
        approved: Mapping[str, str] | None = None,
    ) -> RunReport:  # fmt: skip
        """Run a flow from its source, from another file, or from records that a program hands over (dicts or JSON).

        `remap`: what only a changed mapping made different is applied too. `again`: what was undone is posted anew.
        `approved`: what a person let this run do, for the audit log, such as {"plan": its hash}.
        """
        given = None
        if records is not None:
            given = [one if isinstance(one, bytes) else msgspec.json.encode(one) for one in records]
        runner = running.Runner(self, progress)
        return await runner.run(
            await self.flow_to_run(flow), source, given, remap=remap, again=again, approved=approved
        )

    async def undo_plan(self, run: int) -> UndoPlan:
        """What taking a run back would do; writes nothing. Raises NotFound."""
        return (await taking_back.plan(self, run))[0]

    async def undo(
        self, run: int, progress: Callable[[running.Stage], None] | None = None
    ) -> tuple[UndoPlan, RunReport]:
        """Take a run back; → what was wanted, and how it ended. Safe to interrupt and repeat. Raises NotFound."""
        return await running.Runner(self, progress).undo(run)

    async def finish(self, progress: Callable[[running.Stage], None] | None = None) -> RunReport:
        """Bring every open posting to its end."""
        return await running.Runner(self, progress).finish()

    async def plan(
        self, flow: str, source: Path | None = None, *, offline: bool = False, remap: bool = False, again: bool = False
    ) -> PlanReport:
        """What a run would do; writes nothing to Xero."""
        found = await self.flow_to_run(flow)
        return await previewing.preview(self, found, source, offline=offline, remap=remap, again=again)

    async def prove(self, flow: str) -> Proof:
        """Source, postings and Xero side by side."""
        return await proving.prove(self, self.flow(flow))

    async def postings(self, *, state: str | None = None, flow: str | None = None, most: int = 200) -> list[Listed]:
        """Postings, newest first."""
        await self.learn_short_codes()
        return await telling.list_postings(self, state=state, flow=flow, most=most)

    async def story(self, posting_id: int) -> telling.Story:
        """All that is known of one posting. Raises NotFound."""
        await self.learn_short_codes()
        return await telling.story(self, posting_id)

    async def why(self, clue: str) -> list[telling.Story]:
        """The stories that a number, an id, a mark or a link names. Raises NotFound."""
        await self.learn_short_codes()
        return await telling.why(self, clue)

    async def problems(self) -> list[Problem]:
        """What needs a person, money first."""
        await self.learn_short_codes()
        return await troubles.all_problems(self)

    async def problem(self, n: int) -> Problem:
        """One problem. Raises NotFound."""
        await self.learn_short_codes()
        return await troubles.one_problem(self, n)

    async def retry(self, n: int) -> int:
        """Plan a problem's records again; → how many."""
        return await troubles.retry(self, n)

    async def skip(self, n: int, because: str, *, only: str | None = None) -> int:
        """Take a problem's records off the list; → how many."""
        return await troubles.skip(self, n, because, only=only)

    async def vouch(self, n: int, because: str, document: str, *, only: str | None = None) -> vouching.Vouched:
        """Let a document of Xero's stand for a problem's record: it is proven as such, and never posted."""
        return await vouching.vouch(self, n, because, document, only)

    async def fix(self, n: int, wish: wishes.Wish) -> wishes.FixReport:
        """Correct a problem's records and all like them, when that cures them; nothing is sent."""
        return await fixing.fix(self, n, wish)

    async def fixes(self) -> list[dict[str, Any]]:
        """Every fix, newest first."""
        return await fixes_kept.listed(self)

    async def unfix(self, fix_id: int) -> tuple[Stored, int]:
        """Undo a fix; → it, and how many records not yet sent were planned again without it."""
        return await fixes_kept.unfix(self, fix_id)

    async def match_contacts(
        self, flow: str, source: Path | None = None, *, everyone: bool = False
    ) -> "matching_contacts.Review":
        """Who of a flow's customers is probably who in Xero; writes nothing."""
        from counterfoil.app import matching_contacts  # with its library, which nothing else needs

        return await matching_contacts.review(self, self.flow(flow), source, everyone=everyone)

    async def apply_contacts(
        self, flow: str, file: str, rows: "Sequence[matching_contacts.Row]"
    ) -> "matching_contacts.Applied":
        """Keep what a person decided about customers; the next plan asks it first."""
        from counterfoil.app import matching_contacts

        self.flow(flow)
        return await matching_contacts.apply(self, file, rows)

    async def runs(self, most: int = 50) -> list[runs.Run]:
        """The newest runs first."""
        return await self.database.read(lambda conn: runs.latest(conn, most))

    async def standing(self) -> standing.Standing:
        """Where things stand. Once a day it looks whether the organisations are still there."""
        await watching.daily(self)
        return await standing.standing(self)


@contextlib.asynccontextmanager
async def open_books(
    path: Path | str = "counterfoil.toml", env: str | None = None, *, clock: Clock | None = None,
    point: Callable[[str], None] = sending.no_point, actor: Actor | None = None, alone: bool = False,
) -> AsyncIterator[Books]:  # fmt: skip
    """Open an installation by its configuration file. Raises ConfigurationError, StoreError.

    `actor`: who acts, in the audit log and beside runs and fixes; None: the user of this process. `alone`: nothing else
    runs on this event loop, so that it may wait for the disk (store/database).

    Example:
        async with open_books("counterfoil.toml") as books:
            report = await books.run("shop")
    """
    loaded = settings.load(Path(path), env)
    settings.refuse_shared(loaded)
    books = Books(loaded, clock or SystemClock(), point, actor, alone=alone)
    try:
        await books.open()
        yield books
    finally:
        await books.close()


async def adopt_copy(
    path: Path | str, env: str | None, *, moved: bool, clock: Clock | None = None
) -> environments.Adopted:
    """Make a copied database this environment's own, as app/environments says."""
    loaded = settings.load(Path(path), env)
    settings.refuse_shared(loaded)
    return await environments.adopt(Books(loaded, clock or SystemClock(), sending.no_point), moved=moved)
