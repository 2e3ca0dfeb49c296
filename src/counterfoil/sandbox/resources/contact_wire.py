"""A contact in each form that Xero shows it in (facts Appendix C): list, single, write answer, inside a document.

Called by `contacts` and whatever shows a document. A stored row is the paged form without Balances, which are computed.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from counterfoil.sandbox import charts, wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger.entry import in_base
from counterfoil.sandbox.tables import Row

ORDER = charts.CONTACT_KEYS
ADDRESS_TYPES = ("POBOX", "STREET")
PHONE_TYPES = ("DDI", "DEFAULT", "FAX", "MOBILE")

_SUMMARY_DROPS = frozenset(
    {
        "Addresses", "Balances", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier",
        "SalesDefaultAccountCode", "PurchasesDefaultAccountCode", "SalesTrackingCategories", "PurchasesTrackingCategories",
    }
)  # fmt: skip
_BLANK_ADDRESS = {"City": "", "Region": "", "PostalCode": "", "Country": ""}
_BLANK_PHONE = {"PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}
_ZERO = Decimal("0.00")
_CREDITS = ("CreditNotes", "Overpayments", "Prepayments")
_CUSTOMERS = ("ACCREC", "RECEIVE")


def paged(books: Books, row: Row, today: date) -> Row:
    """In a paged list: everything, with balances where there are any."""
    return _with_balances(row, balances(books, row["ContactID"], today))


def single(books: Books, row: Row, today: date) -> Row:
    """Fetched by id or number: the paged form and its attachments."""
    shown = paged(books, row, today)
    last = shown.pop("HasValidationErrors")
    return shown | {"Attachments": [], "HasValidationErrors": last}


def unpaged(row: Row) -> Row:
    """In a list without `page`: no persons, no balances."""
    return row | {"ContactPersons": []}


def summary(row: Row) -> Row:
    """With summaryOnly."""
    return {key: value for key, value in row.items() if key not in _SUMMARY_DROPS}


def written(row: Row) -> Row:
    """In the answer to a write, also inside an invoice's: addresses and phones filled up with empty text."""
    shown: Row = {}
    for key, value in row.items():
        if key == "HasAttachments":
            continue
        if key == "ContactPersons":
            for tracking in ("SalesTrackingCategories", "PurchasesTrackingCategories"):
                shown.setdefault(tracking, [])
        if key == "Addresses":
            if "BankAccountDetails" not in shown:
                shown["BankAccountDetails"] = ""
            shown[key] = [_filled(address, "AddressType", _BLANK_ADDRESS) for address in reversed(value)]
        elif key == "Phones":
            ddi, default, fax, mobile = value
            shown[key] = [_filled(phone, "PhoneType", _BLANK_PHONE) for phone in (default, ddi, fax, mobile)]
        else:
            shown[key] = value
    return shown


def embedded(row: Row) -> Row:
    """Inside a listed document: id and name, everything else empty."""
    return {
        "ContactID": row["ContactID"],
        "Name": row["Name"],
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def refused(posted: Row, id: str) -> Row:
    """The posted contact as it is echoed beside its validation errors."""
    shown: Row = {"ContactID": id}
    for key in ORDER[1:-2]:
        if key == "Phones":
            shown[key] = [{**part, "ValidationErrors": []} for part in posted.get(key, [])]
        elif key in ("Addresses", "ContactPersons"):
            shown[key] = posted.get(key, [])
        elif key == "ContactGroups":
            shown[key] = []
        elif key in posted:
            shown[key] = posted[key]
    return shown | {"HasValidationErrors": True}


def balances(books: Books, contact_id: str, today: date) -> Row | None:
    """What the contact owes and is owed, in base currency, less credits; None: nothing is open."""
    sides = {True: [_ZERO, _ZERO], False: [_ZERO, _ZERO]}  # customers' and suppliers' side: outstanding, overdue
    found = False
    for invoice in books.table("Invoices").find("contact", contact_id):
        if invoice["Status"] != "AUTHORISED" or not invoice["AmountDue"]:
            continue
        found = True
        side = sides[invoice["Type"] == "ACCREC"]
        due = in_base(books, invoice["AmountDue"], invoice["CurrencyRate"])
        side[0] += due
        if "DueDate" in invoice and wire.day_of(invoice["DueDate"]) < today:
            side[1] += due
    for plural in _CREDITS:
        for credit in books.table(plural).find("contact", contact_id):
            if credit["Status"] == "AUTHORISED" and credit["RemainingCredit"]:
                found = True
                side = sides[credit["Type"].startswith(_CUSTOMERS)]
                side[0] -= in_base(books, credit["RemainingCredit"], credit["CurrencyRate"])
    if not found:
        return None
    shown = {
        side: dict(zip(("Outstanding", "Overdue"), map(wire.number, sums), strict=True)) for side, sums in sides.items()
    }
    return {"AccountsReceivable": shown[True], "AccountsPayable": shown[False]}


def _with_balances(row: Row, owed: Row | None) -> Row:
    if owed is None:
        return dict(row)
    shown: Row = {}
    for key, value in row.items():
        if key == "HasAttachments":
            shown["Balances"] = owed
        shown[key] = value
    return shown


def _filled(part: Row, type_key: str, blank: dict[str, Any]) -> Row:
    rest = {key: value for key, value in part.items() if key != type_key and key not in blank}
    return {type_key: part[type_key], **rest, **{key: part.get(key, empty) for key, empty in blank.items()}}
