"""The ledgers that a source's records go into: each read once, when its entity's first record turns up, several at once.

Called by intake. Cost per entity: at most 5 calls for reference data, and 1 per 1,000 documents that changed since the
mirror was caught up last; offline none. A run asks Xero only for entities with a record that needs it (`ask`): until then
what was read within the last hour speaks for them.
"""

import contextlib
import datetime
import zoneinfo
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.app import at_once, needs, watching
from counterfoil.mirror import going_live, reference
from counterfoil.model import time_zones
from counterfoil.model.binding import Binding
from counterfoil.model.checks import days
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding
from counterfoil.posting import kinds
from counterfoil.settings import FlowSettings
from counterfoil.store import documents


class Blocked(msgspec.Struct, frozen=True):
    """Why records cannot be planned now: until "later" (run again) or until a "person" did something."""

    finding: Finding
    until: str
    error: errors.CounterfoilError | None = None


def _blocked(error: errors.CounterfoilError, entity: str) -> Blocked:
    """An error as every record of its entity gets it; each entity's is a problem of its own."""
    finding = Finding(f"{error.code}:{entity}", error.message, error.remedy or "Run again.", "entity", entity)
    waits = isinstance(
        error, errors.RunAgain | errors.NotConnected | errors.NoConsent
    )  # nothing is wrong with the records
    return Blocked(finding, "later" if waits else "person", error)


class Ledgers:
    """What is known of each entity's organisation while one source is read.

    `bindings`: of the entities that turned up. `closed`: the last day of an entity's books that may not move. `notices`:
    what to know of each entity that gets AUTHORISED documents.
    """

    def __init__(
        self, books: Any, flow: FlowSettings, *, offline: bool, trying: bool, credits: bool = False, late: bool = False
    ) -> None:
        """`offline`: no call is made. `trying`: nor is it an error that nothing is known of an organisation yet.

        `credits`: credit notes are caught up too, 1 call more per entity. `late`: Xero is asked with `ask`, not before,
        where what was read last is young enough.
        """
        self._books = books
        self._flow = flow
        self._resources = (*kinds.ORDER, kinds.CREDIT_NOTE.resource) if credits else kinds.ORDER
        self._offline = offline or trying
        self._trying = trying
        self._found: dict[str, Ledger | Blocked] = {}
        self._refreshed: set[str] = set()
        self._late = late
        self.unasked: dict[str, str] = {}  # entities that Xero was not asked about yet, with their tenants
        self.bindings: dict[str, Binding] = {}
        self.closed: dict[str, datetime.date] = {}
        self.notices: dict[str, tuple[str, ...]] = {}

    @property
    def blocked(self) -> dict[str, errors.CounterfoilError]:
        """Entities whose records could not be planned, and why."""
        return {entity: b.error for entity, b in self._found.items() if isinstance(b, Blocked) and b.error is not None}

    async def of(self, entity: str) -> Ledger | Blocked:
        """The ledger of an entity of the configuration. Raises InputError offline, when nothing of it was ever read."""
        found = self._found.get(entity)
        if found is None:
            found = self._found[entity] = await self._first(entity)
        return found

    async def of_all(self, entities: Collection[str]) -> None:
        """Get to know the ledgers of these, at the same time; one that cannot be read is Blocked, and only that. Raises as `of`."""
        await at_once.each([entity for entity in entities if entity not in self._found], self.of)

    def known(self, entity: str) -> Ledger | Blocked:
        """The same, of one that was asked for before."""
        return self._found[entity]

    async def ask(self, entities: Collection[str]) -> None:
        """Ask Xero about entities that were only known from before, all at the same time."""
        for entity in entities:
            del self.unasked[entity]
        self._found |= await at_once.each(entities, self._asked)

    async def _first(self, entity: str) -> Ledger | Blocked:
        if self._late and (last := await self._from_before(entity)) is not None:
            return last
        return await self._asked(entity)

    async def _from_before(self, entity: str) -> Ledger | None:
        """The ledger as it was read last, if nothing speaks against it; no call."""
        try:
            if not await watching.was_seen(self._books, entity):
                return None
            bound = await self._books.binding(entity)
        except errors.Reconnect:  # unbound just now; whoever asks Xero says so, of this entity alone
            return None
        caught_up = await self._books.database.read(
            lambda conn: [documents.cursor(conn, bound.tenant_id, one) for one in self._resources]
        )
        if bound.stopped is not None or not all(one.recovered and one.since for one in caught_up):
            return None
        wire = await reference.kept(self._books.database, bound.tenant_id)
        if wire is None:
            return None
        self.bindings[entity] = bound
        self.unasked[entity] = bound.tenant_id
        return self._made(entity, wire)

    async def _asked(self, entity: str) -> Ledger | Blocked:
        try:
            if not self._trying:  # before anything is asked of Xero
                await needs.check(self._books, self._flow, await self._books.binding(entity))
            if not self._offline:
                await watching.sure_of(self._books, entity)
            client = await self._books.client(entity)
            if client.binding.stopped is not None:
                raise errors.WrongLedger(client.binding.stopped, remedy=f"See `counterfoil entities verify {entity}`.")
            self.bindings[entity] = client.binding
            if not self._offline:
                for resource in self._resources:
                    await self._books.catch_up_safely(client, resource)
            return await self._read(entity, fresh=False)
        except (errors.Reconnect, errors.RunAgain) as error:
            return _blocked(error, entity)
        except errors.InputError as error:
            if not self._trying:
                raise
            return _blocked(error, entity)

    def may_be_stale(self, entity: str) -> bool:
        """Whether its settings were not read afresh for this source yet, and Xero may be asked."""
        return entity not in self._refreshed and entity not in self.unasked

    async def read_afresh(self, entity: str) -> Ledger | Blocked:
        """The ledger with what was added to its settings since they were cached."""
        self._refreshed.add(entity)
        found: Ledger | Blocked
        try:
            found = await self._read(entity, fresh=True)
        except (errors.Reconnect, errors.RunAgain) as error:  # unbound, or Xero away, since it was asked first
            found = _blocked(error, entity)
        self._found[entity] = found
        return found

    async def _read(self, entity: str, *, fresh: bool) -> Ledger:
        client = await self._books.client(entity)
        wire = await reference.load(
            client,
            self._books.database,
            lane=self._books.lane,
            fresh=fresh and not self._offline,
            offline=self._offline,
        )
        if not wire["Organisation"]:
            raise errors.InputError(
                f"Nothing is known yet of {entity}'s organisation.",
                remedy="Leave --offline out once, so that it is read.",
            )
        await self._books.check_fingerprint(client.binding, wire["Organisation"][0])
        return self._made(entity, wire)

    def _made(self, entity: str, wire: Mapping[str, Any]) -> Ledger:
        found = Ledger.from_wire(
            wire["Organisation"][0],
            wire["Accounts"],
            wire["TaxRates"],
            wire["TrackingCategories"],
            wire["Currencies"],
            self._books.settings.entities[entity],
            self._books.settings.entities[entity].mode,
        )
        self.closed.pop(entity, None)  # what was read before may have been opened since
        if (closed := days.closed_through(found)) is not None:
            self.closed[entity] = closed
        return found

    async def notice(self, entity: str) -> None:
        """Learn once per entity what a person should know before approved documents go there."""
        if entity in self.notices or entity in self.unasked:
            return
        self.notices[entity] = ()
        with contextlib.suppress(errors.RunAgain, errors.Reconnect):  # posting meets the same and tells of it
            client = await self._books.client(entity)
            self.notices[entity] = await going_live.notices(client, self._books.database, offline=self._offline)

    def zone(self, ledger: Ledger) -> datetime.tzinfo | None:
        """The organisation's time zone, as the configuration or Xero says; None: Xero's name for it is not known."""
        written = self._books.settings.entities[ledger.entity].timezone
        return zoneinfo.ZoneInfo(written) if written else time_zones.zone(ledger.timezone)
