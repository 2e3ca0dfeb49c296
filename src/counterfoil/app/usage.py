"""What Xero was called for and what it sent, as the meter kept it, in the user's words: entities and flows by their names.

Called by costs, standing and, for /metrics, the service. No call to Xero.
"""

import datetime
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from counterfoil.store import bindings
from counterfoil.store import usage as stored
from counterfoil.xero import metering

P = ParamSpec("P")
S = TypeVar("S")
F = TypeVar("F", bound="_HasId")
T = TypeVar("T")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One day's calls of one kind, in UTC.

    `tenant_id` "": the identity server and /connections. `entity` None: bound to none now. `flow`: the table's name, its
    id when the table is gone, "" for work of no single flow. `lane` "": none, `resource`: "Invoices", "token", …
    `calls` holds `refused` (429) and `failed` (5xx, no whole answer). Bytes of answers: to GETs and to writes unpacked,
    `wire_bytes` of both as they travelled.
    """

    day: datetime.date
    tenant_id: str
    entity: str | None
    flow: str
    lane: str
    resource: str
    calls: int
    refused: int
    failed: int
    read_bytes: int
    write_bytes: int
    wire_bytes: int

    @property
    def is_egress(self) -> bool:
        """Whether what it drew counts: reading an organisation's own record does not, nor do tokens (facts §2.4)."""
        return bool(self.tenant_id) and self.resource != metering.FREE


async def usage(books: Any, since: datetime.date) -> list[Usage]:
    """What was counted from this day (UTC) on, by day, tenant, flow, lane, resource; this process's own up to now.

    Other processes' last seconds (metering.WRITE_S) may be missing. Raises StoreError.
    """
    await books.transport.meter.write()
    rows, bound = await books.database.read(lambda conn: (stored.since(conn, since), bindings.everything(conn)))
    entities = {one.tenant_id: one.entity for one in bound}
    return [
        Usage(
            **{name: getattr(row, name) for name in Usage.__struct_fields__ if name not in ("entity", "flow")},
            entity=entities.get(row.tenant_id),
            flow=books.flow_name(row.flow_id) if row.flow_id else "",
        )
        for row in rows
    ]


def for_its_flow(
    work: Callable[Concatenate[S, F, P], Awaitable[T]],
) -> Callable[Concatenate[S, F, P], Awaitable[T]]:
    """Calls that this work makes are counted for the flow that is its second argument."""

    @functools.wraps(work)
    async def counted(first: S, flow: F, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with metering.working_for(flow.id):
            return await work(first, flow, *args, **kwargs)

    return counted
