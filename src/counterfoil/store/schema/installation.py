"""The installation: its memory of itself, the audit log, secrets, what people are told. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

meta = sa.Table(
    "meta", tables, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

# One keyed hash chain per entity ("" for acts that concern none). Ids and keyed hashes only, never names.
audit = sa.Table(
    "audit",
    tables,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
# Where each chain ends, sealed with the same key: entries that were taken off its end are missed.
audit_heads = sa.Table(
    "audit_heads",
    tables,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)

# Random roots of keys for one purpose each (the audit log's), sealed by access/vault; `id` names one without showing it.
secrets = sa.Table(
    "secrets",
    tables,
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),
)

# What somebody must be told: one row for as long as its cause (kind, subject) stands.
notices = sa.Table(
    "notices",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("link", sa.Text),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("over_at", Instant),
    sa.Column("since", Instant, nullable=False),  # when the cause itself began, as far as is known
    sa.Column("count", sa.Integer),  # how many records it is about; null: it counts nothing
)
sa.Index(
    "notices_standing",
    notices.c.kind,
    notices.c.subject,
    unique=True,
    sqlite_where=notices.c.over_at.is_(None),
)
# One notice to one target, in one state: written before it is sent, so that nobody else sends it too.
messages = sa.Table(
    "messages",
    tables,
    sa.Column("notice_id", Id, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),  # standing | over
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("lease_until", Instant),  # the sender's; afterwards it is dead, and another may try
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("may_have_arrived", sa.Boolean, nullable=False),
    sa.Column("target_is_down", sa.Boolean, nullable=False),  # it failed as anything to this target would
    sa.Column("sent_at", Instant),
    sa.Column("given_up_at", Instant),
    sa.Column("error", sa.Text),
)
