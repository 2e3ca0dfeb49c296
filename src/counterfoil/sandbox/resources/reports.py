"""Reports: GET of one by its name (facts 5.21). The tax authorities' reports of the list are not kept here: it is empty.

Called through `resources`. The reports themselves are in `sandbox.reports`.
"""

from collections.abc import Callable
from typing import Final

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.reports import (
    aged,
    balance_sheet,
    bank_summary,
    budget_summary,
    executive_summary,
    profit_and_loss,
    ten_ninety_nine,
    trial_balance,
)
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Reports"
KNOWN: Final[dict[str, Callable[[Call], Row]]] = {
    "trialbalance": trial_balance.made,
    "profitandloss": profit_and_loss.made,
    "balancesheet": balance_sheet.made,
    "banksummary": bank_summary.made,
    "agedreceivablesbycontact": aged.receivables,
    "agedpayablesbycontact": aged.payables,
    "budgetsummary": budget_summary.made,
    "executivesummary": executive_summary.made,
}


def handle(call: Call) -> Answer:
    """GET a report, or the list of published ones."""
    if call.method != "GET" or len(call.path) > 1:
        raise Refusal(answers.not_implemented())
    if not call.path:
        return answers.envelope(call.world, call.client_id, PLURAL, [])
    name = call.path[0].lower()
    if name == "tenninetynine":
        return answers.envelope(call.world, call.client_id, PLURAL, ten_ninety_nine.made(call))
    if name not in KNOWN:
        raise Refusal(answers.not_found())
    return answers.envelope(call.world, call.client_id, PLURAL, [KNOWN[name](call)])


RESOURCE = Resource(PLURAL, "Report", "accounting.reports.trialbalance", handle)
