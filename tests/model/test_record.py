import datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import record
from counterfoil.model.account import Account
from counterfoil.model.contact import Contact
from counterfoil.model.invoice import Invoice, LineItem
from counterfoil.model.organisation import Organisation

INVOICE = (
    b'{"Type":"ACCREC","InvoiceID":"i-1","Status":"PONDERED","Odd":1.10,"Date":"/Date(1782604800000+0000)/",'
    b'"DateString":"2026-06-28T00:00:00","Contact":{"ContactID":"c-1","Name":"Ngaio","New":[]},'
    b'"LineItems":[{"LineItemID":"l-1","Quantity":2.0000,"Mood":"blue"},{"LineItemID":"l-2"}],'
    b'"Total":541.250,"UpdatedDateUTC":"/Date(1290168061560+0000)/"}'
)

UTC = datetime.UTC
STAMPS = {
    "/Date(1789269376195)/": datetime.datetime(2026, 9, 13, 3, 16, 16, 195000, UTC),
    "/Date(1290168061560+0000)/": datetime.datetime(2010, 11, 19, 12, 1, 1, 560000, UTC),
    "/Date(1290168061560+1300)/": datetime.datetime(2010, 11, 19, 12, 1, 1, 560000, UTC),
    "/Date(-1642464000000+0000)/": datetime.datetime(1917, 12, 15, 0, 0, tzinfo=UTC),
    "/Date(0+0000)/": datetime.datetime(1970, 1, 1, tzinfo=UTC),
    "2026-09-14T09:29:59Z": datetime.datetime(2026, 9, 14, 9, 29, 59, tzinfo=UTC),
    "2026-06-28T00:00:00": datetime.datetime(2026, 6, 28, tzinfo=UTC),
    "2019-12-07T18:46:19.5165400": datetime.datetime(2019, 12, 7, 18, 46, 19, 516540, UTC),
    "2026-09-14T22:29:59+13:00": datetime.datetime(2026, 9, 14, 9, 29, 59, tzinfo=UTC),
    "2026-06-28": datetime.datetime(2026, 6, 28, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "instant"), STAMPS.items())
def test_every_flavour_of_an_instant(text, instant):
    """All of Xero's date forms become aware UTC instants."""
    assert (record.stamp(text), record.stamp(text).utcoffset()) == (instant, datetime.timedelta(0))


DAYS = {
    "/Date(1782604800000+0000)/": datetime.date(2026, 6, 28),
    "/Date(1782604800000)/": datetime.date(2026, 6, 28),
    "/Date(1782604800000+1300)/": datetime.date(2026, 6, 28),
    "/Date(-1642464000000+0000)/": datetime.date(1917, 12, 15),
    "2026-06-28T00:00:00": datetime.date(2026, 6, 28),
    "2026-06-28": datetime.date(2026, 6, 28),
    "2026-06-28T23:30:00+13:00": datetime.date(2026, 6, 28),
}


@pytest.mark.parametrize(("text", "date"), DAYS.items())
def test_every_flavour_of_a_day(text, date):
    """A document date is the calendar day at midnight UTC, whatever the offset says."""
    assert (record.day(text), type(record.day(text))) == (date, datetime.date)


@pytest.mark.parametrize(
    "text", ["", "soon", "/Date()/", "/Date(1e3)/", "2026-13-01", "/Date(999999999999999)/", "2026-06-28T9"]
)
def test_no_date_at_all(text):
    """Anything else is refused, never guessed."""
    with pytest.raises(ValueError):
        record.stamp(text)
    with pytest.raises(ValueError):
        record.day(text)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_are_exact(milliseconds):
    """Every millisecond of the calendar survives."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=UTC)
    assert (record.stamp(f"/Date({milliseconds})/") - epoch) // datetime.timedelta(milliseconds=1) == milliseconds


def test_names_and_types():
    """Python names, Decimal amounts, days and aware instants; unknown words stay words."""
    invoice = record.decode(Invoice, INVOICE)
    assert (invoice.invoice_id, invoice.status, invoice.total) == ("i-1", "PONDERED", Decimal("541.250"))
    assert (invoice.date, invoice.updated_date_utc) == (
        datetime.date(2026, 6, 28),
        STAMPS["/Date(1290168061560+0000)/"],
    )
    assert invoice.line_items == (LineItem(line_item_id="l-1", quantity=Decimal(2)), LineItem(line_item_id="l-2"))
    assert (invoice.contact.name, invoice.due_date, invoice.payments) == ("Ngaio", None, ())


def test_an_untouched_record_goes_back_as_it_came():
    """Decode and encode gives the very bytes: unknown fields, unknown values, trailing zeros."""
    assert record.encode(record.decode(Invoice, INVOICE)) == INVOICE


def test_a_changed_record_keeps_what_it_does_not_know():
    """Only the changed fields differ; a date's stale companion text goes; lines are overlaid by position."""
    invoice = record.decode(Invoice, INVOICE)
    first = msgspec.structs.replace(invoice.line_items[0], description="Widgets")
    changed = msgspec.structs.replace(
        invoice, date=datetime.date(2026, 7, 1), line_items=(first,), total=Decimal("1.20"), status=None
    )
    assert record.plain(record.encode(changed)) == {
        "Type": "ACCREC",
        "InvoiceID": "i-1",
        "Odd": Decimal("1.10"),
        "Date": "2026-07-01",
        "Contact": {"ContactID": "c-1", "Name": "Ngaio", "New": []},
        "LineItems": [{"LineItemID": "l-1", "Quantity": Decimal("2.0000"), "Mood": "blue", "Description": "Widgets"}],
        "Total": Decimal("1.20"),
        "UpdatedDateUTC": "/Date(1290168061560+0000)/",
    }


def test_a_record_made_here_sends_what_it_holds():
    """Amounts go out as exact numbers, days as ISO text, defaults not at all."""
    made = Invoice(invoice_id="i", date=datetime.date(2026, 7, 1), line_items=(LineItem(quantity=Decimal("0.10")),))
    assert record.encode(made) == b'{"InvoiceID":"i","Date":"2026-07-01","LineItems":[{"Quantity":0.10}]}'


def test_where_a_record_came_from_is_no_part_of_it():
    """A decoded record equals one made here with the same fields."""
    assert record.decode(Account, b'{"AccountID":"a","Class":"ASSET"}') == Account(account_id="a", class_="ASSET")


def test_records_cannot_be_changed():
    """Records are frozen."""
    with pytest.raises(AttributeError):
        record.decode(Invoice, INVOICE).total = Decimal(1)


def test_nulls_and_empty_terms():
    """Explicit nulls and an empty PaymentTerms are no mistake."""
    contact = record.decode(Contact, b'{"ContactID":"c","EmailAddress":null,"PaymentTerms":{}}')
    assert (contact.email_address, contact.payment_terms.sales) == (None, None)


def test_an_organisation():
    """Lock dates and the fingerprint's fields under their names."""
    raw = b'{"OrganisationID":"o","Name":"N","ShortCode":"!x","BaseCurrency":"NZD","CountryCode":"NZ",\
"IsDemoCompany":true,"Timezone":"NEWZEALANDSTANDARDTIME","PeriodLockDate":"/Date(1254268800000+0000)/"}'
    found = record.decode(Organisation, raw)
    assert (found.short_code, found.base_currency, found.country_code, found.is_demo_company) == (
        "!x",
        "NZD",
        "NZ",
        True,
    )
    assert (found.period_lock_date, found.end_of_year_lock_date) == (datetime.date(2009, 9, 30), None)


amounts = st.decimals(-10_000, 10_000, places=4)


@given(
    st.lists(st.tuples(st.text(max_size=20), amounts), max_size=5),
    st.dictionaries(st.text(min_size=1), amounts, max_size=4),
)
def test_round_trips_lose_nothing(lines, unknown):
    """Any text, any amount, any unknown field comes back."""
    made = Invoice(invoice_id="i", line_items=tuple(LineItem(description=t, unit_amount=a) for t, a in lines))
    wire = {f"~{name}": value for name, value in unknown.items()} | record.element(made)
    raw = msgspec.json.Encoder(decimal_format="number").encode(wire)
    again = record.decode(Invoice, raw)
    assert (again, record.plain(record.encode(again))) == (made, record.plain(raw))
