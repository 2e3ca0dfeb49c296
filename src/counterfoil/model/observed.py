"""What the mirror held of a document before, and what it holds now: what a change is named from.

Made by mirror when it applies what Xero answered, read by whoever names changes. Pure. Design §3.5.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One document, before and after.

    `before` and `after` have Xero's field names and nesting; amounts are Decimal, document dates ISO text ("2026-11-02"),
    instants ISO text in UTC. Only fields that both observations cover differ; None: it was not there, or is gone.
    """

    tenant_id: str
    resource: str  # Xero's plural: "Invoices", "Contacts", …
    document_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    stamp: datetime.datetime | None  # Xero's UpdatedDateUTC of what it is now; aware UTC; None where Xero gives none
    seen_at: datetime.datetime  # when we read it; aware UTC
    revision: int | None = None  # our own write whose result this is, field for field: the posting's revision
    posting: int | None = None  # and that posting
    snapshot: bool = False  # from a first load or a repair: nothing happened just now
