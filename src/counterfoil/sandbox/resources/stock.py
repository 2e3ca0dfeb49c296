"""Tracked items: which lines of which documents move stock, and what there is of each item (facts 5.0, 5.6).

Called by the files that save bills, invoices, credit notes and bank transactions, by `person`, `document_lines` and
`items`. What a movement costs is in `ledger.stock`.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.ledger import documents
from counterfoil.sandbox.ledger.stock import TABLE, Replayed, replayed
from counterfoil.sandbox.tables import Row

INSUFFICIENT: Final = "Insufficient stock. Items are eligible for backorder."
# The facts know the sentence for sales alone; these are ours.
GONE: Final = "There is not enough stock: what this would take away has been sold."
ODD_QUANTITY: Final = "A line of a tracked item needs a quantity and an amount of the same sign."
TOO_DEAR: Final = "The stock of an item cannot cost so much."
NOT_BEFOREHAND: Final = "Tracked items cannot be prepaid."
# Which way the lines of a document go: what is bought comes, what is sold goes.
_SIGNS: Final = {
    "ACCPAY": 1, "SPEND": 1, "ACCPAYCREDIT": -1, "ACCREC": -1, "RECEIVE": -1, "ACCRECCREDIT": 1,
}  # fmt: skip
_AT_OWN_VALUE: Final = frozenset({"ACCPAY", "SPEND", "ACCPAYCREDIT"})
_ZERO: Final = wire.number(Decimal(0))


def tracked(books: Books, line: Row) -> Row | None:
    """The tracked item of a line, if it has one."""
    item_id = line.get("Item", {}).get("ItemID")
    item = None if item_id is None else books.table("Items").get(item_id)
    return item if item and item["IsTrackedAsInventory"] else None


def asset_of(books: Books, item: Row) -> str:
    """The AccountID of a tracked item's inventory account."""
    row = books.table("Accounts").first("code", fold(item["InventoryAssetAccountCode"]))
    return wire.ZERO_GUID if row is None else str(row["AccountID"])


def is_asset(books: Books, account_id: str) -> bool:
    """Whether the account is some tracked item's: then no other line may name it."""
    tracked_items = (item for item in books.table("Items") if item["IsTrackedAsInventory"])
    return any(asset_of(books, item) == account_id for item in tracked_items)


def moved(books: Books, plural: str, own_id: str, document: Row, *, backorders: bool = False) -> list[str]:
    """Let stock and costs follow the document as it is stored now; returns why Xero would refuse it, [] = fine.

    `backorders`: what it sells beyond the stock waits for more. Costs follow even if there are reasons, since a person
    may do what the API may not: whoever refuses must roll back.
    """
    table, name = books.table(TABLE), f"{plural}/{own_id}"
    before = {row["key"]: row for row in table.find("document", name)}
    posted = document["Status"] in documents.POSTED and document["Type"] in _SIGNS
    lines = [line for line in document["LineItems"] if tracked(books, line) is not None] if posted else []
    if not before and not lines:
        return []
    after = {row["key"]: row for row in (_row(books, name, document, line, before, backorders) for line in lines)}
    for key in before.keys() - after.keys():
        table.drop(key)
    for key, row in after.items():
        if row != before.get(key):
            table.put(key, row)
    items = dict.fromkeys(row["item"] for row in (*before.values(), *after.values()))
    odd = [ODD_QUANTITY] if any(_is_odd(row) for row in after.values()) else []
    found = [_counted(books, item) for item in items]
    if any(one.is_absurd for one in found):
        odd.append(TOO_DEAR)
    return odd or ([] if not any(one.is_short for one in found) else [INSUFFICIENT if _sells(document) else GONE])


def _row(books: Books, name: str, document: Row, line: Row, before: dict[str, Row], backorders: bool) -> Row:
    item = tracked(books, line)
    assert item is not None
    key = f"{name}/{line['LineItemID']}"
    old = before.get(key)
    sign = _SIGNS[document["Type"]]
    own_value = sign * documents.net(books, document, line) if document["Type"] in _AT_OWN_VALUE else None
    cogs = books.table("Accounts").first("code", fold(item["PurchaseDetails"]["COGSAccountCode"]))
    return {
        "key": key,
        "item": item["ItemID"],
        "document": name,
        "day": document["Date"],
        "at": wire.stamp_ms(document["Date"]),
        "n": books.next_number(TABLE) if old is None else old["n"],
        "quantity": sign * line.get("Quantity", Decimal(0)),
        "value": own_value,
        "backorder": _sells(document) and (backorders or bool(old and old["backorder"])),
        "asset": asset_of(books, item),
        "cost_of_sales": wire.ZERO_GUID if cogs is None else cogs["AccountID"],
        "costs": [] if old is None else old["costs"],
    }


def _is_odd(row: Row) -> bool:
    """An amount without a quantity, or against it, has no average cost."""
    value = row["value"]
    return bool(value is not None and value and (not row["quantity"] or (value < 0) != (row["quantity"] < 0)))


def _sells(document: Row) -> bool:
    return bool(document["Type"] == "ACCREC")


def _counted(books: Books, item_id: str) -> Replayed:
    """Replay an item, and put down what it costs and how much there is."""
    table, items = books.table(TABLE), books.table("Items")
    found = replayed(table.find("item", item_id))
    for key, costs in found.costs.items():
        told = [list(cost) for cost in costs]
        if table.rows[key]["costs"] != told:
            table.put(key, {**table.rows[key], "costs": told})
    item = items.rows[item_id]
    counted = item | {
        "TotalCostPool": wire.number(found.pool),
        "QuantityOnHand": wire.number(found.quantity),
        "QuantityOnBackOrder": wire.number(found.on_back_order),
        "QuantityAvailable": wire.number(found.quantity),
    }
    if counted != item:
        items.put(item_id, counted)
    return found


def counts(before: Row) -> Row:
    """The four counts of a tracked item that is written again: as they were, nothing for a new one."""
    names: Iterable[str] = ("TotalCostPool", "QuantityOnHand", "QuantityOnBackOrder", "QuantityAvailable")
    return {name: before.get(name, _ZERO) for name in names}
