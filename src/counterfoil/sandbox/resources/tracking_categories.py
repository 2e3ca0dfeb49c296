"""TrackingCategories: categories with their options; PUT makes, POST renames or archives, DELETE removes (facts 5.5).

Called through `resources`. Only what no line names can be deleted. Lines keep the names that they were written with.
"""

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import batches, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "TrackingCategories"
ACTIVE_MAX = 2
ALL_MAX = 4
NAME_MAX = 100
TOO_MANY = f"An organisation can have {ACTIVE_MAX} active tracking categories."
IN_USE = "It is used on a document or journal: it can only be archived."
_STATUS = shape.enum("TrackingStatus", "ACTIVE", "ARCHIVED", "DELETED")
_OPTION = shape.Shape(Name=shape.text, Status=_STATUS)
SHAPE = shape.Shape(Name=shape.text, Status=_STATUS, Options=shape.array_of(_OPTION))
_LINES = (
    ("Invoices", "LineItems"), ("CreditNotes", "LineItems"), ("BankTransactions", "LineItems"), ("Quotes", "LineItems"),
    ("PurchaseOrders", "LineItems"), ("RepeatingInvoices", "LineItems"), ("ManualJournals", "JournalLines"),
)  # fmt: skip


def _of_options(call: Call, row: Row | None) -> Answer:
    """PUT adds options; POST and DELETE of one change or remove it."""
    if row is None:
        raise Refusal(answers.not_found())
    if call.method == "PUT" and len(call.path) == 2:
        return _options_added(call, row, shape.posted(call, "Options", "Option", _OPTION))
    wanted = call.path[2].lower() if len(call.path) == 3 else ""
    found = next((option for option in row["Options"] if option["TrackingOptionID"] == wanted), None)
    if found is None:
        raise Refusal(answers.not_found() if wanted else answers.not_implemented())
    if call.method == "DELETE":
        _refuse_used(call, found, "TrackingOptionID", wanted)
        kept = [option for option in row["Options"] if option is not found]
        call.books.table(PLURAL).put(row["TrackingCategoryID"], {**row, "Options": kept})
        gone = {**found, "Status": "DELETED", "IsDeleted": True, "IsActive": False}
        return answers.envelope(call.world, call.client_id, "Options", [gone])
    if call.method == "POST":
        elements = shape.posted(call, "Options", "Option", _OPTION)[:1]
        return batches.written(
            call, "Options", elements, lambda posted: _option_changed(call, row, found, posted), summarize=True
        )
    raise Refusal(answers.not_implemented())


def _changed(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    row = table.rows[posted["TrackingCategoryID"]]
    errors = []
    if "Name" in posted:
        errors = _name_problems(posted["Name"], [other["Name"] for other in table if other is not row])
    becomes_active = posted.get("Status") == "ACTIVE" != row["Status"]
    if becomes_active and sum(other["Status"] == "ACTIVE" for other in table) >= ACTIVE_MAX:
        errors.append(TOO_MANY)
    after: Row = {**row, **{key: posted[key] for key in ("Name", "Status") if key in posted}}
    if not errors:
        table.put(row["TrackingCategoryID"], after)
    return Outcome(after, errors)


def _removed(call: Call, row: Row) -> Answer:
    _refuse_used(call, row, "TrackingCategoryID", row["TrackingCategoryID"])
    call.books.table(PLURAL).drop(row["TrackingCategoryID"])
    return COLLECTION.answer(call, [{**row, "Status": "DELETED", "Options": []}])


def _option_changed(call: Call, row: Row, option: Row, posted: Row) -> Outcome:
    errors = []
    if "Name" in posted:
        errors = _name_problems(posted["Name"], [other["Name"] for other in row["Options"] if other is not option])
    after: Row = {**option, **{key: posted[key] for key in ("Name", "Status") if key in posted}}
    after |= {"IsArchived": after["Status"] == "ARCHIVED", "IsActive": after["Status"] == "ACTIVE"}
    if not errors:
        options = [after if other is option else other for other in row["Options"]]
        call.books.table(PLURAL).put(row["TrackingCategoryID"], {**row, "Options": options})
    return Outcome(dict(after), errors)


def _refuse_used(call: Call, element: Row, id_key: str, own_id: str) -> None:
    used = (
        tracked[id_key] == own_id
        for plural, lines in _LINES
        for document in call.books.table(plural)
        for line in document[lines]
        for tracked in line.get("Tracking", [])
    )
    if any(used):
        raise Refusal(answers.validation([{**element, "ValidationErrors": batches.messages([IN_USE])}]))


def _created(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    errors = _name_problems(posted.get("Name", ""), [row["Name"] for row in table])
    if len(table) >= ALL_MAX or sum(row["Status"] == "ACTIVE" for row in table) >= ACTIVE_MAX:
        errors.append(TOO_MANY)
    if errors:
        return Outcome({"TrackingCategoryID": wire.ZERO_GUID, **posted}, errors)
    row: Row = {"Name": posted["Name"], "Status": "ACTIVE", "TrackingCategoryID": call.world.ids.guid()}
    row["Options"] = [_option(call, option) for option in posted.get("Options", [])]
    table.put(row["TrackingCategoryID"], row)
    return Outcome(dict(row))


def _options_added(call: Call, row: Row, elements: list[Row]) -> Answer:
    names = [option["Name"] for option in row["Options"]]
    errors = [message for posted in elements for message in _name_problems(posted.get("Name", ""), names)]
    if errors:
        raise Refusal(answers.validation([{**elements[0], "ValidationErrors": batches.messages(errors)}]))
    added = [_option(call, posted) for posted in elements]
    table = call.books.table(PLURAL)
    table.put(row["TrackingCategoryID"], {**row, "Options": [*row["Options"], *added]})
    return answers.envelope(call.world, call.client_id, "Options", added)


def _option(call: Call, posted: Row) -> Row:
    return {
        "TrackingOptionID": call.world.ids.guid(),
        "Name": posted["Name"],
        "Status": "ACTIVE",
        "HasValidationErrors": False,
        "IsDeleted": False,
        "IsArchived": False,
        "IsActive": True,
    }


def _name_problems(name: str, taken: list[str]) -> list[str]:
    if not name or len(name) > NAME_MAX:
        return [f"The name must have 1 to {NAME_MAX} characters."]
    return ["Please enter a unique Name."] if fold(name) in {fold(other) for other in taken} else []


def _chosen(call: Call) -> list[Row]:
    archived = call.flag("includearchived")
    return [row for row in call.books.table(PLURAL) if archived or row["Status"] == "ACTIVE"]


COLLECTION = Collection(
    plural=PLURAL,
    singular="TrackingCategory",
    id_key="TrackingCategoryID",
    shape=SHAPE,
    created=_created,
    changed=_changed,
    removed=_removed,
    chosen=_chosen,
    limits={"PUT": 1, "POST": 1},
    summarized=frozenset(),
    has_pages=False,
    has_history=False,
    stamp_key="",
    parts={"options": _of_options},
)
RESOURCE = Resource(PLURAL, "TrackingCategory", "accounting.settings", COLLECTION.handle)
