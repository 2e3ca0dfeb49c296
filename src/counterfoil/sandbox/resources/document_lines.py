"""A document's lines: what was posted over what is stored, coded, priced, and refused where Xero refuses it.

Called by `document_writing` and the other documents with lines. The arithmetic is in `arithmetic`, accounts, tax and tracking
are looked up in `coding`; the messages are Xero's where the facts know them.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from counterfoil.sandbox import arithmetic, wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import coding, document_wire, shape, stock
from counterfoil.sandbox.resources.coding import Lines
from counterfoil.sandbox.tables import Row

DESCRIPTION_MAX = 4_000
AMOUNT_MAX = Decimal("9999999999.99")  # Xero's, of a line; of a document it is assumed

SHAPE = shape.Shape(
    LineItemID=shape.guid,
    ItemCode=shape.text,
    Description=shape.text,
    Quantity=shape.decimal,
    UnitAmount=shape.decimal,
    AccountCode=shape.text,
    AccountID=shape.guid,
    TaxType=shape.text,
    TaxAmount=shape.decimal,
    LineAmount=shape.decimal,
    DiscountRate=shape.decimal,
    DiscountAmount=shape.decimal,
    Tracking=shape.array_of(
        shape.Shape(Name=shape.text, Option=shape.text, TrackingCategoryID=shape.guid, TrackingOptionID=shape.guid)
    ),
)

_CENT = Decimal("0.01")
_NUMBERS = ("UnitAmount", "TaxAmount", "LineAmount", "Quantity", "DiscountRate", "DiscountAmount")
_PRICED_BY = ("UnitAmount", "Quantity", "LineAmount", "DiscountRate", "DiscountAmount")


def finished(
    call: Call, posted: list[Row], before: list[Row], line_amount_types: str, *, strict: bool, sale: bool = True
) -> Lines:
    """Make lines of what was posted; `before` are the stored ones, found again by LineItemID.

    `strict`: the document is submitted or approved, so every line needs its account, tax and description. unitdp=4
    keeps four places of a posted unit price, else two; a stored price that is not posted again keeps its places.
    `sale`: what a line does not say is that of its item when it is sold, else when it is bought.
    """
    lines = Lines()
    places = 4 if document_wire.four_places(call) else 2
    if any(line.get("ItemCode") for line in posted):
        posted = [_from_item(call.books, line, lines, sale=sale) for line in posted]
    if before and places == 2:
        posted = [_to_cents(line) for line in posted]
        places = 4
    known = {line["LineItemID"]: line for line in before}
    drafts = [_prepared(call, line, known, line_amount_types, lines, strict=strict, sale=sale) for line in posted]
    if lines.errors:
        lines.rows = drafts
        return lines
    rates = call.books.table("TaxRates").rows

    def rate_of(tax_type: str) -> Decimal:
        rate: Decimal = rates[tax_type]["EffectiveRate"]
        return rate

    try:
        priced = arithmetic.price(line_amount_types, drafts, rate_of, places, _rules(call))
    except arithmetic.LineTotalMismatch as error:
        lines.errors.append(error.message)
        lines.rows = drafts
        return lines
    lines.rows = [_arranged(call, line) for line in priced.lines]
    if any(abs(line.get(key, 0)) > AMOUNT_MAX for line in lines.rows for key in ("LineAmount", "TaxAmount")):
        lines.errors.append(f"A line amount must not exceed {AMOUNT_MAX}.")
    if max(map(abs, (priced.sub_total, priced.total))) > AMOUNT_MAX:
        lines.errors.append(f"The total must not exceed {AMOUNT_MAX}.")
    lines.totals = {
        "SubTotal": wire.number(priced.sub_total),
        "TotalTax": wire.number(priced.total_tax),
        "Total": wire.number(priced.total),
    }
    if any("DiscountRate" in line or "DiscountAmount" in line for line in lines.rows):
        lines.totals["TotalDiscount"] = wire.number(priced.total_discount)
    return lines


def _rules(call: Call) -> arithmetic.Rules:
    """What is not known of the arithmetic, as it is played."""
    unknowns = call.world.unknowns
    return arithmetic.Rules(
        ROUND_HALF_EVEN if unknowns.plays("half-cents", "to-even") else ROUND_HALF_UP,
        unknowns.plays("discounted-inclusive", "exact-line"),
    )


def _prepared(
    call: Call,
    posted: Row,
    known: dict[str, Row],
    line_amount_types: str,
    lines: Lines,
    *,
    strict: bool,
    sale: bool,
) -> Row:
    """One line with its account, tax and tracking resolved; what is wrong is added to `lines`."""
    line = _over_stored(posted, known)
    if "Description" in line:
        line["Description"] = line["Description"].replace("\r\n", "\n").replace("\n", "\r\n")
        if len(line["Description"]) > DESCRIPTION_MAX:
            lines.errors.append(f"The Description must not be longer than {DESCRIPTION_MAX} characters.")
    elif strict:
        lines.errors.append("The Description field is mandatory")
    line["Tracking"] = coding.tracking_of(call.books, line.get("Tracking", []), lines)
    if not any(key in line for key in _PRICED_BY) and not line.get("AccountCode") and not line.get("AccountID"):
        return line  # a line of text alone
    account = coding.account_of(call.books, line, lines, strict=strict)
    if account is not None and not _is_stock_at_home(call.books, line, account, sale=sale):
        lines.errors.append(coding.NOT_VALID.format(line["AccountCode"]))
    coding.tax_of(call.books, line, account, line_amount_types, lines, strict=strict)
    return line


def _from_item(books: Books, posted: Row, lines: Lines, *, sale: bool) -> Row:
    """A posted line with what its item knows and the line does not say."""
    code = posted.get("ItemCode")
    if not code:
        return posted
    item = books.table("Items").first("code", fold(code))
    if item is None:
        lines.errors.append(f"Item code '{code}' is not valid")
        return posted
    shown = {key: item[key] for key in ("ItemID", "Name", "Code") if key in item}
    details = item.get("SalesDetails" if sale else "PurchaseDetails", {})
    known = {
        "Description": item.get("Description" if sale else "PurchaseDescription"),
        "UnitAmount": details.get("UnitPrice"),
    }
    account = item.get("InventoryAssetAccountCode") if not sale else None
    known |= {"AccountCode": account or details.get("AccountCode"), "TaxType": details.get("TaxType")}
    if "LineItemID" in posted:
        known = {}  # an item named before is not asked again
    if "AccountID" in posted or "LineAmount" in posted:
        known |= {"AccountCode": None} if "AccountID" in posted else {"UnitAmount": None}
    filled = {key: value for key, value in known.items() if value is not None and key not in posted}
    return {**posted, **filled, "ItemCode": item["Code"], "Item": shown}


def _is_stock_at_home(books: Books, line: Row, account: Row, *, sale: bool) -> bool:
    """A tracked item is bought onto its own inventory account, and nothing else is on that account."""
    item = stock.tracked(books, line)
    if item is not None and not sale:
        return stock.asset_of(books, item) == str(account["AccountID"])
    return account["Type"] != "INVENTORY" or not stock.is_asset(books, account["AccountID"])


def _to_cents(line: Row) -> Row:
    """A posted line whose unit price has two places."""
    if "UnitAmount" not in line:
        return line
    return {**line, "UnitAmount": line["UnitAmount"].quantize(_CENT, ROUND_HALF_UP)}


def _over_stored(posted: Row, known: dict[str, Row]) -> Row:
    """An update of a line keeps what was not sent; computed amounts are computed anew when their parts change."""
    before = known.pop(posted.get("LineItemID", ""), None)  # named a second time, it is a new line
    if before is None:
        return {key: value for key, value in posted.items() if key != "LineItemID"}
    line = {**before, **posted}
    if posted.keys() & {*_PRICED_BY, "TaxType", "AccountCode"}:
        for computed in ("LineAmount", "TaxAmount"):
            if computed not in posted:
                line.pop(computed, None)
    if "AccountCode" in posted and "AccountID" not in posted:
        line.pop("AccountID", None)
    if "DiscountRate" in posted and "DiscountAmount" not in posted:
        line.pop("DiscountAmount", None)
    return line


def _arranged(call: Call, line: Row) -> Row:
    """The line in Xero's order of keys, its numbers in Xero's digits, with an id."""
    line.setdefault("LineItemID", call.world.ids.guid())
    for key in _NUMBERS:
        if key in line:
            line[key] = wire.number(Decimal(line[key]))
    return {key: line[key] for key in document_wire.LINE_ORDER if key in line}
