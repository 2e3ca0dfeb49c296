"""Documents that are read again: when a person is told that Xero keeps showing old ones."""

import pytest

from counterfoil import errors
from counterfoil.posting import reading


def test_readings_that_settle_nothing_end_with_a_word():
    """At the fifth in a row it is said, with what to do."""
    patience = reading.Patience()
    for _ in range(reading.FRUITLESS_MAX - 1):
        patience.after(0)
    with pytest.raises(errors.Unclear, match="older documents than before") as caught:
        patience.after(0)
    assert caught.value.remedy == "Run again in a minute."


def test_whatever_is_settled_starts_the_count_anew():
    """Xero that catches up now and then is not old."""
    patience = reading.Patience()
    for settled in [0, 0, 0, 0, 1] * 3:
        patience.after(settled)
