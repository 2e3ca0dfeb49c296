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
