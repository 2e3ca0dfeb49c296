"""From a checked file to the chart of an organisation: rows in Xero's wire shape, with what Xero itself would fill in.

Called by `reading`. Accounts that the ledger writes to and that the file lacks are added, without a code.
"""

import datetime
from typing import Any, Final

import msgspec

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import arrange
from counterfoil.sandbox.charts import ACCOUNT_KEYS, Chart, rows
from counterfoil.sandbox.organisation_file import schema
from counterfoil.sandbox.organisation_file.schema import File
from counterfoil.sandbox.resources import contact_wire
from counterfoil.sandbox.tables import Row

_SYSTEM: Final = {
    "DEBTORS": ("Accounts Receivable", "CURRENT"),
    "CREDITORS": ("Accounts Payable", "CURRLIAB"),
    "GST": ("Tax", "CURRLIAB"),
    "ROUNDING": ("Rounding", "CURRLIAB"),
    "REALISEDCURRENCYGAIN": ("Realised Currency Gains", "EXPENSE"),
    "UNREALISEDCURRENCYGAIN": ("Unrealised Currency Gains", "EXPENSE"),
    "BANKCURRENCYGAIN": ("Bank Revaluations", "EXPENSE"),
    "RETAINEDEARNINGS": ("Retained Earnings", "EQUITY"),
    "HISTORICAL": ("Historical Adjustment", "CURRLIAB"),
    "TRACKINGTRANSFERS": ("Tracking Transfers", "CURRLIAB"),
}
# Types that only an organisation with payroll has, and what they are classed with.
_PAYROLL: Final = {
    "PAYGLIABILITY": "LIABILITY",
    "SUPERANNUATIONEXPENSE": "EXPENSE",
    "SUPERANNUATIONLIABILITY": "LIABILITY",
    "WAGESEXPENSE": "EXPENSE",
}
_VERSIONS: Final = {"AU": "AU", "GB": "UK", "NZ": "NZ", "US": "US"}


def of(file: File) -> Chart:
    """The chart that `books` are opened with."""
    return Chart(
        organisation=_organisation(file.organisation),
        accounts=_accounts(file),
        tax_rates=_tax_rates(file),
        currencies=_currencies(file),
        tracking=[_tracking(one) for one in file.tracking_categories],
        contacts=[_contact(one) for one in file.contacts],
    )


def _organisation(given: schema.Organisation) -> Row:
    sent = _members(given)
    for key in ("PeriodLockDate", "EndOfYearLockDate"):
        if key in sent:
            sent[key] = wire.day(sent[key])
    return {
        "LegalName": given.name,
        "PaysTax": given.pays_tax,
        "Version": _VERSIONS.get(given.country_code, "GLOBAL"),
        "OrganisationType": "COMPANY",
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": given.financial_year_end_day,
        "FinancialYearEndMonth": given.financial_year_end_month,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "QUARTERLY",
        "DefaultSalesTax": "Remember previous",
        "DefaultPurchasesTax": "Remember previous",
        "OrganisationEntityType": "COMPANY",
        "Timezone": "UTC",
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
        **sent,
    }


def _accounts(file: File) -> list[Row]:
    found = [_account(one, file.organisation.base_currency) for one in file.accounts]
    there = {row.get("SystemAccount") for row in found}
    names = {row["Name"] for row in found}
    for system, (name, account_type) in _SYSTEM.items():
        if system not in there:
            free = name if name not in names else f"{name} (sandbox)"
            made = rows.account("", free, account_type, "NONE", system=system)
            found.append({key: value for key, value in made.items() if key != "Code"})
    return found


def _account(given: schema.Account, base: str) -> Row:
    if given.type == "BANK":
        made = rows.bank(
            given.code,
            given.name,
            given.bank_account_number,
            given.currency_code or base,
            type=given.bank_account_type or "BANK",
            tax_type=given.tax_type,
        ) | {"Status": given.status, "EnablePaymentsToAccount": given.enable_payments_to_account}
    else:
        made = rows.account(
            given.code,
            given.name,
            _PAYROLL.get(given.type, given.type),
            given.tax_type,
            given.description,
            system=given.system_account,
            payable=given.enable_payments_to_account,
            claimable=given.show_in_expense_claims,
            status=given.status,
        ) | {"Type": given.type}
    if given.account_id is not None:
        made["AccountID"] = given.account_id.lower()
    return arrange({key: value for key, value in made.items() if value or key != "Code"}, ACCOUNT_KEYS)


def _tax_rates(file: File) -> list[Row]:
    found = [_tax_rate(one) for one in file.tax_rates]
    if all(row["TaxType"] != "NONE" for row in found):
        found.append(rows.tax_rate("NONE", "Tax Exempt", "0", "AEXLR", component="Tax Exempt", report=None))
    return found


def _tax_rate(given: schema.TaxRate) -> Row:
    shown = given.effective_rate if given.display_tax_rate is None else given.display_tax_rate
    flags = ("assets", "equity", "expenses", "liabilities", "revenue")
    row: Row = {"Name": given.name, "TaxType": given.tax_type}
    if given.report_tax_type:
        row["ReportTaxType"] = given.report_tax_type
    row |= {f"CanApplyTo{flag.title()}": getattr(given, f"can_apply_to_{flag}") for flag in flags}
    row |= {"DisplayTaxRate": shown, "EffectiveRate": given.effective_rate, "Status": given.status}
    parts = given.tax_components or (schema.Component(name=given.name, rate=given.effective_rate),)
    row["TaxComponents"] = [
        {
            "Name": part.name,
            "Rate": part.rate,
            "IsCompound": part.is_compound,
            "IsNonRecoverable": part.is_non_recoverable,
        }
        for part in parts
    ]
    return row


def _currencies(file: File) -> list[Row]:
    """The subscribed ones, the base currency first."""
    names = {file.organisation.base_currency: ""} | {one.code: one.description for one in file.currencies}
    return [{"Code": code, "Description": text or code} for code, text in names.items()]


def _tracking(given: schema.TrackingCategory) -> Row:
    made = rows.tracking_category(
        given.name,
        *(one.name for one in given.options if one.status == "ACTIVE"),
        archived=tuple(one.name for one in given.options if one.status != "ACTIVE"),
    )
    ids = {one.name: one.tracking_option_id for one in given.options if one.tracking_option_id}
    for option in made["Options"]:
        if option["Name"] in ids:
            option["TrackingOptionID"] = ids[option["Name"]].lower()
    made["Status"] = given.status
    if given.tracking_category_id:
        made["TrackingCategoryID"] = given.tracking_category_id.lower()
    return made


def _contact(given: schema.Contact) -> Row:
    sent = {key: value for key, value in _members(given).items() if value != ""}
    addresses = {one["AddressType"]: one for one in sent.pop("Addresses", [])}
    phones = {one["PhoneType"]: one for one in sent.pop("Phones", [])}
    row: Row = {
        "ContactStatus": "ACTIVE",
        "Addresses": [addresses.get(kind, {"AddressType": kind}) for kind in contact_wire.ADDRESS_TYPES],
        "Phones": [phones.get(kind, {"PhoneType": kind}) for kind in contact_wire.PHONE_TYPES],
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
        **sent,
    }
    if "ContactID" in row:
        row["ContactID"] = row["ContactID"].lower()
    return row


def _members(given: Any) -> Row:
    """What the file says, in Xero's spelling; what is as it would be anyway is not in it."""
    made: Row = msgspec.to_builtins(given, builtin_types=(datetime.date,))
    return {key: value for key, value in made.items() if value is not None}
