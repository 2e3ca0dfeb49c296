"""Organisation and what its plan and the user's role allow: read only; a write is 501 (facts 5.1).

Called through `resources`. A person allows or forbids actions (`/_sandbox/organisation`); the facts name some actions
only and say nothing of what a forbidden one does to writes, so nothing here refuses a write because of them, but the
cap on approvals does (facts 5.0).
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import approvals
from counterfoil.sandbox.resources.resource import Resource

PLURAL = "Organisations"
# Named by the facts or in the published example; Xero has more.
ACTIONS = (
    "CreateApprovedInvoice", "CreateDraftPurchaseOrder", "CreateApprovedBill", "AttachFilesIntoInvoice",
    "UseMulticurrency", "CreateDraftInvoice", "CreateRepeatingInvoice", "CreateRepeatingBill", "CreateSentQuote",
    "CreateInvoicePayment", "CreateApprovedPurchaseOrder", "CreateDraftQuote", "CreateDraftBill",
    "CreateManualJournal", "ApproveTransactionsBeforePeriodLockDate",
)  # fmt: skip
_NOT_ALLOWED = frozenset({"ApproveTransactionsBeforePeriodLockDate"})


def handle(call: Call) -> Answer:
    """GET /Organisation and GET /Organisation/Actions."""
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    if not call.path:
        return answers.envelope(call.world, call.client_id, PLURAL, [call.books.organisation])
    if len(call.path) == 1 and call.path[0].lower() == "actions":
        actions = [
            {"Name": name, "Status": "ALLOWED" if is_allowed(call.books, name) else "NOT-ALLOWED"} for name in ACTIONS
        ]
        return answers.envelope(call.world, call.client_id, "Actions", actions)
    raise Refusal(answers.not_found())


def is_allowed(books: Books, action: str) -> bool:
    """Whether the app may do this: as a person said, and no approving when the plan's approvals are used up."""
    said = (books.table("settings").get("actions") or {}).get(action)
    if action == "CreateApprovedInvoice" and approvals.left(books) == 0:
        return False
    return action not in _NOT_ALLOWED if said is None else bool(said)


RESOURCE = Resource(PLURAL, "Organisation", "accounting.settings", handle)
