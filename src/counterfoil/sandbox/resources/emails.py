"""Invoices/{id}/Email: Xero sends the invoice to its contact and marks it as sent (facts 2.5, 5.8).

Called by `invoices`. Nothing leaves this machine: the invoice's SentToContact and history tell that it was sent. The
facts do not know what Xero says about an invoice that cannot be; the sentences are ours.
"""

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import batches, document_wire, history
from counterfoil.sandbox.tables import Row

STATUSES = frozenset({"SUBMITTED", "AUTHORISED", "PAID"})
NOT_SENDABLE = "The invoice cannot be emailed in its current status"
NO_ADDRESS = "The contact of the invoice has no email address"
USED_UP = "The daily limit of emails has been reached"
A_DAY = 1_000
A_DAY_ON_TRIAL = 20
A_DAY_IN_DEMO = 0


def handle(call: Call, invoice: Row) -> Answer:
    """POST: 204, or 400 with why not."""
    if call.method != "POST":
        raise Refusal(answers.not_implemented())
    contact = call.books.table("Contacts").rows[invoice["Contact"]["ContactID"]]
    address = contact.get("EmailAddress")
    errors = [] if invoice["Type"] == "ACCREC" and invoice["Status"] in STATUSES else [NOT_SENDABLE]
    if not address:
        errors.append(NO_ADDRESS)
    if not errors:
        errors = _counted(call)
    if errors:
        element = {"InvoiceID": invoice["InvoiceID"], "ValidationErrors": batches.messages(errors)}
        raise Refusal(answers.validation([element]))
    row = {**invoice, "SentToContact": True}
    # The sent mark of a document with a payment on it does not move its stamp (facts 4.3).
    if not document_wire.applied_amount(invoice):
        now = call.world.clock.now()
        row |= {"UpdatedDateUTC": wire.stamp(now), "UpdatedDateUTCString": wire.iso_stamp(now)}
    call.books.table("Invoices").put(row["InvoiceID"], row)
    history.added(call, row["InvoiceID"], history.SENT, f"This invoice has been sent to {address}.")
    return Answer(204)


def _counted(call: Call) -> list[str]:
    """Count one more e-mail of this day (UTC), or say that the organisation's plan has no more."""
    organisation = call.books.organisation
    most = A_DAY_ON_TRIAL if organisation["Class"] == "TRIAL" else A_DAY
    if organisation["IsDemoCompany"] or organisation["Class"] == "DEMO":
        most = A_DAY_IN_DEMO
    today = call.world.clock.now().date().isoformat()
    settings = call.books.table("settings")
    kept = settings.get("emails")
    sent = kept["sent"] if kept is not None and kept["day"] == today else 0
    if sent >= most:
        return [USED_UP]
    settings.put("emails", {"day": today, "sent": sent + 1})
    return []
