"""Xero's resources: one file each, and what they share.

What: every file with a `RESOURCE` handles one resource of the Accounting API; `shape` reads bodies, `batches` writes
several elements, `listing` filters and pages, `attachments` hang on many of them, `paper` prints some. Who calls it: `door`, after the gate. May not import: `door`, `control`,
`identity`, `pages`.
"""

from counterfoil.sandbox.resources import (
    accounts,
    attachments,
    bank_transactions,
    bank_transfers,
    batch_payments,
    branding_themes,
    budgets,
    cis_settings,
    contact_groups,
    contacts,
    credit_notes,
    currencies,
    expense_claims,
    invoice_reminders,
    invoices,
    items,
    journals,
    linked_transactions,
    manual_journals,
    organisation,
    overpayments,
    paper,
    payment_services,
    payments,
    prepayments,
    purchase_orders,
    quotes,
    receipts,
    repeating_invoices,
    reports,
    setup,
    tax_rates,
    tracking_categories,
    users,
)
from counterfoil.sandbox.resources.resource import Resource

_ALL = (
    organisation.RESOURCE,
    accounts.RESOURCE,
    tax_rates.RESOURCE,
    currencies.RESOURCE,
    tracking_categories.RESOURCE,
    contacts.RESOURCE,
    invoices.RESOURCE,
    credit_notes.RESOURCE,
    payments.RESOURCE,
    batch_payments.RESOURCE,
    overpayments.RESOURCE,
    prepayments.RESOURCE,
    bank_transactions.RESOURCE,
    bank_transfers.RESOURCE,
    manual_journals.RESOURCE,
    reports.RESOURCE,
    journals.RESOURCE,
    items.RESOURCE,
    contact_groups.RESOURCE,
    quotes.RESOURCE,
    purchase_orders.RESOURCE,
    repeating_invoices.RESOURCE,
    users.RESOURCE,
    branding_themes.RESOURCE,
    invoice_reminders.RESOURCE,
    payment_services.RESOURCE,
    linked_transactions.RESOURCE,
    budgets.RESOURCE,
    setup.RESOURCE,
    receipts.RESOURCE,
    expense_claims.RESOURCE,
)
_BY_NAME = {
    name.lower(): resource
    for resource in map(cis_settings.with_settings, map(paper.with_pdf, map(attachments.with_attachments, _ALL)))
    for name in (resource.plural, resource.singular)
}


def named(name: str) -> Resource | None:
    """The resource of a path's first part: singular or plural, any case."""
    return _BY_NAME.get(name.lower())
