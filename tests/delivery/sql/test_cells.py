"""What a column takes: nothing is rounded, cut off or guessed."""

import datetime
import uuid
from decimal import Decimal

import pytest

from counterfoil.delivery.sql import cells
from counterfoil.delivery.sql.cells import NotTaken, Taken

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("cell", "taken", "expected"),
    [
        (None, Taken("amount"), None), ("10.50", Taken("amount"), Decimal("10.50")), (5, Taken("amount"), Decimal(5)),
        ("10.5000", Taken("amount", digits=10, places=2), Decimal("10.5000")), ("7", Taken("whole"), 7),
        ("7.00", Taken("whole"), 7), (True, Taken("whole"), 1), (True, Taken("yes_no"), True), ("false", Taken("yes_no"), False),
        ("2026-11-02", Taken("day"), datetime.date(2026, 11, 2)), ("2026-11-02T12:00:00.000Z", Taken("instant"), NOON),
        ("2026-11-02T12:00:00Z", Taken("day"), datetime.date(2026, 11, 2)), ("2026-11-02T13:00:00+01:00", Taken("instant"), NOON),
        ("2026-11-02T12:00:00Z", Taken("moment"), NOON.replace(tzinfo=None)), (True, Taken("text"), "true"),
        ([{"a": "1"}], Taken("text"), '[{"a":"1"}]'), ([1], Taken("json"), [1]), ("abc", Taken("text", length=3), "abc"),
        ("00000000-0000-0000-0000-000000000001", Taken("uuid"), uuid.UUID(int=1)),
    ],
)  # fmt: skip
def test_what_goes_in(cell, taken, expected):
    """As what the column is; blank is null."""
    found = cells.bound(cell, taken)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("cell", "taken", "reason"),
    [
        ("abc", Taken("amount"), "it takes numbers, and the value is abc"), ("NaN", Taken("amount"), "it takes numbers"),
        ("10.505", Taken("amount", digits=10, places=2), "it keeps 2 decimals, and the value is 10.505"),
        ("123456.00", Taken("amount", digits=5, places=2), "it keeps 5 digits"), ("7.5", Taken("whole"), "it takes whole numbers"),
        ("maybe", Taken("yes_no"), "it takes yes or no"), ("2026-13-02", Taken("day"), "it takes dates"),
        ("noon", Taken("instant"), "it takes instants"), ("abcd", Taken("text", length=3), "it takes 3 characters, and the value has 4"),
        ("a\0b", Taken("text"), "a zero character"), ("d1", Taken("uuid"), "it takes UUIDs"),
    ],
)  # fmt: skip
def test_what_does_not(cell, taken, reason):
    """Says what the column takes, and the value."""
    with pytest.raises(NotTaken, match=reason):
        cells.bound(cell, taken)
