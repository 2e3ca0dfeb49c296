"""Postings, their revisions and parts, requests and attempts. Called by schema."""

import sqlalchemy as sa

from counterfoil.store.schema.base import Id, tables
from counterfoil.store.types import Amount, Day, Instant, Json

postings = sa.Table(
    "postings",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow_id", sa.Text, nullable=False),  # "" for contacts: they are shared by all flows of an entity
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("issue", sa.Integer, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),  # the entity for contacts, "" otherwise: part of the identity
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("marker", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("how", sa.Text),  # created | adopted | linked, once posted
    sa.Column("cause", sa.Text),  # the problem's code while rejected, held or uncertain, or posted with a difference
    sa.Column("reason", sa.Text),
    sa.Column("remedy", sa.Text),
    sa.Column("xero_messages", Json),
    sa.Column("skipped", sa.Text),  # why a person skipped it
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("record_hash", sa.Text, nullable=False),
    sa.Column("pending_hash", sa.Text),  # of content that turned up after the posting was sent
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("after_id", Id),
    sa.Column("number", sa.Text),
    sa.Column("own_number", sa.Boolean, nullable=False),  # Xero itself refuses a second one
    sa.Column("date", Day),
    sa.Column("currency", sa.Text),
    sa.Column("sub_total", Amount),
    sa.Column("total_tax", Amount),
    sa.Column("total", Amount),
    sa.Column("document_id", sa.Text),
    sa.Column("document_number", sa.Text),
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("run_id", Id, nullable=False),
    sa.Column("last_run_id", Id, nullable=False),
    sa.Column("planned_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    # A change of a document that Xero has: update | reissue | undo; null: none, or the posting is still to be made.
    sa.Column("action", sa.Text),
    sa.Column("pending_revision", sa.Integer),  # the change's content; `revision` is what Xero has
    sa.Column("rows_hash", sa.Text),  # of the source rows behind `record_hash`
    sa.Column("version", sa.BigInteger),  # the source's own count of the record's versions
    sa.Column("accepted", sa.Text),  # a cause that a person waved through, such as "look-alike"
    sa.UniqueConstraint("flow_id", "kind", "scope", "external_id", "issue", name="postings_identity"),
    sa.Index("postings_open", "tenant_id", "resource", "state", "id"),
    sa.Index("postings_after", "after_id"),
    sa.Index("postings_marker", "marker"),  # a link on a document, also one of somebody else's
)
# The index of a part costs nothing for the other rows. A query uses it only if it says the part's condition itself: only
# contacts have a scope. (A condition with "=" would have SQLite plan anew each time that a query gives another value.)
HAS_SCOPE = postings.c.scope != sa.literal_column("''")
sa.Index("postings_names", postings.c.scope, postings.c.number, sqlite_where=HAS_SCOPE)
sa.Index("postings_problems", postings.c.last_run_id, sqlite_where=postings.c.cause.is_not(None))
# A document belongs to one posting. Contacts are excepted: Xero may merge two of our customers into one.
sa.Index(
    "postings_document",
    postings.c.tenant_id,
    postings.c.resource,
    postings.c.document_id,
    sa.func.coalesce(sa.case((postings.c.kind == "contact", postings.c.id)), 0),
    unique=True,
    sqlite_where=postings.c.document_id.is_not(None),
)
# Changes of documents that wait: few among many postings, asked for again and again.
sa.Index(
    "postings_changes",
    postings.c.tenant_id,
    postings.c.state,
    sqlite_where=postings.c.action.is_not(None),
)
# Content of a posting, numbered; never changed once written. `element` is what Xero is sent, but for the ContactID.
revisions = sa.Table(
    "revisions",
    tables,
    sa.Column("posting_id", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("record", Json, nullable=False),
    sa.Column("record_hash", sa.Text, nullable=False),
    sa.Column("element", Json, nullable=False),
    sa.Column("predicted", Json, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("rows_hash", sa.Text),
    sa.Column("version", sa.BigInteger),
    sa.Column("run_id", Id),  # the run that planned it
    sa.Column("after_id", Id),  # the contact's posting
    sa.Column("action", sa.Text),  # of a change; null: the content that the document was made with
    sa.Column("sets", Json),  # what a change was last frozen with: {"element", "total", "read"}
    sa.Column("closed", Day),  # up to which day the books were closed when a change was planned
    sa.Column("mapped", Json),  # the record that rows became, corrections included; null: `record` is the record
)
# The sales that a content was added up of, where one document stands for many.
posting_parts = sa.Table(
    "posting_parts",
    tables,
    sa.Column("posting_id", Id, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("external_id", sa.Text, primary_key=True),
    sa.Index("posting_parts_sale", "external_id"),
)
requests = sa.Table(
    "requests",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("own_number", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | unclear | closed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("unclear_attempts", sa.Integer, nullable=False),
    sa.Column("first_started", Instant),
    sa.Column("last_started", Instant),
    sa.Column("owner", sa.Text),
    sa.Column("lease_until", Instant),  # nobody else may touch it before
    sa.Column("not_before", Instant),  # the next step waits for this
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("last_look", Instant),
    sa.Column("outcome", sa.Text),
    sa.Column("frozen_at", Instant, nullable=False),
    sa.Index("requests_open", "tenant_id", "state"),
)
request_items = sa.Table(
    "request_items",
    tables,
    sa.Column("request_id", Id, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("posting_id", Id, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Index("request_items_posting", "posting_id"),
)
# A posting is in at most one open request: the database says so, not our care.
sa.Index(
    "request_items_one_open",
    request_items.c.posting_id,
    unique=True,
    sqlite_where=request_items.c.open.is_(sa.true()),
)
attempts = sa.Table(
    "attempts",
    tables,
    sa.Column("request_id", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("ended", Instant),
    sa.Column("outcome", sa.Text),
    sa.Column("status", sa.Integer),
    sa.Column("correlation_id", sa.Text),
    sa.Column("answer", sa.LargeBinary),  # compressed, bounded
)
