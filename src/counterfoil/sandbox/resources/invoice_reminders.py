"""InvoiceReminders/Settings: whether Xero reminds customers of overdue invoices by itself (facts 5.23). Read only.

Called through `resources`. A person switches it (`/_sandbox/organisation`).
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources.resource import Resource

PLURAL = "InvoiceReminders"


def handle(call: Call) -> Answer:
    """GET /InvoiceReminders/Settings."""
    if [part.lower() for part in call.path] != ["settings"]:
        raise Refusal(answers.not_found())
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    kept = call.books.table("settings").get("invoice_reminders")
    enabled = kept is not None and kept["enabled"]
    return answers.envelope(call.world, call.client_id, PLURAL, [{"Enabled": enabled}])


RESOURCE = Resource(PLURAL, "InvoiceReminder", "accounting.settings", handle)
