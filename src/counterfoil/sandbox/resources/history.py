"""History and notes of a document: what happened to it, newest first, and PUT of a note (facts 5.22, Appendix C).

Called by the resources whose documents have a history, and by whatever changes them. That a document was created is
told from its maker's row, so that a new document costs no row more.
"""

from datetime import datetime

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import batches, shape
from counterfoil.sandbox.tables import Row

PLURAL = "HistoryRecords"
DETAILS_MAX = 2_500
SENT = "Invoice sent"

_SHAPE = shape.Shape(Details=shape.text)
_WORDS = {"AUTHORISED": "Approved", "SUBMITTED": "Submitted", "VOIDED": "Voided", "DELETED": "Deleted"}


def made(call: Call, id: str) -> None:
    """A document was created: by which app (`createdByMyApp`), by whom and when."""
    at = wire.milliseconds(call.world.clock.now())
    client_id = None if call.person else call.client_id
    call.books.table("makers").put(id, {"client_id": client_id, "user": call.user, "at": at})


def updated(call: Call, before: Row, after: Row, id: str) -> None:
    """A document was saved again."""
    moved = before["Status"] != after["Status"]
    added(call, id, _WORDS.get(after["Status"], "Edited") if moved else "Edited", _about(after))


def added(call: Call, id: str, changes: str, details: str) -> Row:
    """Keep one record; returns it as Xero shows it."""
    table = call.books.table("history")
    number = call.books.next_number("history")
    record = _record(changes, call.world.clock.now(), call.user, details)
    table.put(str(number), {"document": id, **record})
    return record


def answered(call: Call, id: str) -> Answer:
    """GET: the records, newest first. PUT and POST: add notes; PUT on what is not there is the caller's 400."""
    if call.method == "GET":
        return answers.envelope(call.world, call.client_id, PLURAL, records(call, id))
    if call.method in {"PUT", "POST"}:
        posted = shape.posted(call, PLURAL, "HistoryRecord", _SHAPE)
        if any(not 1 <= len(note.get("Details", "")) <= DETAILS_MAX for note in posted):
            message = f"The Details must have between 1 and {DETAILS_MAX} characters."
            raise Refusal(answers.validation([{"ValidationErrors": batches.messages([message])}]))
        shown = []
        for note in posted:
            record = added(call, id, "Note", note["Details"])
            kept = {key: record[key] for key in ("DateUTCString", "DateUTC", "Details")}
            shown.append(kept | {"ValidationErrors": []})
        return answers.envelope(call.world, call.client_id, PLURAL, shown)
    raise Refusal(answers.not_implemented())


def not_found(call: Call) -> Answer:
    """A note for a document that this endpoint does not have; a GET of its history is 404."""
    if call.method == "GET":
        return answers.not_found()
    message = "The document with the supplied id was not found for this endpoint."
    return answers.validation([{"ValidationErrors": batches.messages([message])}])


def records(call: Call, id: str) -> list[Row]:
    """Everything that happened to a document, newest first."""
    kept = [
        {key: value for key, value in row.items() if key != "document"}
        for row in call.books.table("history").find("document", id)
    ]
    maker = call.books.table("makers").get(id)
    if maker is not None and "at" in maker:
        moment = wire.moment_of(f"/Date({maker['at']})/")
        kept.insert(0, _record("Created", moment, maker["user"], "Created through the Xero API."))
    return kept[::-1]


def _record(changes: str, at: datetime, user: str, details: str) -> Row:
    return {
        "Changes": changes,
        "DateUTCString": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "DateUTC": wire.stamp(at),
        "User": user,
        "Details": details,
    }


def _about(row: Row) -> str:
    number = row.get("InvoiceNumber") or row.get("CreditNoteNumber") or ""
    return f"{number} to {row['Contact']['Name']} for {row['Total']:.2f}.".lstrip()
