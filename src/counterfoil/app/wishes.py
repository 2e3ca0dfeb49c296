"""What a person types at `problems fix`, and what the fix turned out to do.

Called by cli/problems, the library, fixing and customers_fixed.
"""

import datetime

import msgspec


class Wish(msgspec.Struct, frozen=True):
    """What to put instead. `use` replaces the value that is wrong, `put` sets fields ("": takes one away), `date` the date.

    `only`: for the record with this external id alone, whatever is found in it.
    """

    use: str | None = None
    date: datetime.date | None = None
    put: dict[str, str] = {}
    only: str | None = None
    because: str | None = None


class FixReport(msgspec.Struct, frozen=True):
    """What a fix does. `said`: one sentence per kind of change; `left`: what else is wrong with records, and how many.

    `fixes`: the numbers of the fixes, none when customers were decided about (`contacts match` shows those).
    """

    problem: int
    fixes: tuple[int, ...]
    records: int
    cured: int
    said: tuple[str, ...]
    left: dict[str, int]
    all_like_it: bool = False  # also for what comes later
