"""The mirror of a tenant's documents. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import tables
from counterfoil.store.types import Amount, Day, Instant

reference = sa.Table(
    "reference",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("fetched_at", Instant, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
cursors = sa.Table(
    "cursors",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("since", Instant),  # Xero's own time of the last complete catch-up, less the overlap; null: read whole
    sa.Column("recovered", sa.Boolean, nullable=False),  # markers of a new or restored database were adopted
    sa.Column("recover_since", Instant),  # a restored copy reads from here; null: the whole resource
)
documents = sa.Table(
    "documents",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("number_key", sa.Text),
    sa.Column("number", sa.Text),
    sa.Column("marker", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Text),
    sa.Column("date", Day),
    sa.Column("currency", sa.Text),
    sa.Column("sub_total", Amount),
    sa.Column("total_tax", Amount),
    sa.Column("total", Amount),
    sa.Column("reference", sa.Text),
    sa.Column("updated_at", Instant),
    sa.Index("documents_by_number", "tenant_id", "resource", "number_key"),
    sa.Index("documents_by_marker", "tenant_id", "resource", "marker"),
    sa.Index("documents_by_contact", "tenant_id", "contact_id", "date"),
)
contacts = sa.Table(
    "contacts",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False),
    sa.Column("email_key", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("merged_to", sa.Text),
    sa.Column("updated_at", Instant),
    sa.Column("terms_day", sa.Integer),  # its payment terms for what it buys; both null: none of its own
    sa.Column("terms_type", sa.Text),
    sa.Column("tax_number", sa.Text),
    sa.Index("contacts_by_number", "tenant_id", "number"),
    sa.Index("contacts_by_name", "tenant_id", "name_key"),
)
mirrored = sa.Table(
    "mirrored",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("status", sa.Text),  # Xero's word; null where it has none
    sa.Column("stamp", Instant),  # UpdatedDateUTC; null where Xero gives none
    sa.Column("seen_at", Instant, nullable=False),  # Xero's own time of the answer that it was read in
    sa.Column("missing", sa.Text, nullable=False),  # fields that no answer covered at this stamp, with commas
    sa.Column("absent_at", Instant),  # the first complete list without it
    sa.Column("deleted_at", Instant),  # the second one: it is gone
    sa.Column("body", sa.LargeBinary, nullable=False),  # the whole document: Xero's JSON without spaces between
    # What is there, and what is to be read whole: without touching the documents themselves.
    sa.Index("mirrored_there", "tenant_id", "resource", "deleted_at", "document_id", "absent_at", "stamp"),
    sa.Index("mirrored_incomplete", "tenant_id", "resource", "document_id", sqlite_where=sa.text("missing <> ''")),
)
readings = sa.Table(
    "readings",
    tables,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("since", Instant),  # Xero's time of the last complete catch-up, less the overlap; null: never complete
    sa.Column("began_at", Instant),  # Xero's time of the first answer of one that has not ended; null: none is open
    sa.Column("reached", Instant),  # how far that one has come: it goes on from this stamp
    sa.Column("caught_up_at", Instant),  # by our clock
    sa.Column("changed_at", Instant),  # when something new was last seen
    sa.Column("listed_at", Instant),  # the last complete list, which says what is gone
)
drift = sa.Table(
    "drift",
    tables,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),  # of an enumeration; empty: the field itself is not known
    sa.Column("times", sa.BigInteger, nullable=False),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
)
