import datetime

import pytest

from counterfoil.model import terms
from counterfoil.model.terms import Terms


@pytest.mark.parametrize(
    ("date", "day", "type", "due"),
    [
        ("2026-11-22", 14, "DAYSAFTERBILLDATE", "2026-12-06"),
        ("2026-11-22", 0, "DAYSAFTERBILLDATE", "2026-11-22"),
        ("2026-11-22", 10, "DAYSAFTERBILLMONTH", "2026-12-10"),
        ("2026-02-10", 0, "DAYSAFTERBILLMONTH", "2026-02-28"),
        ("2026-11-22", 28, "OFCURRENTMONTH", "2026-11-28"),
        ("2026-11-22", 20, "OFFOLLOWINGMONTH", "2026-12-20"),
        ("2026-12-22", 20, "OFFOLLOWINGMONTH", "2027-01-20"),
        ("2028-01-31", 31, "OFFOLLOWINGMONTH", "2028-02-29"),
    ],
)
def test_due_dates(date, day, type, due):
    """Each of Xero's four kinds of terms; a day that the month lacks is its last."""
    assert terms.due_date(datetime.date.fromisoformat(date), Terms(day, type)) == datetime.date.fromisoformat(due)


@pytest.mark.parametrize("type", ["DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFFOLLOWINGMONTH"])
def test_the_end_of_time(type):
    """Past the year 9999 there is no due date, and the error says so."""
    with pytest.raises(OverflowError, match="out of range"):
        terms.due_date(datetime.date(9999, 12, 31), Terms(30, type))


@pytest.mark.parametrize(
    "value", [None, {}, {"Day": 3}, {"Day": "3", "Type": "OFCURRENTMONTH"}, {"Day": 3, "Type": "X"}]
)
def test_unset_and_unknown_terms(value):
    """What Xero has not set, or set to what we do not know, gives no terms."""
    assert terms.from_wire(value) is None


def test_terms_of_the_wire():
    """Xero's form becomes ours."""
    assert terms.from_wire({"Day": 20, "Type": "OFFOLLOWINGMONTH"}) == Terms(20, "OFFOLLOWINGMONTH")


@pytest.mark.parametrize(("day", "type"), [(None, "OFCURRENTMONTH"), (5, None), (5, "NEXTLEAPYEAR"), (-1, "OFCURRENTMONTH"),
                                           (99_999, "DAYSAFTERBILLDATE"), ("5", "OFCURRENTMONTH")])  # fmt: skip
def test_terms_that_nobody_can_count(day, type):
    """What Xero keeps otherwise than we know is as good as none."""
    assert terms.of(day, type) is None
