"""What the mirror keeps of Xero's OpenAPI file (16.1.0, at ../shared/openapi): which fields and which values are published.

`python -m tests.conformance.published_fields` writes it again; tests/mirror/test_described holds it to the file, where
that is at hand.
"""

import json
from pathlib import Path

from tests.conformance.package_data import loaded

PUBLISHED = Path(__file__).parents[2] / "src" / "counterfoil" / "mirror" / "published.json"
SCHEMAS = {
    "Organisation": "Organisation", "Accounts": "Account", "TaxRates": "TaxRate",
    "TrackingCategories": "TrackingCategory", "Currencies": "Currency", "Items": "Item", "Contacts": "Contact",
    "Invoices": "Invoice", "CreditNotes": "CreditNote", "Payments": "Payment", "Overpayments": "Overpayment",
    "Prepayments": "Prepayment", "BankTransactions": "BankTransaction", "BankTransfers": "BankTransfer",
    "ManualJournals": "ManualJournal", "PurchaseOrders": "PurchaseOrder", "Quotes": "Quote",
}  # fmt: skip
VALUES = ("Status", "ContactStatus", "Type", "PaymentType")


def published():
    """{resource: {"fields": [names], "values": {field: [values]}}}."""
    schemas = loaded("xero_accounting.yaml")["components"]["schemas"]
    return {resource: _of(schemas, schemas[name]["properties"]) for resource, name in SCHEMAS.items()}


def _of(schemas, fields):
    values = {name: _values(schemas, fields[name]) for name in VALUES if name in fields}
    return {"fields": sorted(fields), "values": {name: sorted(found) for name, found in values.items() if found}}


def _values(schemas, field):
    """The values of an enumeration, behind a reference or not; none: any text."""
    if "$ref" in field:
        field = schemas[field["$ref"].rpartition("/")[2]]
    return [one for one in field.get("enum", []) if one]


def text():
    """The file's text."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in published().items())
    return f"{{\n{lines}\n}}\n"


if __name__ == "__main__":
    PUBLISHED.write_text(text())
