"""BankTransfers: PUT moves money between two bank accounts, POST deletes (facts 5.14).

Called through `resources`. Each transfer makes two bank transactions. Accounts of different currencies are refused: what
Xero says then is not known, the sentences are ours.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import (
    bank_rules,
    coding,
    document_rules,
    exchange,
    history,
    payment_rules,
    shape,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "BankTransfers"
NO_AMOUNT: Final = "The amount of a transfer must be greater than zero"
SAME_ACCOUNT: Final = "A transfer needs two different bank accounts"
OTHER_CURRENCY: Final = "Transfers between bank accounts of different currencies are not supported"
ONLY_DELETED: Final = "A transfer cannot be changed, it can only be deleted."
GONE: Final = "The transfer has been deleted."
RECONCILED: Final = "The transfer has been reconciled and cannot be deleted."
_ACCOUNT = shape.object_of(shape.Shape(AccountID=shape.guid, Code=shape.text))
_TRACKING = shape.array_of(shape.Shape(TrackingCategoryID=shape.guid, TrackingOptionID=shape.guid))
SHAPE: Final = shape.Shape(
    BankTransferID=shape.guid,
    FromBankAccount=_ACCOUNT,
    ToBankAccount=_ACCOUNT,
    Amount=shape.decimal,
    Date=shape.day,
    Reference=shape.text,
    FromIsReconciled=shape.boolean,
    ToIsReconciled=shape.boolean,
    FromTracking=_TRACKING,
    ToTracking=_TRACKING,
    Status=shape.enum("BankTransferStatus", "AUTHORISED", "DELETED"),
)


def _created(call: Call, posted: Row) -> Outcome:
    books, now = call.books, call.world.clock.now()
    day = posted.get("Date") or books.today(now)
    amount = payment_rules.cents(posted.get("Amount", Decimal(0)))
    source, errors = bank_rules.account(call, posted.get("FromBankAccount", {}))
    target, more = bank_rules.account(call, posted.get("ToBankAccount", {}))
    tracked = coding.Lines()
    tracking = {key: coding.tracking_of(books, posted.get(key, []), tracked) for key in ("FromTracking", "ToTracking")}
    errors = [*errors, *more, *tracked.errors, *document_rules.locked(books, day)]
    if amount <= 0:
        errors.append(NO_AMOUNT)
    if source is not None and target is not None:
        if source["AccountID"] == target["AccountID"]:
            errors.append(SAME_ACCOUNT)
        if source["CurrencyCode"] != target["CurrencyCode"]:
            errors.append(OTHER_CURRENCY)
    if errors or source is None or target is None:
        shown = {"BankTransferID": wire.ZERO_GUID, **wire.tidy(posted)}
        return Outcome(shown, errors)
    row: Row = {
        "BankTransferID": call.world.ids.guid(),
        "CreatedDateUTCString": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "CreatedDateUTC": wire.stamp(now),
        "DateString": wire.day_string(day),
        "Date": wire.day(day),
        "Status": "AUTHORISED",
        "FromBankAccount": _named(source),
        "ToBankAccount": _named(target),
        "Amount": wire.number(amount),
        "FromBankTransactionID": call.world.ids.guid(),
        "ToBankTransactionID": call.world.ids.guid(),
        "FromIsReconciled": posted.get("FromIsReconciled", False),
        "ToIsReconciled": posted.get("ToIsReconciled", False),
        "Reference": posted.get("Reference", ""),
        "CurrencyRate": exchange.chosen(books, source["CurrencyCode"], {}),
        "HasAttachments": False,
        **tracking,
    }
    books.table(PLURAL).put(row["BankTransferID"], row)
    history.made(call, row["BankTransferID"])
    _follow(call, row, source["CurrencyCode"])
    return Outcome({**row, "ValidationErrors": []})


def _deleted(call: Call, posted: Row) -> Outcome:
    row = call.books.table(PLURAL).get(posted.get("BankTransferID", ""))
    if row is None:
        return Outcome({"BankTransferID": wire.ZERO_GUID, **wire.tidy(posted)}, [ONLY_DELETED])
    errors = [] if posted.get("Status") == "DELETED" else [ONLY_DELETED]
    if row["Status"] == "DELETED":
        errors = [GONE]
    elif (row["FromIsReconciled"] or row["ToIsReconciled"]) and call.world.unknowns.plays(
        "reconciled-deletion", "refused"
    ):
        errors.append(RECONCILED)
    errors += document_rules.locked(call.books, wire.day_of(row["Date"]))
    if errors:
        return Outcome({**row, "Status": posted.get("Status", row["Status"])}, errors)
    after = {**row, "Status": "DELETED"}
    call.books.table(PLURAL).put(row["BankTransferID"], after)
    _follow(call, after, call.books.table("BankTransactions").rows[row["FromBankTransactionID"]]["CurrencyCode"])
    history.added(call, row["BankTransferID"], "Deleted", f"Transfer of {row['Amount']:.2f}.")
    return Outcome({**after, "ValidationErrors": []})


def _follow(call: Call, transfer: Row, currency: str) -> None:
    """Both halves of the transfer as bank transactions."""
    for side, kind in (("From", "SPEND-TRANSFER"), ("To", "RECEIVE-TRANSFER")):
        own_id = transfer[f"{side}BankTransactionID"]
        row = {
            "BankTransactionID": own_id,
            "BankAccount": transfer[f"{side}BankAccount"],
            "Type": kind,
            "Reference": transfer["Reference"],
            "IsReconciled": transfer[f"{side}IsReconciled"],
            "CurrencyRate": transfer["CurrencyRate"],
            "HasAttachments": False,
            **{key: transfer[key] for key in ("DateString", "Date", "Status")},
            "LineAmountTypes": "NoTax",
            "LineItems": [],
            "SubTotal": transfer["Amount"],
            "TotalTax": wire.number(Decimal(0)),
            "Total": transfer["Amount"],
            "UpdatedDateUTC": wire.stamp(call.world.clock.now()),
            "CurrencyCode": currency,
        }
        call.books.table("BankTransactions").put(own_id, row)


def _named(account: Row) -> Row:
    return {key: account[key] for key in ("AccountID", "Code", "Name") if account.get(key)}


def _chosen(call: Call) -> list[Row]:
    gone = call.flag("includedeleted")
    return [row for row in call.books.table(PLURAL) if gone or row["Status"] != "DELETED"]


COLLECTION = Collection(
    plural=PLURAL,
    singular="BankTransfer",
    id_key="BankTransferID",
    shape=SHAPE,
    created=_created,
    saved=_deleted,
    summarized=frozenset({"POST"}),
    chosen=_chosen,
    has_pages=False,
    form=lambda _: "as it is",
    stamp_key="CreatedDateUTC",
)
RESOURCE = Resource(PLURAL, "BankTransfer", "accounting.banktransactions", COLLECTION.handle)
