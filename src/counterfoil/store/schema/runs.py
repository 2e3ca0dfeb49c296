"""Runs, what they refused, problems, and what calls cost. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Day, Instant, Json

runs = sa.Table(
    "runs",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow", sa.Text),
    sa.Column("flow_id", sa.Text),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("ended", Instant),
    sa.Column("counts", Json),
)
# One row per record that the source gave in a run; the outcome of those with a posting is the posting's.
run_records = sa.Table(
    "run_records",
    tables,
    sa.Column("run_id", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("posting_id", Id),
    sa.Column("outcome", sa.Text),  # unchanged | rejected | held: decided while planning; null: ask the posting
    sa.Index("run_records_posting", "posting_id"),
    sqlite_with_rowid=False,
)
# What no posting could be made of: a line that is no JSON, a record without external_id.
bad_rows = sa.Table(
    "bad_rows",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("flow_id", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | gone (a later run of the source no longer has it) | skipped
    sa.Column("skipped", sa.Text),
    sa.Column("last_run_id", Id, nullable=False),
    sa.Column("record", sa.LargeBinary),  # the record that it is, if it is one, so that it can be corrected here
    sa.UniqueConstraint("flow_id", "content_hash", "source", name="bad_rows_once"),
)
# The number that a person types for a problem; `key` is "flow id|cause".
problems = sa.Table(
    "problems",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
)
# What was called and drawn, per day (UTC), tenant ("": no organisation's), flow ("": none in particular), lane and resource.
usage = sa.Table(
    "usage",
    tables,
    sa.Column("day", Day, primary_key=True),
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("flow_id", sa.Text, primary_key=True),
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),  # answered 429
    sa.Column("failed", sa.BigInteger, nullable=False),  # answered 5xx, or not wholly
    sa.Column("read_bytes", sa.BigInteger, nullable=False),
    sa.Column("write_bytes", sa.BigInteger, nullable=False),
    sa.Column("wire_bytes", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
