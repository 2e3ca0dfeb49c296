"""What Xero publishes about the resources that the sandbox has: names of members, what they hold, allowed values.

`published.json` keeps those names, so that the suite runs wherever the repository is; Xero's OpenAPI files themselves
(16.1.0) lie beside it in ../shared/openapi, if they are there. `python -m tests.conformance.published` reads them
again and rewrites the JSON.
"""

import json
from pathlib import Path

import yaml

KEPT = Path(__file__).with_name("published.json")
OPENAPI = Path(__file__).parents[2].parent / "shared" / "openapi"
SCHEMAS = {
    "xero_accounting.yaml": (
        "Organisations Accounts TaxRates Currencies TrackingCategories Contacts Invoices Organisation Account TaxRate "
        "Currency TrackingCategory Contact Invoice AddressForOrganisation ExternalLink PaymentTerm Bill Phone Address "
        "ContactPerson ContactGroup SalesTrackingCategory Balances AccountsReceivable AccountsPayable LineItem "
        "LineItemTracking TaxComponent TrackingOption Payment CreditNote Prepayment Overpayment Attachment "
        "InvoiceAddress ValidationError Pagination CurrencyCode CountryCode TimeZone AccountType LineAmountTypes "
        "PaymentTermType CreditNotes Payments Allocations Allocation InvoiceReminders InvoiceReminder Actions Action "
        "HistoryRecords HistoryRecord Items Item LineItemItem Purchase BankTransactions BankTransaction BankTransfers "
        "BankTransfer TrackingReference BatchPayments BatchPayment ManualJournals ManualJournal ManualJournalLine "
        "Overpayments Prepayments Journals Journal JournalLine Quotes Quote QuoteStatusCodes QuoteLineAmountTypes "
        "PurchaseOrders PurchaseOrder RepeatingInvoices RepeatingInvoice Schedule ContactGroups BrandingThemes "
        "BrandingTheme Users User OnlineInvoices OnlineInvoice ReportWithRows ReportWithRow ReportRows ReportRow "
        "ReportCell ReportAttribute ReportFields RowType LinkedTransactions LinkedTransaction PaymentServices PaymentService "
        "Budgets Budget BudgetLine BudgetBalance CISSettings CISSetting CISOrgSettings CISOrgSetting ImportSummaryObject "
        "ImportSummary ImportSummaryAccounts ImportSummaryOrganisation BatchPaymentDetails Reports Report Element "
        "TenNinetyNineContact Receipts Receipt ExpenseClaims ExpenseClaim"
    ),
    "xero-identity.yaml": "Connection",
}


def read():
    """Schema -> {"members": {name: {"of": schema, "values": […]}}, "values": […]}, from the files of Xero."""
    kept = {}
    for file, names in SCHEMAS.items():
        schemas = yaml.load((OPENAPI / file).read_text(), Loader=yaml.CSafeLoader)["components"]["schemas"]
        kept |= {name: _schema(schemas[name]) for name in names.split()}
    return kept


def kept():
    """The same, as it was kept."""
    return json.loads(KEPT.read_text())


def _schema(schema):
    members = {name: _member(member) for name, member in sorted(schema.get("properties", {}).items())}
    return {"members": members} | _values(schema)


def _member(schema):
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref") or ""
    kept = {"of": reference.rpartition("/")[2]} if reference else {}
    if schema.get("x-is-msdate") or schema.get("x-is-msdate-time"):
        return kept | {"type": "date"}
    return kept | ({"type": schema["type"]} if "type" in schema else {}) | _values(schema)


def _values(schema):
    return {"values": sorted(str(value) for value in schema["enum"])} if "enum" in schema else {}


def text(schemas):
    """As it is kept: a schema to a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(schema)}" for name, schema in sorted(schemas.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    KEPT.write_text(text(read()))
