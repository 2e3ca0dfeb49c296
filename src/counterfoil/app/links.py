"""Links to documents that a person can open. Called by app, for whatever is shown of a posting."""

from typing import Final

from counterfoil.settings import Settings

PAGES: Final = {  # Xero's own page of a document, and the sandbox's
    "Invoices": ("AccountsReceivable/View.aspx?InvoiceID=", "invoices"),
    "CreditNotes": ("AccountsReceivable/ViewCreditNote.aspx?creditNoteID=", "credit-notes"),
}


def document(settings: Settings, resource: str, short_code: str, document_id: str) -> str:
    """Xero's own page of a document, or the sandbox's. `short_code`: of its organisation."""
    page, here = PAGES.get(resource, ("Contacts/View/", resource.lower()))
    if settings.xero.is_live:
        return f"https://go.xero.com/organisationlogin/default.aspx?shortcode={short_code}&redirecturl=/{page}{document_id}"
    return f"{settings.xero.api_url.rstrip('/')}/organisations/{short_code}/{here}/{document_id}"
