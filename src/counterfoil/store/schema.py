"""The tables. One place, so that a reader sees the whole memory of the product at once.

Called by the query modules of this folder. SCHEMA_VERSION changes with any table of a released version, with a step in
migrations/. Ids are integers given by the database, except where Xero's or the user's own id is the key.
"""

import sqlalchemy as sa

from counterfoil.store.types import Amount, Day, Instant, Json

SCHEMA_VERSION = 5

tables = sa.MetaData()
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# ---- the installation -------------------------------------------------------------------------------------------
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

# ---- access -----------------------------------------------------------------------------------------------------
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

# ---- the mirror (its first part: what postings are checked against) ---------------------------------------------
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

# ---- posting ----------------------------------------------------------------------------------------------------
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

# ---- runs and problems ------------------------------------------------------------------------------------------
runs = sa.Table(
    "runs",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow", sa.Text),
    sa.Column("flow_id", sa.Text),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("ended", Instant),
    sa.Column("counts", Json),
)
# One row per record that the source gave in a run; the outcome of those with a posting is the posting's.
run_records = sa.Table(
    "run_records",
    tables,
    sa.Column("run_id", Id, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("posting_id", Id),
    sa.Column("outcome", sa.Text),  # unchanged | rejected | held: decided while planning; null: ask the posting
    sa.Index("run_records_posting", "posting_id"),
    sqlite_with_rowid=False,
)
# What no posting could be made of: a line that is no JSON, a record without external_id.
bad_rows = sa.Table(
    "bad_rows",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("flow_id", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | gone (a later run of the source no longer has it) | skipped
    sa.Column("skipped", sa.Text),
    sa.Column("last_run_id", Id, nullable=False),
    sa.Column("record", sa.LargeBinary),  # the record that it is, if it is one, so that it can be corrected here
    sa.UniqueConstraint("flow_id", "content_hash", "source", name="bad_rows_once"),
)
# The number that a person types for a problem; `key` is "flow id|cause".
problems = sa.Table(
    "problems",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
)
# What was called and drawn, per day (UTC), tenant ("": no organisation's), flow ("": none in particular), lane and resource.
usage = sa.Table(
    "usage",
    tables,
    sa.Column("day", Day, primary_key=True),
    sa.Column("tenant_id", sa.Text, primary_key=True),
    sa.Column("flow_id", sa.Text, primary_key=True),
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),  # answered 429
    sa.Column("failed", sa.BigInteger, nullable=False),  # answered 5xx, or not wholly
    sa.Column("read_bytes", sa.BigInteger, nullable=False),
    sa.Column("write_bytes", sa.BigInteger, nullable=False),
    sa.Column("wire_bytes", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
# ---- the spool: rows of a source on their way into groups, of one run and gone with it ---------------------------
spools = sa.Table(
    "spools",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("touched_at", Instant, nullable=False),
)
spool_groups = sa.Table(
    "spool_groups",
    tables,
    sa.Column("spool_id", Id, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # a digest: the group's own key may be long
    sa.Column("first", sa.BigInteger, nullable=False),  # the number of its first row, by which groups are ordered
    sqlite_with_rowid=False,
)
spool_rows = sa.Table(
    "spool_rows",
    tables,
    sa.Column("spool_id", Id, primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # read in exactly this order
)
# ---- the service ------------------------------------------------------------------------------------------------
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
# ---- what people decided ----------------------------------------------------------------------------------------
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


def for_postgres() -> None:
    """Give the indexes of a part of a table the same part there; naming Postgres loads its dialect (0.1 s)."""
    for table in tables.tables.values():
        for index in table.indexes:
            part = index.dialect_options["sqlite"]["where"]
            if part is not None:
                index.dialect_options["postgresql"]["where"] = part
