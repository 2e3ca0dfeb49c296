"""Which columns of text may hold a person's words, and what an erasure does about each: for the schema's test and the guide.

A new column of text or bytes has to be put under one of three words here, or the test fails. `personal`: a person's text stands
there in the ordinary course of things; each is taken out by one of the sweeps. `maybe`: a sentence or a name that may mention
somebody; strong words are taken out (texts.PLACES), or the column is named in KEPT with the reason why it stays. `none`: ids,
codes, hashes, states, our own words. May import nothing.
"""

from typing import Final

# table → (personal, maybe); every other column of text of these tables is `none`
TEXTS: Final[dict[str, tuple[str, str]]] = {
    "api_keys": ("", "name"),
    "attempts": ("answer", "outcome"),
    "bad_rows": ("external_id reason record", "source cause remedy skipped"),
    "bindings": ("", "name"),
    "connections": ("", "name"),
    "contact_links": ("external_id", ""),
    "contacts": ("number name name_key email_key tax_number", ""),
    "deliveries": ("", "error"),
    "documents": ("reference number number_key", ""),
    "drift": ("", "value"),
    "feeds": ("", "ended_why error"),
    "fixes": ("external_ids value put", "cause because"),
    "fixes_used": ("said", ""),
    "handed": ("record external_id reason", "source cause remedy field"),
    "happenings": ("body", ""),
    "inbox_deliveries": ("", "body"),
    "messages": ("", "error"),
    "meta": ("", "value"),
    "mirrored": ("body", ""),
    "notices": ("", "subject message remedy link"),
    "pauses": ("", "because"),
    "posting_parts": ("external_id", ""),
    "postings": ("external_id number document_number reason xero_messages", "cause remedy skipped source"),
    "problems": ("", "key"),
    "reference": ("", "body"),
    "refresh_waits": ("", "why"),
    "removals": ("person", ""),
    "requests": ("body", "outcome"),
    "revisions": ("record element predicted sets mapped", "source"),
    "runs": ("", "source counts"),
    "schedules": ("", "source said reading"),
    "spool_rows": ("row", ""),
    "waits": ("", "why"),
}
# Tables without any such column.
NONE: Final = frozenset(
    {
        "audit", "audit_heads", "cursors", "drops", "erased", "grants", "happenings_last", "happenings_turns", "inbox_counts",
        "inbox_ids", "inbox_marks", "overdue_sweeps", "overdue_told", "own_writes", "questions", "readings", "request_items", "run_records", "secrets", "services", "spool_groups", "spools",
        "usage",
    }
)  # fmt: skip
# `maybe` and left as it is, and why.
KEPT: Final[dict[str, str]] = {
    "api_keys.name": "what you called a key of yours",
    "bindings.name": "the name of your own organisation",
    "connections.name": "the name of your own organisation",
    "drift.value": "a word of an enumeration of Xero's",
    "inbox_deliveries.body": "Xero sends ids alone; gone with [retention] webhooks",
    "meta.value": "which installation this is, and where its newest backup lies: another word there would close it",
    "reference.body": "your own organisation's settings",
    "refresh_waits.why": "what Xero's identity service answered",
}
# `personal` and taken out by ids, not by words: by which sweep.
SWEPT: Final[dict[str, str]] = {
    "attempts": "requests", "bad_rows": "texts", "contact_links": "texts", "contacts": "index", "documents": "index",
    "fixes": "texts", "fixes_used": "postings", "handed": "texts", "happenings": "changes", "mirrored": "documents", "posting_parts": "postings",
    "postings": "postings", "removals": "the end", "requests": "requests", "revisions": "postings", "spool_rows": "the run's end",
}  # fmt: skip
# Columns whose name may mean a person's words elsewhere, and which hold nothing but our own words, ids or Xero's codes.
OURS: Final = frozenset(
    {
        "api_keys.made_by", "api_keys.prefix", "api_keys.revoked_by", "api_keys.rights", "api_keys.root_id", "api_keys.entities",
        "deliveries.document", "deliveries.feed", "feeds.paused_by", "handed.ended_as", "handed.entities", "handed.request", "bindings.short_code", "drift.field", "erased.key", "fixes.field", "happenings.name", "inbox_counts.name", "meta.key",
        "mirrored.missing", "pauses.name", "removals.counts", "removals.place", "secrets.secret", "spool_groups.key",
        "waits.key", "grants.spare", "grants.secret", "grants.lost", "questions.secret", "runs.command", "audit.data",
    }
)  # fmt: skip
# And those that hold such wherever they stand.
IMPERSONAL: Final = frozenset(
    [
        "accepted",
        "act",
        "action",
        "actor",
        "api_key",
        "base_currency",
        "category",
        "client_id",
        "connection_id",
        "contact_id",
        "content_hash",
        "correlation_id",
        "country",
        "currency",
        "decision",
        "digest",
        "document_id",
        "ended_by",
        "entity",
        "entity",
        "flow",
        "flow_id",
        "grant_id",
        "hash",
        "host",
        "how",
        "id",
        "idempotency_key",
        "kind",
        "lane",
        "marker",
        "merged_to",
        "method",
        "organisation_id",
        "outcome",
        "owner",
        "path",
        "pending_hash",
        "previous",
        "purpose",
        "record_hash",
        "refresh_owner",
        "resource",
        "resource_id",
        "rows_hash",
        "schedule",
        "scope",
        "scopes",
        "seal",
        "state",
        "status",
        "stopped",
        "target",
        "tenant_id",
        "tenant_type",
        "terms_type",
        "timezone",
        "undone_by",
        "version",
        "what",
        "xero_userid",
    ]
)
