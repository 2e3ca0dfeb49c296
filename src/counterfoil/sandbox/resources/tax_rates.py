"""TaxRates: the organisation's rates, deleted ones included; read only here (facts 5.3).

Called through `resources`. Making rates is 501: no flow of ours does it.
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import listing
from counterfoil.sandbox.resources.resource import Resource

PLURAL = "TaxRates"


def handle(call: Call) -> Answer:
    """GET the list or one by its TaxType."""
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    table = call.books.table(PLURAL)
    if call.path:
        row = table.get(call.path[0].upper())
        if row is None or len(call.path) > 1:
            raise Refusal(answers.not_found())
        return answers.envelope(call.world, call.client_id, PLURAL, [row])
    rows = listing.ordered(call, listing.filtered(call, table, None, changed=False), None)
    return answers.envelope(call.world, call.client_id, PLURAL, rows)


RESOURCE = Resource(PLURAL, "TaxRate", "accounting.settings", handle)
