"""Currencies: the subscribed ones; PUT subscribes one more, none can be removed (facts 5.4).

Called through `resources`.
"""

import re

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import batches, listing, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Currencies"
SHAPE = shape.Shape(Code=shape.text, Description=shape.text)
_CODE = re.compile(r"[A-Z]{3}")


def handle(call: Call) -> Answer:
    """GET the list, PUT one."""
    if call.path:
        raise Refusal(answers.not_found())
    if call.method == "GET":
        rows = listing.ordered(call, listing.filtered(call, call.books.table(PLURAL), changed=False), None)
        return answers.envelope(call.world, call.client_id, PLURAL, rows)
    if call.method == "PUT":
        elements = shape.posted(call, PLURAL, "Currency", SHAPE)[:1]
        return batches.written(call, PLURAL, elements, lambda posted: _create(call, posted), summarize=True)
    raise Refusal(answers.not_implemented())


def _create(call: Call, posted: Row) -> Outcome:
    code = posted.get("Code", "").upper()
    if not _CODE.fullmatch(code):
        return Outcome(dict(posted), ["The currency code must be three letters."])
    table = call.books.table(PLURAL)
    row = table.get(code) or {"Code": code, "Description": posted.get("Description", code)}
    table.put(code, row)
    return Outcome(dict(row))


RESOURCE = Resource(PLURAL, "Currency", "accounting.settings", handle)
