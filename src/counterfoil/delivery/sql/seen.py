"""`counterfoil_seen`, a small table of ours beside the customer's: which change of which document was written last.

Called by writing, in its transaction. So an older change never overwrites a newer one, a document that was deleted does not come back
by a change that was late, and the customer's table needs no column for it. It holds ids and numbers, no content.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from counterfoil.delivery.sql.target import Target

NAME: Final = "counterfoil_seen"
IDS_AT_ONCE: Final = 200
_UNSEEN: Final = -1
Document = tuple[str, str, str]  # tenant, resource, id


class Seen(msgspec.Struct, frozen=True, order=True):
    """How new what was written is: Xero's stamp where both have one, then our own order of changes."""

    n: int
    stamp: datetime.datetime | None

    def is_after(self, other: "Seen") -> bool:
        """Whether this is newer. Stamps decide first: after a restore of our database, `n` begins again from an older number."""
        if self.stamp is not None and other.stamp is not None and self.stamp != other.stamp:
            return self.stamp > other.stamp
        return self.n > other.n

    def over(self, before: "Seen") -> "Seen":
        """What is kept when this is written over `before`: a change without a stamp leaves the last one that was known."""
        return self if self.stamp is not None else Seen(self.n, before.stamp)


def table(target: Target) -> sa.Table:
    """The table, in the schema of the customer's."""
    return sa.Table(
        NAME, sa.MetaData(),
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("resource", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.Text),
        schema=target.schema,
    )  # fmt: skip


def knows(conn: sa.Connection, of: sa.Table, name: str) -> bool:
    """Whether anything was ever written to the customer's table of that name."""
    if not sa.inspect(conn).has_table(NAME, schema=of.schema):
        return False
    return conn.execute(sa.select(of.c.n).where(of.c.table_name == name).limit(1)).first() is not None


def held(conn: sa.Connection, of: sa.Table, name: str, documents: Sequence[Document]) -> dict[Document, Seen]:
    """What was written last of these documents, which nobody else may write until the transaction ends.

    They are taken in one order, so that two writers never wait for each other.
    """
    insert: Any = {"postgresql": postgresql, "sqlite": sqlite}[conn.dialect.name].insert(of)
    wanted = sorted(set(documents))
    rows = [dict(zip(_KEYS, (name, *one), strict=True)) | {"n": _UNSEEN} for one in wanted]
    conn.execute(insert.on_conflict_do_nothing(), rows)
    found: dict[Document, Seen] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        some = wanted[start : start + IDS_AT_ONCE]
        query = (
            sa.select(of.c.tenant_id, of.c.resource, of.c.document_id, of.c.n, of.c.stamp)
            .where(of.c.table_name == name, of.c.document_id.in_([one[2] for one in some]))
            .order_by(of.c.tenant_id, of.c.resource, of.c.document_id)
            .with_for_update()
        )
        for tenant, resource, document, n, stamp in conn.execute(query):
            at = None if stamp is None else datetime.datetime.fromisoformat(stamp)
            found[tenant, resource, document] = Seen(n, at)
    return found


def note(conn: sa.Connection, of: sa.Table, name: str, written: Mapping[Document, Seen]) -> None:
    """Keep what is written now."""
    if not written:
        return
    same = sa.and_(*(of.c[key] == sa.bindparam(f"k_{key}") for key in _KEYS))
    rows: list[dict[str, Any]] = [
        {f"k_{key}": value for key, value in zip(_KEYS, (name, *document), strict=True)}
        | {"n": one.n, "stamp": None if one.stamp is None else one.stamp.isoformat()}
        for document, one in written.items()
    ]
    conn.execute(sa.update(of).where(same).values(n=sa.bindparam("n"), stamp=sa.bindparam("stamp")), rows)


_KEYS: Final = ("table_name", "tenant_id", "resource", "document_id")
