"""The bytes: envelope, key order, dates, numbers, line ends (facts 3.3, 4.1, 4.2, Appendix C)."""

import json
import re

import pytest

from tests.conformance import foreign


def keys(text):
    """A list of words."""
    return text.split()


STAMP = re.compile(r"/Date\(\d{13}\+0000\)/")
LISTED_INVOICE = keys(
    "Type InvoiceID InvoiceNumber Reference Payments CreditNotes Prepayments Overpayments AmountDue AmountPaid "
    "AmountCredited SentToContact CurrencyRate IsDiscounted HasAttachments InvoiceAddresses HasErrors "
    "InvoicePaymentServices UpdatedDateUTCString Contact DateString Date DueDateString DueDate Status LineAmountTypes "
    "LineItems SubTotal TotalTax Total UpdatedDateUTC CurrencyCode"
)
UNSENT = {"Payments", "CreditNotes", "AmountCredited", "HasAttachments", "InvoiceAddresses"}
LINE = keys("Description UnitAmount TaxType TaxAmount LineAmount AccountCode Tracking Quantity LineItemID AccountID")
LISTED_CONTACT = keys(
    "ContactID ContactStatus Name Addresses Phones UpdatedDateUTC ContactGroups IsSupplier IsCustomer ContactPersons "
    "HasAttachments HasValidationErrors"
)
TAX_RATE = keys(
    "Name TaxType ReportTaxType CanApplyToAssets CanApplyToEquity CanApplyToExpenses CanApplyToLiabilities "
    "CanApplyToRevenue DisplayTaxRate EffectiveRate Status TaxComponents"
)
ORGANISATION = keys(
    "Name LegalName PaysTax Version OrganisationType BaseCurrency CountryCode IsDemoCompany OrganisationStatus "
    "TaxNumber FinancialYearEndDay FinancialYearEndMonth SalesTaxBasis SalesTaxPeriod DefaultSalesTax "
    "DefaultPurchasesTax CreatedDateUTC OrganisationEntityType Timezone ShortCode OrganisationID Edition Class Addresses "
    "Phones ExternalLinks PaymentTerms"
)
ACCOUNT = keys(
    "AccountID Code Name Status Type TaxType Class EnablePaymentsToAccount ShowInExpenseClaims BankAccountType "
    "ReportingCode ReportingCodeName HasAttachments UpdatedDateUTC AddToWatchlist"
)


def in_order(row, order):
    """The keys of `order` that the row has, in the row's order."""
    return [key for key in row if key in set(order)]


@pytest.fixture(scope="module")
def written(xero):
    """An invoice written by bare HTTP: its answer, and the same invoice from a page."""
    contact = xero.contact(f"Wire {foreign.unique()}")
    body = {"Invoices": [foreign.wire_invoice(contact, Url="https://shop.example/p/ABCDEFGH234567AB", Reference="R")]}
    answer = xero.raw("PUT", "/Invoices", body=body)
    page = xero.raw("GET", f"/Invoices?ContactIDs={contact}&page=1")
    return answer, page


def test_json_has_crlf_and_two_spaces(written):
    """Every line of an answer ends in CRLF and is indented by twos."""
    for reply in written:
        assert b"\n" not in reply.body.replace(b"\r\n", b"")
        assert reply.text.split("\r\n")[1].startswith('  "Id": "')
        assert reply.headers["content-type"] == "application/json; charset=utf-8"


def test_the_envelope_in_its_order(written):
    """Id, Status, ProviderName, DateTimeUTC, pagination on a page only, then the entities."""
    answer, page = (reply.json() for reply in written)
    head = ["Id", "Status", "ProviderName", "DateTimeUTC"]
    assert list(answer) == [*head, "Invoices"]
    assert list(page) == [*head, "pagination", "Invoices"]
    assert list(page["pagination"]) == ["page", "pageSize", "pageCount", "itemCount"]
    assert re.fullmatch(r"/Date\(\d{13}\)/", answer["DateTimeUTC"])
    assert written[0].headers["xero-correlation-id"] == answer["Id"]


def test_a_listed_invoice_in_its_order(written):
    """The recorded keys, all there and in order."""
    (row,) = written[1].json()["Invoices"]
    expected = [key for key in LISTED_INVOICE if key != "SentToContact" or key in row]
    assert in_order(row, LISTED_INVOICE) == expected
    assert list(row["Contact"]) == [
        "ContactID",
        "Name",
        "Addresses",
        "Phones",
        "ContactGroups",
        "ContactPersons",
        "HasValidationErrors",
    ]


def test_a_written_invoice_in_its_order(written):
    """The write answer leaves some members out, has the whole contact, and validation errors on lines."""
    (row,) = written[0].json()["Invoices"]
    assert UNSENT.isdisjoint(row)
    expected = [key for key in LISTED_INVOICE if key not in UNSENT and (key != "SentToContact" or key in row)]
    assert in_order(row, LISTED_INVOICE) == expected
    assert row["Contact"]["ContactStatus"] == "ACTIVE"
    assert row["LineItems"][0]["ValidationErrors"] == []
    assert "StatusAttributeString" not in row


def test_a_line_in_its_order(written):
    """The recorded keys of a line, on the page and in the answer."""
    for reply in written:
        line = reply.json()["Invoices"][0]["LineItems"][0]
        assert in_order(line, LINE) == LINE


def test_dates_in_all_their_flavours(written):
    """Document dates at midnight UTC with a companion string; stamps with an offset, their string to the second."""
    (row,) = written[1].json()["Invoices"]
    assert (row["Date"], row["DateString"]) == ("/Date(1793491200000+0000)/", "2026-11-01T00:00:00")
    assert (row["DueDate"], row["DueDateString"]) == ("/Date(1794700800000+0000)/", "2026-11-15T00:00:00")
    assert STAMP.fullmatch(row["UpdatedDateUTC"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["UpdatedDateUTCString"])


def test_numbers_are_numbers_with_one_digit_behind_the_point(written):
    """10.0 and 12.0, never "10.00" and never 10."""
    for reply in written:
        assert '"SubTotal": 10.0,' in reply.text
        assert '"Total": 12.0,' in reply.text
        assert '"Quantity": 1.0,' in reply.text


def test_nothing_is_null(xero, written):
    """What is empty is left out."""
    bodies = [reply.text for reply in written]
    bodies += [xero.raw("GET", path).text for path in ("/Accounts", "/TaxRates", "/Contacts?page=1", "/Organisation")]
    assert [body for body in bodies if re.search(r":\s*null\b", body)] == []


def test_a_failed_element_drops_what_it_does_not_have(xero):
    """No number, no stamp, the requested status; the zero id."""
    contact = xero.contact(f"Failed {foreign.unique()}")
    line = {"Description": "Tea", "Quantity": 1, "UnitAmount": 10, "AccountCode": "999"}
    body = {"Invoices": [foreign.wire_invoice(contact, InvoiceNumber="F-1", Reference="R", LineItems=[line])]}
    (row,) = xero.raw("PUT", "/Invoices?summarizeErrors=False", body=body).json()["Invoices"]
    dropped = {"InvoiceNumber", "Reference", "AmountDue", "UpdatedDateUTC", "UpdatedDateUTCString", "BrandingThemeID"}
    assert dropped.isdisjoint(row)
    assert (row["Status"], row["StatusAttributeString"], row["HasErrors"]) == ("AUTHORISED", "ERROR", True)
    assert row["InvoiceID"] == "00000000-0000-0000-0000-000000000000"


def test_the_status_attribute_is_there_only_without_summarizing(xero):
    """StatusAttributeString OK on each element of a write with summarizeErrors=false."""
    contact = xero.contact(f"Marked {foreign.unique()}")
    body = {"Invoices": [foreign.wire_invoice(contact)]}
    (row,) = xero.raw("PUT", "/Invoices?summarizeErrors=false", body=body).json()["Invoices"]
    assert (row["StatusAttributeString"], row["HasErrors"]) == ("OK", False)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda invoice: invoice,
        lambda invoice: [invoice],
        lambda invoice: {"Invoices": [invoice]},
        lambda invoice: {"invoices": [invoice]},
    ],
)
def test_a_body_may_be_bare_a_list_or_an_envelope(xero, wrap):
    """A bare object, a bare array, the plural in any case."""
    contact = xero.contact(f"Wrapped {foreign.unique()}")
    reply = xero.raw("PUT", "/Invoices", body=wrap(foreign.wire_invoice(contact)))
    assert (reply.status, len(reply.json()["Invoices"])) == (200, 1)


@pytest.mark.parametrize(
    "form", ["2026-11-01", "2026-11-01T00:00:00", "/Date(1793491200000+0000)/", "/Date(1793491200000)/"]
)
def test_dates_are_taken_in_every_form(xero, form):
    """ISO with and without time, and Xero's own."""
    contact = xero.contact(f"Dated {foreign.unique()}")
    (row,) = xero.raw("PUT", "/Invoices", body=foreign.wire_invoice(contact, Date=form)).json()["Invoices"]
    assert row["DateString"] == "2026-11-01T00:00:00"


def test_newlines_come_back_as_crlf(xero):
    """Inside a description."""
    contact = xero.contact(f"Lines {foreign.unique()}")
    line = {"Description": "one\ntwo", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}
    reply = xero.raw("PUT", "/Invoices", body=foreign.wire_invoice(contact, LineItems=[line]))
    assert reply.json()["Invoices"][0]["LineItems"][0]["Description"] == "one\r\ntwo"


def test_a_listed_contact_in_its_order(xero):
    """POBOX before STREET and the phones by alphabet, bare types when empty; the write answer has them filled."""
    name = f"Ordered {foreign.unique()}"
    (made,) = xero.raw("PUT", "/Contacts", body={"Name": name}).json()["Contacts"]
    assert [address["AddressType"] for address in made["Addresses"]] == ["STREET", "POBOX"]
    assert list(made["Addresses"][0]) == ["AddressType", "City", "Region", "PostalCode", "Country"]
    assert [phone["PhoneType"] for phone in made["Phones"]] == ["DEFAULT", "DDI", "FAX", "MOBILE"]
    assert {"SalesTrackingCategories", "PurchasesTrackingCategories", "BankAccountDetails"} <= set(made)
    (row,) = xero.raw("GET", f"/Contacts?page=1&IDs={made['ContactID']}").json()["Contacts"]
    assert in_order(row, LISTED_CONTACT) == LISTED_CONTACT
    assert row["Addresses"] == [{"AddressType": "POBOX"}, {"AddressType": "STREET"}]
    assert row["Phones"] == [{"PhoneType": kind} for kind in ("DDI", "DEFAULT", "FAX", "MOBILE")]


def test_settings_in_their_orders(xero):
    """Tax rates, organisation and accounts with the recorded keys."""
    nz = xero.tenants["NZ"]
    rates = xero.raw("GET", "/TaxRates", tenant=nz).json()["TaxRates"]
    assert [list(rate) for rate in rates] == [TAX_RATE] * len(rates)
    assert [(rate["TaxType"], rate["Status"]) for rate in rates if rate["Status"] == "DELETED"] == [
        ("INPUT", "DELETED"),
        ("OUTPUT", "DELETED"),
    ]
    (organisation,) = xero.raw("GET", "/Organisation", tenant=nz).json()["Organisations"]
    assert in_order(organisation, ORGANISATION) == ORGANISATION
    assert re.fullmatch(r"/Date\(\d+\)/", organisation["CreatedDateUTC"])
    for account in xero.raw("GET", "/Accounts", tenant=nz).json()["Accounts"]:
        assert in_order(account, ACCOUNT) == ACCOUNT


def test_a_refused_contact_as_recorded(xero):
    """ErrorNumber, Type, Message, Elements; the element without StatusAttributeString."""
    name = f"Twice {foreign.unique()}"
    xero.contact(name)
    answer = xero.raw("PUT", "/Contacts", body={"Contacts": [{"Name": name, "IsCustomer": True}]}).json()
    assert list(answer) == ["ErrorNumber", "Type", "Message", "Elements"]
    assert answer["Message"] == "A validation exception occurred"
    (element,) = answer["Elements"]
    assert element["HasValidationErrors"] is True
    assert element["IsCustomer"] is True
    assert "StatusAttributeString" not in element


def test_parameters_and_resources_in_any_case(xero):
    """Names of parameters are matched without case; values true and True are the same."""
    contact = xero.contact(f"Case {foreign.unique()}")
    body = json.dumps({"Invoices": [foreign.wire_invoice(contact)]}).encode()
    assert xero.raw("PUT", "/Invoices?SummarizeErrors=FALSE", body=body).status == 200
    assert len(xero.raw("GET", f"/invoices?contactids={contact}&PAGE=1").json()["Invoices"]) == 1


def test_an_unknown_parameter_is_ignored(xero):
    """page_size is not pageSize: the list stays unpaged."""
    assert "pagination" not in xero.raw("GET", "/Contacts?page_size=1").json()
