"""Rows of a chart in Xero's wire shape: the only place that knows which keys an account or a tax rate has, in order.

Called by the country files of this folder; the key orders are also used by whoever adds ids and stamps to a row.
Implements the facts of 5.1 to 5.5 and the key orders of Appendix C (seen on the wire).
"""

from decimal import Decimal
from typing import Any, Final

Row = dict[str, Any]

ORGANISATION_KEYS: Final = (
    "Name", "LegalName", "PaysTax", "Version", "OrganisationType", "BaseCurrency", "CountryCode", "IsDemoCompany",
    "OrganisationStatus", "RegistrationNumber", "TaxNumber", "FinancialYearEndDay", "FinancialYearEndMonth",
    "SalesTaxBasis", "SalesTaxPeriod", "DefaultSalesTax", "DefaultPurchasesTax", "PeriodLockDate",
    "EndOfYearLockDate", "CreatedDateUTC", "OrganisationEntityType", "Timezone", "ShortCode", "OrganisationID",
    "Edition", "Class", "LineOfBusiness", "Addresses", "Phones", "ExternalLinks", "PaymentTerms",
)  # fmt: skip
ACCOUNT_KEYS: Final = (
    "AccountID", "Code", "Name", "Status", "Type", "TaxType", "Description", "Class", "SystemAccount",
    "EnablePaymentsToAccount", "ShowInExpenseClaims", "BankAccountNumber", "BankAccountType", "CurrencyCode",
    "ReportingCode", "ReportingCodeName", "HasAttachments", "UpdatedDateUTC", "AddToWatchlist",
)  # fmt: skip

CONTACT_KEYS: Final = (
    "ContactID", "MergedToContactID", "ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName",
    "LastName", "CompanyNumber", "EmailAddress", "BankAccountDetails", "TaxNumber", "TaxNumberType", "AccountsReceivableTaxType",
    "AccountsPayableTaxType", "Addresses", "Phones", "UpdatedDateUTC", "ContactGroups", "IsSupplier", "IsCustomer",
    "SalesDefaultLineAmountType", "PurchasesDefaultLineAmountType", "DefaultCurrency", "SalesDefaultAccountCode",
    "PurchasesDefaultAccountCode", "XeroNetworkKey", "BatchPayments", "PaymentTerms", "Website", "SalesTrackingCategories",
    "PurchasesTrackingCategories", "ContactPersons", "HasAttachments",
    "HasValidationErrors",
)  # fmt: skip

CLASS_OF_TYPE: Final = {
    **dict.fromkeys(("BANK", "CURRENT", "FIXED", "INVENTORY", "NONCURRENT", "PREPAYMENT"), "ASSET"),
    "EQUITY": "EQUITY",
    **dict.fromkeys(("DEPRECIATN", "DIRECTCOSTS", "EXPENSE", "OVERHEADS"), "EXPENSE"),
    **dict.fromkeys(("CURRLIAB", "LIABILITY", "TERMLIAB", "PAYG"), "LIABILITY"),
    **dict.fromkeys(("OTHERINCOME", "REVENUE", "SALES"), "REVENUE"),
}
_REPORTING: Final = {
    "ASSET": ("ASS", "Assets"),
    "EQUITY": ("EQU", "Equity"),
    "EXPENSE": ("EXP", "Expense"),
    "LIABILITY": ("LIA", "Liabilities"),
    "REVENUE": ("REV", "Revenue"),
}
_CURRENCY_NAMES: Final = {
    "AUD": "Australian Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
    "NZD": "New Zealand Dollar",
    "USD": "United States Dollar",
}


def account(
    code: str,
    name: str,
    type: str,
    tax_type: str,
    description: str = "",
    *,
    system: str = "",
    payable: bool = False,
    claimable: bool = False,
    status: str = "ACTIVE",
) -> Row:
    """An account that is not a bank account; `payable` may receive payments, `claimable` shows in expense claims."""
    account_class = CLASS_OF_TYPE[type]
    reporting_code, reporting_name = _REPORTING[account_class]
    row = {
        "Code": code,
        "Name": name,
        "Status": status,
        "Type": type,
        "TaxType": tax_type,
        "Description": description,
        "Class": account_class,
        "SystemAccount": system,
        "EnablePaymentsToAccount": payable,
        "ShowInExpenseClaims": claimable,
        "BankAccountType": "",
        "ReportingCode": reporting_code,
        "ReportingCodeName": reporting_name,
        "HasAttachments": False,
        "AddToWatchlist": False,
    }
    # An account without a description or a system role has no such member on the wire.
    return {key: value for key, value in row.items() if value or key not in {"Description", "SystemAccount"}}


def bank(code: str, name: str, number: str, currency: str, *, type: str = "BANK", tax_type: str = "NONE") -> Row:
    """A bank account (`type` BANK, CREDITCARD or PAYPAL). It takes payments although its flag says it does not."""
    reporting_code, reporting_name = _REPORTING["ASSET"]
    return {
        "Code": code,
        "Name": name,
        "Status": "ACTIVE",
        "Type": "BANK",
        "TaxType": tax_type,
        "Class": "ASSET",
        "EnablePaymentsToAccount": False,
        "ShowInExpenseClaims": False,
        "BankAccountNumber": number,
        "BankAccountType": type,
        "CurrencyCode": currency,
        "ReportingCode": reporting_code,
        "ReportingCodeName": reporting_name,
        "HasAttachments": False,
        "AddToWatchlist": False,
    }


def tax_rate(
    tax_type: str,
    name: str,
    percent: str,
    applies_to: str,
    *,
    component: str,
    report: str | None,
    effective: str | None = None,
    status: str = "ACTIVE",
) -> Row:
    """A tax rate of one component.

    `percent` is shown, `effective` (None: the same) is charged. `applies_to` holds a letter for each class of account
    it may be used with: A asset, E equity, X expense, L liability, R revenue. `report` None: an edition without
    returns, which has no ReportTaxType.
    """
    charged = Decimal(percent if effective is None else effective)
    row: Row = {"Name": name, "TaxType": tax_type}
    if report is not None:
        row["ReportTaxType"] = report
    row |= {
        "CanApplyToAssets": "A" in applies_to,
        "CanApplyToEquity": "E" in applies_to,
        "CanApplyToExpenses": "X" in applies_to,
        "CanApplyToLiabilities": "L" in applies_to,
        "CanApplyToRevenue": "R" in applies_to,
        "DisplayTaxRate": Decimal(percent),
        "EffectiveRate": charged,
        "Status": status,
    }
    row["TaxComponents"] = [{"Name": component, "Rate": charged, "IsCompound": False, "IsNonRecoverable": False}]
    return row


def currencies(*codes: str) -> list[Row]:
    """The subscribed currencies, the base currency first."""
    return [{"Code": code, "Description": _CURRENCY_NAMES[code]} for code in codes]


def tracking_category(name: str, *options: str, archived: tuple[str, ...] = ()) -> Row:
    """An active tracking category with its options in order, the `archived` ones last."""
    states = [(option, "ACTIVE") for option in options] + [(option, "ARCHIVED") for option in archived]
    return {"Name": name, "Status": "ACTIVE", "Options": [_option(option, state) for option, state in states]}


def _option(name: str, status: str) -> Row:
    """One option as Xero sends it: the state twice, as a word and as flags."""
    return {
        "Name": name,
        "Status": status,
        "HasValidationErrors": False,
        "IsDeleted": False,
        "IsArchived": status == "ARCHIVED",
        "IsActive": status == "ACTIVE",
    }


def organisation(
    name: str,
    *,
    version: str,
    country: str,
    base_currency: str,
    tax_number: str,
    year_end: tuple[int, int],
    sales_tax: tuple[str, str],
    timezone: str,
    street: tuple[str, str, str, str],
    phone: tuple[str, str, str],
    terms: Row,
    registration: str,
) -> Row:
    """An organisation's own record.

    `year_end` is (day, month), `sales_tax` (basis, period), `street` (line, city, region, postal code), `phone`
    (country code, area code, number), `terms` the payment terms as on the wire ({} when unset).
    """
    line, city, region, postal_code = street
    address = {"AddressType": "STREET", "AddressLine1": line, "City": city, "Region": region}
    country_code, area_code, number = phone
    return {
        "Name": name,
        "LegalName": name,
        "PaysTax": True,
        "Version": version,
        "OrganisationType": "COMPANY",
        "BaseCurrency": base_currency,
        "CountryCode": country,
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "RegistrationNumber": registration,
        "TaxNumber": tax_number,
        "FinancialYearEndDay": year_end[0],
        "FinancialYearEndMonth": year_end[1],
        "SalesTaxBasis": sales_tax[0],
        "SalesTaxPeriod": sales_tax[1],
        "DefaultSalesTax": "Remember previous",
        "DefaultPurchasesTax": "Remember previous",
        "OrganisationEntityType": "COMPANY",
        "Timezone": timezone,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [address | {"PostalCode": postal_code, "Country": _COUNTRY_NAMES[country], "AttentionTo": ""}],
        "Phones": [
            {
                "PhoneType": "OFFICE",
                "PhoneNumber": number,
                "PhoneAreaCode": area_code,
                "PhoneCountryCode": country_code,
            }
        ],
        "ExternalLinks": [],
        "PaymentTerms": terms,
    }


_COUNTRY_NAMES: Final = {"GB": "United Kingdom", "AU": "Australia", "NL": "Netherlands", "NZ": "New Zealand"}
