"""Bodies that probe a write: small documents that the British organisation's chart allows. Called by `probing`.

A resource that is not here is probed with an empty object; that it is refused is an answer, too.
"""

from typing import Any, Final

_LINE: Final = {"Description": "Widgets", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}
_COST: Final = {**_LINE, "AccountCode": "400"}
_NAMED: Final = {"Contact": {"Name": "Blue Fern Ltd"}}
_SALE: Final = {
    **_NAMED,
    "Date": "2026-11-01",
    "DueDate": "2026-12-01",
    "Status": "AUTHORISED",
    "LineItems": [_LINE],
}
INVOICE: Final = {**_SALE, "Type": "ACCREC"}
BILL: Final = {**_SALE, "Type": "ACCPAY", "LineItems": [_COST]}
CREDIT_NOTE: Final = {**_SALE, "Type": "ACCRECCREDIT"}
BANK: Final = {"Code": "090"}
RECEIVED: Final = {**_NAMED, "Date": "2026-11-01", "BankAccount": BANK}

# In this order: what comes later may use what came before ($Plural stands for the id of its last row).
SEEDS: Final[dict[str, Any]] = {
    "Contacts": {"Name": "Blue Fern Ltd", "ContactNumber": "c-1"},
    "ContactGroups": {"Name": "Regulars"},
    "Accounts": {"Code": "091", "Name": "Second bank", "Type": "BANK", "BankAccountNumber": "12345678"},
    "TaxRates": {
        "Name": "Probe",
        "ReportTaxType": "OUTPUT",
        "TaxComponents": [{"Name": "VAT", "Rate": 5, "IsCompound": False, "IsNonRecoverable": False}],
    },
    "Currencies": {"Code": "JPY"},
    "TrackingCategories": {"Name": "Team", "Options": [{"Name": "Red"}]},
    "Items": {"Code": "TEA", "Name": "Tea", "SalesDetails": {"UnitPrice": 5, "AccountCode": "200"}},
    "Invoices": INVOICE,
    "CreditNotes": CREDIT_NOTE,
    "Payments": {"Invoice": {"InvoiceID": "$Invoices"}, "Account": BANK, "Date": "2026-11-02", "Amount": 1},
    "BatchPayments": {
        "Account": BANK,
        "Date": "2026-11-02",
        "Payments": [{"Invoice": {"InvoiceID": "$Invoices"}, "Amount": 1}],
    },
    "BankTransactions": {**RECEIVED, "Type": "RECEIVE", "LineItems": [_LINE]},
    "BankTransfers": {
        "FromBankAccount": BANK,
        "ToBankAccount": {"Code": "091"},
        "Amount": 5,
        "Date": "2026-11-03",
    },
    "ManualJournals": {
        "Narration": "Probe",
        "Date": "2026-11-01",
        "Status": "POSTED",
        "JournalLines": [{"LineAmount": 5, "AccountCode": "400"}, {"LineAmount": -5, "AccountCode": "200"}],
    },
    "PaymentServices": {"PaymentServiceName": "Probe", "PaymentServiceUrl": "https://pay.example/"},
    "Receipts": {**_NAMED, "User": {"UserID": "$Users"}, "Date": "2026-11-01", "LineItems": [_COST]},
    "Quotes": {**_NAMED, "Date": "2026-11-01", "LineItems": [_LINE]},
    "PurchaseOrders": {"Contact": {"ContactID": "$Contacts"}, "Date": "2026-11-01", "LineItems": [_COST]},
    "RepeatingInvoices": {
        **_NAMED,
        "Type": "ACCREC",
        "LineItems": [_LINE],
        "Schedule": {
            "Period": 1,
            "Unit": "MONTHLY",
            "DueDate": 10,
            "DueDateType": "DAYSAFTERBILLDATE",
            "StartDate": "2026-12-01",
        },
    },
}

# Spent, and to be billed to somebody.
EXPENSE: Final = {**RECEIVED, "Type": "SPEND", "LineItems": [_COST]}
CLAIM: Final = {"User": {"UserID": "$Users"}, "Receipts": [{"ReceiptID": "$Receipts"}]}
# What a person set up before.
ORGANISATION: Final = {
    "cis": {"contractor": True, "rate": 20, "contacts": {"$Contacts": 20}},
    "budgets": [
        {"BudgetLines": [{"AccountCode": "200", "BudgetBalances": [{"Period": "2026-11", "Amount": 100}]}]},
    ],
}
# Made as bank transactions, found elsewhere.
PREPAYMENT: Final = {**RECEIVED, "Type": "RECEIVE-PREPAYMENT", "LineItems": [_LINE]}
OVERPAYMENT: Final = {**RECEIVED, "Type": "RECEIVE-OVERPAYMENT", "LineItems": [{**_LINE, "AccountCode": "610"}]}
ALLOCATION: Final = {"Invoice": {"InvoiceID": "$Invoices"}, "Amount": 1}
NOTE: Final = {"HistoryRecords": [{"Details": "A note"}]}

# What a write may hold and this sandbox may not keep: (operations, words, body).
VARIANTS: Final[tuple[tuple[tuple[str, ...], str, Any], ...]] = (
    (("createInvoices", "updateOrCreateInvoices"), "bills (ACCPAY)", BILL),
    (
        ("createCreditNotes", "updateOrCreateCreditNotes"),
        "suppliers' credit notes (ACCPAYCREDIT)",
        {**BILL, "Type": "ACCPAYCREDIT"},
    ),
    (
        ("createPayments", "createPayment"),
        "refunds of prepayments",
        {"Prepayment": {"PrepaymentID": "$Prepayments"}, "Account": BANK, "Amount": 1},
    ),
    (
        ("createPayments", "createPayment"),
        "refunds of overpayments",
        {"Overpayment": {"OverpaymentID": "$Overpayments"}, "Account": BANK, "Amount": 1},
    ),
    (("createBankTransactions",), "prepayments", PREPAYMENT),
    (("createBankTransactions",), "overpayments", OVERPAYMENT),
)
