"""Look-alikes: documents of other hands that may be the very sale that a record is about.

Called by planning. The same contact, total and currency within DAYS, and neither our mark nor a posting of ours: the
record is held, for a person to say whether it is the same sale. Only what the mirror has is looked at. Cost: no call.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence

from counterfoil.model.prepared import Finding, Prepared
from counterfoil.posting.deciding import GONE
from counterfoil.store import likes
from counterfoil.store.database import Connection
from counterfoil.store.documents import Document
from counterfoil.store.problems import LOOK_ALIKE

DAYS = datetime.timedelta(days=3)
ByContact = Mapping[str, Sequence[Document]]


def of(connection: Connection, tenant_id: str, resource: str, wanted: Iterable[tuple[str, datetime.date]]) -> ByContact:
    """Documents without our mark of these contacts around these days, by contact."""
    pairs = list(wanted)
    if not pairs:
        return {}
    days = [day for _contact, day in pairs]
    contacts = {contact for contact, _day in pairs}
    found: dict[str, list[Document]] = {}
    for document in likes.unmarked(connection, tenant_id, resource, contacts, min(days) - DAYS, max(days) + DAYS):
        if document.status not in GONE:
            found.setdefault(document.contact_id or "", []).append(document)
    return found


def find(prepared: Prepared, known: Sequence[Document]) -> Document | None:
    """The document that looks like this one; None: there is none."""
    wanted = prepared.predicted
    for document in known:
        near = document.date is not None and abs(document.date - wanted.date) <= DAYS
        if near and document.total == wanted.total and document.currency == wanted.currency:
            return document
    return None


def finding(document: Document) -> Finding:
    """It may be the same sale."""
    name = document.number or f"a document without a number ({document.document_id})"
    return Finding(
        LOOK_ALIKE,
        f"{name} in Xero looks like this sale: the same customer, {document.total} {document.currency}, "
        f"dated {document.date}, {document.status}; it is not ours.",
        "If it is the same sale, `counterfoil problems skip --document` lets it stand for the record; "
        "if it is another one, `counterfoil problems retry` posts this one too.",
        "contact",
        document.contact_id or "",
    )
