"""Every check before sending, what is sent, and what is predicted; on a ledger of the test's own."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pytest

from counterfoil.flows import sales_invoices
from counterfoil.model import terms
from counterfoil.model.checks import days
from counterfoil.model.prepared import ContactWanted, Finding, PredictedLine, Prepared
from counterfoil.settings import FlowSettings
from tests.model import books
from tests.model.test_records import sale, with_contact, with_line

GOOD = {"account_code": "200", "tax_type": "OUT20"}


def flow(**changes):
    return FlowSettings(**{"table": "shop", "id": "shop", "kind": "sales_invoices", "source": Path("x")} | changes)


def line(**changes):
    """A sale of one line of two at 10.50, with these changes; None takes a key away."""
    wanted = with_line(**GOOD | changes)
    wanted["lines"] = [{key: value for key, value in row.items() if value is not None} for row in wanted["lines"]]
    return wanted


def prepare(value, ledger=None, **flow_changes):
    record = sales_invoices.decode(json.dumps(value).encode())
    return sales_invoices.prepare(record, ledger or books.ledger(), flow(**flow_changes))


def test_a_good_sale():
    """The element that Xero gets, what we expect it to store, and the customer that it needs."""
    prepared = prepare(line())
    assert prepared.element == {
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "CurrencyCode": "GBP",
        "LineAmountTypes": "Exclusive",
        "InvoiceNumber": "SHOP-1001",
        "Reference": "PO 77",
        "LineItems": [
            {
                "Description": "Widgets",
                "Quantity": Decimal(2),
                "UnitAmount": Decimal("10.50"),
                "AccountCode": "200",
                "TaxType": "OUT20",
                "Tracking": [{"Name": "Region", "Option": "North"}],
            }
        ],
    }
    assert (prepared.predicted.sub_total, prepared.predicted.total_tax, prepared.predicted.total) == (
        Decimal("21.00"), Decimal("4.20"), Decimal("25.20"),
    )  # fmt: skip
    assert prepared.predicted.lines == (PredictedLine("200", "OUT20", Decimal("21.00"), Decimal("4.20")),)
    assert prepared.contact == ContactWanted(
        "cust-7",
        "Blue Fern Ltd",
        "ap@bluefern.example",
        {"Name": "Blue Fern Ltd", "ContactNumber": "cust-7", "EmailAddress": "ap@bluefern.example"},
    )
    assert (prepared.entity, prepared.number, prepared.reference) == ("acme-uk", "SHOP-1001", "PO 77")


REFUSALS = [
    (line(account_code="20O"), "account-unknown", "lines[0].account_code", "Did you mean `200`?"),
    (line(account_code="290"), "account-archived", "lines[0].account_code", "archived in Xero"),
    (line(account_code="090"), "account-not-for-sales", "lines[0].account_code", "a bank account"),
    (line(account_code="610"), "account-not-for-sales", "lines[0].account_code", "DEBTORS"),
    (line(account_code=None), "account-missing", "lines[0]", "has no account"),
    (line(account="sales"), "account-missing", "lines[0]", "has both"),
    (line(account_code=None, account="gone"), "account-unknown", "lines[0].account", "call account 999"),
    (line(account_code=None, account="sale"), "account-unknown", "lines[0].account", "Did you mean `sales`?"),
    (line(tax_type="OUT2"), "tax-unknown", "lines[0].tax_type", "Did you mean"),
    (line(tax_type="OLD"), "tax-inactive", "lines[0].tax_type", "deleted in Xero"),
    (line(tax_type="IN20"), "tax-not-allowed", "lines[0].tax_type", "whose class is REVENUE"),
    (line(tax_type=None), "tax-missing", "lines[0]", 'tax = "account default"'),
    (line(tax="standard"), "tax-missing", "lines[0]", "has both"),
    (line(tax_type=None, tax="standart"), "tax-unknown", "lines[0].tax", "Did you mean `standard`?"),
    (line(tracking={"Regoin": "North"}), "tracking-unknown", "lines[0].tracking.Regoin", "Did you mean `Region`?"),
    (line(tracking={"Region": "Nroth"}), "tracking-unknown", "lines[0].tracking.Region", "Did you mean `North`?"),
    (line(tracking={"Region": "Overseas"}), "tracking-unknown", "lines[0].tracking.Region", "archived the option"),
    (line(tracking={"Season": "Spring"}), "tracking-unknown", "lines[0].tracking.Season", "no active"),
    (line() | {"currency": "CHF"}, "currency-unknown", "currency", "Subscribed: EUR, GBP."),
    (line() | {"rate": "1.2"}, "rate-needless", "rate", "base currency"),
    (line() | {"expected_total": "25.21"}, "total-differs", "expected_total", "25.21 GBP, but Xero will compute 25.20"),
    (line(quantity=-2), "total-negative", "lines", "-25.20 GBP"),
    (line(discount_rate=5, discount_amount=1), "discount-twice", "lines[0]", "Give one"),
    (line(discount_rate="101"), "discount-too-large", "lines[0].discount_rate", "100 per cent"),
    (line(discount_amount="21.01"), "discount-too-large", "lines[0].discount_amount", "more than the line"),
    (line(quantity="99999999", unit_amount="999999999"), "amount-too-large", "lines[0]", "9999999999.99"),
    (line() | {"amounts": "no_tax"}, "tax-on-no-tax", "lines[0].tax_type", "no_tax"),
    (line() | {"sent": True, "status": "DRAFT"}, "sent-too-early", "sent", "DRAFT"),
    (line() | {"number": "xero", "reference": "x" * 239}, "reference-too-long", "reference", "238"),
    (line() | {"attachments": [{"file": "a"}]}, "not-posted-yet", "attachments", "not posted yet"),
    (line() | {"rate_source": "ecb"}, "rate-missing", "rate_source", "Give `rate` too"),
    (line(item_code="BOOK"), "not-posted-yet", "lines[0].item_code", "Items are not posted yet"),
]


@pytest.mark.parametrize(("value", "cause", "field", "words"), REFUSALS)
def test_refusals(value, cause, field, words):
    """Each reason is named by its cause, with the field and what to do; nothing is sent."""
    (finding,) = prepare(value)
    assert (finding.cause, finding.field) == (cause, field)
    assert words in f"{finding.reason} {finding.remedy}"


def test_all_reasons_at_once():
    """A sale that is wrong in several ways says so at once."""
    value = line(account_code="290", tracking={"Region": "Nroth"}) | {"currency": "CHF", "attachments": [{}]}
    causes = [finding.cause for finding in prepare(value)]
    assert causes == ["not-posted-yet", "currency-unknown", "tracking-unknown", "account-archived"]


def test_three_tracking_categories():
    """Xero takes two on a line."""
    causes = [finding.cause for finding in prepare(line(tracking={"Region": "North", "Shop": "Leeds", "Era": "New"}))]
    assert causes == ["tracking-too-many", "tracking-unknown"]


@pytest.mark.parametrize(
    ("organisation", "facts", "date", "causes"),
    [
        ({"PeriodLockDate": books.wire_day("2026-11-01")}, {}, "2026-11-01", ["before-lock-date"]),
        ({"PeriodLockDate": books.wire_day("2026-10-31")}, {}, "2026-11-01", []),
        ({"EndOfYearLockDate": books.wire_day("2026-11-02")}, {}, "2026-11-01", ["before-lock-date"]),
        ({}, {"closed_through": datetime.date(2026, 11, 1)}, "2026-11-01", ["before-closed-through"]),
        ({}, {"closed_through": datetime.date(2026, 10, 31)}, "2026-11-01", []),
        ({}, {"start": datetime.date(2026, 11, 2)}, "2026-11-01", ["before-start"]),
        ({}, {"start": datetime.date(2026, 11, 1)}, "2026-11-01", []),
    ],
)
def test_locked_days(organisation, facts, date, causes):
    """A lock day itself is locked; the start itself is not."""
    result = prepare(line() | {"date": date}, books.ledger(organisation, **facts), lock_date="refuse")
    assert [finding.cause for finding in (result if isinstance(result, tuple) else ())] == causes


LOCKED = {"PeriodLockDate": books.wire_day("2026-11-05"), "EndOfYearLockDate": books.wire_day("2026-03-31")}


def test_a_locked_day_waits():
    """With `hold` the document is prepared and says why it waits: every lock that is in the way."""
    prepared = prepare(line(), books.ledger(LOCKED, closed_through=datetime.date(2026, 11, 1)))
    assert (prepared.hold.cause, prepared.predicted.date) == ("before-lock-date", datetime.date(2026, 11, 1))
    assert "period lock date is 2026-11-05" in prepared.hold.reason
    assert "closed_through of acme-uk is 2026-11-01" in prepared.hold.reason
    assert prepare(line() | {"date": "2026-11-06"}, books.ledger(LOCKED)).hold is None


def test_the_next_open_day():
    """The document goes to the first day that nothing locks, falls due from there, and says so."""
    sold = line() | {"due_date": None, "terms": {"day": 7}}
    prepared = prepare(sold, books.ledger(LOCKED), lock_date="next-open-day")
    assert (prepared.element["Date"], prepared.element["DueDate"]) == ("2026-11-06", "2026-11-13")
    assert prepared.predicted.date == datetime.date(2026, 11, 6)
    assert prepared.predicted.notes == (
        "`date` is 2026-11-01; the books are locked through 2026-11-05, so 2026-11-06 is posted.",
    )
    assert (
        prepare(line() | {"date": "2026-11-06"}, books.ledger(LOCKED), lock_date="next-open-day").predicted.notes == ()
    )


def test_before_the_start_is_said_alone():
    """What is older than the start is only counted, whatever else may be wrong with it."""
    result = prepare(line(account_code="290"), books.ledger(start=datetime.date(2027, 1, 1)))
    assert [finding.cause for finding in result] == ["before-start"]


@pytest.mark.parametrize(
    ("changes", "terms", "due"),
    [
        ({}, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-12-01"),
        ({"due_date": None}, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-11-15"),
        ({"due_date": None, "terms": {"day": 7}}, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-11-08"),
        ({"due_date": None, "status": "DRAFT"}, None, None),
        ({"due_date": None, "status": None}, None, None),
    ],
)
def test_due_dates(changes, terms, due):
    """The record's date, then its terms, then the organisation's; a draft may do without."""
    ledger = books.ledger({"PaymentTerms": {"Sales": terms} if terms else {}})
    prepared = prepare(line() | changes, ledger)
    assert prepared.element.get("DueDate") == due
    assert (prepared.predicted.due_date and prepared.predicted.due_date.isoformat()) == due


TERMS = terms.Terms(30, "DAYSAFTERBILLDATE")


@pytest.mark.parametrize(
    ("changes", "own", "organisation", "due"),
    [
        ({"due_date": "2026-12-24"}, TERMS, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-12-24"),
        ({"terms": {"day": 7}}, TERMS, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-11-08"),
        ({}, TERMS, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-12-01"),
        ({}, TERMS, None, "2026-12-01"),
        ({}, None, {"Day": 14, "Type": "DAYSAFTERBILLDATE"}, "2026-11-15"),
        ({}, terms.Terms(1, "OFCURRENTMONTH"), None, "2026-11-01"),
        ({"status": "DRAFT"}, TERMS, None, "2026-12-01"),
        ({"status": "DRAFT"}, None, None, None),
        ({}, None, None, "due-date-missing"),
        ({"date": "9999-12-20"}, TERMS, None, "wrong-value"),
    ],
)
def test_who_says_when_it_falls_due(changes, own, organisation, due):
    """The record, its terms, the customer's own in Xero, the organisation's; AUTHORISED without any is refused."""
    ledger = books.ledger({"PaymentTerms": {"Sales": organisation} if organisation else {}})
    prepared = prepare(line() | {"due_date": None} | changes, ledger)
    settled = days.with_contact_terms(prepared, own)
    if isinstance(settled, Finding):
        assert settled.cause == due
        return
    stated = settled.predicted.due_date
    assert (settled.element.get("DueDate"), stated and stated.isoformat()) == (due, due)


def test_a_day_of_the_month_that_has_passed_is_a_warning():
    """Terms "of the current month" may fall due before the invoice's own day: posted, and said."""
    prepared = prepare(line() | {"due_date": None, "date": "2026-11-20"})
    settled = days.with_contact_terms(prepared, terms.Terms(10, "OFCURRENTMONTH"))
    assert [warning.cause for warning in settled.warnings] == ["due-before-date"]


def test_a_due_date_before_the_date_is_a_warning():
    """It is posted, and said."""
    prepared = prepare(line() | {"due_date": "2026-10-01"})
    assert [warning.cause for warning in prepared.warnings] == ["due-before-date"]


@pytest.mark.parametrize(
    ("record_status", "flow_status", "status"),
    [
        (None, "DRAFT", "DRAFT"),
        (None, "SUBMITTED", "SUBMITTED"),
        ("AUTHORISED", "DRAFT", "AUTHORISED"),
        ("DRAFT", "AUTHORISED", "DRAFT"),
    ],
)
def test_status(record_status, flow_status, status):
    """The record's status wins over the flow's."""
    prepared = prepare(line() | {"status": record_status}, status=flow_status)
    assert (prepared.element["Status"], prepared.predicted.status) == (status, status)


@pytest.mark.parametrize(
    ("number", "flow_number", "wanted"),
    [
        (None, None, "order-1001"),
        ("A-7", None, "A-7"),
        ("xero", None, None),
        (None, "xero", None),
        ("A-7", "xero", "A-7"),
    ],
)
def test_numbers(number, flow_number, wanted):
    """The record's number, else the flow's choice, else the key; none at all when Xero numbers."""
    prepared = prepare(line() | {"number": number}, number=flow_number)
    assert (prepared.number, prepared.element.get("InvoiceNumber")) == (wanted, wanted)


def test_inclusive_and_discount():
    """Prices that contain tax: the total is the sum of the lines, the tax is inside."""
    prepared = prepare(line(discount_rate="10") | {"amounts": "inclusive", "expected_total": "18.90"})
    assert prepared.element["LineAmountTypes"] == "Inclusive"
    assert prepared.element["LineItems"][0]["DiscountRate"] == Decimal(10)
    assert (prepared.predicted.sub_total, prepared.predicted.total_tax) == (Decimal("15.75"), Decimal("3.15"))


def test_a_given_tax_amount():
    """It takes the place of the computed one, in what is sent and in what is expected."""
    prepared = prepare(line(tax_amount="4.19") | {"expected_total": "25.19"})
    assert prepared.element["LineItems"][0]["TaxAmount"] == Decimal("4.19")
    assert prepared.predicted.total_tax == Decimal("4.19")


def test_account_default():
    """The account's own tax, written out as such: Xero chooses it, and we expect it."""
    prepared = prepare(line(tax_type=None, tax="account default"))
    assert "TaxType" not in prepared.element["LineItems"][0]
    assert prepared.predicted.lines[0].tax_type == "OUT20"


def test_own_names():
    """The entity's names become Xero's codes."""
    prepared = prepare(line(account_code=None, account="sales", tax_type=None, tax="zero") | {"expected_total": "21"})
    item = prepared.element["LineItems"][0]
    assert (item["AccountCode"], item["TaxType"]) == ("200", "ZERO")


def test_no_tax():
    """A document without tax names none and expects none."""
    prepared = prepare(line(tax_type=None) | {"amounts": "no_tax", "expected_total": "21"})
    assert prepared.element["LineAmountTypes"] == "NoTax"
    assert prepared.predicted.lines == (PredictedLine("200", None, Decimal("21.00"), Decimal("0.00")),)


def test_foreign_currency():
    """A subscribed currency with the record's own rate."""
    prepared = prepare(line() | {"currency": "EUR", "rate": "1.17"})
    assert (prepared.element["CurrencyCode"], prepared.element["CurrencyRate"]) == ("EUR", Decimal("1.17"))


def test_a_customer_in_full():
    """Everything that is known of a customer goes into the element that would create it."""
    contact = {
        "external_id": "cust-7",
        "name": "Zoë",
        "first_name": "Zoë",
        "last_name": "Ångström",
        "account_number": "7",
        "tax_number": "GB1",
        "company_number": "9",
        "phone": "0113 496 0142",
        "street_address": {"line1": "1 Mill Lane", "city": "Leeds", "postal_code": "LS1", "country": "UK"},
        "postal_address": {"attention_to": "Zoë", "line1": "PO Box 1", "region": "Yorkshire"},
    }
    assert prepare(line() | {"contact": contact}).contact.element == {
        "Name": "Zoë",
        "ContactNumber": "cust-7",
        "FirstName": "Zoë",
        "LastName": "Ångström",
        "AccountNumber": "7",
        "TaxNumber": "GB1",
        "CompanyNumber": "9",
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "0113 496 0142"}],
        "Addresses": [
            {
                "AddressType": "STREET",
                "AddressLine1": "1 Mill Lane",
                "City": "Leeds",
                "PostalCode": "LS1",
                "Country": "UK",
            },
            {"AddressType": "POBOX", "AttentionTo": "Zoë", "AddressLine1": "PO Box 1", "Region": "Yorkshire"},
        ],
    }


def test_the_users_own_words_are_not_sent():
    """The link and the rate's source are the user's: they are part of the record and of nothing that goes to Xero."""
    sold = line() | {
        "currency": "EUR",
        "rate": "1.17",
        "rate_source": "ECB, 30 October",
        "url": "https://shop.example/1",
    }
    prepared = prepare(sold)
    assert isinstance(prepared, Prepared)
    assert "ECB" not in str(prepared.element)
    assert "Url" not in prepared.element


def test_other_fields():
    """Branding and `sent` go to Xero as they are."""
    theme = "0123abcd-0123-0123-0123-0123456789ab"
    prepared = prepare(line() | {"branding_theme": theme, "sent": True})
    assert (prepared.element["BrandingThemeID"], prepared.element["SentToContact"]) == (theme, True)


@pytest.mark.parametrize(
    ("entity", "flow_entity", "result"),
    [
        ("acme-uk", None, "acme-uk"),
        (None, "acme-uk", "acme-uk"),
        ("acme-uk", "acme-uk", "acme-uk"),
        (None, None, "entity-missing"),
        ("acme-us", None, "entity-unknown"),
        ("acme-au", "acme-uk", "entity-differs"),
    ],
)
def test_whose_sale_it_is(entity, flow_entity, result):
    """The record's entity, else the flow's; one that disagrees or does not exist is refused."""
    record = sales_invoices.decode(json.dumps(line() | {"entity": entity}).encode())
    found = sales_invoices.entity_of(record, flow(entity=flow_entity), ["acme-uk", "acme-au"])
    assert (found.cause if isinstance(found, Finding) else found) == result


def test_the_same_sale_is_prepared_alike():
    """Nothing but the record, the ledger and the flow decides."""
    assert prepare(line()) == prepare(line())
    assert isinstance(prepare(with_contact() | {"lines": line()["lines"]}), Prepared)
    assert isinstance(prepare(sale()), tuple)


def test_an_entity_that_only_looks_like_one_of_ours_is_told_by_its_character():
    """A zero-width space that came along with a copied key."""
    record = sales_invoices.decode(json.dumps(line() | {"entity": "acme-uk\u200b"}).encode())
    found = sales_invoices.entity_of(record, flow(), ["acme-uk"])
    assert found.reason.startswith(
        "`entity` has the character U+200B, which nobody sees, and is not in the configuration"
    )
    assert "\u200b" not in found.reason
    assert found.remedy == "Did you mean `acme-uk`?"
