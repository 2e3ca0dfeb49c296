"""Texts that may name a person though no id says so: problems, notices, corrections, runs. Their words are taken out.

Called by app/privacy/erasing. Only strong words are looked for (model/person): a whole name, an e-mail address, a telephone
number. A table is read in windows by its number, the short ones without a number at once.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model import record as records
from counterfoil.model.person import Person, Words
from counterfoil.model.veil import ERASED
from counterfoil.store import schema
from counterfoil.store.removing.copies import Swept
from counterfoil.store.removing.turns import Turn
from counterfoil.store.retention import NO_RECORD, ROWS

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
# table → its columns of text, its columns of JSON
PLACES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "postings": (("cause", "reason", "remedy", "skipped", "source"), ("xero_messages",)),
    "problems": (("key",), ()),
    "bad_rows": (("external_id", "source", "cause", "reason", "remedy", "skipped"), ("record",)),
    "handed": (("external_id", "source", "cause", "reason", "remedy", "field"), ("record",)),
    "notices": (("subject", "message", "remedy", "link"), ()),
    "messages": (("error",), ()),
    "deliveries": (("error",), ()),
    "feeds": (("error", "ended_why"), ()),
    "fixes": (("cause", "value", "because"), ("external_ids", "put")),
    "fixes_used": (("said",), ()),
    "contact_links": (("external_id",), ()),
    "runs": (("source",), ("counts",)),
    "schedules": (("source", "said"), ("reading",)),
    "waits": (("why",), ()),
    "pauses": (("because",), ()),
    "revisions": (("source",), ()),
    "requests": (("outcome",), ()),
    "attempts": (("outcome",), ()),
}
CODED: Final = ("cause", "outcome")  # a code of ours, or a sentence
COUNTS: Final = ("counts", "reading")  # JSON whose names are ours
GONE: Final = "The customer of this record was erased."
STATES: Final = ("state", "at", "undone_at", "received_at", "ended_at")  # what decides what follows
r, o, x = schema.revisions.c, schema.posting_parts.c, schema.drops.c


def sweep(conn: sa.Connection, person: Person, table_name: str, after: str | None, turn: Turn) -> Swept:
    """The next rows of one table. Those of one number stay together, and so do those of a short table without numbers."""
    most = turn.most
    table = schema.tables.tables[table_name]
    texts, jsons = PLACES[table_name]
    words = person.words()
    first, *others = table.primary_key.columns
    numbered = isinstance(first.type, sa.Integer)
    query = sa.select(table).order_by(first, *others)
    if numbered:
        query = query.where(first > int(after or 0)).limit(most)
    else:
        query = query.where(sa.or_(*(table.c[name].is_not(None) for name in (*texts, *jsons))))
    rows = conn.execute(_raw(query, table, jsons)).mappings().all()
    if (
        numbered and others and len(rows) == most
    ):  # all rows of the last number come with the next window, but a lone one
        last = rows[-1][first.name]
        kept = [row for row in rows if row[first.name] != last]
        rows = kept or conn.execute(_raw(sa.select(table).where(first == last), table, jsons)).mappings().all()
        end: str | None = str(kept[-1][first.name]) if kept else str(last)
    else:
        end = str(rows[-1][first.name]) if numbered and len(rows) == most else None
    cut = turn.of(rows) if numbered and not others else rows
    changed = sum(_row(conn, table, dict(row), words, texts, jsons) for row in cut)
    return Swept(str(turn.last()[first.name]) if turn.is_cut else end, {table_name: changed})


def _raw(query: Any, table: sa.Table, jsons: tuple[str, ...]) -> Any:
    """Only what is looked at: some of these tables hold whole requests."""
    wanted = {*PLACES[table.name][0], *jsons, *STATES, *(one.name for one in table.primary_key.columns)}
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            wanted |= {column.name for column in constraint.columns}
    chosen = [one for one in table.columns if one.name in wanted]
    columns = [sa.type_coerce(one, sa.LargeBinary).label(one.name) if one.name in jsons else one for one in chosen]
    return query.with_only_columns(*columns)


def _row(
    conn: sa.Connection, table: sa.Table, row: dict[str, Any], words: Words, texts: tuple[str, ...], jsons: tuple[str, ...]
) -> int:  # fmt: skip
    values: dict[str, Any] = {}
    for name in texts:
        if words.stand_in(row[name]):
            clean = _said(table.name, name, row[name], words)
            values |= {} if clean == row[name] else {name: clean}
    for name in jsons:
        raw = row[name]
        if raw is not None and (found := out_of_json(raw, words, keys=name not in COUNTS)) is not raw:
            values[name] = found
    if not values:
        return 0
    values = _consequences(table.name, row, values)
    this = sa.and_(*(one == row[one.name] for one in table.primary_key.columns))
    if _is_taken(conn, table, row, values):
        return conn.execute(sa.delete(table).where(this)).rowcount
    return conn.execute(sa.update(table).where(this).values(**values)).rowcount


def _said(table: str, column: str, text: str, words: Words) -> str:
    """A sentence without the words; of a problem's key and a cause the codes stay, by which they are known."""
    if table == "problems":
        flow, bar, cause = text.partition("|")
        return f"{flow}{bar}{words.out_of_said(cause)}"
    return words.out_of_said(text) if column in CODED else words.out_of(text)


def _consequences(table: str, row: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A correction whose value is gone is in force no longer; a row that was about them is kept no longer."""
    if table == "fixes" and row["undone_at"] is None and not values.keys().isdisjoint({"value", "put"}):
        return values | {"undone_at": row["at"], "undone_by": ERASED}
    if table == "bad_rows" and "record" in values:
        return values | {"record": None, "state": "gone" if row["state"] == "open" else row["state"]}
    if table == "handed" and "record" in values:  # it waits no longer: what it would say is gone
        ended = {"record": None, "ended_as": "refused", "cause": "erased-person", "reason": GONE}
        return values | ended | {"ended_at": row["ended_at"] or row["received_at"]}
    return values


def _is_taken(conn: sa.Connection, table: sa.Table, row: dict[str, Any], values: dict[str, Any]) -> bool:
    """Whether a row like the one that this would become is there already, where there may be but one."""
    unique = [
        [column.name for column in one.columns]
        for one in table.constraints
        if isinstance(one, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
    ]
    keys = [names for names in unique if not values.keys().isdisjoint(names)]
    new = row | values
    return any(
        conn.execute(sa.select(sa.literal(1)).where(*(table.c[name] == new[name] for name in names)).limit(1)).first()
        for names in keys
    )


def out_of_json(raw: bytes, words: Words, *, keys: bool = True) -> bytes:
    """JSON without the words, however it spells them; the very same bytes where none stands in it."""
    try:
        found = records.plain(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = raw.decode("utf-8", "replace")
        return words.out_of(text).encode() if words.stand_in(text) else raw
    clean = words.out_of_any(found, keys=keys)
    return raw if clean is found else _ENCODER.encode(clean)


def days(conn: sa.Connection, person: Person, after: str | None, turn: Turn, now: Any) -> Swept:
    """The next documents of many sales: one in which the person stands keeps its sums, and no longer the rows behind them."""
    words, changed = person.words(), 0
    query = sa.select(o.posting_id).where(o.posting_id > int(after or 0)).distinct().order_by(o.posting_id)
    for posting_id in turn.of(conn.execute(query.limit(turn.most)).scalars().all()):
        changed += _day(conn, posting_id, words, now)
    return Swept(None if turn.last() is None else str(turn.last()), {"revisions": changed})


def _day(conn: sa.Connection, posting_id: int, words: Words, now: Any) -> int:
    raw = (r.n, sa.type_coerce(r.record, sa.LargeBinary), sa.type_coerce(r.mapped, sa.LargeBinary))
    changed = 0
    for n, record, mapped in conn.execute(sa.select(*raw).where(r.posting_id == posting_id)).all():
        if any(one is not None and out_of_json(one, words) is not one for one in (record, mapped)):
            this = sa.and_(r.posting_id == posting_id, r.n == n)
            gone = sa.update(schema.revisions).where(this).values(record=NO_RECORD, mapped=None)
            changed += conn.execute(gone).rowcount
            conn.execute(sa.delete(schema.drops).where(x.what == ROWS, x.id == posting_id))
            conn.execute(sa.insert(schema.drops).values(what=ROWS, id=posting_id, at=now))
    return changed
