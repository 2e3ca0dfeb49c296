"""What is to come in and go out by week."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec

from counterfoil.reporting.weeks import Forecast
from tests.reporting.test_ageing import item

WEDNESDAY = date(2026, 11, 25)
MONDAY = date(2026, 11, 23)


def due(day, amount="10.00", **fields):
    """A document that is due on a day."""
    side = fields.pop("side", "receivables")
    one = item(amount, **fields)
    return msgspec.structs.replace(one, due=day, side=side)


def expected(*documents, weeks=3):
    """The forecast on a Wednesday."""
    forecast = Forecast(WEDNESDAY, "GBP", weeks)
    forecast.add(documents)
    return forecast.expected()


def test_weeks_begin_on_mondays_and_the_first_is_this_one():
    """Both days included."""
    weeks = expected().weeks
    assert [(one.first, one.last) for one in weeks] == [
        (MONDAY + timedelta(weeks=n), MONDAY + timedelta(weeks=n, days=6)) for n in range(3)
    ]


def test_each_document_stands_in_one_place():
    """Late on Tuesday, due today, on Sunday, on Monday, and after the last week."""
    found = expected(
        due(date(2026, 11, 24), "1.00"), due(WEDNESDAY, "2.00"), due(date(2026, 11, 29), "4.00"),
        due(date(2026, 11, 30), "8.00"), due(date(2026, 12, 13), "16.00"), due(date(2026, 12, 14), "32.00"),
    )  # fmt: skip
    amounts = [
        [flow.coming_in for flow in flows]
        for flows in (found.overdue, *(one.flows for one in found.weeks), found.later)
    ]
    assert amounts == [[Decimal(1)], [Decimal(6)], [Decimal(8)], [Decimal(16)], [Decimal(32)]]


def test_what_comes_in_and_what_goes_out_are_told_apart_and_by_currency():
    """Base currency beside them, without what has no rate."""
    found = expected(
        due(WEDNESDAY, "5.00"), due(WEDNESDAY, "3.00", side="payables"),
        due(WEDNESDAY, "7.00", currency="EUR", base="6.00"), due(WEDNESDAY, "9.00", currency="USD"),
    )  # fmt: skip
    flows = {one.currency: (one.coming_in, one.going_out) for one in found.weeks[0].flows}
    assert flows == {"EUR": (7, 0), "GBP": (5, 3), "USD": (9, 0)}
    base = found.weeks[0].base
    assert (base.currency, base.coming_in, base.going_out, base.documents, found.without_rate) == ("GBP", 11, 3, 3, 1)


def test_credit_that_nobody_allocated_is_in_no_week():
    """Nobody knows when it will be used."""
    found = expected(due(WEDNESDAY, "-5.00", kind="credit_note"))
    assert [one.coming_in for one in found.credit] == [Decimal("-5.00")]
    assert found.weeks[0].flows == ()
