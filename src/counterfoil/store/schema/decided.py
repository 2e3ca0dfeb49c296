"""What people decided: corrections, links, pauses; and what retention let go. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Instant, Json

# A correction laid over records before they are decoded (model/fixes). Never changed but for being undone.
fixes = sa.Table(
    "fixes",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow_id", sa.Text, nullable=False),
    sa.Column("problem", Id, nullable=False),  # for which it was made
    sa.Column("entity", sa.Text),
    sa.Column("external_ids", Json),  # null: this and all like it
    sa.Column("by_name", sa.Boolean, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("value", sa.Text),
    sa.Column("put", Json, nullable=False),
    sa.Column("because", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.Text),
)
# Which fixes the content of a posting was made with, in words.
fixes_used = sa.Table(
    "fixes_used",
    tables,
    sa.Column("posting_id", Id, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("fix_id", Id, primary_key=True),
    sa.Column("said", sa.Text, nullable=False),
)
# Which contact of Xero's a person said a customer of ours is; the audit log keeps every decision, this the last.
contact_links = sa.Table(
    "contact_links",
    tables,
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("external_id", sa.Text, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),  # link | new | hold
    sa.Column("contact_id", sa.Text),  # of a link
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
# Where somebody said that no write may start, and until when; one that is over stays as its own history.
pauses = sa.Table(
    "pauses",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("scope", sa.Text, nullable=False),  # all | entity | flow
    sa.Column("name", sa.Text, nullable=False),  # the entity's key or the flow's id; "" for all
    sa.Column("because", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("until", Instant),  # null: until somebody resumes
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.Text),  # null: it ended by itself
)
sa.Index("pauses_standing", pauses.c.scope, pauses.c.name, unique=True, sqlite_where=pauses.c.ended_at.is_(None))
# What [retention] let go: the bytes of a request, or the raw records of a posting.
drops = sa.Table(
    "drops",
    tables,
    sa.Column("what", sa.Text, primary_key=True),  # request | rows
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
)
