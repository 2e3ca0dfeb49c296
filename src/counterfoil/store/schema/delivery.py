"""How far each feed is, and the changes that it is still to be handed. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import tables
from counterfoil.store.types import Instant

# One row for each feed and each handler that was ever served. `id` outlives its table in the configuration.
feeds = sa.Table(
    "feeds",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),  # the changes up to here were looked through
    sa.Column("known_at", Instant, nullable=False),
    sa.Column("owner", sa.Text),  # who carries it now; null: nobody
    sa.Column("lease_until", Instant),  # afterwards the owner is dead, and another goes on
    sa.Column("paused_at", Instant),
    sa.Column("paused_by", sa.Text),
    sa.Column("ended_at", Instant),  # the target wants no more
    sa.Column("ended_why", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False),  # in a row, of a target that is down
    sa.Column("down_since", Instant),
    sa.Column("rest_until", Instant),
    sa.Column("error", sa.Text),  # of its last failure; null: what came last arrived
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", Instant),
    sa.Column("missed", sa.BigInteger, nullable=False),  # dropped by retention before they were handed over
)
# A change that a feed wants and has not got. A row goes when it arrived; `dead_at`: it is not tried again by itself.
deliveries = sa.Table(
    "deliveries",
    tables,
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),  # of the change
    sa.Column("document", sa.Text, nullable=False),  # whose changes wait for each other
    sa.Column("due_at", Instant, nullable=False),  # when it was first to be handed over
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("down", sa.Boolean, nullable=False),  # it failed last as anything to this target would have
    sa.Column("dead_at", Instant),
    sa.Column("error", sa.Text),
    sa.Index("deliveries_by_document", "feed", "document", "n"),
    sa.Index("deliveries_due", "feed", "dead_at", "next_at"),
)
