"""ContactGroups: PUT makes one, POST renames or deletes it, Contacts under it are added and taken out (facts 5.7).

Called through `resources`. A list shows active groups without their members; the members are on the contacts too.
"""

from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import batches, contact_wire, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "ContactGroups"
GROUPS_MAX: Final = 100
TOO_MANY: Final = "You\u2019ve reached the limit of 100 contact groups."
NO_NAME: Final = "The Name field is mandatory"
TAKEN: Final = "A contact group with this name already exists"
GONE: Final = "The contact group has been deleted."
NO_CONTACT: Final = "The contact could not be found"
SHAPE: Final = shape.Shape(
    ContactGroupID=shape.guid, Name=shape.text, Status=shape.enum("ContactGroupStatus", "ACTIVE", "DELETED")
)
_MEMBER: Final = shape.Shape(ContactID=shape.guid)


def _created(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    errors = [] if posted.get("Name") else [NO_NAME]
    if table.first("name", fold(posted.get("Name"))) is not None:
        errors.append(TAKEN)
    if sum(row["Status"] == "ACTIVE" for row in table) >= GROUPS_MAX:
        errors.append(TOO_MANY)
    if errors:
        echo = {"ContactGroupID": wire.ZERO_GUID, **posted, "Contacts": [], "HasValidationErrors": True}
        return Outcome(echo, errors)
    row = {"ContactGroupID": call.world.ids.guid(), "Name": posted["Name"], "Status": "ACTIVE"}
    table.put(row["ContactGroupID"], row)
    return Outcome(_shown(row, []))


def _saved(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    before = table.get(posted.get("ContactGroupID", ""))
    if before is None:
        raise Refusal(answers.not_implemented())
    errors = [GONE] if before["Status"] == "DELETED" else []
    holder = table.first("name", fold(posted.get("Name")))
    if holder is not None and holder["ContactGroupID"] != before["ContactGroupID"]:
        errors.append(TAKEN)
    if errors:
        return Outcome({**before, **posted, "Contacts": [], "HasValidationErrors": True}, errors)
    row = {**before, **{key: value for key, value in posted.items() if value}}
    table.put(row["ContactGroupID"], row)
    for contact in _members(call.books, row["ContactGroupID"]):
        _without(call.books, contact, row["ContactGroupID"])
        if row["Status"] == "ACTIVE":
            _with(call.books, contact["ContactID"], row)
    return Outcome(_shown(row, []))


def _contacts(call: Call, row: Row | None) -> Answer:
    """PUT adds contacts, DELETE takes one or all out."""
    if row is None or row["Status"] == "DELETED":
        raise Refusal(answers.not_found())
    if call.method == "PUT" and len(call.path) == 2:
        elements = shape.posted(call, "Contacts", "Contact", _MEMBER)
        return batches.written(call, "Contacts", elements, lambda posted: _added(call, row, posted), summarize=True)
    if call.method == "DELETE":
        members = _members(call.books, row["ContactGroupID"])
        if len(call.path) == 3:
            members = [member for member in members if member["ContactID"] == call.path[2].lower()]
            if not members:
                raise Refusal(answers.not_found())
        for member in members:
            _without(call.books, member, row["ContactGroupID"])
        return Answer(204)
    raise Refusal(answers.not_implemented())


def _added(call: Call, row: Row, posted: Row) -> Outcome:
    contact = call.books.table("Contacts").get(posted.get("ContactID", ""))
    if contact is None:
        return Outcome({"ContactID": wire.ZERO_GUID, **posted}, [NO_CONTACT])
    _with(call.books, contact["ContactID"], row)
    return Outcome({**contact_wire.embedded(contact), "ValidationErrors": []})


def _with(books: Books, contact_id: str, row: Row) -> None:
    table = books.table("Contacts")
    contact = table.rows[contact_id]
    others = [group for group in contact["ContactGroups"] if group["ContactGroupID"] != row["ContactGroupID"]]
    table.put(contact_id, {**contact, "ContactGroups": [*others, _shown(row, [])]})


def _without(books: Books, contact: Row, group_id: str) -> None:
    others = [group for group in contact["ContactGroups"] if group["ContactGroupID"] != group_id]
    books.table("Contacts").put(contact["ContactID"], {**contact, "ContactGroups": others})


def _members(books: Books, group_id: str) -> list[Row]:
    return [
        contact
        for contact in books.table("Contacts")
        if any(group["ContactGroupID"] == group_id for group in contact["ContactGroups"])
    ]


def _shown(row: Row, members: list[Row]) -> Row:
    return {**row, "Contacts": [contact_wire.embedded(member) for member in members], "HasValidationErrors": False}


COLLECTION = Collection(
    plural=PLURAL,
    singular="ContactGroup",
    id_key="ContactGroupID",
    shape=SHAPE,
    single=lambda call, row: _shown(row, _members(call.books, row["ContactGroupID"])),
    listed=lambda _, row: _shown(row, []),
    created=_created,
    saved=_saved,
    chosen=lambda call: [row for row in call.books.table(PLURAL) if row["Status"] == "ACTIVE"],
    has_pages=False,
    stamp_key="",
    has_history=False,
    limits={"PUT": 1},
    summarized=frozenset(),
    parts={"contacts": _contacts},
)
RESOURCE = Resource(PLURAL, "ContactGroup", "accounting.contacts", COLLECTION.handle)
