"""What a posted contact may hold, and everything that Xero says about what it may not (facts 5.0, 5.7).

Called by `contacts`, and by `invoices` for the contact inside a document.
"""

import re

from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import shape
from counterfoil.sandbox.tables import Row

PERSONS_MAX = 5
ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)
NOT_IDENTIFIED = (
    "The Contact must contain at least 1 of the following elements to identify the contact: "
    "Name, ContactID, ContactNumber"
)
READ_ONLY = frozenset({"ContactID", "IsSupplier", "IsCustomer"})

_LINE_AMOUNT = shape.enum("LineAmountType", "INCLUSIVE", "EXCLUSIVE", "NONE")
_ADDRESS = shape.Shape(
    AddressType=shape.enum("AddressType", "POBOX", "STREET"),
    AddressLine1=shape.text,
    AddressLine2=shape.text,
    AddressLine3=shape.text,
    AddressLine4=shape.text,
    City=shape.text,
    Region=shape.text,
    PostalCode=shape.text,
    Country=shape.text,
    AttentionTo=shape.text,
)
_PHONE = shape.Shape(
    PhoneType=shape.enum("PhoneType", "DEFAULT", "DDI", "MOBILE", "FAX", "OFFICE"),
    PhoneNumber=shape.text,
    PhoneAreaCode=shape.text,
    PhoneCountryCode=shape.text,
)
_PERSON = shape.Shape(FirstName=shape.text, LastName=shape.text, EmailAddress=shape.text, IncludeInEmails=shape.boolean)
_TERM = shape.Shape(
    Day=shape.decimal,
    Type=shape.enum("PaymentTermType", "DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH"),
)
_TRACKING = shape.Shape(TrackingCategoryName=shape.text, TrackingOptionName=shape.text)
_BATCH = shape.Shape(
    BankAccountNumber=shape.text,
    BankAccountName=shape.text,
    Details=shape.text,
    Code=shape.text,
    Reference=shape.text,
)
SHAPE = shape.Shape(
    ContactID=shape.guid,
    ContactNumber=shape.text,
    AccountNumber=shape.text,
    ContactStatus=shape.enum("ContactStatus", "ACTIVE", "ARCHIVED", "GDPRREQUEST"),
    Name=shape.text,
    FirstName=shape.text,
    LastName=shape.text,
    CompanyNumber=shape.text,
    EmailAddress=shape.text,
    BankAccountDetails=shape.text,
    TaxNumber=shape.text,
    TaxNumberType=shape.enum("TaxNumberType", "SSN", "EIN", "ITIN", "ATIN"),
    XeroNetworkKey=shape.text,
    SalesTrackingCategories=shape.array_of(_TRACKING),
    PurchasesTrackingCategories=shape.array_of(_TRACKING),
    BatchPayments=shape.object_of(_BATCH),
    AccountsReceivableTaxType=shape.text,
    AccountsPayableTaxType=shape.text,
    Addresses=shape.array_of(_ADDRESS),
    Phones=shape.array_of(_PHONE),
    IsSupplier=shape.boolean,
    IsCustomer=shape.boolean,
    SalesDefaultLineAmountType=_LINE_AMOUNT,
    PurchasesDefaultLineAmountType=_LINE_AMOUNT,
    DefaultCurrency=shape.text,
    SalesDefaultAccountCode=shape.text,
    PurchasesDefaultAccountCode=shape.text,
    PaymentTerms=shape.object_of(shape.Shape(Bills=shape.object_of(_TERM), Sales=shape.object_of(_TERM))),
    ContactPersons=shape.array_of(_PERSON),
)

_LENGTHS = {
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "CompanyNumber": 50,
    "TaxNumber": 50,
}
_EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def problems(books: Books, posted: Row, found: Row | None) -> list[str]:
    """Everything that Xero would say about what was sent; [] = it can be saved."""
    table = books.table("Contacts")
    own_id = None if found is None else found["ContactID"]
    errors = []
    name = str(posted["Name"] if "Name" in posted else (found or {}).get("Name", ""))
    if not name.strip():
        errors.append(
            NOT_IDENTIFIED if found is None and not posted.get("ContactNumber") else "The contact name is mandatory."
        )
    elif name != " ".join(name.split()) or "<" in name or ">" in name:
        errors.append("The contact name must not contain angle brackets, or spaces at its ends or twice in a row.")
    else:
        namesake = table.first("name", fold(name))
        if namesake is not None and namesake["ContactID"] != own_id:
            errors.append(
                f"The contact name {name} is already assigned to another contact. "
                "The contact name must be unique across all active contacts."
            )
    holder = table.first("number", fold(posted.get("ContactNumber")))
    if holder is not None and holder["ContactID"] != own_id:
        errors.append("Another contact has this contact number. Please enter a different contact number.")
    emails = [posted.get("EmailAddress"), *(person.get("EmailAddress") for person in posted.get("ContactPersons", []))]
    if any(email and not _EMAIL.fullmatch(email) for email in emails):
        errors.append("Email address must be valid.")
    if len(posted.get("ContactPersons", [])) > PERSONS_MAX:
        errors.append(f"A contact can have at most {PERSONS_MAX} contact persons.")
    currency = posted.get("DefaultCurrency")
    if currency and books.table("Currencies").get(currency.upper()) is None:
        errors.append(f"Organisation is not subscribed to currency {currency}")
    for key in ("SalesTrackingCategories", "PurchasesTrackingCategories"):
        errors += [error for one in posted.get(key, []) for error in _tracking(books, one)]
    errors += [
        f"The {key} must not be longer than {most} characters."
        for key, most in _LENGTHS.items()
        if len(posted.get(key, "")) > most
    ]
    return errors


def _tracking(books: Books, one: Row) -> list[str]:
    """Whether a default of tracking names an option that is there; options never come from names (facts 5.5)."""
    category = books.table("TrackingCategories").first("name", fold(one.get("TrackingCategoryName")))
    option = fold(one.get("TrackingOptionName"))
    if category is not None and any(fold(known["Name"]) == option for known in category["Options"]):
        return []
    name, choice = one.get("TrackingCategoryName", ""), one.get("TrackingOptionName", "")
    return [f"The tracking option '{choice}' of category '{name}' does not exist."]
