"""What postings look documents and contacts up by: number, marker, name; two thin tables beside the whole documents.

Called by catching_up (from summaries) and mirroring (from whole documents). What is older than what is there changes nothing.
Facts §5.7 to §5.9.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Any, Final

from counterfoil.mirror import veiling
from counterfoil.model.contact import Contact
from counterfoil.model.credit_note import CreditNote
from counterfoil.model.invoice import Invoice
from counterfoil.store import documents, schema
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold
from counterfoil.xero.resources import credit_notes

Marker = Callable[[str | None, str | None], str | None]
TYPES: Final = {"Contacts": Contact, "CreditNotes": CreditNote, "Invoices": Invoice}  # the resources that are indexed


def table(resource: str) -> Any:
    """Where the rows of one of TYPES stand."""
    return schema.contacts if resource == "Contacts" else schema.documents


def put(connection: Connection, tenant: str, resource: str, rows: Sequence[Any], find_marker: Marker) -> None:
    """Index the typed rows of one of TYPES."""
    documents.put_newer(connection, table(resource), _values(connection, tenant, resource, rows, find_marker))


def mend(
    connection: Connection, tenant: str, resource: str, rows: Sequence[Any], find_marker: Marker,
    is_doubtful: Callable[[datetime.datetime | None], bool],
) -> list[str]:  # fmt: skip
    """The same for what is right, whatever is there; what is newer there stays unless it is doubtful. → ids that were wrong."""
    rows_of, key = table(resource), "contact_id" if resource == "Contacts" else "document_id"
    values = {one[key]: one for one in _values(connection, tenant, resource, rows, find_marker)}
    known = {one[key]: one for one in documents.known(connection, rows_of, tenant, resource, list(values))}
    wrong = [
        one for one, value in values.items()
        if known.get(one) != value and (one not in known or not _is_newer(known[one], value, is_doubtful))
    ]  # fmt: skip
    documents.forget(connection, rows_of, tenant, resource, wrong)
    documents.put_newer(connection, rows_of, [values[one] for one in wrong])
    return wrong


def _is_newer(known: dict[str, Any], value: dict[str, Any], is_doubtful: Callable[[Any], bool]) -> bool:
    was, now = known["updated_at"], value["updated_at"]
    return was is not None and now is not None and was > now and not is_doubtful(was)


def _values(
    connection: Connection, tenant: str, resource: str, rows: Sequence[Any], find_marker: Marker
) -> list[dict[str, Any]]:
    if resource == "Contacts":
        values = [_contact_row(tenant, one) for one in rows]
    elif resource == credit_notes.PLURAL:
        values = [_credit_note_row(tenant, one, find_marker) for one in rows]
    else:
        values = [_document_row(tenant, resource, one, find_marker) for one in rows]
    return veiling.indexed(connection, tenant, values)


def _document_row(tenant: str, resource: str, invoice: Invoice, find_marker: Marker) -> dict[str, Any]:
    return {
        "tenant_id": tenant, "resource": resource, "document_id": invoice.invoice_id,
        "number_key": _number_key(invoice), "number": invoice.invoice_number,
        "marker": find_marker(invoice.url, invoice.reference), "status": invoice.status or "",
        "contact_id": invoice.contact.contact_id if invoice.contact else None, "date": invoice.date,
        "currency": invoice.currency_code, "sub_total": invoice.sub_total, "total_tax": invoice.total_tax,
        "total": invoice.total, "reference": invoice.reference, "updated_at": invoice.updated_date_utc,
    }  # fmt: skip


def _credit_note_row(tenant: str, note: CreditNote, find_marker: Marker) -> dict[str, Any]:
    own_number = note.credit_note_number if note.type == "ACCRECCREDIT" else None  # facts §5.9: unique for these
    return {
        "tenant_id": tenant, "resource": credit_notes.PLURAL, "document_id": note.credit_note_id,
        "number_key": fold(own_number) if own_number else None, "number": note.credit_note_number,
        "marker": find_marker(None, note.reference), "status": note.status or "",
        "contact_id": note.contact.contact_id if note.contact else None, "date": note.date,
        "currency": note.currency_code, "sub_total": note.sub_total, "total_tax": note.total_tax,
        "total": note.total, "reference": note.reference, "updated_at": note.updated_date_utc,
    }  # fmt: skip


def _number_key(invoice: Invoice) -> str | None:
    """The folded number of a sales invoice; a bill's number is its supplier's and takes nobody's place (facts §5.8)."""
    return fold(invoice.invoice_number) if invoice.invoice_number and invoice.type == "ACCREC" else None


def _contact_row(tenant: str, contact: Contact) -> dict[str, Any]:
    sales_terms = contact.payment_terms.sales if contact.payment_terms else None
    return {
        "tenant_id": tenant, "contact_id": contact.contact_id, "number": contact.contact_number, "name": contact.name or "",
        "name_key": fold(contact.name or ""), "email_key": fold(contact.email_address) if contact.email_address else None,
        "status": contact.contact_status or "", "merged_to": contact.merged_to_contact_id, "updated_at": contact.updated_date_utc,
        "terms_day": sales_terms.day if sales_terms else None, "terms_type": sales_terms.type if sales_terms else None,
        "tax_number": contact.tax_number,
    }  # fmt: skip
