"""Checks of the organisations behind the entities: bound, still the same, and how far back their books are closed.

Called by doctor. Facts §5.1: lock dates stand in Organisation when they are set; Organisation/Actions says whether the
user who consented may approve before the period lock date, which only an adviser may.
"""

import datetime
from typing import Any, Final

from counterfoil.access import fingerprints, reconnecting
from counterfoil.app.doctor.finding import Finding, failed, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.mirror import reference
from counterfoil.model.binding import Binding
from counterfoil.model.checks import days
from counterfoil.model.ledger import Ledger
from counterfoil.model.record import plain
from counterfoil.store import bindings as bound
from counterfoil.store import documents, grants

THROUGH_LOCKS: Final = "ApproveTransactionsBeforePeriodLockDate"
ALLOWED: Final = "ALLOWED"


async def bindings(patient: Patient) -> list[Finding]:
    """Each entity of the configuration is bound, may write, and its organisation is still connected."""
    known = {one.entity: one for one in await patient.books.database.read(bound.everything)}
    tenants = {one.tenant_id for one in await patient.books.database.read(grants.connections)}
    configured = patient.loaded.entities
    found = [
        warning(
            "bindings",
            "unbound",
            f"{entity} is bound to no organisation.",
            f"Run `counterfoil entities bind {entity}`.",
            subject=entity,
        )
        for entity in configured
        if entity not in known
    ]
    for entity, one in known.items():
        again = reconnecting.remedy(reconnecting.base(patient.loaded), entity)
        found += _binding(entity, one, entity in configured, None if one.tenant_id in tenants else f"{again}.")
    return found or [ok("bindings", f"{many(len(known), 'entity', 'entities')} bound.", count=len(known))]


def _binding(entity: str, one: Binding, is_configured: bool, reconnect: str | None) -> list[Finding]:
    """`reconnect`: how it is connected again; None: it is connected."""
    name = one.fingerprint.name
    found = []
    if not is_configured:
        found.append(
            warning(
                "bindings",
                "unknown",
                f"{entity} is bound to {name} and is not in the configuration.",
                f"Add [entities.{entity}], or run `counterfoil entities unbind {entity}`.",
                subject=entity,
            )
        )
    if one.stopped is not None:
        found.append(
            problem(
                "bindings",
                "stopped",
                f"Writes of {entity} are stopped: {one.stopped}",
                f"See `counterfoil entities verify {entity}`.",
                subject=entity,
            )
        )
    if reconnect is not None:
        found.append(
            problem(
                "bindings",
                "disconnected",
                f"{name}, the organisation of {entity}, is not connected any more.",
                reconnect,
                subject=entity,
            )
        )
    return found


async def on_record(patient: Patient) -> list[Finding]:
    """Each entity is bound to the organisation that the audit log says it was bound to."""
    wrong = await patient.books.access.bindings.off_the_record()
    return [failed("bindings-on-record", error, subject=entity) for entity, error in wrong] or [
        ok("bindings-on-record", "Every binding is the one that the audit log has.")
    ]


async def unchanged(patient: Patient) -> list[Finding]:
    """Each organisation is still what it was when it was bound, and called what the configuration calls it."""
    known = {one.entity: one for one in await patient.books.database.read(bound.everything)}
    found: list[Finding] = []
    for entity, said in patient.organisations.items():
        binding = known.get(entity)
        if said.error is not None:
            found.append(failed("organisations", said.error, subject=entity))
        elif said.organisation is not None and binding is not None:
            now = fingerprints.of(said.organisation)
            if wrong := fingerprints.differing(binding.fingerprint, now, tuple(fingerprints.NEVER_CHANGE)):
                found.append(
                    problem(
                        "organisations",
                        "another",
                        f"The organisation of {entity} is another one: {'; '.join(wrong)}.",
                        f"See `counterfoil entities verify {entity}`; if it is right, unbind and bind it anew.",
                        subject=entity,
                    )
                )
            elif changed := fingerprints.changes(binding.fingerprint, now):
                found.append(
                    warning(
                        "organisations",
                        "renamed",
                        f"The organisation of {entity} changed: {'; '.join(changed)}.",
                        f"If this is right: `counterfoil entities verify {entity} --accept`.",
                        subject=entity,
                    )
                )
    if patient.unasked:
        found.append(
            warning(
                "organisations",
                "unasked",
                f"Not asked: {many(patient.unasked, 'organisation')} more.",
                "Run `counterfoil entities verify`, which asks all.",
                count=patient.unasked,
            )
        )
    return found or [
        ok(
            "organisations",
            f"What they were when they were bound: {many(len(patient.organisations), 'organisation')}.",
            count=len(patient.organisations),
        )
    ]


async def lock_dates(patient: Patient) -> list[Finding]:
    """Entities whose `start` lies in a closed part of their books: what is dated there cannot be posted."""
    found = []
    for entity in await patient.books.database.read(bound.everything):
        configured = patient.loaded.entities.get(entity.entity)
        wire = await _wire(patient, entity)
        if configured is None or wire is None:
            continue
        closed = days.closed_through(Ledger.from_wire(wire, (), (), (), (), configured))
        if closed is not None and configured.start is not None and configured.start <= closed:
            flows = [one.table for one in patient.books.flows.values() if one.entity in (None, entity.entity)]
            found.append(
                warning(
                    "lock-dates",
                    "start-is-locked",
                    f"{entity.entity} starts {configured.start}, and its books are closed through {closed}: "
                    f"what is dated before is held, moved or refused ({', '.join(flows) or 'no flow'}).",
                    f"Move entities.{entity.entity}.start past {closed}, choose lock_date for the flows, or have the books opened.",
                    subject=entity.entity,
                    start=configured.start,
                    closed=closed,
                )
            )
    return found or [ok("lock-dates", "No entity starts in a closed part of its books.")]


async def _wire(patient: Patient, binding: Binding) -> dict[str, Any] | None:
    """The organisation as Xero sent it: just now, else when it was read last; None: never."""
    said = patient.organisations.get(binding.entity)
    if said is not None and said.organisation is not None:
        fresh: dict[str, Any] = plain(b"[" + said.organisation.raw + b"]")[0]
        return fresh
    kept: tuple[datetime.datetime, bytes] | None = await patient.books.database.read(
        lambda conn: documents.reference(conn, binding.tenant_id, reference.ALWAYS)
    )
    elements = plain(kept[1]) if kept is not None else []
    return elements[0] if elements else None


async def adviser(patient: Patient) -> list[Finding]:
    """Consents of users who may write before the lock date: there Xero itself would stop nothing."""
    found = [
        warning(
            "adviser",
            "writes-through-locks",
            f"Whoever consented for {entity} may approve before its period lock date: Xero would not stop a write there. Our own checks do.",
            f"Have somebody consent who is no adviser, or set entities.{entity}.closed_through as well.",
            subject=entity,
        )
        for entity, said in patient.organisations.items()
        if any(one.name == THROUGH_LOCKS and one.status == ALLOWED for one in said.actions)
    ]
    return found or [ok("adviser", "No consent writes through lock dates.")]
