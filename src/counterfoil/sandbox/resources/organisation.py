"""Organisation: read only; a write is 501 (facts 5.1).

Called through `resources`.
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources.resource import Resource

PLURAL = "Organisations"
_ACTIONS = (
    "CreateApprovedBill",
    "CreateApprovedInvoice",
    "CreateDraftBill",
    "CreateDraftInvoice",
    "CreateManualJournal",
    "UseMulticurrency",
    "ApproveTransactionsBeforePeriodLockDate",
)
_NOT_ALLOWED = frozenset({"ApproveTransactionsBeforePeriodLockDate"})


def handle(call: Call) -> Answer:
    """GET /Organisation and GET /Organisation/Actions."""
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    if not call.path:
        return answers.envelope(call.world, call.client_id, PLURAL, [call.books.organisation])
    if len(call.path) == 1 and call.path[0].lower() == "actions":
        actions = [{"Name": name, "Status": "NOT-ALLOWED" if name in _NOT_ALLOWED else "ALLOWED"} for name in _ACTIONS]
        return answers.envelope(call.world, call.client_id, "Actions", actions)
    raise Refusal(answers.not_found())


RESOURCE = Resource(PLURAL, "Organisation", "accounting.settings", handle)
