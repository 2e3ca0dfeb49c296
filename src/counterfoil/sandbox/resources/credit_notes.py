"""Credit notes to customers and from suppliers: ACCRECCREDIT and ACCPAYCREDIT, with their allocations (facts 5.9).

Called through `resources`.
"""

from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import allocations, credit_note_wire, document_wire, document_writing
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "CreditNotes"


def _single(call: Call, row: Row) -> Row:
    return credit_note_wire.single(call.books, row, four_places=document_wire.four_places(call))


def _created(call: Call, posted: Row) -> Outcome:
    return document_writing.created(call, CREDIT_NOTE, posted)


def _saved(call: Call, posted: Row) -> Outcome:
    return document_writing.saved(call, CREDIT_NOTE, posted)


COLLECTION = Collection(
    plural=PLURAL,
    singular="CreditNote",
    id_key="CreditNoteID",
    shape=CREDIT_NOTE.shape,
    single=_single,
    listed=lambda call, row: document_wire.paged(row, four_places=document_wire.four_places(call)),
    unlisted=lambda _, row: document_wire.unpaged(row),
    form=document_wire.form,
    created=_created,
    saved=_saved,
    parts={"allocations": allocations.of(CREDIT_NOTE)},
)
RESOURCE = Resource(PLURAL, "CreditNote", "accounting.invoices", COLLECTION.handle)
