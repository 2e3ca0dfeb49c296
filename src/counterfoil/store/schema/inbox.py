"""What Xero's webhooks brought: raw deliveries, what is to be looked at again, and what was counted. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant

inbox_deliveries = sa.Table(
    "inbox_deliveries",
    tables,
    sa.Column("id", Id, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),  # SHA-256 of the body: the same one is one row
    sa.Column("body", sa.LargeBinary, nullable=False),  # as it came
    sa.Column("received_at", Instant, nullable=False),  # the first time
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),  # that could be read
    sa.Column("unread", sa.Integer, nullable=False),  # that could not; a body that is no payload at all is one
    sa.Index("inbox_unread", "received_at", sqlite_where=sa.text("unread > 0")),
)
# One row for each tenant and category that ever had an event. `due_at` null: nothing is to be looked at.
inbox_marks = sa.Table(
    "inbox_marks",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("tenant_type", sa.Text, nullable=False),
    sa.Column("newest_at", Instant, nullable=False),  # the newest event's time, by Xero's clock
    sa.Column("received_at", Instant, nullable=False),  # when that one came
    sa.Column("version", sa.Integer, nullable=False),  # one more with each commit that brought something new
    sa.Column("whole", sa.Boolean, nullable=False),  # too many ids: all of the category
    sa.Column("asked", sa.Integer, nullable=False),  # of a whole one: looks since its newest event that did not see it
    sa.Column("due_at", Instant),
    sa.Index("inbox_due", "due_at"),
)
inbox_ids = sa.Table(
    "inbox_ids",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("resource_id", sa.Text, primary_key=True),
    sa.Column("newest_at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the mark, when its newest event came
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
)
inbox_counts = sa.Table(
    "inbox_counts",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),  # the last one
)
