"""Writing sales invoices: numbers, statuses, lines, taxes, totals, and what Xero says when it refuses."""

import pytest

from tests.sandbox.conftest import AU, Ledger, invoice, line, messages

ZERO_GUID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def contact(ledger):
    return ledger.contact()


def test_a_created_invoice_is_answered_in_xeros_shape(ledger, contact):
    """Keys, order and forms of the answer to a plain PUT are those of the recording."""
    reply = ledger.call("PUT", "Invoices", invoice(contact, InvoiceNumber="S-1", Reference="PO 7"))
    (shown,) = reply.json["Invoices"]
    assert list(shown) == [
        "Type", "InvoiceID", "InvoiceNumber", "Reference", "Prepayments", "Overpayments", "AmountDue", "AmountPaid",
        "SentToContact", "CurrencyRate", "IsDiscounted", "HasErrors", "InvoicePaymentServices", "UpdatedDateUTCString",
        "Contact", "DateString", "Date", "DueDateString", "DueDate", "BrandingThemeID", "Status", "LineAmountTypes",
        "LineItems", "SubTotal", "TotalTax", "Total", "UpdatedDateUTC", "CurrencyCode",
    ]  # fmt: skip
    assert list(shown["LineItems"][0]) == [
        "Description", "UnitAmount", "TaxType", "TaxAmount", "LineAmount", "AccountCode", "Tracking", "Quantity",
        "LineItemID", "AccountID", "ValidationErrors",
    ]  # fmt: skip
    assert (shown["DateString"], shown["Date"]) == ("2026-11-01T00:00:00", "/Date(1793491200000+0000)/")
    assert b'"SubTotal": 21.0,\r\n' in reply.body
    assert b'"Total": 25.2,\r\n' in reply.body
    assert len(shown["Contact"]["Phones"]) == 4


def test_each_element_has_a_status_only_without_summaries(ledger, contact):
    """summarizeErrors=false answers 200 and marks each element; the good one is saved."""
    good, bad = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"), invoice(contact, InvoiceNumber="s-1"))
    assert (good["StatusAttributeString"], good["HasErrors"]) == ("OK", False)
    assert (bad["StatusAttributeString"], bad["HasErrors"], bad["InvoiceID"]) == ("ERROR", True, ZERO_GUID)
    assert messages(bad) == ["Invoice # must be unique."]
    assert not bad.keys() & {"InvoiceNumber", "Reference", "AmountDue", "UpdatedDateUTC", "BrandingThemeID"}
    assert len(ledger.stored("Invoices")) == 1


def test_a_summarised_refusal_saves_nothing(ledger, contact):
    """With summarizeErrors absent one bad element makes the whole request a 400 and nothing is kept."""
    body = {"Invoices": [invoice(contact), invoice(contact, LineItems=[])]}
    reply = ledger.call("PUT", "Invoices", body)
    assert reply.status == 400
    assert [messages(element) for element in reply.json["Elements"]] == [["One or more line items must be specified"]]
    assert ledger.stored("Invoices") == []
    assert ledger.write("PUT", invoice(contact))[0]["InvoiceNumber"] == "INV-0001"


def test_numbers_come_from_the_organisations_sequence(ledger, contact):
    """Without a number Xero gives the next of its own, skipping those that were chosen."""
    ledger.write("PUT", invoice(contact, InvoiceNumber="inv-0002"))
    made = ledger.write("PUT", invoice(contact), invoice(contact))
    assert [row["InvoiceNumber"] for row in made] == ["INV-0001", "INV-0003"]


@pytest.mark.parametrize(("status", "end"), [("AUTHORISED", "VOIDED"), ("DRAFT", "DELETED")])
def test_the_number_of_a_dead_invoice_stays_taken(ledger, contact, status, end):
    """Voiding or deleting does not free the number."""
    (made,) = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1", Status=status))
    ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": end})
    assert messages(ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))[0]) == ["Invoice # must be unique."]
    updated = ledger.write("POST", invoice(contact, InvoiceNumber="S-1"))[0]
    assert messages(updated) == ["Invoice not of valid status for modification"]


def test_post_with_a_known_number_updates(ledger, contact):
    """The natural key of POST is the number: one invoice, changed."""
    ledger.write("PUT", invoice(contact, InvoiceNumber="S-1", Reference="old"))
    ledger.write("POST", {"InvoiceNumber": "S-1", "Reference": "new"})
    assert [(row["InvoiceNumber"], row["Reference"], row["Total"]) for row in ledger.stored("Invoices")] == [
        ("S-1", "new", 25.2)
    ]


TRANSITIONS = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
}


@pytest.mark.parametrize("start", list(TRANSITIONS))
@pytest.mark.parametrize("end", ["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"])
def test_statuses_move_as_at_xero(ledger, contact, start, end):
    """Every transition that Xero knows works by id with the status alone; every other is refused and changes nothing."""
    (made,) = ledger.write("PUT", invoice(contact, Status=start))
    (moved,) = ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": end})
    allowed = end in TRANSITIONS[start]
    assert messages(moved) == ([] if allowed else ["Invoice not of valid status for modification"])
    assert moved["Status"] == end
    assert ledger.stored("Invoices")[0]["Status"] == (end if allowed else start)


@pytest.mark.parametrize("status", ["PAID", "VOIDED", "DELETED"])
def test_nothing_is_born_dead_or_paid(ledger, contact, status):
    """Only DRAFT, SUBMITTED and AUTHORISED can be created; DRAFT is the default."""
    refused, made = ledger.write("PUT", invoice(contact, Status=status), invoice(contact, Status=None))
    assert messages(refused) == ["Invoice not of valid status for creation"]
    assert made["Status"] == "DRAFT"


def test_a_void_shows_what_was_due_once_more(ledger, contact):
    """The answer to the void still shows AmountDue; a later GET shows 0.0."""
    (made,) = ledger.write("PUT", invoice(contact))
    (void,) = ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": "VOIDED"})
    assert void["AmountDue"] == 25.2
    assert ledger.get(f"Invoices/{made['InvoiceID']}")["Invoices"][0]["AmountDue"] == 0.0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Contact": None}, "A Contact must be specified for this type of transaction"),
        (
            {"Contact": {}},
            (
                "The Contact must contain at least 1 of the following elements to identify the contact: "
                "Name, ContactID, ContactNumber"
            ),
        ),
        ({"LineItems": None}, "One or more line items must be specified"),
        ({"DueDate": None}, "The document DueDate field must be specified."),
        ({"LineItems": [line(AccountCode="9999")]}, "Account code '9999' is not a valid code for this document."),
        ({"LineItems": [line(AccountCode=None)]}, "Account code must be specified"),
        (
            {"LineItems": [line(TaxType="INPUT2", AccountCode="260")]},
            "The TaxType code 'INPUT2' cannot be used with account code '260'.",
        ),
        (
            {"LineItems": [line(LineAmount=20)]},
            "The line total 20 does not match the expected line total 21.00",
        ),
        ({"CurrencyCode": "JPY"}, "Organisation is not subscribed to currency JPY"),
        ({"Url": "https://go.xero.com/x"}, "The Url must not contain a xero domain."),
        ({"InvoiceNumber": "x" * 256}, "The InvoiceNumber must not be longer than 255 characters."),
        ({"LineItems": [line(UnitAmount=-10)]}, "The invoice total must not be negative."),
    ],
)
def test_what_an_approved_invoice_may_not_be(ledger, contact, fields, expected):
    """Each broken rule has its own message, and the element beside it is saved."""
    wrong = {key: value for key, value in invoice(contact, **fields).items() if value is not None}
    bad, good = ledger.write("PUT", wrong, invoice(contact))
    assert messages(bad) == [expected]
    assert good["StatusAttributeString"] == "OK"
    assert len(ledger.stored("Invoices")) == 1


def test_an_unknown_account_on_a_draft_is_taken_away_with_a_warning(ledger, contact):
    """A draft may be incomplete: the line is saved without the account, and the element is a WARNING."""
    (made,) = ledger.write("PUT", invoice(contact, Status="DRAFT", LineItems=[line(AccountCode="9999")]))
    assert made["StatusAttributeString"] == "WARNING"
    assert made["Warnings"] == [
        {"Message": "Account code '9999' has been removed as it does not match a recognised account."}
    ]
    assert "AccountCode" not in ledger.stored("Invoices")[0]["LineItems"][0]


def test_an_archived_account_is_refused(ledger, contact):
    """An archived account has a message of its own."""
    account = next(row for row in ledger.stored("Accounts") if row.get("Code") == "200")
    ledger.call("POST", f"Accounts/{account['AccountID']}", {"Status": "ARCHIVED"})
    assert messages(ledger.write("PUT", invoice(contact))[0]) == [
        "Account code '200' has been archived, or has been deleted. Each line item must reference a valid account."
    ]


@pytest.mark.parametrize(
    ("field", "name"), [("period_lock_date", "period lock date"), ("end_of_year_lock_date", "end of year lock date")]
)
def test_a_locked_period_takes_nothing(ledger, contact, field, name):
    """On and before the lock date nothing is created or changed; the day after it is free."""
    (old,) = ledger.write("PUT", invoice(contact, Date="2026-10-31"))
    ledger.sandbox.organisation(ledger.tenant, **{field: "2026-10-31"})
    expected = [f"The document date cannot be before the {name}, currently set at 31 October 2026"]
    locked, free = ledger.write("PUT", invoice(contact, Date="2026-10-31"), invoice(contact, Date="2026-11-01"))
    assert (messages(locked), messages(free)) == (expected, [])
    assert messages(ledger.write("POST", {"InvoiceID": old["InvoiceID"], "Status": "VOIDED"})[0]) == expected


def test_unit_prices_have_two_places_unless_four_are_asked(ledger, contact):
    """unitdp=4 keeps four places on writing and shows them on reading; without it there are two."""
    lines = [line(UnitAmount=0.1234, Quantity=100)]
    two, four = (
        ledger.write("PUT", invoice(contact, LineItems=lines))[0],
        ledger.write("PUT", invoice(contact, LineItems=lines), query="&unitdp=4")[0],
    )
    assert (two["SubTotal"], four["SubTotal"]) == (12.0, 12.34)
    path = f"Invoices/{four['InvoiceID']}"
    shown = [ledger.get(path + query)["Invoices"][0]["LineItems"][0]["UnitAmount"] for query in ("", "?unitdp=4")]
    assert shown == [0.12, 0.1234]


def test_approving_a_draft_keeps_its_four_places(ledger, contact):
    """A change of status alone, without unitdp, does not round what was stored."""
    (made,) = ledger.write(
        "PUT", invoice(contact, Status="DRAFT", LineItems=[line(UnitAmount=0.1234, Quantity=100)]), query="&unitdp=4"
    )
    (done,) = ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": "AUTHORISED"})
    assert (done["Status"], done["Total"]) == ("AUTHORISED", made["Total"])


def test_inclusive_exclusive_and_without_tax(ledger, contact):
    """The three kinds of line amounts give Xero's totals."""
    made = ledger.write(
        "PUT",
        *(
            invoice(contact, LineAmountTypes=kind, LineItems=[line(Quantity=1, UnitAmount=541.25)])
            for kind in ("Exclusive", "inclusive", "NoTax")
        ),
    )
    assert [(row["SubTotal"], row["TotalTax"], row["Total"]) for row in made] == [
        (541.25, 108.25, 649.5),
        (451.04, 90.21, 541.25),
        (541.25, 0.0, 541.25),
    ]
    assert [row["LineItems"][0]["TaxType"] for row in made] == ["OUTPUT2", "OUTPUT2", "NONE"]


def test_a_discount_shows(ledger, contact):
    """A discounted line has its rate, the invoice its total discount."""
    (made,) = ledger.write("PUT", invoice(contact, LineItems=[line(UnitAmount=100, Quantity=1, DiscountRate=10)]))
    assert (made["IsDiscounted"], made["TotalDiscount"], made["SubTotal"]) == (True, 10.0, 90.0)
    assert made["LineItems"][0]["DiscountRate"] == 10.0


def test_tracking_must_exist(ledger, contact):
    """A line may carry a known category and option, by name or id; unknown ones are refused."""
    (category,) = [row for row in ledger.stored("TrackingCategories") if row["Status"] == "ACTIVE"][:1]
    option = next(row for row in category["Options"] if row["Status"] == "ACTIVE")
    by_name = {"Name": category["Name"].upper(), "Option": option["Name"]}
    by_id = {"TrackingCategoryID": category["TrackingCategoryID"], "TrackingOptionID": option["TrackingOptionID"]}
    unknown = {"Name": category["Name"], "Option": "Nowhere"}
    made = ledger.write(
        "PUT", *(invoice(contact, LineItems=[line(Tracking=[tracked])]) for tracked in (by_name, by_id, unknown))
    )
    assert [element["StatusAttributeString"] for element in made] == ["OK", "OK", "ERROR"]
    listed = ledger.get("Invoices?page=1")["Invoices"][0]["LineItems"][0]["Tracking"][0]
    assert list(listed) == ["Name", "Option", "TrackingCategoryID", "Options"]


def test_lines_are_replaced_as_a_set(ledger, contact):
    """With LineItemID a line is updated, without one it is new, a missing one goes; no LineItems leaves them alone."""
    (made,) = ledger.write("PUT", invoice(contact, LineItems=[line(Description="A"), line(Description="B")]))
    kept = made["LineItems"][1]["LineItemID"]
    ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Reference": "only this"})
    assert len(ledger.stored("Invoices")[0]["LineItems"]) == 2
    lines = [{"LineItemID": kept, "Quantity": 3}, line(Description="C")]
    ledger.write("POST", {"InvoiceID": made["InvoiceID"], "LineItems": lines})
    stored = ledger.stored("Invoices")[0]
    assert [(row["Description"], row["LineAmount"]) for row in stored["LineItems"]] == [("B", 31.5), ("C", 21.0)]
    assert stored["LineItems"][0]["LineItemID"] == kept
    assert stored["Total"] == 63.0


def test_a_paid_invoice_keeps_its_amounts(ledger, contact):
    """With a payment the reference may change, amounts may not, and no status can be set."""
    (made,) = ledger.write("PUT", invoice(contact))
    ledger.sandbox.edit(ledger.tenant, made["InvoiceID"], AmountPaid=25.2, Status="PAID")
    key = {"InvoiceID": made["InvoiceID"]}
    assert messages(ledger.write("POST", {**key, "Reference": "new"})[0]) == []
    assert messages(ledger.write("POST", {**key, "LineItems": [line(Quantity=5)]})[0]) == [
        "This document cannot be edited as it has a payment or credit note allocated to it."
    ]
    assert messages(ledger.write("POST", {**key, "Status": "VOIDED"})[0]) == [
        "The status VOIDED cannot be applied to the invoice because it has payments or credit notes allocated to it."
    ]


def test_a_contact_inside_an_invoice_is_found_changed_or_made(ledger):
    """By name an active contact is found, whatever its case; another name makes a contact; other fields update it."""
    contact_id = ledger.contact("Blue Fern Ltd")
    made = ledger.write(
        "PUT",
        invoice("", Contact={"Name": "blue fern ltd"}),
        invoice("", Contact={"Name": "New Customer"}),
        invoice("", Contact={"ContactID": contact_id, "EmailAddress": "new@fern.example"}),
    )
    assert [element["Contact"]["ContactID"] == contact_id for element in made] == [True, False, True]
    assert [row.get("EmailAddress") for row in ledger.stored("Contacts")] == ["new@fern.example", None]


def test_a_refused_invoice_makes_no_contact(ledger):
    """The contact that came with a refused invoice is not left behind."""
    ledger.write("PUT", invoice("", Contact={"Name": "Ghost"}, LineItems=[line(AccountCode="9999")]))
    assert ledger.stored("Contacts") == []


def test_post_by_an_unknown_id_is_404_for_the_whole_request(ledger, contact):
    """One unknown InvoiceID refuses everything; so does the id in the path."""
    unknown = {"InvoiceID": "11111111-2222-4333-8444-555555555555", "Reference": "x"}
    body = {"Invoices": [invoice(contact), unknown]}
    assert ledger.call("POST", "Invoices?summarizeErrors=false", body).status == 404
    assert ledger.call("POST", f"Invoices/{unknown['InvoiceID']}", {"Reference": "x"}).status == 404
    assert ledger.stored("Invoices") == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"LineAmountTypes": "NO_TAX"},
            (
                "Error converting value \"NO_TAX\" to type 'Xero.API.Library..LineAmountType'. "
                "Path 'Invoices[1].LineAmountTypes'"
            ),
        ),
        ({"Status": "SENT"}, "Xero.API.Library..InvoiceStatus"),
        ({"Date": "01/11/2026"}, "System.DateTime"),
        ({"InvoiceID": "S-1"}, "System.Guid"),
        ({"LineItems": {}}, "Path 'Invoices[1].LineItems'"),
        ({"LineItems": [{"Quantity": "two"}]}, "Path 'Invoices[1].LineItems[0].Quantity'"),
        ({"SentToContact": "perhaps"}, "System.Boolean"),
    ],
)
def test_a_wrong_type_refuses_the_whole_request(ledger, contact, fields, message):
    """A bad enum or type is 400 PostDataInvalid without elements, even with summarizeErrors=false."""
    body = {"Invoices": [invoice(contact), invoice(contact, **fields)]}
    reply = ledger.call("PUT", "Invoices?summarizeErrors=false", body)
    assert reply.status == 400
    assert (reply.json["ErrorNumber"], reply.json["Type"]) == (14, "PostDataInvalidException")
    assert message in reply.json["Message"]
    assert "Elements" not in reply.json
    assert ledger.stored("Invoices") == []


@pytest.mark.parametrize("body", [b"", b"{", b"<Invoices/>", b"[]", b"7", b'{"Invoices": 7}', b"\xff\xfe"])
def test_a_body_that_is_no_json_list_is_400(ledger, body):
    """Whatever is not JSON of the right kind is PostDataInvalid."""
    reply = ledger.call("PUT", "Invoices", body)
    assert (reply.status, reply.json["ErrorNumber"]) == (400, 14)


def test_a_date_defaults_to_the_organisations_today(sandbox):
    """Without a date the organisation's own calendar counts."""
    ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(AU))
    posted = {key: value for key, value in invoice(ledger.contact(), Status="DRAFT").items() if key != "Date"}
    posted["LineItems"] = [line(TaxType="OUTPUT")]
    (made,) = ledger.write("PUT", posted)
    assert made["DateString"].endswith("T00:00:00")


def test_a_foreign_invoice_has_a_rate(ledger, contact):
    """A subscribed foreign currency takes the rate that was sent, else the day's, to ten places."""
    given, day = ledger.write(
        "PUT",
        invoice(contact, CurrencyCode="eur", CurrencyRate=1.23456789012, LineItems=[line(TaxType="ZERORATEDOUTPUT")]),
        invoice(contact, CurrencyCode="EUR", LineItems=[line(TaxType="ZERORATEDOUTPUT")]),
    )
    assert (given["CurrencyCode"], given["CurrencyRate"]) == ("EUR", 1.2345678901)
    assert day["CurrencyRate"] > 1
