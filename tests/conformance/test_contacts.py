"""Contacts through the SDK: creating, matching, refusing, reading (facts 4.7, 5.7, Appendix C)."""

import pytest
from xero_python.accounting import Contact, ContactPerson, Contacts
from xero_python.exceptions import BadRequestException, NotFoundException

from tests.conformance import foreign

ARCHIVED = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API."


def put(xero, *contacts, **options):
    return xero.api.create_contacts(xero.tenant, Contacts(contacts=list(contacts)), **options).contacts


def post(xero, *contacts, **options):
    return xero.api.update_or_create_contacts(xero.tenant, Contacts(contacts=list(contacts)), **options).contacts


@pytest.fixture
def name():
    """A contact name that nobody has."""
    return f"Größe & Zoë 株式会社 {foreign.unique()}"


def test_a_created_contact_has_its_addresses_and_phones_expanded(xero, name):
    """Two addresses, four phones, no validation errors; the name in any script."""
    (made,) = put(xero, Contact(name=name, email_address="zoe@example.com"))
    assert made.name == name
    assert made.contact_status == "ACTIVE"
    assert [address.address_type for address in made.addresses] == ["STREET", "POBOX"]
    assert [phone.phone_type for phone in made.phones] == ["DEFAULT", "DDI", "FAX", "MOBILE"]
    assert made.has_validation_errors is False


def test_put_refuses_a_name_that_is_taken(xero, name):
    """Names are unique among active contacts, without regard to case."""
    put(xero, Contact(name=name))
    with pytest.raises(BadRequestException) as refused:
        put(xero, Contact(name=name.upper()))
    (element,) = refused.value.error_data["Elements"]
    assert foreign.messages(element) == [
        (
            f"The contact name {name.upper()} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    ]
    assert element["ContactID"] == "00000000-0000-0000-0000-000000000000"
    assert "StatusAttributeString" not in element


def test_put_refuses_a_contact_number_that_is_taken(xero, name):
    """ContactNumber is unique."""
    put(xero, Contact(name=name, contact_number=name[:50]))
    with pytest.raises(BadRequestException) as refused:
        put(xero, Contact(name=name + " 2", contact_number=name[:50]))
    (element,) = refused.value.error_data["Elements"]
    assert foreign.messages(element) == [
        "Another contact has this contact number. Please enter a different contact number."
    ]


def test_post_updates_by_name_number_or_id(xero, name):
    """POST finds the contact by each of its keys and changes only what was sent."""
    (made,) = put(xero, Contact(name=name, contact_number=name[-20:], email_address="a@example.com"))
    (by_name,) = post(xero, Contact(name=name, first_name="Ada"))
    (by_number,) = post(xero, Contact(name=name, contact_number=name[-20:], last_name="Byron"))
    (by_id,) = xero.api.update_contact(
        xero.tenant, made.contact_id, Contacts(contacts=[Contact(account_number="A1")])
    ).contacts
    assert {each.contact_id for each in (by_name, by_number, by_id)} == {made.contact_id}
    assert (by_id.first_name, by_id.last_name, by_id.account_number) == ("Ada", "Byron", "A1")
    assert by_id.email_address == "a@example.com"


def test_post_with_an_unknown_id_is_404_for_the_whole_request(xero, name):
    """No element is saved."""
    unknown = "00000000-0000-0000-0000-000000000009"
    with pytest.raises(NotFoundException):
        post(xero, Contact(name=name), Contact(contact_id=unknown, name=name + " 2"))
    assert xero.api.get_contacts(xero.tenant, where=f'Name=="{name}"').contacts == []


def test_an_archived_contact_cannot_be_edited(xero, name):
    """Archived by POST; hidden from lists unless asked for; every later edit is refused."""
    (made,) = put(xero, Contact(name=name))
    (archived,) = post(xero, Contact(contact_id=made.contact_id, contact_status="ARCHIVED"))
    assert archived.contact_status == "ARCHIVED"
    query = {"where": f'Name=="{name}"'}
    assert xero.api.get_contacts(xero.tenant, **query).contacts == []
    assert len(xero.api.get_contacts(xero.tenant, include_archived=True, **query).contacts) == 1
    with pytest.raises(BadRequestException) as refused:
        post(xero, Contact(contact_id=made.contact_id, first_name="New"))
    assert foreign.messages(refused.value.error_data["Elements"][0]) == [ARCHIVED]
    (namesake,) = put(xero, Contact(name=name))
    assert namesake.contact_id != made.contact_id


def test_summarize_errors_false_saves_the_good_ones(xero, name):
    """200; each element says how it went, in the order sent."""
    good, bad = put(xero, Contact(name=name), Contact(email_address="x@example.com"), summarize_errors=False)
    assert (good.status_attribute_string, bad.status_attribute_string) == ("OK", "ERROR")
    assert bad.has_validation_errors is True
    assert foreign.messages(bad) != []
    assert bad.contact_id == "00000000-0000-0000-0000-000000000000"
    assert len(xero.api.get_contacts(xero.tenant, where=f'Name=="{name}"').contacts) == 1


def test_summarize_errors_by_default_saves_nothing(xero, name):
    """400 for the whole batch, and the good one is not there."""
    with pytest.raises(BadRequestException):
        put(xero, Contact(name=name), Contact(email_address="x@example.com"))
    assert xero.api.get_contacts(xero.tenant, where=f'Name=="{name}"').contacts == []


@pytest.mark.parametrize("email", ["nobody", "ä@example.com", "a@b@c"])
def test_an_email_address_must_be_valid(xero, name, email):
    """Xero's words."""
    with pytest.raises(BadRequestException) as refused:
        put(xero, Contact(name=name, email_address=email))
    assert foreign.messages(refused.value.error_data["Elements"][0]) == ["Email address must be valid."]


def test_a_contact_by_id_by_number_and_in_pages(xero, name):
    """Single reads take id or ContactNumber; a page carries what an unpaged list leaves out."""
    contact_number = f"N{foreign.unique()}"
    person = ContactPerson(first_name="Pat", last_name="Lee", email_address="pat@example.com", include_in_emails=True)
    (made,) = put(xero, Contact(name=name, contact_number=contact_number, contact_persons=[person]))
    assert xero.api.get_contact(xero.tenant, made.contact_id).contacts[0].name == name
    (by_number,) = xero.api.get_contact_by_contact_number(xero.tenant, contact_number).contacts
    assert by_number.contact_id == made.contact_id
    (paged,) = xero.api.get_contacts(xero.tenant, i_ds=[made.contact_id], page=1).contacts
    assert [each.first_name for each in paged.contact_persons] == ["Pat"]
    (unpaged,) = xero.api.get_contacts(xero.tenant, where=f'Name=="{name.upper()}"').contacts
    assert unpaged.contact_persons == []


def test_pages_of_contacts(xero, name):
    """pageSize, the pagination object, and an empty page past the end."""
    put(xero, *(Contact(name=f"{name} {n}") for n in range(5)))
    query = {"search_term": name, "page_size": 2}
    pages = [xero.api.get_contacts(xero.tenant, page=page, **query) for page in (1, 2, 3, 4)]
    assert [len(page.contacts) for page in pages] == [2, 2, 1, 0]
    assert (pages[0].pagination.item_count, pages[0].pagination.page_count) == (5, 3)
    ids = [contact.contact_id for page in pages for contact in page.contacts]
    assert len(set(ids)) == 5
