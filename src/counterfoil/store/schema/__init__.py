"""The tables: the whole memory of the product, a file for each part of it.

Called by the query modules of store/ (`schema.postings`). Ids are integers given by the database, except where Xero's or
the user's own id is the key. May import store/types, and nothing else of ours.
"""

from counterfoil.store.schema.access import bindings, connections, grants, questions, refresh_waits
from counterfoil.store.schema.api import api_keys
from counterfoil.store.schema.base import SCHEMA_VERSION, Id, tables
from counterfoil.store.schema.changes import (
    happenings,
    happenings_last,
    happenings_turns,
    overdue_sweeps,
    overdue_told,
    own_writes,
)
from counterfoil.store.schema.decided import contact_links, drops, fixes, fixes_used, pauses
from counterfoil.store.schema.delivery import deliveries, feeds
from counterfoil.store.schema.handed import handed
from counterfoil.store.schema.inbox import inbox_counts, inbox_deliveries, inbox_ids, inbox_marks
from counterfoil.store.schema.installation import audit, audit_heads, messages, meta, notices, secrets
from counterfoil.store.schema.mirror import contacts, cursors, documents, drift, mirrored, readings, reference
from counterfoil.store.schema.posting import (
    HAS_SCOPE,
    attempts,
    posting_parts,
    postings,
    request_items,
    requests,
    revisions,
)
from counterfoil.store.schema.privacy import erased, removals
from counterfoil.store.schema.runs import bad_rows, problems, run_records, runs, usage
from counterfoil.store.schema.service import schedules, services, waits
from counterfoil.store.schema.spool import spool_groups, spool_rows, spools

__all__ = [
    "HAS_SCOPE",
    "SCHEMA_VERSION",
    "Id",
    "api_keys",
    "attempts",
    "audit",
    "audit_heads",
    "bad_rows",
    "bindings",
    "connections",
    "contact_links",
    "contacts",
    "cursors",
    "deliveries",
    "documents",
    "drift",
    "drops",
    "erased",
    "feeds",
    "fixes",
    "fixes_used",
    "for_postgres",
    "grants",
    "handed",
    "happenings",
    "happenings_last",
    "happenings_turns",
    "inbox_counts",
    "inbox_deliveries",
    "inbox_ids",
    "inbox_marks",
    "messages",
    "meta",
    "mirrored",
    "notices",
    "overdue_sweeps",
    "overdue_told",
    "own_writes",
    "pauses",
    "posting_parts",
    "postings",
    "problems",
    "questions",
    "readings",
    "reference",
    "refresh_waits",
    "removals",
    "request_items",
    "requests",
    "revisions",
    "run_records",
    "runs",
    "schedules",
    "secrets",
    "services",
    "spool_groups",
    "spool_rows",
    "spools",
    "tables",
    "usage",
    "waits",
]


def for_postgres() -> None:
    """Give the indexes of a part of a table the same part there; naming Postgres loads its dialect (0.1 s)."""
    for table in tables.tables.values():
        for index in table.indexes:
            part = index.dialect_options["sqlite"]["where"]
            if part is not None:
                index.dialect_options["postgresql"]["where"] = part
