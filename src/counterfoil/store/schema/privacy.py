"""Whose text was erased, and what is being erased or purged right now. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

# Of whom nothing may be written again: ids and keyed hashes, never a name. The same list stands in a file beside the database.
erased = sa.Table(
    "erased",
    tables,
    sa.Column("what", sa.Text, primary_key=True),  # contact | number | customer | record
    sa.Column("owner", sa.Text, primary_key=True),  # the tenant of the first two, the entity, the flow's id
    sa.Column("key", sa.Text, primary_key=True),  # a ContactID, a document's id; of the last two a keyed hash
    sa.Column("at", Instant, nullable=False),
)
# What was begun: the intent is committed first, so that whoever comes after a kill goes on where it stopped.
removals = sa.Table(
    "removals",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),  # erase | purge
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("person", Json),  # whom and by which words, while it goes on; null afterwards
    sa.Column("place", Json, nullable=False),  # which step, and after which row
    sa.Column("counts", Json, nullable=False),  # rows by table
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),  # the process that works on it
    sa.Column("touched_at", Instant, nullable=False),
    sa.Column("begun_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)
