"""Every key that the sandbox sends is one that Xero publishes, or one that was seen on the wire (OpenAPI 16.1.0)."""

import pytest

from tests.conformance import foreign, published

# Sent by Xero although the published schema lacks it, each with where that is known from.
SEEN = {
    "Invoice": {
        "InvoicePaymentServices": "recorded on lists and single invoices",
        "DateString": "recorded companion of Date",
        "DueDateString": "recorded companion of DueDate",
        "RoundingAmount": "named by the facts (4.6), not by the schema",
        "EnteredTotal": "named by the facts (4.6), not by the schema",
    },
    "CreditNote": {
        "ID": "recorded: the CreditNoteID once more",
        "DateString": "recorded companion of Date",
        "DueDateString": "companion of DueDate, as on invoices",
    },
    "HistoryRecord": {
        "DateUTCString": "recorded companion of DateUTC",
        "ValidationErrors": "in the published example of a note that was made",
    },
    "LineItem": {"ValidationErrors": "recorded on lines of write answers"},
    "LineItemTracking": {"Options": "recorded: an empty list"},
    "TrackingOption": {
        "HasValidationErrors": "in the published examples of options",
        "IsDeleted": "in the published examples of options",
        "IsArchived": "in the published examples of options",
        "IsActive": "in the published examples of options",
    },
    "Phone": {"ValidationErrors": "recorded on refused contacts"},
    "Envelope": {
        "Id": "recorded",
        "Status": "recorded",
        "ProviderName": "recorded",
        "DateTimeUTC": "recorded",
    },
}


SCHEMAS = published.kept()


@pytest.mark.skipif(not published.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_what_is_kept_is_what_xero_publishes():
    """The names kept here are those of the published files, wherever those are at hand to compare."""
    assert published.kept() == published.read()


def test_the_list_of_what_was_seen_holds_nothing_published():
    """An exception that the schema has caught up with is taken away."""
    published_too = {name: keys.keys() & SCHEMAS.get(name, {}).get("members", {}) for name, keys in SEEN.items()}
    assert {name: keys for name, keys in published_too.items() if keys} == {}


def unknown_keys(name, value, path=""):
    """Every key under `value` that neither the schema called `name` nor SEEN has."""
    if isinstance(value, list):
        return [key for entry in value for key in unknown_keys(name, entry, path)]
    if not isinstance(value, dict):
        return []
    members = SCHEMAS.get(name, {}).get("members", {})
    here = f"{path}{name or 'untyped'}."
    found = [f"{here}{key}" for key in value if key not in members and key not in SEEN.get(name, {})]
    for key, entry in value.items():
        found += unknown_keys(members.get(key, {}).get("of", ""), entry, here)
    return found


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
    return replies | of_what_follows(xero, contact_id)


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
        unknown |= set(unknown_keys(name, elements))
        head = {*SEEN["Envelope"], "pagination", "ErrorNumber", "Type", "Message", *SCHEMAS[plural]["members"]}
        unknown |= {f"envelope.{key}" for key in body if key not in head}
    assert count > 0
    assert unknown == set()


@pytest.mark.parametrize("resource", list(PLURALS))
def test_every_enumerated_value_is_published(answers, resource):
    """Statuses, types and codes are among those of the schema."""
    plural, name = PLURALS[resource]
    elements = [element for reply in answers[resource] for element in reply.json().get(plural, [])]
    assert {wrong for element in elements for wrong in unpublished_values(name, element)} == set()


def unpublished_values(name, value):
    """`Schema.key=value` for every text whose schema enumerates others."""
    wrong = set()
    for key, entry in value.items():
        member = SCHEMAS.get(name, {}).get("members", {}).get(key, {})
        inner = member.get("of", "")
        allowed = member.get("values") or SCHEMAS.get(inner, {}).get("values")
        if allowed and isinstance(entry, str) and entry not in allowed:
            wrong.add(f"{name}.{key}={entry}")
        for nested in entry if isinstance(entry, list) else [entry]:
            if isinstance(nested, dict):
                wrong |= unpublished_values(inner, nested)
    return wrong


def test_a_connection_has_the_published_keys(xero):
    """/connections against the identity schema."""
    headers = {"Authorization": f"Bearer {xero.token['access_token']}"}
    for connection in foreign.send(xero.url, "GET", "/connections", headers=headers).json():
        assert set(connection) == set(SCHEMAS["Connection"]["members"])
