"""What the service remembers: schedules, waits, who runs. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

# When a flow ran by itself, and what its source was then: missed runs happen once, whoever makes up for them.
schedules = sa.Table(
    "schedules",
    tables,
    sa.Column("flow_id", sa.Text, primary_key=True),
    sa.Column("schedule", sa.Text, nullable=False),  # as it is written: another one counts from when it is known
    sa.Column("known_at", Instant, nullable=False),
    sa.Column("last_at", Instant),  # the last start
    sa.Column("owner", sa.Text),  # who runs it now; null: nobody
    sa.Column("lease_until", Instant),  # afterwards the owner is dead, and another goes on
    sa.Column("again_at", Instant),  # it could not be finished: tried again then, before its time
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
    sa.Column("source", sa.Text),  # what was read last, in one text; null: nothing, or not to its end
    sa.Column("ended_at", Instant),
    sa.Column("said", sa.Text),  # how it ended, for people
    sa.Column("run_id", Id),
    sa.Column("reading", Json),  # how far its source is planned (app/places), while that is not over
)
# Work that waits for a time that its own tables do not tell: a new day, a window, somebody who connects again.
waits = sa.Table(
    "waits",
    tables,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("until", Instant, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("why", sa.Text),
)
# The processes of the service, each for as long as it says so.
services = sa.Table(
    "services",
    tables,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # serve | worker
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("beat_at", Instant, nullable=False),
)
