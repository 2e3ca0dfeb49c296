"""Currencies: the subscribed ones; PUT subscribes one more, none can be removed (facts 5.4).

Called through `resources`.
"""

import re

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Currencies"
SHAPE = shape.Shape(Code=shape.text, Description=shape.text)
_CODE = re.compile(r"[A-Z]{3}")


def _created(call: Call, posted: Row) -> Outcome:
    code = posted.get("Code", "").upper()
    if not _CODE.fullmatch(code):
        return Outcome(dict(posted), ["The currency code must be three letters."])
    table = call.books.table(PLURAL)
    row = table.get(code) or {"Code": code, "Description": posted.get("Description", code)}
    table.put(code, row)
    return Outcome(dict(row))


COLLECTION = Collection(
    plural=PLURAL,
    singular="Currency",
    id_key="Code",
    shape=SHAPE,
    single=None,
    created=_created,
    limits={"PUT": 1},
    summarized=frozenset(),
    has_pages=False,
    has_history=False,
    stamp_key="",
)
RESOURCE = Resource(PLURAL, "Currency", "accounting.settings", COLLECTION.handle)
