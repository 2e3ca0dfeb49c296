"""What an answer of Xero's changes in the mirror: the one write path (design §3.5).

Called by mirroring, in its transactions. A projection says which fields an answer covers; the others stay as they were. An
older stamp never overwrites a newer one; of two answers with the same stamp the later one counts, since some fields
change without one (xero-facts §4.3: SentToContact and DueDate of what is part-paid).
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from counterfoil.mirror import drifting, veiling
from counterfoil.mirror.described import Described
from counterfoil.mirror.reading import Seen
from counterfoil.model import record, whole
from counterfoil.model.observed import Observed
from counterfoil.model.whole import PROVISIONAL, Whole
from counterfoil.store import mirrored
from counterfoil.store.database import Connection
from counterfoil.store.mirrored import Mirrored

Record = Callable[[Connection, Sequence[Observed]], None]
# What only the answer to a write says of itself, and what only a single GET adds to the document.
_OF_WRITES: Final = frozenset({"HasErrors", "StatusAttributeString", "ValidationErrors", "Warnings"})
_SETTLING: Final = frozenset({"Allocations", "CreditNotes", "Overpayments", "Payments", "Prepayments"})
_AMOUNTS: Final = frozenset({"AmountCredited", "AmountPaid"})
_OF_SINGLE: Final = frozenset({"Attachments"})


class Projection(msgspec.Struct, frozen=True):
    """Which fields an answer covers: all but `uncovered`. `ignored`: what it says beside the document itself.

    `is_partial`: what it lacks it does not cover, and of another record that it shows within (a contact) it may say more or
    less than a page does: that is kept until a page says it, and is no difference then. `is_new`: what it shows was only just
    made, so that nothing is paid, credited or allocated of it, whether the answer says so or not.
    """

    name: str
    uncovered: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    is_partial: bool = False
    is_new: bool = False


WHOLE: Final = Projection("whole")  # a page, or the list of an unpaged resource
SINGLE: Final = Projection("single", ignored=_OF_SINGLE)
UNPAGED: Final = Projection(  # of what could be paged: no lines, no persons
    "unpaged", uncovered=frozenset({"LineItems", "JournalLines", "ContactPersons", "Payments", "Allocations"})
)


def lock(tenant_id: str, resource: str) -> str:
    """Held by whoever reads what is held of a resource and then writes it, or tells of it."""
    return f"mirror {tenant_id} {resource}"


def summary(one: Described) -> Projection:
    """What `summaryOnly` covers of a resource."""
    return Projection("summary", uncovered=one.summary)


def write_answer(one: Described, *, is_new: bool = False) -> Projection:
    """What the answer to a write covers: arrays that are empty there are left out of it, and more (xero-facts §5.7, §5.8)."""
    uncovered = _SETTLING | {"HasAttachments"} | one.unkept
    return Projection("write", uncovered=uncovered, ignored=_OF_WRITES, is_partial=True, is_new=is_new)


class Observation(msgspec.Struct, frozen=True):
    """Documents of one answer. `seen_at`: Xero's own time of it. `snapshot`: a first load or a repair.

    `doubted`: documents of which two answers say that what is held is not so, with the stamp that is held (mirror/doubting).
    """

    tenant_id: str
    resource: Described
    rows: Sequence[Seen]
    seen_at: datetime.datetime
    snapshot: bool = False
    doubted: Mapping[str, datetime.datetime | None] = {}


def apply(
    connection: Connection, observation: Observation, projection: Projection, record_all: Record | None = None
) -> list[Observed]:
    """Write what is news, in one read and one write; → what was and what is, in the answer's order. Idempotent.

    `record_all` gets the same within the transaction.
    """
    tenant, one = observation.tenant_id, observation.resource
    ids = [row.document_id for row in observation.rows]
    held = mirrored.by_ids(connection, tenant, one.name, ids)
    held = {row.document_id: held[row.document_id] for row in observation.rows if _is_readable(held, row)}
    observation, held = veiling.veiled(connection, observation, held)
    mirrored.there(connection, tenant, one.name, [each for each, was in held.items() if was.absent_at is not None])
    found: dict[str, Observed] = {}
    written: dict[str, Mirrored] = {}
    for row in observation.rows:
        was = written.get(row.document_id) or held.get(row.document_id)
        now = _decided(observation, projection, row, was)
        if now is None:
            continue
        written[row.document_id] = now
        if was is None or was.deleted_at is not None or was.status != now.status or not _same(was.body, now.body):
            earlier = held.get(row.document_id)
            found[row.document_id] = _observed(observation, earlier, now)
    mirrored.put(connection, list(written.values()))
    news = [row for row in observation.rows if row.document_id in found]
    mirrored.note_drift(connection, one.name, drifting.counted(one, news), observation.seen_at)
    observed = list(found.values())
    if record_all is not None and observed:
        record_all(connection, observed)
    return observed


def gone(
    connection: Connection, observation: Observation, ids: Sequence[str], record_all: Record | None = None
) -> list[Observed]:
    """Documents that two complete lists lacked are gone: a state, and their last form is kept."""
    tenant, name = observation.tenant_id, observation.resource.name
    held = mirrored.by_ids(connection, tenant, name, ids)
    held = {each: one for each, one in held.items() if one.absent_at is not None}  # seen again since: it is there
    mirrored.delete(connection, tenant, name, list(held), observation.seen_at)
    observed = [
        Observed(
            tenant_id=tenant, resource=name, document_id=one.document_id, before=Whole(one.body), after=None,
            stamp=one.stamp, seen_at=observation.seen_at, snapshot=observation.snapshot,
        )
        for one in held.values() if one.deleted_at is None
    ]  # fmt: skip
    if record_all is not None and observed:
        record_all(connection, observed)
    return observed


def _decided(observation: Observation, projection: Projection, row: Seen, was: Mirrored | None) -> Mirrored | None:
    """What is to be written of a document; None: nothing is news."""
    if was is not None and not _is_news(was, row, observation):
        return None
    body, lacking = row.body, projection.uncovered
    if projection.uncovered or projection.ignored:
        body, lacking = _overlaid(observation.resource, row, projection, was)
    status = row.status if row.status is not None or was is None else was.status
    if was is not None and (row.stamp is None or was.stamp == row.stamp):
        lacking &= frozenset(filter(None, was.missing.split(",")))
        is_kept = was.deleted_at is None and was.missing == _joined(lacking) and was.status == status
        if is_kept and _same(was.body, body):
            return None
    tenant, name = observation.tenant_id, observation.resource.name
    stamp = row.stamp or (was.stamp if was is not None else None)
    return Mirrored(
        tenant, name, row.document_id, status, stamp, observation.seen_at, _joined(lacking), None, None, body
    )


def _is_readable(held: Mapping[str, Mirrored], row: Seen) -> bool:
    """Whether something is held of it that can be compared: what a broken disk left is as if it were not there."""
    was = held.get(row.document_id)
    if was is None or was.body == row.body:
        return was is not None
    try:
        return isinstance(record.plain(was.body), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _is_news(was: Mirrored, row: Seen, observation: Observation) -> bool:
    if row.document_id in observation.doubted and observation.doubted[row.document_id] == was.stamp:
        return True
    if was.stamp is not None and row.stamp is not None and was.stamp != row.stamp:
        return row.stamp > was.stamp
    return observation.seen_at >= was.seen_at


def _overlaid(one: Described, row: Seen, projection: Projection, was: Mirrored | None) -> tuple[bytes, frozenset[str]]:
    """The covered fields of the answer over the others of what is held; → and which it does not cover."""
    out = projection.uncovered | projection.ignored
    fields: dict[str, Any] = {name: value for name, value in row.fields.items() if name not in out}
    older = {} if was is None else msgspec.json.decode(was.body, type=dict[str, msgspec.Raw])
    lacking = projection.uncovered
    if projection.is_partial:
        unsaid = drifting.known_fields(one.name) - fields.keys() - projection.ignored
        lacking |= {name for name in unsaid if name in older or not name.endswith(whole.COMPANION)}
        within = {name for name, raw in fields.items() if bytes(raw).startswith(b"{")}
        lacking |= {f"{PROVISIONAL}{name}" for name in within}
        if projection.is_new and was is None:
            zero = (_AMOUNTS & drifting.known_fields(one.name)) - fields.keys()
            fields |= dict.fromkeys(sorted(zero), msgspec.Raw(b"0"))
            lacking -= zero | _SETTLING
        fields |= {name: older[name] for name in within if name in older and _same_record(older[name], fields[name])}
    fields |= {name: value for name, value in older.items() if name in lacking}
    return msgspec.json.encode(fields), lacking


def _same_record(held: msgspec.Raw, shown: msgspec.Raw) -> bool:
    return whole.is_same_record(record.plain(bytes(held)), record.plain(bytes(shown)))


def _joined(names: frozenset[str]) -> str:
    return ",".join(sorted(names))


def _same(one: bytes, other: bytes) -> bool:
    """The same document, in whatever order its fields stand."""
    return one == other or bool(record.plain(one) == record.plain(other))


def _observed(observation: Observation, was: Mirrored | None, now: Mirrored) -> Observed:
    after = Whole(now.body)
    there = was is not None and was.deleted_at is None
    before = Whole(was.body, after, was.missing.split(",")) if was is not None and there else None
    return Observed(
        tenant_id=now.tenant_id, resource=now.resource, document_id=now.document_id, before=before, after=after,
        stamp=now.stamp, seen_at=observation.seen_at, snapshot=observation.snapshot,
    )  # fmt: skip
