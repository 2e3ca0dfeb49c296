"""How much one transaction of a sweep takes: as many rows as it may, and none after its time is over."""

import pytest

from counterfoil.store.removing.turns import WORK_S, Turn


@pytest.mark.parametrize(
    ("row_s", "rows", "most", "taken", "last"),
    [
        (0.0, 5, 10, 5, None),  # there are no more
        (0.0, 10, 10, 10, 9),  # there may be more
        (WORK_S / 2, 10, 10, 2, 1),  # the time is over
        (WORK_S * 9, 10, 10, 1, 0),  # one row at least, or it would never end
        (0.0, 0, 10, 0, None),
    ],
)
def test_a_turn_ends_by_rows_or_by_time(row_s, rows, most, taken, last):
    """The next one begins behind the last row that was taken; at the end there is none."""
    now_s = [0.0]
    turn = Turn(most, lambda: now_s[0])
    for _row in turn.of(range(rows)):
        now_s[0] += row_s
    assert (turn.taken, turn.last()) == (taken, last)
