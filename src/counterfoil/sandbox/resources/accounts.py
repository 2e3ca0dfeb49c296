"""Accounts: the chart; PUT makes one, POST changes or archives one, DELETE removes an unused one (facts 5.2).

Called through `resources`. One account for each write, as at Xero.
"""

import itertools

from counterfoil.sandbox import answers, charts, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.charts.rows import CLASS_OF_TYPE
from counterfoil.sandbox.resources import batches, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Accounts"
_DOCUMENTS = ("Invoices", "CreditNotes", "Quotes", "PurchaseOrders", "RepeatingInvoices")
IN_USE = "The account is in use or is a system account: it can only be archived."
CODE_MAX = 10
NAME_MAX = 150
SHAPE = shape.Shape(
    Code=shape.text,
    Name=shape.text,
    Type=shape.enum("AccountType", *CLASS_OF_TYPE),
    Status=shape.enum("AccountStatus", "ACTIVE", "ARCHIVED", "DELETED"),
    Description=shape.text,
    TaxType=shape.text,
    BankAccountNumber=shape.text,
    CurrencyCode=shape.text,
    BankAccountType=shape.enum("BankAccountType", "BANK", "CREDITCARD", "PAYPAL", "NONE"),
    ReportingCode=shape.text,
    EnablePaymentsToAccount=shape.boolean,
    ShowInExpenseClaims=shape.boolean,
    AddToWatchlist=shape.boolean,
)


def imported(call: Call, posted: Row, found: Row | None) -> Outcome:
    """One account of a whole chart: a new one, or `found` changed."""
    return _created(call, posted) if found is None else _changed(call, {**posted, "AccountID": found["AccountID"]})


def _created(call: Call, posted: Row) -> Outcome:
    errors = _problems(call, posted, None)
    if "Name" not in posted or "Type" not in posted or ("Code" not in posted and posted.get("Type") != "BANK"):
        errors.append("An account needs a Name, a Type and a Code.")
    if posted.get("Type") == "BANK":
        if not posted.get("BankAccountNumber"):
            errors.append("A bank account needs a BankAccountNumber.")
        code = posted.get("CurrencyCode", call.books.base_currency)
        if call.books.table("Currencies").get(code.upper()) is None:
            errors.append(f"Organisation is not subscribed to currency {code}")
    if posted.get("Status", "ACTIVE") != "ACTIVE":
        errors.append("A new account is ACTIVE.")
    if errors:
        return Outcome({"AccountID": wire.ZERO_GUID, **posted}, errors)
    row: Row = {
        "AccountID": call.world.ids.guid(),
        "Status": "ACTIVE",
        "TaxType": "NONE",
        "Class": CLASS_OF_TYPE[posted["Type"]],
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": False,
        "BankAccountType": "BANK" if posted["Type"] == "BANK" else "",
        "HasAttachments": False,
        "AddToWatchlist": False,
    }
    if posted["Type"] == "BANK":
        posted = {**posted, "CurrencyCode": posted.get("CurrencyCode", call.books.base_currency).upper()}
    else:
        posted = {key: value for key, value in posted.items() if key != "CurrencyCode"}
    return _stored(call, {**row, **posted})


def _changed(call: Call, posted: Row) -> Outcome:
    row = call.books.table(PLURAL).rows[posted["AccountID"]]
    errors = _problems(call, posted, row["AccountID"])
    if row["Type"] == "BANK":
        errors.append("Bank accounts cannot be updated via the API.")
    if row.get("SystemAccount") and posted.get("Status", "ACTIVE") != "ACTIVE":
        errors.append("A system account cannot be archived.")
    if posted.get("Status") == "ARCHIVED" and posted.keys() - {"Status", "AccountID"}:
        errors.append("An account is archived in a request of its own.")
    if posted.get("Status") == "DELETED":
        errors.append("An account is deleted with DELETE.")
    kind = str(posted.get("Type", row["Type"]))
    if kind != row["Type"] and ("BANK" in {kind, row["Type"]} or row.get("SystemAccount")):
        errors.append("The type of a bank account or system account cannot be changed.")
    if errors:
        return Outcome({**row, **posted}, errors)
    return _stored(call, {**row, **posted, "Class": CLASS_OF_TYPE[kind]})


def _removed(call: Call, row: Row) -> Answer:
    if _is_used(call.books, row["AccountID"]) or row.get("SystemAccount"):
        raise Refusal(answers.validation([{**row, "ValidationErrors": batches.messages([IN_USE])}]))
    call.books.table(PLURAL).drop(row["AccountID"])
    return COLLECTION.answer(call, [{**row, "Status": "DELETED"}])


def _is_used(books: Books, account_id: str) -> bool:
    """Whether a journal or a line that may become one names the account."""
    posted = (line[0] for journal in books.table("journals") for line in journal["lines"])
    documents = (document for plural in _DOCUMENTS for document in books.table(plural))
    drafted = (line.get("AccountID") for document in documents for line in document["LineItems"])
    noted = (line.get("AccountID") for journal in books.table("ManualJournals") for line in journal["JournalLines"])
    return any(found == account_id for found in itertools.chain(posted, drafted, noted))


def _stored(call: Call, row: Row) -> Outcome:
    row = arrange({**row, "UpdatedDateUTC": wire.stamp(call.world.clock.now())}, charts.ACCOUNT_KEYS)
    call.books.table(PLURAL).put(row["AccountID"], row)
    return Outcome(dict(row))


def _problems(call: Call, posted: Row, own_id: str | None) -> list[str]:
    table = call.books.table(PLURAL)
    errors = []
    name = fold(posted.get("Name"))
    if name and any(fold(row["Name"]) == name and row["AccountID"] != own_id for row in table):
        errors.append("Please enter a unique Name.")
    holder = table.first("code", fold(posted.get("Code")))
    if holder is not None and holder["AccountID"] != own_id:
        errors.append("Please enter a unique Code.")
    if len(posted.get("Code", "")) > CODE_MAX or len(posted.get("Name", "")) > NAME_MAX:
        errors.append(f"Code is limited to {CODE_MAX} characters, Name to {NAME_MAX}.")
    return errors


COLLECTION = Collection(
    plural=PLURAL,
    singular="Account",
    id_key="AccountID",
    shape=SHAPE,
    created=_created,
    changed=_changed,
    removed=_removed,
    limits={"PUT": 1, "POST": 1},
    summarized=frozenset(),
    has_pages=False,
    has_history=False,
)
RESOURCE = Resource(PLURAL, "Account", "accounting.settings", COLLECTION.handle)
