"""The keys of the HTTP API. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

# Revoked and expired keys stay: the audit log and `last_used_at` speak of them.
api_keys = sa.Table(
    "api_keys",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("prefix", sa.Text, nullable=False, unique=True),  # what names a key without being one
    sa.Column("hash", sa.LargeBinary, nullable=False),  # of the secret, keyed with a root of access/roots
    sa.Column("root_id", sa.Text, nullable=False),  # that root: when it is lost, so are its keys
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rights", sa.Text, nullable=False),  # read | write | admin: each holds the one before
    sa.Column("entities", Json),  # null: all, later ones included
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("revoked_by", sa.Text),
    sa.Column("last_used_at", Instant),  # written at most once a minute
)
