"""Writing sales invoices through the SDK: verbs, natural keys, states, refusals (facts 3.4, 4.7, 5.0, 5.8)."""

from datetime import date

import pytest
from xero_python.accounting import Contact, Contacts, CurrencyCode, Invoice, Invoices, LineItem, LineItemTracking
from xero_python.exceptions import BadRequestException, NotFoundException

from tests.conformance import foreign

ZERO = "00000000-0000-0000-0000-000000000000"


def post(xero, *invoices, **options):
    return xero.api.update_or_create_invoices(xero.tenant, Invoices(invoices=list(invoices)), **options).invoices


def refusal(call):
    """The messages of the first element that a call is refused with."""
    with pytest.raises(BadRequestException) as refused:
        call()
    body = refused.value.error_data
    assert (body["ErrorNumber"], body["Type"]) == (10, "ValidationException")
    return foreign.messages(body["Elements"][0])


def test_put_creates_and_answers_with_the_stored_invoice(xero, contact, number):
    """Id, full contact, totals, tax from the account, dates as sent."""
    (made,) = xero.created(xero.invoice(contact, invoice_number=number, reference="PO 7"))
    assert made.invoice_id != ZERO
    assert (made.invoice_number, made.reference, made.status) == (number, "PO 7", "AUTHORISED")
    assert made.contact.contact_id == contact
    assert made.contact.contact_status == "ACTIVE"
    assert (made.date, made.due_date) == (date(2026, 11, 1), date(2026, 11, 15))
    assert [foreign.amount(each) for each in (made.sub_total, made.total_tax, made.total)] == [10, 2, 12]
    assert made.line_items[0].tax_type == "OUTPUT2"
    assert made.line_items[0].line_item_id
    assert made.currency_code.value == "GBP"


def test_a_draft_is_the_default_and_gets_a_number_of_the_organisations(xero, contact):
    """Status DRAFT, number from the sequence, each one new."""
    made = xero.created(xero.invoice(contact, status=None), xero.invoice(contact, status=None))
    assert [each.status for each in made] == ["DRAFT", "DRAFT"]
    assert made[0].invoice_number != made[1].invoice_number
    assert made[0].invoice_number.startswith("INV-")


def test_an_invoice_number_is_unique(xero, contact, number):
    """PUT of a taken number is refused in Xero's words."""
    xero.created(xero.invoice(contact, invoice_number=number))
    errors = refusal(lambda: xero.created(xero.invoice(contact, invoice_number=number)))
    assert errors == ["Invoice # must be unique."]


def test_post_with_a_taken_number_updates_that_invoice(xero, contact, number):
    """The natural key of a sales invoice is its number: POST changes the one that is there."""
    (made,) = xero.created(xero.invoice(contact, invoice_number=number, status="DRAFT"))
    (changed,) = post(xero, xero.invoice(contact, foreign.line(unit="20"), invoice_number=number, status="DRAFT"))
    assert changed.invoice_id == made.invoice_id
    assert foreign.amount(changed.total) == 24


def test_post_with_a_new_number_creates(xero, contact, number):
    """POST is create or update."""
    (made,) = post(xero, xero.invoice(contact, invoice_number=number))
    assert (made.invoice_number, made.status) == (number, "AUTHORISED")


def test_post_with_an_unknown_id_is_404(xero, contact):
    """The whole request fails, as text."""
    unknown = "00000000-0000-0000-0000-000000000009"
    with pytest.raises(NotFoundException):
        post(xero, xero.invoice(contact, invoice_id=unknown))
    with pytest.raises(NotFoundException):
        xero.api.update_invoice(xero.tenant, unknown, Invoices(invoices=[Invoice(reference="x")]))


def test_an_update_by_id_leaves_what_it_does_not_name(xero, contact, number):
    """Only the reference changes; the lines stay, with their ids."""
    (made,) = xero.created(xero.invoice(contact, invoice_number=number))
    changed = xero.api.update_invoice(
        xero.tenant, made.invoice_id, Invoices(invoices=[Invoice(reference="new")])
    ).invoices[0]
    assert (changed.reference, changed.invoice_number, foreign.amount(changed.total)) == ("new", number, 12)
    assert changed.line_items[0].line_item_id == made.line_items[0].line_item_id


def test_lines_sent_replace_the_lines_there_are(xero, contact):
    """With its id a line is updated, without it is new, and a line left out is gone."""
    (made,) = xero.created(xero.invoice(contact, foreign.line("one"), foreign.line("two"), status="DRAFT"))
    kept, dropped = made.line_items
    update = Invoice(line_items=[foreign.line("one, changed", line_item_id=kept.line_item_id), foreign.line("three")])
    changed = xero.api.update_invoice(xero.tenant, made.invoice_id, Invoices(invoices=[update])).invoices[0]
    assert [line.description for line in changed.line_items] == ["one, changed", "three"]
    ids = [line.line_item_id for line in changed.line_items]
    assert ids[0] == kept.line_item_id
    assert dropped.line_item_id not in ids


@pytest.mark.parametrize(
    ("path", "end"),
    [
        (["DRAFT", "DRAFT"], "DRAFT"),
        (["DRAFT", "SUBMITTED", "DRAFT"], "DRAFT"),
        (["DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED"], "VOIDED"),
        (["DRAFT", "DELETED"], "DELETED"),
        (["SUBMITTED", "DELETED"], "DELETED"),
        (["AUTHORISED", "AUTHORISED"], "AUTHORISED"),
    ],
)
def test_states_that_follow_each_other(xero, contact, path, end):
    """The transitions that Xero allows."""
    (made,) = xero.created(xero.invoice(contact, status=path[0]))
    for status in path[1:]:
        (made,) = post(xero, Invoice(invoice_id=made.invoice_id, status=status))
    assert made.status == end
    assert xero.api.get_invoice(xero.tenant, made.invoice_id).invoices[0].status == end


@pytest.mark.parametrize(
    "path",
    [
        ["AUTHORISED", "DELETED"],
        ["AUTHORISED", "DRAFT"],
        ["DRAFT", "VOIDED"],
        ["DRAFT", "DELETED", "DRAFT"],
        ["AUTHORISED", "VOIDED", "AUTHORISED"],
    ],
)
def test_states_that_do_not_follow_each_other(xero, contact, path):
    """Everything else is refused, and the stored state stays."""
    (made,) = xero.created(xero.invoice(contact, status=path[0]))
    for status in path[1:-1]:
        post(xero, Invoice(invoice_id=made.invoice_id, status=status))
    errors = refusal(lambda: post(xero, Invoice(invoice_id=made.invoice_id, status=path[-1])))
    assert errors == ["Invoice not of valid status for modification"]
    assert xero.api.get_invoice(xero.tenant, made.invoice_id).invoices[0].status == path[-2]


@pytest.mark.parametrize("status", ["PAID", "VOIDED", "DELETED"])
def test_states_that_nothing_is_created_in(xero, contact, status):
    """Only DRAFT, SUBMITTED and AUTHORISED can be created."""
    errors = refusal(lambda: xero.created(xero.invoice(contact, status=status)))
    assert errors == ["Invoice not of valid status for creation"]


def test_a_voided_invoice_owes_nothing_when_it_is_read_again(xero, contact):
    """The answer to the void still shows the amount; a later read does not."""
    (made,) = xero.created(xero.invoice(contact))
    (voided,) = post(xero, Invoice(invoice_id=made.invoice_id, status="VOIDED"))
    assert foreign.amount(voided.amount_due) == 12
    (read,) = xero.api.get_invoice(xero.tenant, made.invoice_id).invoices
    assert foreign.amount(read.amount_due) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"line_items": []}, "One or more line items must be specified"),
        ({"contact": None}, "A Contact must be specified for this type of transaction"),
        (
            {"contact": Contact()},
            (
                "The Contact must contain at least 1 of the following elements to identify the contact: "
                "Name, ContactID, ContactNumber"
            ),
        ),
        ({"line_items": [foreign.line(account="999")]}, "Account code '999' is not a valid code for this document."),
        (
            {"line_items": [foreign.line(account="290")]},
            "Account code '290' has been archived, or has been deleted. Each line item must reference a valid account.",
        ),
        (
            {"line_items": [foreign.line(tax_type="INPUT2")]},
            "The TaxType code 'INPUT2' cannot be used with account code '200'.",
        ),
        (
            {"line_items": [foreign.line(line_amount=11.5)]},
            "The line total 11.5 does not match the expected line total 10.00",
        ),
        ({"currency_code": CurrencyCode.AUD}, "Organisation is not subscribed to currency AUD"),
    ],
)
def test_refusals_in_xeros_words(xero, contact, change, message):
    """Each thing that cannot be posted, with the sentence that Xero answers."""
    assert refusal(lambda: xero.created(xero.invoice(contact, **change))) == [message]


def test_a_locked_period_refuses_the_date(xero):
    """Nothing is posted on or before the lock date; the person at the screen sets it."""
    tenant = xero.tenants["NL"]
    customer = xero.contact(f"Klant {foreign.unique()}", tenant)
    xero.control("POST", f"organisation/{tenant}", period_lock_date="2026-06-30")
    try:
        locked = xero.invoice(customer, date=date(2026, 6, 30))
        errors = refusal(lambda: xero.created(locked, tenant=tenant))
        assert errors[0].startswith(
            "The document date cannot be before the period lock date, currently set at 30 June 2026"
        )
        (made,) = xero.created(xero.invoice(customer, date=date(2026, 7, 1)), tenant=tenant)
        assert made.status == "AUTHORISED"
    finally:
        xero.control("POST", f"organisation/{tenant}", period_lock_date=None)


def test_summarize_errors_false_keeps_the_good_ones_in_order(xero, contact):
    """A batch of three with a bad one in the middle: 200, OK, ERROR, OK."""
    bad = xero.invoice(contact, foreign.line(account="999"))
    made = xero.created(xero.invoice(contact), bad, xero.invoice(contact), summarize_errors=False)
    assert [each.status_attribute_string for each in made] == ["OK", "ERROR", "OK"]
    assert made[1].has_errors is True
    assert made[1].invoice_id == ZERO
    assert foreign.messages(made[1]) == ["Account code '999' is not a valid code for this document."]
    assert [each.has_errors for each in (made[0], made[2])] == [False, False]


def test_summarize_errors_true_saves_nothing(xero, contact, number):
    """400 with every bad element; the good one is not saved."""
    good = xero.invoice(contact, invoice_number=number)
    refusal(lambda: xero.created(good, xero.invoice(contact, foreign.line(account="999")), summarize_errors=True))
    assert xero.api.get_invoices(xero.tenant, invoice_numbers=[number]).invoices == []


def test_a_draft_with_an_unknown_account_is_saved_with_a_warning(xero, contact):
    """WARNING, the line without its account; the same line approved is refused."""
    draft = xero.invoice(contact, foreign.line(account="999"), status="DRAFT")
    (made,) = xero.created(draft, summarize_errors=False)
    assert made.status_attribute_string == "WARNING"
    assert [warning.message for warning in made.warnings] == [
        "Account code '999' has been removed as it does not match a recognised account."
    ]
    assert made.line_items[0].account_code is None


def test_an_archived_contact_gets_no_invoice(xero, contact):
    """Its documents stay, new ones are refused."""
    (made,) = xero.created(xero.invoice(contact))
    archive = Contacts(contacts=[Contact(contact_id=contact, contact_status="ARCHIVED")])
    xero.api.update_or_create_contacts(xero.tenant, archive)
    assert refusal(lambda: xero.created(xero.invoice(contact))) != []
    assert xero.api.get_invoice(xero.tenant, made.invoice_id).invoices[0].status == "AUTHORISED"


def test_a_post_of_a_batch_updates_one_and_creates_the_other(xero, contact, number):
    """Natural keys element by element, answered in the order sent."""
    (made,) = xero.created(xero.invoice(contact, invoice_number=number, status="DRAFT"))
    other = f"{number}-B"
    answered = post(
        xero,
        xero.invoice(contact, invoice_number=other),
        xero.invoice(contact, invoice_number=number, reference="again", status="DRAFT"),
        summarize_errors=False,
    )
    assert [each.invoice_number for each in answered] == [other, number]
    assert answered[1].invoice_id == made.invoice_id
    assert answered[0].invoice_id != made.invoice_id


def test_the_date_is_the_organisations_today_when_none_is_sent(xero):
    """A draft without dates gets one; the organisation's terms give the due date of an approved one."""
    customer = xero.contact(f"Today {foreign.unique()}")
    (made,) = xero.created(xero.invoice(customer, date=None, due_date=None, status="DRAFT"))
    assert made.date is not None


def test_a_contact_name_finds_the_contact_or_makes_one(xero):
    """Contact by name: the same name in other letters is the same contact, an unknown one is created."""
    name = f"Name Only {foreign.unique()}"
    invoices = [
        Invoice(type="ACCREC", contact=Contact(name=text), line_items=[foreign.line()]) for text in (name, name.upper())
    ]
    first, second = (xero.created(invoice)[0] for invoice in invoices)
    assert first.contact.contact_id == second.contact.contact_id
    assert first.contact.name == name


def test_tracking_by_name_and_by_id(xero, contact):
    """Either form of a tracking option comes back with names and the category's id."""
    region = xero.api.get_tracking_categories(xero.tenant).tracking_categories[0]
    option = region.options[1]
    (made,) = xero.created(
        xero.invoice(
            contact,
            foreign.line(tracking=[LineItemTracking(name="Region", option="North")]),
            foreign.line(
                tracking=[
                    LineItemTracking(
                        tracking_category_id=region.tracking_category_id, tracking_option_id=option.tracking_option_id
                    )
                ]
            ),
        )
    )
    tracked = [line.tracking[0] for line in made.line_items]
    assert [(each.name, each.option) for each in tracked] == [("Region", "North"), ("Region", option.name)]
    assert {each.tracking_category_id for each in tracked} == {region.tracking_category_id}


def test_a_description_only_line(xero, contact):
    """A line with nothing but words is kept beside the others."""
    (made,) = xero.created(xero.invoice(contact, foreign.line(), LineItem(description="Thank you")))
    assert made.line_items[1].description == "Thank you"
    assert foreign.amount(made.total) == 12


def test_url_and_reference_survive(xero, contact):
    """Text in any script and the document's Url come back as they were sent."""
    url = "https://shop.example/p/ABCDEFGH234567AB"
    (made,) = xero.created(xero.invoice(contact, foreign.line("東京 🍵 «чай»"), url=url, reference="Größe “7”"))
    (read,) = xero.api.get_invoice(xero.tenant, made.invoice_id).invoices
    assert (read.url, read.reference) == (url, "Größe “7”")
    assert read.line_items[0].description == "東京 🍵 «чай»"
