"""Finding sales invoices through the SDK: by id, number, filter, page and stamp (facts 4.3 to 4.5)."""

from datetime import UTC, datetime, timedelta

import pytest
from xero_python.accounting import Invoice, Invoices
from xero_python.exceptions import BadRequestException, NotFoundException

from tests.conformance import foreign


@pytest.fixture
def three(xero, contact):
    """Three invoices of one new contact: DRAFT, AUTHORISED, AUTHORISED."""
    numbers = [f"L-{foreign.unique()}" for _ in range(3)]
    return xero.created(
        *(
            xero.invoice(contact, invoice_number=number, status=status, reference=number.lower())
            for number, status in zip(numbers, ["DRAFT", "AUTHORISED", "AUTHORISED"], strict=True)
        )
    )


def found(xero, **query):
    return [invoice.invoice_number for invoice in xero.api.get_invoices(xero.tenant, **query).invoices]


def numbers(invoices):
    return [invoice.invoice_number for invoice in invoices]


def test_a_single_invoice_by_id_and_by_number(xero, three):
    """Both find it, with its lines; an unknown id is 404."""
    for key in (three[0].invoice_id, three[0].invoice_number):
        (read,) = xero.api.get_invoice(xero.tenant, key).invoices
        assert read.invoice_id == three[0].invoice_id
        assert len(read.line_items) == 1
    with pytest.raises(NotFoundException):
        xero.api.get_invoice(xero.tenant, "00000000-0000-0000-0000-000000000009")


def test_lists_of_ids_numbers_contacts_and_states(xero, three, contact):
    """Comma-separated parameters, with lines, since they imply a page."""
    wanted = numbers(three)
    assert sorted(found(xero, i_ds=[each.invoice_id for each in three[:2]])) == wanted[:2]
    assert sorted(found(xero, invoice_numbers=wanted[1:])) == wanted[1:]
    assert sorted(found(xero, contact_i_ds=[contact])) == wanted
    assert sorted(found(xero, contact_i_ds=[contact], statuses=["AUTHORISED"])) == wanted[1:]
    (paged,) = xero.api.get_invoices(xero.tenant, i_ds=[three[0].invoice_id]).invoices
    assert len(paged.line_items) == 1


def test_ids_that_do_not_exist_are_left_out(xero, three):
    """An unknown id among known ones is not an error."""
    ids = [three[0].invoice_id, "00000000-0000-0000-0000-000000000009"]
    assert found(xero, i_ds=ids) == numbers(three[:1])


def test_where_on_equality(xero, three, contact):
    """The optimised fields, alone and together."""
    first = three[0]
    by_contact = f'Contact.ContactID==Guid("{contact}")'
    assert found(xero, where=f'InvoiceNumber=="{first.invoice_number}"') == numbers(three[:1])
    assert found(xero, where=f'Reference=="{first.invoice_number.upper()}"') == numbers(three[:1])
    assert sorted(found(xero, where=f'{by_contact} AND Status=="AUTHORISED" AND Type=="ACCREC"')) == numbers(three[1:])
    assert found(xero, where=f"{by_contact} AND Date<DateTime(2026,11,1)") == []
    assert sorted(found(xero, where=f"{by_contact}&&Date>=DateTime(2026, 11, 1)&&AmountDue>0")) == numbers(three)
    either = " OR ".join(f'InvoiceId==Guid("{each.invoice_id}")' for each in three[1:])
    assert sorted(found(xero, where=either)) == numbers(three[1:])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("()", "Expression expected"),
        ('SentToContact=="true"', "Operator '==' incompatible with operand types 'Boolean?' and 'String'"),
    ],
)
def test_a_bad_where_is_a_query_parse_exception(xero, query, message):
    """400 with error 16 and no elements."""
    with pytest.raises(BadRequestException) as refused:
        xero.api.get_invoices(xero.tenant, where=query)
    body = refused.value.error_data
    assert (body["ErrorNumber"], body["Type"], body["Message"]) == (16, "QueryParseException", message)
    assert "Elements" not in body


def test_a_method_on_a_field_that_is_null_needs_its_guard(xero, three, contact):
    """Without the guard the query fails when it meets the null; with it, it runs."""
    mine = f'Contact.ContactID==Guid("{contact}")'
    unguarded = foreign.where(f'{mine} AND Url.Contains("x")')
    reply = xero.raw("GET", f"/Invoices?{unguarded}")
    assert (reply.status, reply.json()["ErrorNumber"]) == (400, 16)
    assert found(xero, where=f'{mine} AND Url!=null AND Url.Contains("x")') == []


def test_pages_cover_everything_once(xero, contact):
    """Page after page in order of stamp, no row twice, the pagination object right, an empty page past the end."""
    xero.created(*(xero.invoice(contact) for _ in range(5)))
    pages = [
        xero.api.get_invoices(xero.tenant, contact_i_ds=[contact], page=page, page_size=2) for page in (1, 2, 3, 4)
    ]
    assert [len(page.invoices) for page in pages] == [2, 2, 1, 0]
    ids = [invoice.invoice_id for page in pages for invoice in page.invoices]
    assert len(set(ids)) == 5
    pagination = pages[1].pagination
    assert (pagination.page, pagination.page_size, pagination.page_count, pagination.item_count) == (2, 2, 3, 5)


@pytest.mark.parametrize(("asked", "given"), [(5000, 1000), (1000, 1000), (100, 100)])
def test_a_page_size_is_clamped(xero, asked, given):
    """1 to 1,000, never an error."""
    assert xero.api.get_invoices(xero.tenant, page=1, page_size=asked).pagination.page_size == given


def test_an_unpaged_list_has_no_lines_and_no_pagination(xero, three):
    """The trap that page=1 avoids."""
    answer = xero.api.get_invoices(xero.tenant, where=f'InvoiceNumber=="{three[0].invoice_number}"')
    assert answer.invoices[0].line_items == []
    assert answer.pagination is None
    assert answer.invoices[0].contact.name is not None


def test_order_by_stamp_and_by_date(xero, three, contact):
    """order= with a direction; the default is by stamp, oldest first."""
    xero.api.update_invoice(xero.tenant, three[0].invoice_id, Invoices(invoices=[Invoice(reference="later")]))
    by_contact = {"contact_i_ds": [contact]}
    assert found(xero, **by_contact, order="InvoiceNumber DESC") == numbers(three)[::-1]
    assert found(xero, **by_contact, order="UpdatedDateUTC DESC")[0] == three[0].invoice_number
    assert found(xero, **by_contact)[-1] == three[0].invoice_number


def test_if_modified_since_leaves_the_older_ones_out(xero, three, contact):
    """A UTC second in the header; what was changed then or later comes, the rest does not; never a 304."""
    xero.control("POST", "clock", advance_s=10)
    xero.api.update_invoice(xero.tenant, three[2].invoice_id, Invoices(invoices=[Invoice(reference="changed")]))
    (changed,) = xero.api.get_invoice(xero.tenant, three[2].invoice_id).invoices
    since = changed.updated_date_utc.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    query = {"contact_i_ds": [contact]}
    assert found(xero, if_modified_since=since.isoformat(), **query) == numbers(three[2:])
    assert found(xero, if_modified_since=since + timedelta(seconds=1), **query) == []
    assert sorted(found(xero, if_modified_since=datetime(2020, 1, 1), **query)) == numbers(three)


def test_search_term_looks_in_number_and_reference(xero, three):
    """Without regard to case."""
    assert found(xero, search_term=three[1].invoice_number.lower(), page=1) == numbers(three[1:2])


def test_summary_only_drops_the_heavy_members(xero, three):
    """No lines, no payments, but totals."""
    answer = xero.raw("GET", f"/Invoices?summaryOnly=true&IDs={three[0].invoice_id}").json()
    (row,) = answer["Invoices"]
    assert {"LineItems", "Payments", "HasAttachments"}.isdisjoint(row)
    assert row["Total"] == 12


def test_deleted_and_voided_invoices_stay_readable(xero, three, contact):
    """They are in unfiltered lists with their state."""
    for invoice, status in zip(three, ["DELETED", "VOIDED", "AUTHORISED"], strict=True):
        xero.api.update_invoice(xero.tenant, invoice.invoice_id, Invoices(invoices=[Invoice(status=status)]))
    answer = xero.api.get_invoices(xero.tenant, contact_i_ds=[contact]).invoices
    assert sorted(invoice.status for invoice in answer) == ["AUTHORISED", "DELETED", "VOIDED"]


def test_invoices_made_by_this_app(xero, three, contact):
    """createdByMyApp keeps ours."""
    assert sorted(found(xero, contact_i_ds=[contact], created_by_my_app=True)) == numbers(three)
