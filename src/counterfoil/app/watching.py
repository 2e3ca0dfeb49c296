"""Is each entity's organisation still there, and still the one that was bound? Looked at when it may have changed.

Called by app (before an entity's postings are finished or planned, and once a day), running (after a 403) and connecting
(after a consent). The look is one GET /Organisation; a disconnected organisation's work waits, and only its own. Design
§3.2; xero-facts §1.6, §3.2.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from counterfoil import errors
from counterfoil.access import bindings as access
from counterfoil.access import caps, reconnecting
from counterfoil.app import at_once, costs
from counterfoil.model.binding import Binding
from counterfoil.store import bindings, grants, locks, notices
from counterfoil.store.database import Connection
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.xero import identity
from counterfoil.xero.resources import organisation

FINGERPRINT_LIFE: Final = datetime.timedelta(days=1)
LOOKED_AFTER: Final = "looked_after_at"  # in meta: when the daily look was begun last
LANE: Final = "interactive"
CAP: Final = "cap"  # a kind of notice; its subject is the client id
SENT: Final = "What waits is then sent, each once."


async def sure_of(books: Any, entity: str) -> None:
    """Look at an entity's organisation if the last look is a day old, it was disconnected, or the database restored.

    Costs one call then. Raises WrongLedger when it is another one now, NotConnected when it cannot be reached; NoBinding;
    what a GET raises.
    """
    found = await books.database.read(lambda conn: _due(conn, entity))
    if found is None:
        return
    last_look, is_gone = found
    is_old = books.clock.now() - last_look > books.access.fingerprint_life
    if not (is_old or is_gone or (books.restored and entity not in books.seen)):
        return
    client = await books.client(entity)
    seen = await organisation.get(client, lane=LANE)
    await books.access.bindings.compare(client.binding, seen)
    books.seen.add(entity)


async def was_seen(books: Any, entity: str) -> bool:
    """Whether `sure_of` would make no call: the organisation was looked at today, and was there. No call."""
    found = await books.database.read(lambda conn: _due(conn, entity))
    if found is None or found[1] or (books.restored and entity not in books.seen):
        return False
    fresh: bool = books.clock.now() - found[0] <= books.access.fingerprint_life
    return fresh


async def check(books: Any, binding: Binding, wire: Mapping[str, Any]) -> None:
    """Compare an organisation, as it was read for something else, with its fingerprint; only a difference costs a call.

    Raises WrongLedger, after stopping the entity's writes, when its id, currency or country differ.
    """
    mark = binding.fingerprint
    was = (mark.organisation_id, mark.base_currency, mark.country)
    if was != tuple(wire.get(name) for name in ("OrganisationID", "BaseCurrency", "CountryCode")):
        await books.access.bindings.verify(binding.entity)
    elif (mark.name, mark.short_code) != (wire.get("Name"), wire.get("ShortCode")):
        told = await books.database.read(lambda conn: notices.standing(conn, access.RENAMED))
        if binding.entity not in {one.subject for one in told}:
            await books.access.bindings.verify(binding.entity)


def _due(connection: Connection, entity: str) -> tuple[datetime.datetime, bool] | None:
    """When the organisation was last looked at, and whether it was disconnected then; None: it is not bound."""
    looked, bound = bindings.verified_at(connection, entity), bindings.get(connection, entity)
    if looked is None or bound is None:
        return None
    return looked, bound.tenant_id in {one.subject for one in notices.standing(connection, access.DISCONNECTED)}


async def after_403(books: Any, entity: str, refusal: errors.NotConnected) -> errors.CounterfoilError:
    """What a 403 means for an entity, told to whom it concerns; → what to say instead of it. Costs a call per grant.

    Gone from every consent: disconnected, or a demo company that was reset. Still there by another user's consent: that
    one is used from now on. Still there by its own: the user's role does not allow the call.
    """
    bound = await books.database.read(lambda conn: bindings.get(conn, entity))
    if bound is None:
        return refusal
    try:
        reached = await books.access.connections.refreshed()
    except (errors.Reconnect, errors.RunAgain, errors.Stop):
        return refusal  # not even the connections can be asked: what is known stays so
    by = [one.grant_id for one in reached if one.tenant_id == bound.tenant_id]
    if bound.grant_id in by:
        return refusal
    if by:
        await _move(books, bound, by[0])
        return errors.XeroUnavailable(
            f"{entity} was reached by a consent that ended; another user's is used from now on."
        )
    try:
        await books.access.bindings.verify(entity)
    except errors.OrganisationReset as reset:
        await _gone(books, bound, reset.message, reset.remedy)
        return reset
    except errors.CounterfoilError:
        pass  # it is as gone as the connections say
    return errors.NotConnected(await told_gone(books, bound), remedy=_back(books, entity))


def _back(books: Any, entity: str) -> str:
    """How a disconnected organisation comes back: a custom connection has nobody who could consent here."""
    page = reconnecting.base(books.settings)
    return identity.NOT_ACTIVE if page is None else f"{reconnecting.remedy(page, entity)}. {SENT}"


async def told_gone(books: Any, bound: Binding) -> str:
    """Tell that an entity's organisation is disconnected; → the sentence."""
    said = f"{bound.fingerprint.name} is disconnected: {bound.entity}'s postings wait."
    await _gone(books, bound, said, _back(books, bound.entity))
    return said


async def _move(books: Any, bound: Binding, grant_id: str) -> None:
    def move(conn: Connection) -> None:
        for entity in bindings.regrant(conn, grant_id, [bound.tenant_id]):
            books.access.audit.append(conn, entity, "regranted", {"grant": grant_id})

    await books.database.run(move)


async def _gone(books: Any, bound: Binding, message: str, remedy: str) -> None:
    def tell(conn: Connection) -> None:
        held = bindings.get(conn, bound.entity)
        if held is None or held.tenant_id != bound.tenant_id:
            return
        link = reconnecting.link(reconnecting.base(books.settings), bound.entity)
        if notices.tell(
            conn, access.DISCONNECTED, bound.tenant_id, message=message, remedy=remedy, now=books.database.now(conn),
            entity=bound.entity, link=link,
        ):  # fmt: skip
            books.access.audit.append(conn, bound.entity, "disconnect seen", {"tenant": bound.tenant_id})

    await books.database.run(tell)


async def daily(books: Any) -> None:
    """Once a day: what the app may reach, and each organisation that was not looked at for a day. Never raises ours.

    Called by `run`, `finish` and `status`, later by the service. Costs a call per grant and one per entity, once a day over
    all processes.
    """
    if not await books.database.run(lambda conn: _begin(conn, books.database.now(conn))):
        return
    try:
        await books.access.connections.refreshed()
        await count(books)
        await costs.tell_near(books)
    except (errors.Reconnect, errors.RunAgain, errors.Stop):
        return  # whoever needs the consent or the key says so

    async def look(entity: str) -> None:
        try:
            await sure_of(books, entity)
        except errors.NotConnected as refusal:
            await after_403(books, entity, refusal)
        except (errors.Reconnect, errors.RunAgain, errors.Stop):
            return  # it is written down where it matters: the entity is stopped, or looked at by its next run

    await at_once.each([bound.entity for bound in await books.database.read(bindings.everything)], look)


def _begin(connection: Connection, now: datetime.datetime) -> bool:
    """Whether today's look is ours to take."""
    locks.hold(connection, LOOKED_AFTER)
    last = get_meta(connection, LOOKED_AFTER)
    if last is not None and now - datetime.datetime.fromisoformat(last) < FINGERPRINT_LIFE:
        return False
    set_meta(connection, LOOKED_AFTER, now.isoformat())
    return last is not None  # a new database has nothing that could have changed


async def after_consent(books: Any, tenant_ids: set[str]) -> dict[str, errors.CounterfoilError]:
    """Look at every bound organisation that a consent reaches; → the entities with which something is wrong. One call each."""
    wrong: dict[str, errors.CounterfoilError] = {}
    for bound in await books.database.read(bindings.everything):
        if bound.tenant_id in tenant_ids:
            try:
                await books.access.bindings.verify(bound.entity)
            except (errors.Reconnect, errors.RunAgain) as error:
                wrong[bound.entity] = error
    return wrong


async def count(books: Any) -> caps.Cap:
    """How many of the tier's connections are used, as last seen; told when they are nearly used up. No call."""
    client_id, tier = books.settings.xero.client_id, books.settings.xero.tier

    def work(conn: Connection) -> caps.Cap:
        cap = caps.of(tier, grants.organisations(conn, client_id))
        at = books.database.now(conn)
        if cap.is_near:
            notices.tell(conn, CAP, client_id, message=cap.message, remedy=cap.remedy, now=at)
        else:
            notices.over(conn, CAP, client_id, now=at)
        return cap

    found: caps.Cap = await books.database.run(work)
    return found
