"""What bank accounts hold, for entities that ask for it: one call per organisation, as often as `bank_balances` says.

Called by serving and syncing, which read them, and by figures/cash, which tells them. Xero gives balances in a report alone
(xero/resources/bank_summary), in base currency. What was read last is kept beside the other reference data. Idempotent.
"""

import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app import needs, watching
from counterfoil.app.figures import reading
from counterfoil.model.lanes import Lane
from counterfoil.store import bindings, documents
from counterfoil.xero.resources import bank_summary

RESOURCE: Final = "BankSummary"
WORK: Final = "balances"  # the service's work that reads them


class Held(msgspec.Struct, frozen=True):
    """`amounts` by AccountID, in base currency: what Xero said at `read_at` of the end of the day `on`."""

    read_at: datetime.datetime
    on: datetime.date
    amounts: dict[str, Decimal]


async def held(books: Any, tenant_id: str) -> Held | None:
    """What was read last of an organisation; None: nothing ever was. No call."""
    found = await books.database.read(lambda conn: documents.reference(conn, tenant_id, RESOURCE))
    return None if found is None else msgspec.json.decode(found[1], type=Held)


def lag_s(one: Held, now: datetime.datetime) -> float:
    """How old it is, by our clock."""
    return max(0.0, round((now - one.read_at).total_seconds(), 1))


async def due(books: Any, entity: str) -> datetime.datetime | None:
    """When an entity's balances are to be read next; None: it does not ask for them, or is not bound. No call."""
    settings = books.settings.entities.get(entity)
    every: datetime.timedelta | None = None if settings is None else settings.balances_every
    bound = await books.database.read(lambda conn: bindings.get(conn, entity))
    if every is None or bound is None:
        return None
    now: datetime.datetime = books.clock.now()
    last = await held(books, bound.tenant_id)
    if last is None or last.read_at > now:  # the clock was put back
        return now
    return last.read_at + every


async def read(books: Any, entity: str, *, lane: Lane = "sync") -> Held:
    """Ask Xero for them and keep them. Costs one call.

    Raises NoBinding, WrongLedger, MissingScope before it, and what a GET raises.
    """
    await watching.sure_of(books, entity)
    bound = await books.binding(entity)
    if bound.stopped is not None:
        raise errors.WrongLedger(bound.stopped, remedy=f"See `counterfoil entities verify {entity}`.")
    await needs.check_balances(books, bound)
    client = await books.client(entity)
    now = books.clock.now()
    today = now.astimezone(reading.zone(books, entity, bound) or datetime.UTC).date()
    found = Held(now, today, await bank_summary.closing(client, today, lane=lane))
    body = msgspec.json.encode(found)
    await books.database.run(lambda conn: documents.set_reference(conn, bound.tenant_id, RESOURCE, now, body))
    return found
