"""Everything that /metrics tells, read at once: our tables, the shared budgets, what this process counted, the runtime.

Called by metrics, which gives it names. Kept for KEPT_S however many ask; what is done is counted every ENDED_S. No call.
"""

import asyncio
import datetime
import platform
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from counterfoil import __version__, errors
from counterfoil.app import feeding, places, usage
from counterfoil.app.feeding import Stands
from counterfoil.app.places import Place
from counterfoil.app.progress import Progress, progress
from counterfoil.app.usage import Usage
from counterfoil.posting import kinds
from counterfoil.runtime import keeping
from counterfoil.service.health import Health
from counterfoil.store import gauges, inbox_counts, schema
from counterfoil.store.gauges import Measured
from counterfoil.store.inbox_counts import Heard
from counterfoil.xero.standings import Standing

KEPT_S: Final = 5.0
ENDED_S: Final = 60.0
READ_S: Final = 10.0
RESOURCES: Final = tuple(kinds.BY_RESOURCE)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One moment. `measured` None: the database does not answer, and nothing is known of what it holds."""

    at: datetime.datetime
    build: dict[str, str]
    measured: Measured | None
    ended: dict[tuple[str, str], int]
    budgets: Mapping[str, Standing]
    usage: tuple[Usage, ...]
    flows: dict[str, str]  # flow id → its table
    answers: dict[str, int]
    refusals: dict[str, int]
    refreshes: dict[str, int]
    unforeseen: dict[str, int]
    health: Health | None
    imports: tuple[Progress, ...] = ()  # what is on its way to Xero
    reading: Mapping[str, Place] = {}  # flow id → how far its source is planned
    heard: Heard | None = None
    feeds: tuple[Stands, ...] = ()  # who is handed changes


class Snapshots:
    """Takes them of one installation."""

    def __init__(self, books: Any, health: Callable[[], Health | None]) -> None:
        self._books = books
        self._health = health
        self._lock = asyncio.Lock()
        self._kept: Snapshot | None = None
        self._until_s = 0.0
        self._ended: dict[tuple[str, str], int] = {}
        self._ended_until_s = 0.0

    async def latest(self) -> Snapshot:
        """The newest one, of KEPT_S ago at most; raises nothing of the database's."""
        async with self._lock:
            clock = self._books.clock
            if self._kept is None or clock.elapsed_s() >= self._until_s:
                self._kept = await self._taken()
                self._until_s = clock.elapsed_s() + KEPT_S
            return self._kept

    async def _taken(self) -> Snapshot:
        books = self._books
        measured: Measured | None = None
        budgets: Mapping[str, Standing] = {}
        drawn: tuple[Usage, ...] = ()
        imports: tuple[Progress, ...] = ()
        reading: Mapping[str, Place] = {}
        heard: Heard | None = None
        fed: tuple[Stands, ...] = ()
        try:
            async with asyncio.timeout(READ_S):
                client_id = books.settings.xero.client_id
                measured = await books.database.read(lambda conn: gauges.measured(conn, client_id, RESOURCES))
                heard = await books.database.read(inbox_counts.heard)
                fed = await feeding.served(books)
                tenants = [one.tenant_id for one in measured.bound]
                budgets = await books.pacer.standings(tenants)
                drawn = tuple(await usage.usage(books, books.clock.now().date()))
                imports, reading = tuple(await progress(books)), await books.database.read(places.everywhere)
                await self._count_ended(tenants)
        except (errors.StoreError, TimeoutError):
            measured = heard = None
        return Snapshot(
            at=books.clock.now(),
            build={"version": __version__, "python": platform.python_version(), "schema": str(schema.SCHEMA_VERSION)},
            measured=measured, ended=dict(self._ended), budgets=budgets, usage=drawn,
            flows={flow.id: flow.table for flow in books.flows.values()},
            answers=dict(books.transport.tally.answers), refusals=dict(books.transport.tally.refusals),
            refreshes=self._refreshes(), unforeseen=dict(keeping.failures), health=self._health(), imports=imports, reading=reading, heard=heard, feeds=fed,
        )  # fmt: skip

    async def _count_ended(self, tenants: list[str]) -> None:
        """What is done, one organisation at a time, so that no writer waits long."""
        if self._books.clock.elapsed_s() < self._ended_until_s:
            return
        found: dict[tuple[str, str], int] = {}
        for tenant in tenants:
            states = await self._books.database.read(lambda conn, tenant=tenant: gauges.ended(conn, tenant, RESOURCES))
            found |= {(tenant, state): count for state, count in states.items()}
        self._ended = found
        self._ended_until_s = self._books.clock.elapsed_s() + ENDED_S

    def _refreshes(self) -> dict[str, int]:
        try:
            return dict(self._books.access.tokens.outcomes)
        except errors.MasterKeyError:
            return {}
