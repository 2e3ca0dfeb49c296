"""BankTransactions: spend and receive money, with over- and prepayments; POST changes or deletes (facts 5.13).

Called through `resources`. An over- or prepayment is made here and lives on in its own collection; the halves of a
transfer are made by `bank_transfers` and only read here.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import (
    bank_rules,
    coding,
    contact_rules,
    contact_wire,
    contacts,
    document_lines,
    document_rules,
    document_wire,
    exchange,
    history,
    listing,
    overpayments,
    shape,
    stock,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.document_writing import NO_LINES
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "BankTransactions"
ORDER: Final = (
    "BankTransactionID", "BankAccount", "Type", "Reference", "Url", "IsReconciled", "CurrencyRate", "PrepaymentID",
    "OverpaymentID", "HasAttachments", "Contact", "DateString", "Date", "Status", "LineAmountTypes", "LineItems",
    "SubTotal", "TotalTax", "Total", "UpdatedDateUTC", "CurrencyCode",
)  # fmt: skip
TYPES: Final = tuple(f"{side}{kind}" for side in ("RECEIVE", "SPEND") for kind in ("", "-OVERPAYMENT", "-PREPAYMENT"))
SHAPE: Final = shape.Shape(
    BankTransactionID=shape.guid,
    Type=shape.enum("BankTransactionType", *TYPES, "RECEIVE-TRANSFER", "SPEND-TRANSFER"),
    Contact=shape.object_of(contact_rules.SHAPE),
    BankAccount=shape.object_of(shape.Shape(AccountID=shape.guid, Code=shape.text)),
    LineItems=shape.array_of(document_lines.SHAPE),
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    IsReconciled=shape.boolean,
    Date=shape.day,
    Reference=shape.text,
    Url=shape.text,
    CurrencyCode=shape.text,
    CurrencyRate=shape.decimal,
    Status=shape.enum("BankTransactionStatus", "AUTHORISED", "DELETED", "VOIDED"),
)
_COPIED: Final = ("Type", "Reference", "Url", "LineAmountTypes", "IsReconciled", "Status")


def _created(call: Call, posted: Row) -> Outcome:
    base: Row = {
        "BankTransactionID": call.world.ids.guid(),
        "Reference": "",
        "IsReconciled": False,
        "HasAttachments": False,
        "Status": "AUTHORISED",
        "LineAmountTypes": "Exclusive",
        "LineItems": [],
    }
    base |= _dated(posted.get("Date") or call.books.today(call.world.clock.now()))
    errors = [] if posted.get("Status", "AUTHORISED") == "AUTHORISED" else [document_rules.NOT_FOR_CREATION]
    if posted.get("Type") not in TYPES:
        errors.append(bank_rules.READ_ONLY_TYPE if "Type" in posted else "The Type field is mandatory")
    if "Contact" not in posted:
        errors.append("A Contact must be specified for this type of transaction")
    if not posted.get("LineItems"):
        errors.append(NO_LINES)
    if "BankAccount" not in posted:
        errors.append(bank_rules.NO_BANK_ACCOUNT)
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        history.made(call, base["BankTransactionID"])
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    before = call.books.table(PLURAL).get(posted.get("BankTransactionID", ""))
    if before is None:
        return _created(call, posted)
    errors = bank_rules.change(call, before, posted, overpayments.of_transaction(call.books, before))
    errors += document_rules.locked(call.books, wire.day_of(before["Date"]))
    if "LineItems" in posted and not posted["LineItems"]:
        errors.append(NO_LINES)
    outcome = _applied(call, before, {key: value for key, value in posted.items() if key != "Type"}, errors)
    if not outcome.errors:
        after = call.books.table(PLURAL).rows[before["BankTransactionID"]]
        history.updated(call, before, after, before["BankTransactionID"])
    return outcome


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    """The transaction with what was posted, saved unless something is wrong. `before` without a stamp is a new one."""
    row: Row = {**before, **{key: posted[key] for key in _COPIED if key in posted}}
    if "Date" in posted:
        row |= _dated(posted["Date"])
    warnings: list[str] = []
    if not errors and row["Status"] == "AUTHORISED":
        errors, warnings = _filled(call, row, posted)
    if errors:
        is_new = "UpdatedDateUTC" not in before
        own_id = wire.ZERO_GUID if is_new else before["BankTransactionID"]
        shown = {**row, **posted, "BankTransactionID": own_id}
        return Outcome({key: wire.tidy(shown[key]) for key in ORDER if key in shown}, errors)
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    overpayments.follow(call, row)
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(row["BankTransactionID"], row)
    short = stock.moved(call.books, PLURAL, row["BankTransactionID"], row)
    return Outcome(_single(call, row), short, [] if short else warnings)


def _filled(call: Call, row: Row, posted: Row) -> tuple[list[str], list[str]]:
    """Complete `row` in place: contact, account, currency, lines, totals. Returns (errors, warnings)."""
    errors: list[str] = []
    if "Contact" in posted:
        contact, errors = contacts.for_document(call, posted["Contact"])
        if contact is not None:
            row["Contact"] = contact_wire.embedded(contact)
    if "BankAccount" in posted:
        account, problems = bank_rules.account(call, posted["BankAccount"])
        errors += problems
        if account is not None:
            row["BankAccount"] = {key: account[key] for key in ("AccountID", "Code", "Name") if account.get(key)}
            row["CurrencyCode"] = account.get("CurrencyCode", call.books.base_currency)
    errors += document_rules.locked(call.books, wire.day_of(row["Date"]))
    if str(posted.get("CurrencyCode") or row.get("CurrencyCode", "")).upper() != row.get("CurrencyCode", ""):
        errors.append(bank_rules.OTHER_CURRENCY)
    if "CurrencyRate" in posted or "CurrencyRate" not in row:
        row["CurrencyRate"] = exchange.chosen(call.books, row.get("CurrencyCode", ""), posted)
        errors += exchange.problems(call.books, row.get("CurrencyCode", ""), posted)
    lines = _lines(call, row, posted)
    row["LineItems"] = lines.rows
    row |= {key: value for key, value in lines.totals.items() if key != "TotalDiscount"}
    if not errors and not lines.errors and row["Total"] < 0:
        errors.append(bank_rules.NEGATIVE)
    warnings = exchange.suspicious(call.books, row.get("CurrencyCode", ""), posted)
    return errors + lines.errors, warnings + lines.warnings


def _lines(call: Call, row: Row, posted: Row) -> coding.Lines:
    stored = row["LineItems"]
    sent = posted.get("LineItems", [{"LineItemID": line["LineItemID"]} for line in stored])
    if row["Type"].endswith("OVERPAYMENT"):
        return overpayments.overpaid(call, row, sent)
    sale = row["Type"].startswith("RECEIVE")
    lines = document_lines.finished(call, sent, stored, row["LineAmountTypes"], strict=True, sale=sale)
    if row["Type"].endswith("PREPAYMENT") and any(stock.tracked(call.books, line) is not None for line in lines.rows):
        lines.errors.append(stock.NOT_BEFOREHAND)
    return lines


def _single(call: Call, row: Row) -> Row:
    if "Contact" not in row:
        return row
    return document_wire.with_everything(call.books, row, dict(row), four_places=document_wire.four_places(call))


def _dated(day: date) -> Row:
    return {"DateString": wire.day_string(day), "Date": wire.day(day)}


def _chosen(call: Call) -> Iterable[Row]:
    """The rows of these References (facts 4.5, since 9 Aug 2026), all of them without."""
    wanted = listing.names(call, "references")
    if wanted is None:
        return call.books.table(PLURAL)
    folded = {fold(text) for text in wanted}
    return [row for row in call.books.table(PLURAL) if fold(row.get("Reference")) in folded]


COLLECTION = Collection(
    plural=PLURAL,
    singular="BankTransaction",
    id_key="BankTransactionID",
    shape=SHAPE,
    single=_single,
    listed=lambda call, row: document_wire.paged(row, four_places=document_wire.four_places(call)),
    unlisted=lambda _, row: document_wire.unpaged(row),
    form=document_wire.form,
    created=_created,
    saved=_saved,
    chosen=_chosen,
    forces_pages=("references",),
)
RESOURCE = Resource(PLURAL, "BankTransaction", "accounting.banktransactions", COLLECTION.handle)
