"""Items: what is sold and bought, by a unique code; PUT creates, POST creates or updates, DELETE removes (facts 5.6).

Called through `resources`; lines of documents look items up. What there is of a tracked item is counted by `stock`; an item
is tracked from its start, since what was sold of it before has no cost. Xero's sentences are known for a code that is taken;
the others are ours.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal, validation
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import batches, history, shape, stock
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Items"
ORDER: Final = (
    "ItemID", "Code", "Description", "PurchaseDescription", "UpdatedDateUTC", "PurchaseDetails", "SalesDetails", "Name",
    "IsTrackedAsInventory", "InventoryAssetAccountCode", "TotalCostPool", "QuantityOnHand", "QuantityOnBackOrder", "QuantityAvailable", "IsSold", "IsPurchased",
)  # fmt: skip
ELEMENTS_MAX: Final = 500
LENGTHS: Final = {"Code": 30, "Name": 50, "Description": 4000, "PurchaseDescription": 4000}
NO_CODE: Final = "The Code field is mandatory"
TAKEN: Final = "Price List Item with Code '{}' already exists"
NOT_ACCOUNT: Final = "Account code '{}' is not a valid code for this item."
NOT_TAX: Final = "The TaxType code '{}' does not exist or cannot be used for this item."
TRACKING_STAYS: Final = "An item that is used on an approved document stays tracked, or not, as it is"
IN_USE: Final = "A tracked item that is used on an approved document cannot be deleted"
_DETAILS: Final = shape.object_of(
    shape.Shape(UnitPrice=shape.decimal, AccountCode=shape.text, COGSAccountCode=shape.text, TaxType=shape.text)
)
SHAPE: Final = shape.Shape(
    ItemID=shape.guid,
    Code=shape.text,
    InventoryAssetAccountCode=shape.text,
    Name=shape.text,
    IsSold=shape.boolean,
    IsPurchased=shape.boolean,
    Description=shape.text,
    PurchaseDescription=shape.text,
    PurchaseDetails=_DETAILS,
    SalesDetails=_DETAILS,
)
_SIDES: Final = {"IsSold": ("SalesDetails", "Description"), "IsPurchased": ("PurchaseDetails", "PurchaseDescription")}
_CENT: Final = Decimal("0.01")


def _created(call: Call, posted: Row) -> Outcome:
    errors = [] if posted.get("Code") else [NO_CODE]
    if call.books.table(PLURAL).first("code", fold(posted.get("Code"))) is not None:
        errors.append(TAKEN.format(posted["Code"]))
    before: Row = {"ItemID": call.world.ids.guid(), "IsSold": True, "IsPurchased": True}
    outcome = _applied(call, before, posted, errors)
    if not outcome.errors:
        history.made(call, before["ItemID"])
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    named = table.first("code", fold(posted.get("Code")))
    before = table.get(posted["ItemID"]) if "ItemID" in posted else named
    if before is None:
        return _created(call, posted)
    errors = [TAKEN.format(posted["Code"])] if named is not None and named["ItemID"] != before["ItemID"] else []
    outcome = _applied(call, before, posted, errors)
    if not outcome.errors:
        history.added(call, before["ItemID"], "Edited", before["Code"])
    return outcome


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    row: Row = {**before, **wire.tidy(posted), "ItemID": before["ItemID"]}
    for flag, members in _SIDES.items():
        for member in members:
            if not row[flag]:
                row.pop(member, None)  # what is not sold has no selling price
    places = Decimal("0.0001") if call.query.get("unitdp") == "4" else Decimal("0.01")
    for member in ("SalesDetails", "PurchaseDetails"):
        details = {**before.get(member, {}), **row.get(member, {})}
        if "UnitPrice" in posted.get(member, {}):
            details["UnitPrice"] = wire.number(posted[member]["UnitPrice"].quantize(places, ROUND_HALF_UP))
        if details and row["IsSold" if member == "SalesDetails" else "IsPurchased"]:
            row[member] = details
    errors = [*errors, *_problems(call.books, row), *_tracking(call.books, before, row)]
    if errors:
        return Outcome({key: row[key] for key in ORDER if key in row} | _own(before, row), errors)
    row["IsTrackedAsInventory"] = bool(row.get("InventoryAssetAccountCode"))
    if row["IsTrackedAsInventory"]:
        row |= stock.counts(before)
    row["UpdatedDateUTC"] = wire.envelope_time(call.world.clock.now())
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(row["ItemID"], row)
    return Outcome(_shown(call, row))


def _shown(call: Call, row: Row) -> Row:
    """With prices of two places unless unitdp=4 asks for four."""
    shown = {**row, "ValidationErrors": []}
    for member in ("SalesDetails", "PurchaseDetails"):
        price = row.get(member, {}).get("UnitPrice")
        if price is not None and call.query.get("unitdp") != "4":
            shown[member] = {**row[member], "UnitPrice": wire.number(price.quantize(_CENT, ROUND_HALF_UP))}
    return shown


def _own(before: Row, row: Row) -> Row:
    return {"ItemID": row["ItemID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID}


def _problems(books: Books, row: Row) -> list[str]:
    errors = [
        f"The {key} must not be longer than {most} characters."
        for key, most in LENGTHS.items()
        if len(row.get(key, "")) > most
    ]
    for details in (row.get("SalesDetails", {}), row.get("PurchaseDetails", {})):
        for key in ("AccountCode", "COGSAccountCode"):
            account = books.table("Accounts").first("code", fold(details.get(key)))
            if details.get(key) and (account is None or account["Status"] != "ACTIVE"):
                errors.append(NOT_ACCOUNT.format(details[key]))
        if details.get("TaxType") and books.table("TaxRates").get(details["TaxType"].upper()) is None:
            errors.append(NOT_TAX.format(details["TaxType"]))
    asset = row.get("InventoryAssetAccountCode")
    if asset:
        account = books.table("Accounts").first("code", fold(asset))
        cogs = row.get("PurchaseDetails", {}).get("COGSAccountCode")
        if account is None or account["Type"] != "INVENTORY" or not cogs:
            errors.append(NOT_ACCOUNT.format(asset))
    return errors


def _tracking(books: Books, before: Row, row: Row) -> list[str]:
    """Whether it may be tracked so: on another account, or now and not before, only until it is used."""
    if before.get("InventoryAssetAccountCode") == row.get("InventoryAssetAccountCode"):
        return []
    return [TRACKING_STAYS] if _is_used(books, before["ItemID"]) else []


def _is_used(books: Books, item_id: str) -> bool:
    """Whether an approved document has the item, whatever its code was then."""
    return any(
        line.get("Item", {}).get("ItemID") == item_id
        for plural in ("Invoices", "CreditNotes", "BankTransactions")
        for document in books.table(plural)
        if document["Status"] in {"AUTHORISED", "PAID"}
        for line in document["LineItems"]
    )


def _removed(call: Call, row: Row) -> Answer:
    """204; refused for a tracked item on an approved document."""
    if row["IsTrackedAsInventory"] and _is_used(call.books, row["ItemID"]):
        raise Refusal(validation([{"ItemID": row["ItemID"], "ValidationErrors": batches.messages([IN_USE])}]))
    call.books.table(PLURAL).drop(row["ItemID"])
    return Answer(204)


COLLECTION = Collection(
    plural=PLURAL,
    singular="Item",
    id_key="ItemID",
    shape=SHAPE,
    single=_shown,
    listed=_shown,
    created=_created,
    saved=_saved,
    removed=_removed,
    number_index="code",
    has_pages=False,
)


def _handle(call: Call) -> Answer:
    """As any collection, of at most 500 elements a write (facts 2.5)."""
    if call.method in {"PUT", "POST"} and len(call.body) > ELEMENTS_MAX and not call.path:
        posted = shape.posted(call, PLURAL, "Item", SHAPE)
        if len(posted) > ELEMENTS_MAX:
            raise Refusal(answers.post_data_invalid(f"A request holds at most {ELEMENTS_MAX} items"))
    return COLLECTION.handle(call)


RESOURCE = Resource(PLURAL, "Item", "accounting.settings", _handle)
