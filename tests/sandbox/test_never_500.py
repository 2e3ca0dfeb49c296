"""Whatever a client sends to any resource, the sandbox has an answer for it: bodies and paths at random, no exception."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.sandbox import resources
from tests.sandbox.ledger.desk import Desk, line

NAMES = [
    "Type",
    "Status",
    "Contact",
    "ContactID",
    "Name",
    "LineItems",
    "Description",
    "Quantity",
    "UnitAmount",
    "AccountCode",
    "AccountID",
    "TaxType",
    "TaxAmount",
    "LineAmount",
    "LineAmountTypes",
    "Tracking",
    "Option",
    "Date",
    "DueDate",
    "ExpiryDate",
    "BankAccount",
    "FromBankAccount",
    "ToBankAccount",
    "Amount",
    "CurrencyCode",
    "CurrencyRate",
    "Code",
    "Reference",
    "Narration",
    "JournalLines",
    "Payments",
    "Invoice",
    "InvoiceID",
    "CreditNote",
    "Account",
    "Schedule",
    "Period",
    "Unit",
    "StartDate",
    "DueDateType",
    "TaxComponents",
    "Rate",
    "IsCompound",
    "ReportTaxType",
    "SalesDetails",
    "PurchaseDetails",
    "UnitPrice",
    "InventoryAssetAccountCode",
    "IsSold",
    "ItemCode",
    "Item",
    "SentToContact",
    "IsReconciled",
    "Url",
    "Terms",
    "Title",
    "InvoiceNumber",
    "PurchaseOrderNumber",
    "QuoteNumber",
    "Overpayment",
    "Prepayment",
    "OverpaymentID",
    "PrepaymentID",
    "Options",
    "Details",
    "DiscountRate",
    "DiscountAmount",
    "FromTracking",
    "HistoryRecords",
]
WORDS = [
    "ACCREC",
    "ACCPAY",
    "AUTHORISED",
    "DRAFT",
    "DELETED",
    "VOIDED",
    "POSTED",
    "SENT",
    "PAID",
    "SPEND",
    "RECEIVE",
    "RECEIVE-PREPAYMENT",
    "RECEIVE-OVERPAYMENT",
    "Inclusive",
    "NoTax",
    "200",
    "429",
    "090",
    "092",
    "610",
    "OUTPUT2",
    "INPUT2",
    "NONE",
    "EUR",
    "GBP",
    "JPY",
    "2026-11-01",
    "0001-01-01",
    "9999-12-31",
    "MONTHLY",
    "WEEKLY",
    "OFCURRENTMONTH",
    "TEA",
    "true",
    "x",
]
QUERY = [
    "page=1",
    "page=0",
    "pageSize=-1",
    "where=Type==%22X%22",
    "order=Date",
    "where=(",
    "unitdp=4",
    "summarizeErrors=false",
    "summaryOnly=true",
    "periods=2",
    "periods=x",
    "timeframe=YEAR",
    "date=2026-11-30",
    "date=x",
    "offset=1",
    "paymentsOnly=true",
    "contactID=x",
    "Status=DRAFT",
    "DateFrom=2026-01-01",
    "includeDeleted=true",
    "References=R",
]


def everything() -> tuple[Desk, dict[str, Any]]:
    """A desk with one of each, and what made it."""
    desk = Desk()
    contact = {"Contact": {"ContactID": desk.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}}
    dates = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
    money = {"BankAccount": {"Code": "090"}, "Date": "2026-11-01", "LineItems": [line("260", 10)]}
    sides = [
        {"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in (("429", 1), ("835", -1))
    ]
    bodies: dict[str, Any] = {
        "Items": {"Code": "TEA", "SalesDetails": {"UnitPrice": 1, "AccountCode": "200"}},
        "Invoices": {**contact, **dates, "Type": "ACCREC", "LineItems": [line("200", 100, DiscountRate=1)]},
        "CreditNotes": {**contact, **dates, "Type": "ACCRECCREDIT", "LineItems": [line("200", 10)]},
        "BankTransactions": {**contact, **money, "Type": "RECEIVE"},
        "BankTransfers": {"FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "091"}, "Amount": 1},
        "ManualJournals": {"Narration": "x", "Status": "POSTED", "JournalLines": sides},
        "Quotes": {**contact, "Date": "2026-11-01", "LineItems": [line("200", 1)]},
        "PurchaseOrders": {**contact, "LineItems": [line("429", 1)]},
        "RepeatingInvoices": {
            **contact, "Type": "ACCREC", "LineItems": [line("200", 1)],
            "Schedule": {"Period": 1, "Unit": "MONTHLY", "DueDate": 1, "DueDateType": "OFCURRENTMONTH", "StartDate": "2026-11-01"},
        },
        "ContactGroups": {"Name": "Regulars"},
        "TaxRates": {"Name": "City", "ReportTaxType": "OUTPUT", "TaxComponents": [{"Name": "City", "Rate": 5}]},
    }  # fmt: skip
    made = {plural: desk.made(plural, **body) for plural, body in bodies.items()}
    allocation = {"Invoice": {"InvoiceID": made["Invoices"]["InvoiceID"]}, "Amount": 1}
    desk.made(f"CreditNotes/{made['CreditNotes']['CreditNoteID']}/Allocations", **allocation)
    for kind in ("RECEIVE-OVERPAYMENT", "SPEND-PREPAYMENT"):
        desk.made("BankTransactions", **contact, **money, Type=kind)
    bodies["Payments"] = {**allocation, "Account": {"Code": "090"}, "Date": "2026-11-02"}
    bodies["BatchPayments"] = {"Payments": [allocation], "Account": {"Code": "090"}, "Date": "2026-11-02"}
    bodies["Allocations"] = allocation
    for plural in ("Payments", "BatchPayments"):
        desk.made(plural, **bodies[plural])
    return desk, bodies


DESK, BODIES = everything()
PLURALS = list(dict.fromkeys(resource.plural for resource in resources._ALL))
IDS = [key for table in DESK.books.tables.values() for key in list(table.rows)[:3]]
PARTS = [
    "History",
    "Allocations",
    "Contacts",
    "Options",
    "Email",
    "OnlineInvoice",
    "Attachments",
    "Settings",
    "Actions",
]
REPORTS = ["TrialBalance", "ProfitAndLoss", "BalanceSheet", "BankSummary", "AgedReceivablesByContact"]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.sampled_from(WORDS), st.sampled_from(IDS),
    st.decimals(-1000, 1000, places=3).map(str),
)  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)
few = st.dictionaries(st.sampled_from(NAMES), values, max_size=2)
bodies = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)


@settings(max_examples=400, deadline=None)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "POST", "DELETE"]),
    plural=st.sampled_from(PLURALS),
    place=st.none() | st.integers(0, 5),
    rest=st.just([]) | st.just([]) | st.lists(st.sampled_from([*PARTS, *REPORTS, *IDS[:20], "x"]), max_size=2),
    query=st.lists(st.sampled_from(QUERY), max_size=3),
    sent=few | few | bodies | st.lists(bodies, max_size=2) | scalars,
)
def test_every_request_has_an_answer(method, plural, place, rest, query, sent):
    """A status below 500 (501 for what is not there), and books that still balance."""
    own = list(DESK.books.tables[plural].rows) if plural in DESK.books.tables else []
    parts = [plural, *([] if place is None else own[place : place + 1]), *rest]
    likely = BODIES.get("Allocations" if "Allocations" in parts else plural)
    body = {**likely, **sent} if likely and isinstance(sent, dict) else sent
    path = "/".join(parts) + "?" + "&".join(query)
    status, _ = DESK.ask(method, path, None if method in {"GET", "DELETE"} else body)
    assert status < 500 or status == 501
    assert sum(DESK.sums().values()) == 0
