"""Records that programs handed over and that wait to be planned. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

# Written before a program hears that it was taken; dropped a day after it was planned.
handed = sa.Table(
    "handed",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("request", sa.Text, nullable=False),  # what came in one request is planned together
    sa.Column("flow_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("entities", Json),  # those that the key is for; null: all
    sa.Column("n", sa.Integer, nullable=False),  # its place in the request
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("record", sa.LargeBinary),  # null once it is planned: the posting keeps it
    sa.Column("external_id", sa.Text),
    sa.Column("entity", sa.Text),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),  # null: it waits
    sa.Column("posting_id", sa.BigInteger),
    sa.Column("ended_as", sa.Text),  # where it has no posting: rejected, held, unchanged, refused
    sa.Column("cause", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("remedy", sa.Text),
    sa.Column("field", sa.Text),
    sa.Index("handed_waiting", "flow_id", "id", sqlite_where=sa.text("ended_at IS NULL")),
    sa.Index("handed_by_request", "request"),
    sa.Index("handed_ended", "ended_at"),
)
