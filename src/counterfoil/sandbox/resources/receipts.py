"""Receipts of people who paid for the organisation, until they are in an expense claim (facts 5.23); legacy.

Called through `resources` and by `expense_claims`. Xero wants to take both away in February 2027 and has not said on which
day: by the sandbox's clock they are gone from March on. Which receipts may be changed is as a claim leaves them.
"""

from datetime import date
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import (
    contact_rules,
    contact_wire,
    contacts,
    document_lines,
    document_rules,
    document_wire,
    history,
    shape,
    users,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.document_writing import NO_LINES
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Receipts"
SCOPE: Final = "accounting.classicexpenses"
GONE_FROM: Final = date(2027, 3, 1)
# Xero's own, as the published example has it; the other two are ours.
NO_USER: Final = "A valid user should be identified using the UserID."
NOT_FOR_CREATION: Final = "Receipt not of valid status for creation"
NOT_FOR_MODIFICATION: Final = "Receipt not of valid status for modification"
NO_CONTACT: Final = "A Contact must be specified for this type of transaction"
USER: Final = shape.Shape(UserID=shape.guid)
SHAPE: Final = shape.Shape(
    ReceiptID=shape.guid,
    Date=shape.day,
    Contact=shape.object_of(contact_rules.SHAPE),
    LineItems=shape.array_of(document_lines.SHAPE),
    User=shape.object_of(USER),
    Reference=shape.text,
    Url=shape.text,
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    Status=shape.enum("ReceiptStatus", "DRAFT", "SUBMITTED", "AUTHORISED", "DECLINED", "VOIDED"),
)
ORDER: Final = (
    "ReceiptID", "ReceiptNumber", "Status", "User", "Contact", "Date", "UpdatedDateUTC", "Reference", "Url",
    "LineAmountTypes", "LineItems", "SubTotal", "TotalTax", "Total", "ID", "HasAttachments",
)  # fmt: skip
_OPEN: Final = frozenset({"DRAFT", "DECLINED"})
_COPIED: Final = ("Reference", "Url", "LineAmountTypes", "Status")


def there(call: Call) -> None:
    """Refusal with 404 once Xero has taken receipts and claims away."""
    if call.world.clock.now().date() >= GONE_FROM:
        raise Refusal(answers.not_found())


def user(call: Call, posted: Row) -> list[str]:
    """Whether an element names somebody of the organisation."""
    is_known = posted.get("User", {}).get("UserID") == users.only(call)["UserID"]
    return [] if is_known else [NO_USER]


def _created(call: Call, posted: Row) -> Outcome:
    own_id = call.world.ids.guid()
    base: Row = {
        "ReceiptID": own_id,
        "ReceiptNumber": str(call.books.next_number("receipt")),
        "Status": "DRAFT",
        "Date": wire.day(call.books.today(call.world.clock.now())),
        "Reference": "",
        "LineAmountTypes": "Exclusive",
        "LineItems": [],
        "ID": own_id,
        "HasAttachments": False,
    }
    errors = user(call, posted) + ([] if "Contact" in posted else [NO_CONTACT])
    if posted.get("Status", "DRAFT") != "DRAFT":
        errors.append(NOT_FOR_CREATION)
    if not posted.get("LineItems"):
        errors.append(NO_LINES)
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        history.made(call, own_id)
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    before = call.books.table(PLURAL).rows[posted["ReceiptID"]]
    allowed = before["Status"] in _OPEN and posted.get("Status", "DRAFT") in {"DRAFT", "VOIDED"}
    errors = [] if allowed else [NOT_FOR_MODIFICATION]
    if "LineItems" in posted and not posted["LineItems"]:
        errors.append(NO_LINES)
    outcome = _applied(call, before, posted, errors + (user(call, posted) if "User" in posted else []))
    if not outcome.errors:
        row = call.books.table(PLURAL).rows[before["ReceiptID"]]
        changes = "Voided" if row["Status"] == "VOIDED" else "Edited"
        history.added(call, before["ReceiptID"], changes, f"Receipt {row['ReceiptNumber']} for {row['Total']:.2f}.")
    return outcome


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    row: Row = {**before, **{key: posted[key] for key in _COPIED if key in posted}}
    if "Date" in posted:
        row["Date"] = wire.day(posted["Date"])
    warnings: list[str] = []
    if not errors:
        if "Contact" in posted:
            contact, errors = contacts.for_document(call, posted["Contact"])
            row["Contact"] = {"ContactID": "" if contact is None else contact["ContactID"]}
        sent = posted.get("LineItems", [{"LineItemID": line["LineItemID"]} for line in row["LineItems"]])
        types = row["LineAmountTypes"]
        lines = document_lines.finished(call, sent, row["LineItems"], types, strict=True, sale=False)
        row["LineItems"] = lines.rows
        row |= {key: value for key, value in lines.totals.items() if key != "TotalDiscount"}
        errors, warnings = errors + lines.errors, lines.warnings
        errors = errors + document_rules.locked(call.books, wire.day_of(row["Date"]))
    if errors:
        own_id = before["ReceiptID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID
        echo: Row = {**row, **posted, "ReceiptID": own_id, "ID": own_id}
        return Outcome({key: wire.tidy(echo[key]) for key in ORDER if key in echo}, errors)
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    call.books.table(PLURAL).put(row["ReceiptID"], row)
    return Outcome(shown(call, row), [], warnings)


def shown(call: Call, row: Row) -> Row:
    """With its user, contact and lines, as Xero shows one."""
    four_places = document_wire.four_places(call)
    full = document_wire.with_everything(call.books, row, dict(row), four_places=four_places)
    full["User"] = users.only(call)
    return {key: full[key] for key in ORDER if key in full}


def inside(call: Call, row: Row) -> Row:
    """In a list or a claim: the contact's id and name."""
    contact = call.books.table("Contacts").rows[row["Contact"]["ContactID"]]
    return shown(call, row) | {"Contact": contact_wire.embedded(contact)}


COLLECTION = Collection(
    plural=PLURAL,
    singular="Receipt",
    id_key="ReceiptID",
    shape=SHAPE,
    single=shown,
    listed=lambda call, row: inside(call, row) | {"LineItems": []},
    created=_created,
    saved=_saved,
    has_pages=False,
)


def _handle(call: Call) -> Answer:
    """As any collection; Xero publishes POST of one alone."""
    there(call)
    if call.method == "POST" and not call.path:
        raise Refusal(answers.not_implemented())
    return COLLECTION.handle(call)


RESOURCE = Resource(PLURAL, "Receipt", SCOPE, _handle)
