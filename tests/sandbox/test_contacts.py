"""Contacts over HTTP: what PUT and POST do, Xero's messages, and every form of showing one."""

import pytest

from tests.sandbox.conftest import invoice, messages

ARCHIVED = (
    "The specified contact details matched an archived contact. "
    "Archived contacts cannot currently be edited via the API."
)


def test_a_created_contact_is_answered_in_xeros_shape(ledger):
    """The answer to a create expands two addresses and four phones, in Xero's order of keys."""
    reply = ledger.call("PUT", "Contacts", {"Contacts": [{"Name": "Blue Fern Ltd", "EmailAddress": "ap@fern.example"}]})
    assert list(reply.json) == ["Id", "Status", "ProviderName", "DateTimeUTC", "Contacts"]
    contact = reply.json["Contacts"][0]
    assert list(contact) == [
        "ContactID", "ContactStatus", "Name", "EmailAddress", "BankAccountDetails", "Addresses", "Phones",
        "UpdatedDateUTC", "ContactGroups", "IsSupplier", "IsCustomer", "SalesTrackingCategories",
        "PurchasesTrackingCategories", "ContactPersons", "HasValidationErrors",
    ]  # fmt: skip
    assert [list(address.values()) for address in contact["Addresses"]] == [
        ["STREET", "", "", "", ""],
        ["POBOX", "", "", "", ""],
    ]
    assert [phone["PhoneType"] for phone in contact["Phones"]] == ["DEFAULT", "DDI", "FAX", "MOBILE"]
    assert reply.body.startswith(b'{\r\n  "Id": "')


def test_a_listed_contact_is_in_the_other_shape(ledger):
    """In a paged list addresses and phones have their types alone, in another order."""
    ledger.contact()
    contact = ledger.get("Contacts?page=1")["Contacts"][0]
    assert list(contact) == [
        "ContactID", "ContactStatus", "Name", "Addresses", "Phones", "UpdatedDateUTC", "ContactGroups", "IsSupplier",
        "IsCustomer", "ContactPersons", "HasAttachments", "HasValidationErrors",
    ]  # fmt: skip
    assert contact["Addresses"] == [{"AddressType": "POBOX"}, {"AddressType": "STREET"}]
    assert [phone["PhoneType"] for phone in contact["Phones"]] == ["DDI", "DEFAULT", "FAX", "MOBILE"]


def test_the_body_may_be_an_object_an_array_or_any_envelope(ledger):
    """A bare object, a bare array and an envelope in any case mean the same."""
    for body in ({"Name": "A"}, [{"Name": "B"}], {"contacts": [{"name": "C"}]}, {"Contact": {"Name": "D"}}):
        assert ledger.call("PUT", "Contacts", body).status == 200
    assert [row["Name"] for row in ledger.stored("Contacts")] == ["A", "B", "C", "D"]


def test_put_refuses_a_namesake_in_any_case(ledger):
    """PUT never updates: the same name in another case is refused, in Xero's words and shape."""
    ledger.contact("Blue Fern Ltd")
    reply = ledger.call("PUT", "Contacts", {"Name": "BLUE FERN LTD", "EmailAddress": "a@b.example"})
    assert reply.status == 400
    assert list(reply.json) == ["ErrorNumber", "Type", "Message", "Elements"]
    assert (reply.json["ErrorNumber"], reply.json["Type"]) == (10, "ValidationException")
    element = reply.json["Elements"][0]
    assert element["ContactID"] == "00000000-0000-0000-0000-000000000000"
    assert element["HasValidationErrors"] is True
    assert "StatusAttributeString" not in element
    assert messages(element) == [
        (
            "The contact name BLUE FERN LTD is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    ]


def test_put_refuses_a_number_that_is_taken(ledger):
    """A ContactNumber is unique, archived contacts included."""
    contact_id = ledger.contact("A", ContactNumber="c-1")
    ledger.write("POST", {"ContactID": contact_id, "ContactStatus": "ARCHIVED"}, to="Contacts")
    element = ledger.write("PUT", {"Name": "B", "ContactNumber": "C-1"}, to="Contacts")[0]
    assert messages(element) == ["Another contact has this contact number. Please enter a different contact number."]
    assert element["StatusAttributeString"] == "ERROR"


@pytest.mark.parametrize("key", ["ContactID", "ContactNumber", "Name"])
def test_post_updates_by_id_number_or_name_and_keeps_what_was_not_sent(ledger, key):
    """An update is partial, whichever way the contact was found."""
    ledger.contact("Blue Fern Ltd", ContactNumber="c-1", EmailAddress="old@fern.example", FirstName="Ana")
    stored = ledger.stored("Contacts")[0]
    (element,) = ledger.write("POST", {key: stored[key], "EmailAddress": "new@fern.example"}, to="Contacts")
    assert element["StatusAttributeString"] == "OK"
    after = ledger.stored("Contacts")
    assert [(row["Name"], row["EmailAddress"], row["FirstName"]) for row in after] == [
        ("Blue Fern Ltd", "new@fern.example", "Ana")
    ]
    assert after[0]["UpdatedDateUTC"] > stored["UpdatedDateUTC"]


def test_addresses_change_type_by_type_and_persons_as_a_whole(ledger):
    """Sending one address leaves the other; sending persons replaces them."""
    contact_id = ledger.contact(
        Addresses=[{"AddressType": "STREET", "City": "Leeds"}],
        ContactPersons=[{"FirstName": "Ana"}, {"FirstName": "Bo"}],
    )
    ledger.write(
        "POST",
        {
            "ContactID": contact_id,
            "Addresses": [{"AddressType": "POBOX", "City": "York"}],
            "ContactPersons": [{"FirstName": "Cy"}],
        },
        to="Contacts",
    )
    stored = ledger.stored("Contacts")[0]
    assert stored["Addresses"] == [
        {"AddressType": "POBOX", "City": "York"},
        {"AddressType": "STREET", "City": "Leeds"},
    ]
    assert stored["ContactPersons"] == [{"FirstName": "Cy"}]


def test_post_with_an_unknown_id_is_404_for_the_whole_request(ledger):
    """One unknown id refuses the good elements too."""
    unknown = {"ContactID": "11111111-2222-4333-8444-555555555555", "Name": "B"}
    reply = ledger.call("POST", "Contacts?summarizeErrors=false", {"Contacts": [{"Name": "A"}, unknown]})
    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert ledger.stored("Contacts") == []


def test_an_archived_contact_refuses_edits_and_documents(ledger):
    """Archiving works by POST; afterwards nothing may touch the contact through the API."""
    contact_id = ledger.contact()
    ledger.write("POST", {"ContactID": contact_id, "ContactStatus": "ARCHIVED"}, to="Contacts")
    assert messages(ledger.write("POST", {"ContactID": contact_id, "Name": "New"}, to="Contacts")[0]) == [ARCHIVED]
    assert messages(ledger.write("PUT", invoice(contact_id))[0]) == [ARCHIVED]
    assert ledger.get("Contacts")["Contacts"] == []
    assert len(ledger.get("Contacts?includeArchived=true")["Contacts"]) == 1
    assert ledger.get(f"Contacts/{contact_id}")["Contacts"][0]["ContactStatus"] == "ARCHIVED"
    assert ledger.contact("Blue Fern Ltd") != contact_id


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({}, "at least 1 of the following elements"),
        ({"Name": ""}, "at least 1 of the following elements"),
        ({"Name": "A <b>"}, "angle brackets"),
        ({"Name": " A"}, "spaces"),
        ({"Name": "A  B"}, "spaces"),
        ({"Name": "A" * 256}, "255"),
        ({"Name": "A", "EmailAddress": "no"}, "Email address must be valid."),
        ({"Name": "A", "EmailAddress": "ü@x.example"}, "Email address must be valid."),
        ({"Name": "A", "ContactNumber": "1" * 51}, "50"),
        ({"Name": "A", "ContactPersons": [{}] * 6}, "at most 5"),
        ({"Name": "A", "DefaultCurrency": "JPY"}, "not subscribed to currency JPY"),
    ],
)
def test_what_a_contact_may_not_be(ledger, fields, part):
    """Each broken rule is refused for its element alone."""
    good, bad = ledger.write("PUT", {"Name": "Good"}, fields, to="Contacts")
    assert good["StatusAttributeString"] == "OK"
    assert len(messages(bad)) == 1
    assert part in messages(bad)[0]
    assert [row["Name"] for row in ledger.stored("Contacts")] == ["Good"]


def test_one_contact_by_id_or_number(ledger):
    """GET takes the id or the ContactNumber; anything else is 404."""
    contact_id = ledger.contact(ContactNumber="cust 7")
    for key in (contact_id, contact_id.upper(), "cust%207", "CUST%207"):
        assert ledger.get(f"Contacts/{key}")["Contacts"][0]["ContactID"] == contact_id
    assert ledger.call("GET", "Contacts/unknown").status == 404


def test_a_customer_owes_what_is_open(ledger):
    """Balances show in paged and single answers; IsCustomer follows from an invoice, without moving the stamp."""
    contact_id = ledger.contact()
    before = ledger.stored("Contacts")[0]
    ledger.write("PUT", invoice(contact_id, DueDate="2020-01-01", Date="2020-01-01"))
    contact = ledger.get("Contacts?page=1")["Contacts"][0]
    assert contact["Balances"] == {
        "AccountsReceivable": {"Outstanding": 25.2, "Overdue": 25.2},
        "AccountsPayable": {"Outstanding": 0.0, "Overdue": 0.0},
    }
    assert (contact["IsCustomer"], contact["UpdatedDateUTC"]) == (True, before["UpdatedDateUTC"])
    assert "Balances" not in ledger.get("Contacts")["Contacts"][0]
    assert "Balances" in ledger.get(f"Contacts/{contact_id}")["Contacts"][0]


def test_a_rename_reaches_the_contacts_documents(ledger):
    """A listed invoice shows the new name; its own stamp does not move."""
    contact_id = ledger.contact("Old")
    ledger.write("PUT", invoice(contact_id))
    before = ledger.stored("Invoices")[0]
    ledger.write("POST", {"ContactID": contact_id, "Name": "New"}, to="Contacts")
    after = ledger.stored("Invoices")[0]
    assert (after["Contact"]["Name"], after["UpdatedDateUTC"]) == ("New", before["UpdatedDateUTC"])


def test_lists_are_searched_filtered_and_summarised(ledger):
    """searchTerm, where, IDs and summaryOnly select and shorten."""
    fern, oak = ledger.contact("Blue Fern Ltd"), ledger.contact("Oak & Co", EmailAddress="x@oak.example")
    names = lambda query: [row["Name"] for row in ledger.get(f"Contacts?{query}")["Contacts"]]  # noqa: E731 - a shorthand
    assert names("searchTerm=fern") == ["Blue Fern Ltd"]
    assert names("where=Name%3D%22BLUE%20FERN%20LTD%22") == ["Blue Fern Ltd"]
    assert names("where=EmailAddress%3D%3D%22x%40oak.example%22") == ["Oak & Co"]
    assert names(f"IDs={oak},{fern}&order=Name%20DESC") == ["Oak & Co", "Blue Fern Ltd"]
    summary = ledger.get("Contacts?summaryOnly=true&page=1")["Contacts"][0]
    assert not summary.keys() & {"Addresses", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier"}
