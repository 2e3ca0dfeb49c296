"""Grants, open questions for one, connections and bindings. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import tables
from counterfoil.store.types import Instant

grants = sa.Table(
    "grants",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("xero_userid", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),  # the token set, sealed by access/vault
    sa.Column("spare", sa.LargeBinary),  # a losing refresh answer, or the token before this one (30-minute grace)
    sa.Column("spare_until", Instant),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("refreshed_at", Instant, nullable=False),
    sa.Column("refresh_owner", sa.Text),
    sa.Column("refresh_until", Instant),  # the lease of the one process that refreshes
    sa.Column("lost", sa.Text),  # why the consent is lost for good; null: it is not
    sa.UniqueConstraint("client_id", "xero_userid"),
)
# A consent whose fresh tokens were asked for in vain: no row, its last try was answered.
refresh_waits = sa.Table(
    "refresh_waits",
    tables,
    sa.Column("grant_id", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),  # in a row
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),  # nobody asks before
    sa.Column("why", sa.Text, nullable=False),
)
# A consent that somebody was asked for, until the answer comes; `id`: the hash of its state.
questions = sa.Table(
    "questions",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),  # who asked what, sealed by access/vault
    sa.Column("until", Instant, nullable=False),
)
connections = sa.Table(
    "connections",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("grant_id", sa.Text, primary_key=True),
    sa.Column("connection_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("tenant_type", sa.Text, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("since", Instant),  # by Xero's word: when it was last connected
)
bindings = sa.Table(
    "bindings",
    tables,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text, nullable=False, unique=True),
    sa.Column("grant_id", sa.Text, nullable=False),
    sa.Column("organisation_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("short_code", sa.Text, nullable=False),
    sa.Column("base_currency", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("is_demo", sa.Boolean, nullable=False),
    sa.Column("stopped", sa.Text),
    sa.Column("bound_at", Instant, nullable=False),
    sa.Column("verified_at", Instant, nullable=False),
)
