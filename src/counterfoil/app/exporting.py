"""`entities export`: an organisation as a file that `counterfoil sandbox --organisation-file` plays.

Called by cli/entities. Reads as the mirror does: 1 call each for the organisation, its accounts, tax rates, currencies
and tracking, unless read a moment ago, and 1 for each 1,000 contacts. Idempotent; writes nothing to Xero. What the file
may hold is published as docs/organisation-file.schema.json; bank account numbers, addresses and tax numbers of the
organisation are never in it.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from counterfoil.mirror import reference
from counterfoil.model import record
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import (
    accounts,
    contacts,
    currencies,
    organisation,
    tax_rates,
    tracking_categories,
)

FORMAT: Final = "counterfoil organisation 1"
_LOCKS: Final = ("PeriodLockDate", "EndOfYearLockDate")
_ORGANISATION: Final = (
    "Name", "LegalName", "CountryCode", "BaseCurrency", "Version", "OrganisationType", "OrganisationEntityType", "PaysTax",
    "FinancialYearEndDay", "FinancialYearEndMonth", "SalesTaxBasis", "SalesTaxPeriod", "DefaultSalesTax",
    "DefaultPurchasesTax", *_LOCKS, "Timezone", "Edition", "Class",
)  # fmt: skip
_ACCOUNT: Final = (
    "AccountID", "Code", "Name", "Type", "Status", "TaxType", "Description", "SystemAccount", "EnablePaymentsToAccount",
    "ShowInExpenseClaims", "BankAccountType", "CurrencyCode",
)  # fmt: skip
_TAX_RATE: Final = (
    "Name", "TaxType", "EffectiveRate", "DisplayTaxRate", "ReportTaxType", "Status", "CanApplyToAssets", "CanApplyToEquity",
    "CanApplyToExpenses", "CanApplyToLiabilities", "CanApplyToRevenue",
)  # fmt: skip
_COMPONENT: Final = ("Name", "Rate", "IsCompound", "IsNonRecoverable")
_CATEGORY: Final = ("TrackingCategoryID", "Name", "Status")
_OPTION: Final = ("TrackingOptionID", "Name", "Status")
_IMPERSONAL: Final = (
    "ContactID", "ContactStatus", "IsSupplier", "IsCustomer", "DefaultCurrency", "SalesDefaultAccountCode",
    "PurchasesDefaultAccountCode", "AccountsReceivableTaxType", "AccountsPayableTaxType",
)  # fmt: skip
_PERSONAL: Final = (
    "Name", "ContactNumber", "AccountNumber", "FirstName", "LastName", "CompanyNumber", "EmailAddress", "TaxNumber",
)  # fmt: skip
_ADDRESS: Final = (
    "AddressType", "AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4", "City", "Region", "PostalCode", "Country",
    "AttentionTo",
)  # fmt: skip
_PHONE: Final = ("PhoneType", "PhoneNumber", "PhoneAreaCode", "PhoneCountryCode")
_KEPT: Final = frozenset({"ACTIVE", "ARCHIVED"})  # the states of what can be in a file
_PHONES: Final = frozenset({"DDI", "DEFAULT", "FAX", "MOBILE"})

Wire = Mapping[str, Any]


class Exported(msgspec.Struct, frozen=True):
    """The file's content, and what it cost. `bytes_in`: egress, as Xero counts it."""

    document: dict[str, Any]
    calls: int
    bytes_in: int


async def organisation_file(books: Any, entity: str, *, personal: bool) -> Exported:
    """The organisation that an entity is bound to. `personal`: contacts with names, numbers and addresses.

    Without it a contact keeps its id, its state and its defaults, and is called "Contact 1", "Contact 2" … Amounts and
    rates are Decimals, dates ISO. Raises NoBinding, and what reading raises.
    """
    client: XeroClient = await books.client(entity)
    calls, bytes_in = books.counts()
    read = await reference.load(client, books.database, lane=books.lane, fresh=True)
    (own,) = read[organisation.PATH]
    await books.check_fingerprint(client.binding, own)
    people = await _contacts(client)
    document = {
        "Format": FORMAT,
        "Organisation": _organisation(own),
        "Accounts": [_picked(one, _ACCOUNT) for one in read[accounts.PATH] if one.get("Status") in _KEPT],
        "TaxRates": [
            _picked(one, _TAX_RATE) | {"TaxComponents": [_picked(part, _COMPONENT) for part in one["TaxComponents"]]}
            for one in read[tax_rates.PATH]
        ],
        "Currencies": [_picked(one, ("Code", "Description")) for one in read[currencies.PATH]],
        "TrackingCategories": [_category(one) for one in read[tracking_categories.PATH]],
        "Contacts": [_contact(one, n, personal=personal) for n, one in enumerate(people, 1)],
    }
    after = books.counts()
    return Exported(document, after[0] - calls, after[1] - bytes_in)


async def _contacts(client: XeroClient) -> list[Wire]:
    """Everybody who is active or archived, as Xero sends them."""
    found: list[Wire] = []
    async for page in paging.each_page(lambda number: contacts.page(client, number, lane="interactive")):
        found.extend(record.plain(one.raw) for one in page.items)
    return [one for one in found if one.get("ContactStatus") in _KEPT]


def _organisation(own: Wire) -> dict[str, Any]:
    picked = _picked(own, _ORGANISATION)
    for key in _LOCKS:
        if key in picked:
            picked[key] = record.day(picked[key]).isoformat()
    return picked | _terms(own)


def _category(one: Wire) -> dict[str, Any]:
    options = [_picked(option, _OPTION) for option in one.get("Options", ()) if option.get("Status") in _KEPT]
    return _picked(one, _CATEGORY) | {"Options": options}


def _contact(one: Wire, n: int, *, personal: bool) -> dict[str, Any]:
    impersonal = _picked(one, _IMPERSONAL) | _terms(one)
    if not personal:
        return {"Name": f"Contact {n}", **impersonal}
    addresses = [_picked(each, _ADDRESS) for each in one.get("Addresses", ()) if each.get("AddressType") != "DELIVERY"]
    phones = [_picked(each, _PHONE) for each in one.get("Phones", ()) if each.get("PhoneType") in _PHONES]
    return _picked(one, _PERSONAL) | impersonal | {"Addresses": addresses, "Phones": phones}


def _terms(one: Wire) -> dict[str, Any]:
    """Payment terms of bills and sales, where there are any."""
    given = one.get("PaymentTerms") or {}
    sides = {side: _picked(term, ("Day", "Type")) for side, term in given.items() if term.get("Type")}
    return {"PaymentTerms": {side: {"Day": 0, **term} for side, term in sides.items()}} if sides else {}


def _picked(one: Wire, keys: tuple[str, ...]) -> dict[str, Any]:
    """These members, in this order; what is empty is left out."""
    return {key: one[key] for key in keys if one.get(key) not in (None, "")}
