"""The spool: rows of a source on their way into groups, of one run and gone with it. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant

spools = sa.Table(
    "spools",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("touched_at", Instant, nullable=False),
)
spool_groups = sa.Table(
    "spool_groups",
    tables,
    sa.Column("spool_id", Id, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # a digest: the group's own key may be long
    sa.Column("first", sa.BigInteger, nullable=False),  # the number of its first row, by which groups are ordered
    sqlite_with_rowid=False,
)
spool_rows = sa.Table(
    "spool_rows",
    tables,
    sa.Column("spool_id", Id, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # read in exactly this order
)
