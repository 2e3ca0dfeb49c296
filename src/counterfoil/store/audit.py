"""The audit log's rows: append-only, one chain per entity. The hashes are made by access/audit, which has the key.

Called by access (audit, verifying) and app/auditing. There is no update and no delete of an entry here; the one row of
`audit_heads` per chain says where it ends, so that a chain that was cut short does not pass for a whole one.
"""

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.prepared import Prepared
from counterfoil.store.types import Instant

Connection: TypeAlias = sa.Connection
_T = schema.audit
_H = schema.audit_heads
BATCH: Final = 1_000  # entries read at once
SEQ_MAX: Final = 1 << 62


class Entry(msgspec.Struct, frozen=True):
    """One act. `data` is JSON as bytes: exactly what was hashed."""

    entity: str
    seq: int
    at: datetime.datetime
    actor: str
    act: str
    data: bytes
    previous: str
    hash: str


class Raw(msgspec.Struct, frozen=True):
    """One row as the database holds it, whatever somebody made of it: nothing is read into it. `at`: microseconds."""

    entity: Any
    seq: Any
    at: Any
    actor: Any
    act: Any
    data: Any
    previous: Any
    hash: Any


class Head(msgspec.Struct, frozen=True):
    """Where a chain ends, in the table's order of columns. `seal`: the keyed hash of the other three."""

    entity: Any
    seq: Any
    hash: Any
    seal: Any


class Wanted(msgspec.Struct, frozen=True):
    """Which entries a list is of; None: no bound. `until` is excluded."""

    entity: str | None = None
    act: str | None = None
    actor: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


_ENTRY = (_T.c.entity, _T.c.seq, _T.c.at, _T.c.actor, _T.c.act, sa.type_coerce(_T.c.data, sa.LargeBinary),
          _T.c.previous, _T.c.hash)  # fmt: skip
_AS_IT_IS = sa.types.NullType()
_RAW: tuple[Any, ...] = tuple(sa.type_coerce(_T.c[name], _AS_IT_IS) for name in Raw.__struct_fields__)
_RAW_HEAD: tuple[Any, ...] = tuple(sa.type_coerce(_H.c[name], _AS_IT_IS) for name in Head.__struct_fields__)

_entity: Any = sa.bindparam("entity")
_HEAD = Prepared(sa.select(*_RAW_HEAD).where(_H.c.entity == _entity))
# What somebody wrote there that is no number counts as greater than any.
_LAST: Any = sa.select(sa.func.max(_T.c.seq)).where(
    _T.c.entity == _entity, _T.c.seq < sa.literal(SEQ_MAX, sa.BigInteger)
)
_LAST_SEQ = Prepared(_LAST)
_BOTH = Prepared(sa.select(*_RAW_HEAD, _LAST.scalar_subquery()).where(_H.c.entity == _entity))
_LAST_OF = Prepared(sa.select(sa.func.max(_T.c.seq)).where(_T.c.entity == _entity, _T.c.act == sa.bindparam("act")))
_ADD = Prepared(sa.insert(_T))
_MOVE = Prepared(
    sa.update(_H)
    .where(_H.c.entity == sa.bindparam("of"))
    .values(seq=sa.bindparam("seq"), hash=sa.bindparam("hash"), seal=sa.bindparam("seal"))
)
_BEGIN = Prepared(sa.insert(_H))


def hold(conn: Connection, entity: str) -> None:
    """Nobody else appends to this chain until this transaction ends. Who writes to several holds them by name."""
    locks.hold(conn, f"audit {entity}")


def head(conn: Connection, entity: str) -> tuple[Head | None, int | None]:
    """Where a chain says that it ends, and the number of its last entry; None: it has none."""
    with _any_text(conn):
        found = _BOTH.tuples(conn, entity=entity)
    return (Head(*found[0][:-1]), found[0][-1]) if found else (None, _LAST_SEQ.first(conn, entity=entity))


def add(conn: Connection, entry: Entry, seal: str) -> None:
    """Append one entry, and move the chain's end to it."""
    _ADD.run(conn, **msgspec.structs.asdict(entry))
    if not _MOVE.run(conn, of=entry.entity, seq=entry.seq, hash=entry.hash, seal=seal):
        _BEGIN.run(conn, entity=entry.entity, seq=entry.seq, hash=entry.hash, seal=seal)


def chain(conn: Connection, entity: str) -> list[Entry]:
    """A whole chain, oldest first: for one that is short."""
    return [Entry(*row) for row in conn.execute(sa.select(*_ENTRY).where(_T.c.entity == entity).order_by(_T.c.seq))]


def raw_after(conn: Connection, entity: str, seq: int | None, most: int = BATCH) -> list[Raw]:
    """The next rows of a chain after a number (None: from the first), as they are."""
    query = sa.select(*_RAW).where(_T.c.entity == entity).order_by(_T.c.seq).limit(most)
    if seq is not None:
        query = query.where(_T.c.seq > seq)
    with _any_text(conn):
        return [Raw(*row) for row in conn.execute(query)]


def raw_head(conn: Connection, entity: str) -> Head | None:
    """Where a chain says that it ends, as the row is."""
    with _any_text(conn):
        found = _HEAD.rows(conn, Head, entity=entity)
    return found[0] if found else None


def count(conn: Connection, entity: str, until: int) -> int:
    """How many rows a chain has up to this number: a table whose key was dropped may hold one twice."""
    query = sa.select(sa.func.count()).select_from(_T).where(_T.c.entity == entity, _T.c.seq <= until)
    return int(conn.execute(query).scalar_one())


def last_of(conn: Connection, entity: str, act: str) -> int | None:
    """The number of a chain's last entry of one act; None: it has none."""
    found: int | None = _LAST_OF.first(conn, entity=entity, act=act)
    return found if isinstance(found, int) else None


def newest_of(conn: Connection, entity: str, acts: Sequence[str]) -> tuple[str, bytes] | None:
    """(act, data) of a chain's last entry of any of these acts; None: it has none."""
    mine = (_T.c.entity == entity) & _T.c.act.in_(acts)
    query = sa.select(_T.c.act, sa.cast(_T.c.data, sa.LargeBinary)).where(mine).order_by(_T.c.seq.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else (str(row[0]), bytes(row[1]))


def chains(conn: Connection) -> list[str]:
    """Every entity that has a chain, by name; not what somebody wrote there that is no text."""
    with _any_text(conn):
        return sorted(filter(str.isprintable, conn.execute(sa.select(_T.c.entity).distinct()).scalars()))


def entities(conn: Connection) -> list[str]:
    """Every entity that has a chain or whose binding makes us expect one, by name; "" is the chain of acts that concern none."""
    doings = (
        sa.select(_T.c.entity).distinct(),
        sa.select(_H.c.entity),
        sa.select(schema.bindings.c.entity),
        sa.select(sa.literal("")).where(sa.exists(sa.select(schema.grants.c.id))),
    )
    with _any_text(conn):
        return sorted({str(row[0]) for query in doings for row in conn.execute(query)})


def heads(conn: Connection) -> list[Head]:
    """Where each chain ends, by entity; as the rows are."""
    with _any_text(conn):
        return [Head(*row) for row in conn.execute(sa.select(*_RAW_HEAD).order_by(_H.c.entity))]


def newest(conn: Connection, wanted: Wanted, most: int) -> list[Raw]:
    """The newest entries of a list, newest first."""
    query = _wanted(wanted).order_by(_T.c.at.desc(), _T.c.entity, _T.c.seq.desc()).limit(most)
    with _any_text(conn):
        return [Raw(*row) for row in conn.execute(query)]


def matching(conn: Connection, wanted: Wanted) -> int:
    """How many entries a list has."""
    return int(conn.execute(sa.select(sa.func.count()).select_from(_wanted(wanted).subquery())).scalar_one())


def following(conn: Connection, wanted: Wanted, after: Raw | None, most: int = BATCH) -> list[Raw]:
    """The next entries of a list after one of them, by entity and number; None: from the first."""
    query = _wanted(wanted).order_by(_T.c.entity, _T.c.seq).limit(most)
    if after is not None:
        entity = _as_it_was(after.entity)
        query = query.where((_T.c.entity > entity) | (_T.c.entity == entity) & (_T.c.seq > after.seq))
    with _any_text(conn):
        return [Raw(*row) for row in conn.execute(query)]


def _wanted(wanted: Wanted) -> sa.Select[Any]:
    query: sa.Select[Any] = sa.select(*_RAW)
    for name in ("entity", "act", "actor"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(_T.c[name] == value)
    if wanted.since is not None:
        query = query.where(_T.c.at >= sa.literal(wanted.since, Instant))
    return query if wanted.until is None else query.where(_T.c.at < sa.literal(wanted.until, Instant))


def _as_it_was(value: Any) -> Any:
    """A value that `_any_text` read, for comparing: the bytes that somebody wrote where text belongs."""
    if not isinstance(value, str) or value.isascii():
        return value
    written = value.encode("utf-8", "surrogateescape")
    return (
        sa.cast(sa.literal(written, sa.LargeBinary), sa.Text) if "\ufffd" in written.decode(errors="replace") else value
    )


@contextlib.contextmanager
def _any_text(conn: Connection) -> Iterator[None]:
    """SQLite keeps any bytes as text: what is no UTF-8 is read all the same, so that it can be told as changed."""
    if conn.dialect.name != "sqlite":
        yield
        return
    driver: Any = conn.connection.driver_connection
    driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str
