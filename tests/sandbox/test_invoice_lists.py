"""Reading sales invoices: every projection, pages, filters and the oddities of Xero's lists."""

import urllib.parse
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice


def numbers(ledger, **query):
    """The invoice numbers that a query lists; sorted unless it orders, since rows of one write share their stamp."""
    path = "Invoices?" + urllib.parse.urlencode(query)
    found = [row["InvoiceNumber"] for row in ledger.get(path)["Invoices"]]
    return found if "order" in query else sorted(found)


@pytest.fixture
def three(ledger):
    """S-1 draft, S-2 approved, S-3 voided, for two contacts."""
    fern, oak = ledger.contact("Fern", ContactNumber="c-1"), ledger.contact("Oak")
    made = ledger.write(
        "PUT",
        invoice(fern, InvoiceNumber="S-1", Status="DRAFT", Reference="PO one", Date="2026-10-01"),
        invoice(oak, InvoiceNumber="S-2", Reference="PO two"),
        invoice(fern, InvoiceNumber="S-3"),
    )
    ledger.write("POST", {"InvoiceID": made[2]["InvoiceID"], "Status": "VOIDED"})
    return made


def test_a_paged_invoice_is_in_xeros_shape(ledger, three):
    """Keys and order of a paged row are those of the recording; the contact is reduced to id and name."""
    answer = ledger.get("Invoices?page=1")
    assert list(answer) == ["Id", "Status", "ProviderName", "DateTimeUTC", "pagination", "Invoices"]
    assert answer["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": 3}
    row = answer["Invoices"][0]
    assert list(row) == [
        "Type", "InvoiceID", "InvoiceNumber", "Reference", "Payments", "CreditNotes", "Prepayments", "Overpayments",
        "AmountDue", "AmountPaid", "AmountCredited", "SentToContact", "CurrencyRate", "IsDiscounted", "HasAttachments",
        "InvoiceAddresses", "HasErrors", "InvoicePaymentServices", "UpdatedDateUTCString", "Contact", "DateString",
        "Date", "DueDateString", "DueDate", "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal",
        "TotalTax", "Total", "UpdatedDateUTC", "CurrencyCode",
    ]  # fmt: skip
    assert list(row["Contact"]) == [
        "ContactID", "Name", "Addresses", "Phones", "ContactGroups", "ContactPersons", "HasValidationErrors",
    ]  # fmt: skip
    assert "ValidationErrors" not in row["LineItems"][0]


def test_without_page_there_are_no_lines(ledger, three):
    """The classic trap: an unpaged list has empty LineItems and no pagination."""
    answer = ledger.get("Invoices")
    assert "pagination" not in answer
    assert [row["LineItems"] for row in answer["Invoices"]] == [[], [], []]


def test_an_unknown_parameter_is_ignored(ledger, three):
    """page_size is not pageSize: nobody says so, and the list is unpaged."""
    answer = ledger.get("Invoices?page_size=1")
    assert len(answer["Invoices"]) == 3
    assert "pagination" not in answer


def test_one_invoice_has_lines_and_its_whole_contact(ledger, three):
    """By id or number the full contact, tracking ids and Attachments come; empty lists of payments do not."""
    for key in (three[1]["InvoiceID"], "S-2", "s-2"):
        (row,) = ledger.get(f"Invoices/{key}")["Invoices"]
        assert row["InvoiceNumber"] == "S-2"
        assert row["Contact"]["ContactStatus"] == "ACTIVE"
        assert row["Attachments"] == []
        assert not row.keys() & {"Payments", "CreditNotes", "InvoiceAddresses"}
    reply = ledger.call("GET", "Invoices/unknown")
    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_lists_of_names_select(ledger, three):
    """IDs, InvoiceNumbers, ContactIDs and Statuses select, alone and together; voided ones are found too."""
    fern = three[0]["Contact"]["ContactID"]
    assert numbers(ledger, IDs=f"{three[1]['InvoiceID']},{three[0]['InvoiceID']}") == ["S-1", "S-2"]
    assert numbers(ledger, InvoiceNumbers="s-3,S-2,unknown") == ["S-2", "S-3"]
    assert numbers(ledger, ContactIDs=fern) == ["S-1", "S-3"]
    assert numbers(ledger, Statuses="VOIDED,DRAFT") == ["S-1", "S-3"]
    assert numbers(ledger, ContactIDs=fern, Statuses="VOIDED") == ["S-3"]
    assert numbers(ledger, IDs="") == []


def test_a_list_of_names_forces_a_page_without_saying_so(ledger):
    """IDs and Statuses give lines and at most 100 rows, but no pagination unless page is sent."""
    contact = ledger.contact()
    ledger.write("PUT", *(invoice(contact) for _ in range(101)))
    answer = ledger.get("Invoices?Statuses=AUTHORISED")
    assert "pagination" not in answer
    assert len(answer["Invoices"]) == 100
    assert answer["Invoices"][0]["LineItems"]
    assert len(ledger.get("Invoices?Statuses=AUTHORISED&page=2")["Invoices"]) == 1


@pytest.mark.parametrize(
    ("asked", "page", "size", "shown"),
    [("page=1&pageSize=2", 1, 2, 2), ("page=2&pageSize=2", 2, 2, 1), ("page=9", 9, 100, 0), ("page=0", 1, 100, 3),
     ("page=1&pageSize=5000", 1, 1000, 3), ("page=1&pageSize=0", 1, 1, 1), ("Page=1&PAGESIZE=2", 1, 2, 2)],
)  # fmt: skip
def test_pages_are_clamped_and_past_the_end_is_empty(ledger, three, asked, page, size, shown):
    """pageSize is clamped to 1 … 1,000, names of parameters do not mind case, a page past the end is 200 and empty."""
    answer = ledger.get(f"Invoices?{asked}")
    assert (answer["pagination"]["page"], answer["pagination"]["pageSize"]) == (page, size)
    assert len(answer["Invoices"]) == shown


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('Status=="DRAFT"', ["S-1"]),
        ('Reference="po TWO"', ["S-2"]),
        ('Contact.Name=="Oak"', ["S-2"]),
        ('Contact.ContactNumber=="c-1"', ["S-1", "S-3"]),
        ("Date>=DateTime(2026,11,1)", ["S-2", "S-3"]),
        ('Type=="ACCREC" AND AmountDue>0', ["S-1", "S-2"]),
        ('InvoiceNumber=="S-3" OR InvoiceNumber=="S-1"', ["S-1", "S-3"]),
    ],
)
def test_where_selects(ledger, three, where, expected):
    """The optimised fields can be asked for."""
    assert numbers(ledger, where=where) == expected


@pytest.mark.parametrize("query", [{"where": "()"}, {"where": 'Status=="'}, {"order": "Nonsense"}])
def test_a_bad_query_is_number_16(ledger, query):
    """A where or order that cannot be read is QueryParseException, also on an empty ledger."""
    reply = ledger.call("GET", "Invoices?" + urllib.parse.urlencode(query))
    assert (reply.status, reply.json["ErrorNumber"], reply.json["Type"]) == (400, 16, "QueryParseException")


def test_order_and_search(ledger, three):
    """order sorts, searchTerm looks at number and reference, the default order is that of change."""
    assert numbers(ledger, order="InvoiceNumber DESC") == ["S-3", "S-2", "S-1"]
    assert numbers(ledger, searchTerm="po ") == ["S-1", "S-2"]
    ledger.sandbox.advance(1)
    ledger.write("POST", {"InvoiceNumber": "S-1", "Reference": "later"})
    assert ledger.get("Invoices")["Invoices"][-1]["InvoiceNumber"] == "S-1"


def test_a_summary_drops_lines_and_payments(ledger, three):
    """summaryOnly leaves out LineItems, Payments and HasAttachments."""
    (row,) = ledger.get("Invoices?summaryOnly=true&page=1&pageSize=1")["Invoices"]
    assert not row.keys() & {"LineItems", "Payments", "HasAttachments"}


def test_created_by_my_app_leaves_out_a_strangers(ledger, three):
    """Documents that a person made are not my app's."""
    ledger.sandbox.make(ledger.tenant, "Invoices", invoice(three[0]["Contact"]["ContactID"], InvoiceNumber="X-1"))
    assert "X-1" in numbers(ledger)
    assert "X-1" not in numbers(ledger, createdByMyApp="true")


def modified_since(ledger, *headers):
    """The numbers that each of these headers leaves, sorted."""
    answers = [ledger.get("Invoices?page=1", If_Modified_Since=header)["Invoices"] for header in headers]
    return [sorted(row["InvoiceNumber"] for row in rows) for rows in answers]


def test_if_modified_since_is_to_the_second_and_includes_it(ledger, three):
    """The boundary second is included, RFC 1123 is ignored unless a switch reads it, nothing is ever 304."""
    ledger.sandbox.advance(10)
    ledger.write("POST", {"InvoiceNumber": "S-1", "Reference": "later"})
    stamp = ledger.get("Invoices/S-1")["Invoices"][0]["UpdatedDateUTCString"]
    same = stamp[:-1]
    moment = datetime.fromisoformat(stamp)
    rfc, next_second = format_datetime(moment, usegmt=True), (moment + timedelta(seconds=1)).isoformat()[:19]
    every = ["S-1", "S-2", "S-3"]
    assert modified_since(ledger, same, rfc, next_second, "nonsense") == [["S-1"], every, [], every]
    ledger.sandbox.post("/_sandbox/unknowns", {"modified-since-rfc1123": "accepted"})
    assert modified_since(ledger, rfc) == [["S-1"]]


def test_the_boundary_can_be_left_out():
    """--modified-since-exclusive plays the other reading of Xero's page."""
    with sandbox_process.start("--auto-consent", "--modified-since-exclusive", "--organisations", "1") as sandbox:
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        ledger.write("PUT", invoice(ledger.contact(), InvoiceNumber="S-1"))
        stamp = ledger.get("Invoices/S-1")["Invoices"][0]["UpdatedDateUTCString"][:-1]
        assert modified_since(ledger, stamp) == [[]]
