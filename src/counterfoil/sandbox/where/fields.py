"""The fields that `where` and `order` know, with the .NET type that Xero's messages name. Called by `nodes` and `parser`.

Implements facts 4.5 and the field lists of Appendix B for the resources that the sandbox has. Names are matched
without regard to case, as Xero's own "InvoiceId" for InvoiceID shows.
"""

from typing import Final

_NAMES_OF_TYPE: Final = {
    "String": (
        "Type InvoiceNumber Reference Status LineAmountTypes CurrencyCode Url Code Name Class SystemAccount "
        "BankAccountNumber BankAccountType Description TaxType ReportingCode ReportingCodeName ReportTaxType "
        "ContactNumber AccountNumber ContactStatus FirstName LastName CompanyNumber EmailAddress BankAccountDetails "
        "CreditNoteNumber PaymentType TaxNumber AccountsReceivableTaxType AccountsPayableTaxType SalesDefaultAccountCode SkypeUserName "
        "PurchasesDefaultAccountCode DefaultCurrency XeroNetworkKey Website Option LegalName"
    ),
    "Guid?": (
        "InvoiceID CreditNoteID PaymentID ContactID AccountID BrandingThemeID RepeatingInvoiceID TrackingCategoryID TrackingOptionID "
        "MergedToContactID OrganisationID LineItemID"
    ),
    "Boolean?": (
        "IsReconciled HasAccount SentToContact HasAttachments HasErrors IsDiscounted IsSupplier IsCustomer EnablePaymentsToAccount "
        "ShowInExpenseClaims AddToWatchlist CanApplyToAssets CanApplyToEquity CanApplyToExpenses "
        "CanApplyToLiabilities CanApplyToRevenue"
    ),
    "DateTime?": (
        "Date DueDate UpdatedDateUTC FullyPaidOnDate ExpectedPaymentDate PlannedPaymentDate CreatedDateUTC "
        "PeriodLockDate EndOfYearLockDate"
    ),
    "Decimal?": (
        "Amount BankAmount RemainingCredit SubTotal TotalTax Total TotalDiscount AmountDue AmountPaid AmountCredited CurrencyRate CISDeduction "
        "CISRate DisplayTaxRate EffectiveRate Discount"
    ),
    "Object": "Contact Invoice Account",
}

# Lower-case name -> (name on the wire, type).
FIELDS: Final = {name.lower(): (name, kind) for kind, names in _NAMES_OF_TYPE.items() for name in names.split()}


def comparable(left: str, right: str) -> bool:
    """Whether two types may stand on the sides of a comparison; `null` fits everything."""
    if "null" in {left, right}:
        return True
    return _family(left) == _family(right) != "Object"


def _family(kind: str) -> str:
    plain = kind.rstrip("?")
    return "Decimal" if plain == "Int32" else plain
