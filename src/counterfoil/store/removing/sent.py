"""Postings and what was sent of them: one person's records, contents, bytes and answers taken out; their identity stays.

Called by app/privacy/erasing, with the person's postings by id. What stays: flow, kind, state, mark, document id, amounts, dates,
hashes, so that the same record that comes again is the same. An external id stays too, unless it is a personal text itself:
then its keyed hash stands in its place (store/erased).
"""

import functools
import zlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from counterfoil.model import kept_answer, veil
from counterfoil.model import record as records
from counterfoil.model.person import Person, Words
from counterfoil.store import erased, schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.removing.copies import Swept
from counterfoil.store.removing.turns import Turn
from counterfoil.store.retention import NO_RECORD, ROWS

Keyed = Callable[[str], str]
p, r, i, q, a, u, o, x = (
    one.c
    for one in (
        schema.postings, schema.revisions, schema.request_items, schema.requests, schema.attempts, schema.fixes_used,
        schema.posting_parts, schema.drops,
    )
)  # fmt: skip
POSTINGS_AT_ONCE: Final = 100  # whose requests are looked for
UNSENT: Final = ("held", "rejected")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_RAW: Final = sa.LargeBinary


def postings(conn: sa.Connection, person: Person, keyed: Keyed, after: str | None, turn: Turn, now: Any) -> Swept:
    """The next postings with their contents."""
    wanted = [one for one in person.postings if one > int(after or 0)][: turn.most]
    words, flows, ids = person.words(), _Names(keyed), []
    for row in turn.of(conn.execute(sa.select(*WHOLE).where(p.id.in_(wanted)).order_by(p.id)).all()):
        one = Posting(*row)
        _posting(conn, one, words, flows, now)
        ids.append(one.id)
    counts = {"postings": len(ids), "revisions": _contents(conn, ids, words), "fixes_used": _fixed(conn, ids)}
    return Swept(str(ids[-1]) if turn.last() is not None else None, counts)


class _Names:
    """What stands in the place of an external id that is a personal text."""

    def __init__(self, keyed: Keyed) -> None:
        self._keyed = keyed

    def of(self, one: Posting, words: Words) -> str:
        """It itself, or the keyed hash of what it is; a payment's is its record's and its own part."""
        if not words.name(one.external_id):
            return one.external_id
        of = erased.customer if one.kind == "contact" else erased.record
        return f"{erased.STAND_IN}{self._keyed(of(one.external_id))}"


def _posting(conn: sa.Connection, one: Posting, words: Words, names: _Names, now: Any) -> None:
    values: dict[str, Any] = {
        "reason": None, "remedy": None, "xero_messages": None, "cause": None, "pending_hash": one.pending_hash,
        "source": words.out_of(one.source), "changed_at": now,
    }  # fmt: skip
    if one.external_id and not one.external_id.startswith(erased.STAND_IN):
        values["external_id"] = names.of(one, words)
        if one.kind != "contact" and values["external_id"] != one.external_id:
            # By this its record is known when it comes again.
            key = values["external_id"].removeprefix(erased.STAND_IN)
            erased.add(conn, [erased.Entry(erased.RECORD, one.flow_id, key)], now)
    if one.cause is not None or one.skipped is not None:
        values["skipped"] = veil.ERASED
    if one.state in UNSENT:
        values |= {"state": "cancelled", "skipped": veil.ERASED}
    if one.action is not None:  # a change that waits for a person is not made any more: what it would say is gone
        values |= {"action": None, "pending_revision": None}
    if one.kind == "contact":
        values |= {"number": veil.ERASED, "document_number": None}
    else:
        for name in ("number", "document_number"):
            if words.name(getattr(one, name)):
                values[name] = veil.ERASED
    conn.execute(sa.update(schema.postings).where(p.id == one.id).values(**values))
    conn.execute(sa.delete(schema.drops).where(x.what.in_((erased.PARTED, ROWS)), x.id == one.id))
    conn.execute(sa.insert(schema.drops), [{"what": what, "id": one.id, "at": now} for what in (erased.PARTED, ROWS)])
    for sale in conn.execute(sa.select(o.external_id).where(o.posting_id == one.id)).scalars().all():
        if words.name(sale):
            this = sa.and_(o.posting_id == one.id, o.external_id == sale)
            conn.execute(sa.update(schema.posting_parts).where(this).values(external_id=f"{erased.STAND_IN}{one.id}"))


def _contents(conn: sa.Connection, ids: list[int], words: Words) -> int:
    """The record goes, as [retention] lets it go; of what was sent the amounts and codes stay."""
    raw: list[Any] = [r.posting_id, r.n, *(sa.type_coerce(one, _RAW) for one in (r.element, r.predicted, r.sets))]
    rows = conn.execute(sa.select(*raw).where(r.posting_id.in_(ids))).all()
    for posting_id, n, element, predicted, sets in rows:
        values: dict[str, Any] = {
            "record": NO_RECORD, "mapped": None, "element": cleaned(element, words), "predicted": cleaned(predicted, words),
            "sets": None if sets is None else cleaned(sets, words),
        }  # fmt: skip
        conn.execute(sa.update(schema.revisions).where(r.posting_id == posting_id, r.n == n).values(**values))
    return len(rows)


def cleaned(raw: bytes, words: Words) -> bytes:
    """An element, or what is expected of it, without personal text; its amounts exact."""
    return _ENCODER.encode(veil.whole(records.plain(raw), tells=words.name))


def _fixed(conn: sa.Connection, ids: list[int]) -> int:
    said = sa.update(schema.fixes_used).where(u.posting_id.in_(ids)).values(said=veil.ERASED)
    return conn.execute(said).rowcount


class _Place(NamedTuple):
    """Where the requests of a person stand: in which few of their postings, after which request, after which part of the next."""

    some: int = 0
    request_id: int = 0
    part: int = 0

    @classmethod
    def read(cls, after: str | None) -> "_Place":
        """As it was written down; at the beginning for what a version before wrote."""
        parts = [] if after is None else after.split(".")
        return cls(*map(int, parts)) if len(parts) == len(cls._fields) else cls()

    def __str__(self) -> str:
        return ".".join(map(str, self))


def requests(conn: sa.Connection, person: Person, after: str | None) -> Swept:
    """The next part of what was sent of theirs: a request's bytes, or one of its answers; their elements alone.

    A request of 50 elements is 10 ms, and so is its answer. One that stands behind several of a person's postings may be met
    twice, and is found clean.
    """
    place = _Place.read(after)
    some = person.postings[place.some * POSTINGS_AT_ONCE : (place.some + 1) * POSTINGS_AT_ONCE]
    if not some:
        return Swept(None, {})
    query = sa.select(i.request_id).where(i.posting_id.in_(some), i.request_id > place.request_id)
    request_id = conn.execute(query.order_by(i.request_id).limit(1)).scalar()
    if request_id is None:
        return Swept(str(_Place(place.some + 1)), {})
    items = conn.execute(sa.select(i.position, i.posting_id).where(i.request_id == request_id)).all()
    mine = _all_of(person.postings)
    places = {position for position, posting_id in items if posting_id in mine}
    if place.part == 0:
        counts = {"requests": _body(conn, request_id, places, len(items), person.words())}
    else:
        counts = {"attempts": _attempt(conn, request_id, place.part, places, len(items), person)}
    further = sa.select(sa.func.min(a.n)).where(a.request_id == request_id, a.n > place.part)
    part = conn.execute(further).scalar()
    return Swept(str(_Place(place.some, request_id) if part is None else place._replace(part=part)), counts)


@functools.lru_cache(1)
def _all_of(ids: tuple[int, ...]) -> frozenset[int]:
    return frozenset(ids)


def _body(conn: sa.Connection, request_id: int, places: set[int], items: int, words: Words) -> int:
    body, outcome = conn.execute(sa.select(q.body, q.outcome).where(q.id == request_id)).one()
    values: dict[str, Any] = {"outcome": words.out_of_said(outcome) if outcome else outcome}
    if body:
        values["body"] = parted(body, places, items, words)
    return conn.execute(sa.update(schema.requests).where(q.id == request_id).values(**values)).rowcount


def _attempt(conn: sa.Connection, request_id: int, n: int, places: set[int], items: int, person: Person) -> int:
    this = sa.and_(a.request_id == request_id, a.n == n)
    answer, said = conn.execute(sa.select(a.answer, a.outcome).where(this)).one()
    told = {"answer": _answer(answer, places, items, person), "outcome": person.words().out_of_said(said or "") or None}
    return conn.execute(sa.update(schema.attempts).where(this).values(**told)).rowcount


def parted(body: bytes, places: set[int], items: int, words: Words) -> bytes:
    """The bytes of a request, or an answer, with some of its elements emptied; b"" where they cannot be told apart."""
    try:
        found = records.plain(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    if not isinstance(found, dict):
        return b""
    lists = {name: one for name, one in found.items() if isinstance(one, list) and len(one) == items and items}
    if len(lists) != 1:
        return _ENCODER.encode(veil.whole(found, tells=words.name)) if len(places) == items else b""
    ((name, elements),) = lists.items()
    clean = [veil.whole(one, tells=words.name) if place in places else one for place, one in enumerate(elements)]
    return _ENCODER.encode(found | {name: clean})


def _answer(kept: bytes | None, places: set[int], items: int, person: Person) -> bytes | None:
    """An answer likewise; one that cannot be parted is dropped."""
    if kept is None:
        return None
    try:
        body = kept_answer.unpack(kept)
    except zlib.error:
        return None
    clean = parted(body, places, items, person.words())
    if not clean or person.words().stand_in(clean.decode("utf-8", "replace")):
        return None
    return kept_answer.pack(clean)
