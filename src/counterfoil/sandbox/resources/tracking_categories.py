"""TrackingCategories: categories with their options; PUT makes a category or options (facts 5.5).

Called through `resources`. Renaming and archiving are done by a person (`/_sandbox/document`).
"""

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import batches, listing, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "TrackingCategories"
ACTIVE_MAX = 2
ALL_MAX = 4
NAME_MAX = 100
_OPTION = shape.Shape(Name=shape.text)
SHAPE = shape.Shape(Name=shape.text, Options=shape.array_of(_OPTION))


def handle(call: Call) -> Answer:
    """GET list or one, PUT a category, PUT {id}/Options."""
    table = call.books.table(PLURAL)
    if not call.path and call.method == "GET":
        shown = [row for row in table if row["Status"] == "ACTIVE" or call.flag("includearchived")]
        rows = listing.ordered(call, listing.filtered(call, shown, None, changed=False), None)
        return answers.envelope(call.world, call.client_id, PLURAL, rows)
    if not call.path and call.method == "PUT":
        elements = shape.posted(call, PLURAL, "TrackingCategory", SHAPE)[:1]
        return batches.written(call, PLURAL, elements, lambda posted: _create(call, posted), summarize=True)
    row = table.get(call.path[0].lower()) if call.path else None
    if row is None:
        raise Refusal(answers.not_found() if call.path else answers.not_implemented())
    if call.method == "GET" and len(call.path) == 1:
        return answers.envelope(call.world, call.client_id, PLURAL, [row])
    if call.method == "PUT" and len(call.path) == 2 and call.path[1].lower() == "options":
        elements = shape.posted(call, "Options", "Option", _OPTION)
        return _options_added(call, row, elements)
    raise Refusal(answers.not_implemented())


def _create(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    errors = _name_problems(posted.get("Name", ""), [row["Name"] for row in table])
    if len(table) >= ALL_MAX or sum(row["Status"] == "ACTIVE" for row in table) >= ACTIVE_MAX:
        errors.append(f"An organisation can have {ACTIVE_MAX} active tracking categories.")
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


RESOURCE = Resource(PLURAL, "TrackingCategory", "accounting.settings", handle)
