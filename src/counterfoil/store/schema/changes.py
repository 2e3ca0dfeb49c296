"""Changes that were named, in the order of this installation, and where each document's own order stands. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import tables
from counterfoil.store.types import Day, Instant

happenings = sa.Table(
    "happenings",
    tables,
    # Given under a lock that is held until the commit, so that a reader who has seen n misses nothing below it.
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("turn", sa.BigInteger, nullable=False),  # the document's own order, from 1
    sa.Column("stamp", Instant),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("revision", sa.BigInteger),
    sa.Column("snapshot", sa.Boolean, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # before, after and fields, as JSON
    sa.Column("posting", sa.BigInteger),  # ours, whose revision this is
    sa.Index("happenings_by_document", "tenant_id", "resource", "document_id", "n"),
    sa.Index("happenings_by_age", "seen_at"),
)
# One row: the newest n that was given. It outlives the changes themselves, which retention drops.
happenings_last = sa.Table(
    "happenings_last",
    tables,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
)
happenings_turns = sa.Table(
    "happenings_turns",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text),  # a digest of what the document said after its newest change; empty: it was gone
)
# Up to which of our requests the changes of a document are told. Only of documents that we wrote.
own_writes = sa.Table(
    "own_writes",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("request_id", sa.BigInteger, nullable=False),
)
# Which due dates of an invoice or a bill were told as passed; it outlives the change, which retention drops.
overdue_told = sa.Table(
    "overdue_told",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("due", Day, primary_key=True),
)
overdue_sweeps = sa.Table(
    "overdue_sweeps",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("day", Day, nullable=False),  # the organisation's own, the last that was looked through
)
