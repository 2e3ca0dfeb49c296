"""Every key that the sandbox sends is one that Xero publishes, or one that was seen on the wire (OpenAPI 16.1.0)."""

import pytest

from tests.conformance import foreign, judging, published
from tests.conformance.judging import SCHEMAS, SEEN


@pytest.mark.skipif(not published.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_what_is_kept_is_what_xero_publishes():
    """The names kept here are those of the published files, wherever those are at hand to compare."""
    assert published.kept() == published.read()


def test_the_list_of_what_was_seen_holds_nothing_published():
    """An exception that the schema has caught up with is taken away."""
    published_too = {name: keys.keys() & SCHEMAS.get(name, {}).get("members", {}) for name, keys in SEEN.items()}
    assert {name: keys for name, keys in published_too.items() if keys} == {}


@pytest.fixture(scope="module")
def answers(xero):
    """An answer of every kind: lists, pages, writes, refusals, of every resource and country."""
    tenants = xero.tenants.values()
    replies = {}
    for resource in ("Organisation", "Accounts", "TaxRates", "Currencies", "TrackingCategories"):
        replies[resource] = [xero.raw("GET", f"/{resource}", tenant=tenant) for tenant in tenants]
    contact = {
        "Name": f"Schema {foreign.unique()}",
        "EmailAddress": "a@example.com",
        "ContactNumber": f"S{foreign.unique()}",
        "ContactPersons": [{"FirstName": "Pat", "LastName": "Lee", "EmailAddress": "p@example.com"}],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "1234567"}],
        "Addresses": [{"AddressType": "STREET", "AddressLine1": "1 High Street", "City": "Leeds"}],
    }
    made = xero.raw("PUT", "/Contacts?summarizeErrors=false", body={"Contacts": [contact, {"EmailAddress": "x"}]})
    contact_id = made.json()["Contacts"][0]["ContactID"]
    replies["Contacts"] = [
        made,
        xero.raw("PUT", "/Contacts", body=contact),
        xero.raw("GET", f"/Contacts/{contact_id}"),
        xero.raw("GET", "/Contacts?page=1"),
        xero.raw("GET", "/Contacts?summaryOnly=true"),
        xero.raw("GET", "/Contacts"),
    ]
    tracked = {"Description": "Tea", "Quantity": 2, "UnitAmount": 10, "AccountCode": "200", "DiscountRate": 10}
    tracked["Tracking"] = [{"Name": "Region", "Option": "North"}]
    good = foreign.wire_invoice(contact_id, Reference="R", LineItems=[tracked, {"Description": "Thank you"}])
    bad = foreign.wire_invoice(contact_id, LineItems=[{"Description": "x", "UnitAmount": 1, "AccountCode": "999"}])
    made = xero.raw("PUT", "/Invoices?summarizeErrors=false&unitdp=4", body={"Invoices": [good, bad]})
    invoice_id = made.json()["Invoices"][0]["InvoiceID"]
    replies["Invoices"] = [
        made,
        xero.raw("PUT", "/Invoices", body=bad),
        xero.raw("POST", f"/Invoices/{invoice_id}", body={"Reference": "S"}),
        xero.raw("GET", f"/Invoices/{invoice_id}"),
        xero.raw("GET", "/Invoices?page=1"),
        xero.raw("GET", "/Invoices?summaryOnly=true"),
        xero.raw("GET", "/Invoices"),
    ]
    return replies | of_what_follows(xero, contact_id) | of_money(xero, contact_id) | of_the_rest(xero, contact_id)


def both(xero, path, *elements, query="summarizeErrors=false"):
    """The elements written together, and the last of them refused by itself."""
    plural = path.rpartition("/")[2]
    written = xero.raw("PUT", f"{path}?{query}", body={plural: list(elements)})
    return [written, xero.raw("PUT", path, body=elements[-1])]


def of_money(xero, contact_id):
    """Bank transactions, transfers, batches, over- and prepayments."""
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 30, "AccountCode": "260"}
    money = {
        "Contact": {"ContactID": contact_id},
        "BankAccount": {"Code": "090"},
        "Date": "2026-11-02",
        "Reference": "R",
    }
    received = {**money, "Type": "RECEIVE", "LineItems": [line]}
    over = {**money, "Type": "RECEIVE-OVERPAYMENT", "LineItems": [line]}
    prepaid = {**money, "Type": "SPEND-PREPAYMENT", "LineItems": [{**line, "AccountCode": "620"}]}
    replies = {
        "BankTransactions": both(xero, "/BankTransactions", received, over, prepaid, {**received, "LineItems": []})
    }
    made = replies["BankTransactions"][0].json()["BankTransactions"]
    replies["BankTransactions"] += [
        xero.raw("GET", "/BankTransactions?page=1"),
        xero.raw("GET", "/BankTransactions"),
        xero.raw("GET", f"/BankTransactions/{made[0]['BankTransactionID']}"),
        xero.raw("POST", f"/BankTransactions/{made[0]['BankTransactionID']}", body={"IsReconciled": True}),
    ]
    (sale,) = xero.raw("PUT", "/Invoices", body=foreign.wire_invoice(contact_id)).json()["Invoices"]
    due = foreign.wire_invoice(contact_id, Type="ACCPAY", LineItems=[{**line, "AccountCode": "429"}])
    bills = xero.raw("PUT", "/Invoices", body={"Invoices": [due, due]})
    replies["Bills"] = [bills, xero.raw("GET", f"/Invoices/{bills.json()['Invoices'][0]['InvoiceID']}")]
    first, second = ({"Invoice": {"InvoiceID": bill["InvoiceID"]}, "Amount": 1} for bill in bills.json()["Invoices"])
    paths = {
        "Overpayments": (made[1]["OverpaymentID"], sale),
        "Prepayments": (made[2]["PrepaymentID"], bills.json()["Invoices"][0]),
    }
    for plural, (own_id, invoice) in paths.items():
        allocation = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 1}
        key = f"{plural[:-1]}ID"
        refund = {plural[:-1]: {key: own_id}, "Account": {"Code": "090"}, "Date": "2026-11-05", "Amount": 1}
        replies[f"Allocations of {plural}"] = both(
            xero, f"/{plural}/{own_id}/Allocations", allocation, {**allocation, "Amount": 1000}
        )
        replies[f"Refunds of {plural}"] = [xero.raw("PUT", "/Payments", body=refund)]
        replies[plural] = [
            xero.raw("GET", f"/{plural}?page=1"),
            xero.raw("GET", f"/{plural}/{own_id}"),
            xero.raw("GET", f"/{plural}"),
        ]
    replies["Credited sale"] = [xero.raw("GET", f"/Invoices/{sale['InvoiceID']}"), xero.raw("GET", "/Invoices?page=1")]
    batch = {"Account": {"Code": "090"}, "Date": "2026-11-07", "Reference": "run", "Payments": [first, second]}
    replies["BatchPayments"] = both(xero, "/BatchPayments", batch, {**batch, "Payments": [{**first, "Amount": 1000}]})
    batch_id = replies["BatchPayments"][0].json()["BatchPayments"][0]["BatchPaymentID"]
    replies["BatchPayments"] += [
        xero.raw("GET", "/BatchPayments"),
        xero.raw("POST", f"/BatchPayments/{batch_id}", body={"Status": "DELETED"}),
    ]
    replies["Batched payments"] = [xero.raw("GET", "/Payments?page=1")]
    transfer = {"FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "091"}, "Amount": 5, "Date": "2026-11-03"}
    tracked = {**transfer, "FromTracking": tracking_ids(xero)}
    replies["BankTransfers"] = [
        xero.raw("PUT", "/BankTransfers", body=sent) for sent in (tracked, {**transfer, "Amount": 0})
    ]
    transfer_id = replies["BankTransfers"][0].json()["BankTransfers"][0]["BankTransferID"]
    replies["BankTransfers"] += [
        xero.raw("GET", "/BankTransfers"),
        xero.raw("POST", f"/BankTransfers/{transfer_id}", body={"Status": "DELETED"}),
    ]
    return replies


def tracking_ids(xero):
    """The first option of the first category, by ids."""
    category = xero.raw("GET", "/TrackingCategories").json()["TrackingCategories"][0]
    option = category["Options"][0]
    return [{"TrackingCategoryID": category["TrackingCategoryID"], "TrackingOptionID": option["TrackingOptionID"]}]


def of_the_rest(xero, contact_id):
    """Manual journals, journals, items, quotes, orders, repeating invoices, groups, users, themes, reports."""
    contact = {"Contact": {"ContactID": contact_id}}
    lines = {
        "LineItems": [{"Description": "x", "UnitAmount": 10, "AccountCode": "200", "Tracking": tracking_ids(xero)}]
    }
    sides = [{"AccountCode": "429", "LineAmount": 5, "Description": "x", "Tracking": tracking_ids(xero)}]
    sides += [{"AccountCode": "835", "LineAmount": -5, "Description": "x"}]
    noted = {"Narration": "n", "Date": "2026-11-01", "Status": "POSTED", "JournalLines": sides}
    item = {"Code": f"I{foreign.unique()}", "Name": "Tea", "SalesDetails": {"UnitPrice": 5, "AccountCode": "200"}}
    schedule = {
        "Period": 1,
        "Unit": "MONTHLY",
        "DueDate": 1,
        "DueDateType": "OFCURRENTMONTH",
        "StartDate": "2026-11-01",
    }
    repeating = {**contact, **lines, "Type": "ACCREC", "Schedule": schedule}
    quote = {**contact, **lines, "Date": "2026-11-01", "ExpiryDate": "2026-11-09", "Title": "T", "Summary": "S"}
    order = {**contact, **lines, "DeliveryDate": "2026-11-09", "AttentionTo": "Jo", "Reference": "R"}
    replies = {
        "ManualJournals": both(xero, "/ManualJournals", noted, {**noted, "Narration": ""}),
        "Items": both(xero, "/Items", item, {"Name": "x"}),
        "Quotes": both(xero, "/Quotes", quote, {**quote, "LineItems": []}),
        "PurchaseOrders": both(xero, "/PurchaseOrders", order, {**order, "LineItems": []}),
        "RepeatingInvoices": both(xero, "/RepeatingInvoices", repeating, {**repeating, "Type": "ACCPAY"}),
        "ContactGroups": [xero.raw("PUT", "/ContactGroups", body={"Name": f"G{foreign.unique()}"})],
        "Users": [],
        "BrandingThemes": [],
        "Journals": [],
    }
    for plural, found in replies.items():
        found += [xero.raw("GET", f"/{plural}?page=1"), xero.raw("GET", f"/{plural}")]
    sold = xero.raw(
        "PUT",
        "/Invoices",
        body=foreign.wire_invoice(contact_id, LineItems=[{"ItemCode": item["Code"], "Description": "x"}]),
    )
    replies["Sold items"] = [sold, xero.raw("GET", "/Invoices?page=1&order=UpdatedDateUTC%20DESC")]
    aged = f"contactID={contact_id}&toDate=2026-12-31"
    replies["Reports"] = [
        xero.raw("GET", f"/Reports/{name}")
        for name in (
            "TrialBalance?date=2026-11-30", "ProfitAndLoss?fromDate=2026-11-01&toDate=2026-11-30&periods=2",
            "BalanceSheet?date=2026-11-30", "BankSummary?fromDate=2026-11-01&toDate=2026-11-30",
            f"AgedReceivablesByContact?{aged}", f"AgedPayablesByContact?{aged}",
        )
    ]  # fmt: skip
    invoice_id = sold.json()["Invoices"][0]["InvoiceID"]
    replies["OnlineInvoices"] = [xero.raw("GET", f"/Invoices/{invoice_id}/OnlineInvoice")]
    return replies


def of_what_follows(xero, contact_id):
    """Credit notes, allocations, payments, refunds, histories, and what else an organisation tells."""
    made = xero.raw("PUT", "/Invoices", body=foreign.wire_invoice(contact_id, **foreign.ROUNDED))
    (due,) = made.json()["Invoices"]
    draft = xero.raw("PUT", "/Invoices", body=foreign.wire_invoice(contact_id, Status="DRAFT", EnteredTotal=12))
    note = foreign.wire_invoice(contact_id, Type="ACCRECCREDIT", Reference="R")
    bad = {**note, "LineItems": [{"Description": "x", "UnitAmount": 1, "AccountCode": "999"}]}
    credited = xero.raw("PUT", "/CreditNotes?summarizeErrors=false", body={"CreditNotes": [note, bad]})
    note_id = credited.json()["CreditNotes"][0]["CreditNoteID"]
    allocation = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Amount": 1}
    allocations = f"/CreditNotes/{note_id}/Allocations"
    both = {"Allocations": [allocation, {**allocation, "Amount": 1000}]}
    allocated = xero.raw("PUT", f"{allocations}?summarizeErrors=false", body=both)
    paid = foreign.wire_payment(due["InvoiceID"], Amount=2)
    refund = {**paid, "CreditNote": {"CreditNoteID": note_id}}
    del refund["Invoice"]
    payments = {"Payments": [paid, refund, {**paid, "Amount": 1000}]}
    made_payments = xero.raw("PUT", "/Payments?summarizeErrors=false", body=payments)
    payment_id = made_payments.json()["Payments"][0]["PaymentID"]
    history = f"/Invoices/{due['InvoiceID']}/History"
    return {
        "Credited invoices": [made, draft, xero.raw("GET", f"/Invoices/{due['InvoiceID']}")],
        "CreditNotes": [
            credited,
            xero.raw("PUT", "/CreditNotes", body=bad),
            xero.raw("POST", f"/CreditNotes/{note_id}", body={"Reference": "S"}),
            xero.raw("GET", f"/CreditNotes/{note_id}"),
            xero.raw("GET", "/CreditNotes?page=1"),
            xero.raw("GET", "/CreditNotes"),
        ],
        "Allocations": [allocated, xero.raw("PUT", allocations, body={**allocation, "Amount": 1000})],
        "Payments": [
            made_payments,
            xero.raw("PUT", "/Payments", body={**paid, "Amount": 1000}),
            xero.raw("GET", "/Payments?page=1"),
            xero.raw("GET", f"/Payments/{payment_id}"),
            xero.raw("POST", f"/Payments/{payment_id}", body={"Status": "DELETED"}),
        ],
        "HistoryRecords": [
            xero.raw("PUT", history, body={"HistoryRecords": [{"Details": "A note"}]}),
            xero.raw("GET", history),
        ],
        "InvoiceReminders": [xero.raw("GET", "/InvoiceReminders/Settings")],
        "Actions": [xero.raw("GET", "/Organisation/Actions")],
    }


PLURALS = {
    "Organisation": ("Organisations", "Organisation"),
    "Accounts": ("Accounts", "Account"),
    "TaxRates": ("TaxRates", "TaxRate"),
    "Currencies": ("Currencies", "Currency"),
    "TrackingCategories": ("TrackingCategories", "TrackingCategory"),
    "Contacts": ("Contacts", "Contact"),
    "Invoices": ("Invoices", "Invoice"),
    "Credited invoices": ("Invoices", "Invoice"),
    "CreditNotes": ("CreditNotes", "CreditNote"),
    "Allocations": ("Allocations", "Allocation"),
    "Payments": ("Payments", "Payment"),
    "HistoryRecords": ("HistoryRecords", "HistoryRecord"),
    "InvoiceReminders": ("InvoiceReminders", "InvoiceReminder"),
    "Actions": ("Actions", "Action"),
    **{
        plural: (plural, plural.removesuffix("s"))
        for plural in (
            "BankTransactions",
            "BankTransfers",
            "BatchPayments",
            "Overpayments",
            "Prepayments",
            "ManualJournals",
            "Items",
            "Quotes",
            "PurchaseOrders",
            "RepeatingInvoices",
            "ContactGroups",
            "Users",
            "BrandingThemes",
            "Journals",
            "OnlineInvoices",
        )
    },
    "Bills": ("Invoices", "Invoice"),
    "Credited sale": ("Invoices", "Invoice"),
    "Sold items": ("Invoices", "Invoice"),
    "Batched payments": ("Payments", "Payment"),
    "Allocations of Overpayments": ("Allocations", "Allocation"),
    "Allocations of Prepayments": ("Allocations", "Allocation"),
    "Refunds of Overpayments": ("Payments", "Payment"),
    "Refunds of Prepayments": ("Payments", "Payment"),
    "Reports": ("Reports", "ReportWithRow"),
}


@pytest.mark.parametrize("resource", list(PLURALS))
def test_every_key_is_published_or_was_seen(answers, resource):
    """No key of our own invention, however deep, in any answer about this resource."""
    plural, name = PLURALS[resource]
    unknown, count = set(), 0
    for reply in answers[resource]:
        body = reply.json()
        elements = body.pop(plural, None) or body.pop("Elements", [])
        count += len(elements)
        unknown |= set(judging.unknown_keys(name, elements))
        head = {*SEEN["Envelope"], "pagination", "ErrorNumber", "Type", "Message", plural}
        unknown |= {f"envelope.{key}" for key in body if key not in head}
    assert count > 0
    assert unknown == set()


@pytest.mark.parametrize("resource", list(PLURALS))
def test_every_enumerated_value_is_published(answers, resource):
    """Statuses, types and codes are among those of the schema."""
    plural, name = PLURALS[resource]
    elements = [element for reply in answers[resource] for element in reply.json().get(plural, [])]
    assert {wrong for element in elements for wrong in judging.unpublished_values(name, element)} == set()


def test_a_connection_has_the_published_keys(xero):
    """/connections against the identity schema."""
    headers = {"Authorization": f"Bearer {xero.token['access_token']}"}
    for connection in foreign.send(xero.url, "GET", "/connections", headers=headers).json():
        assert set(connection) == set(SCHEMAS["Connection"]["members"])
