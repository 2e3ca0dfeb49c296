"""What polling costs and how late it is: days of each tier, minute by minute, by the schedule that the service follows.

No Xero: mirror/polling is pure and decides, and what a look costs when nothing changed is measured by `mirroring` (1 call). Late is
from the change to the look that finds it; what follows until it is delivered is seconds (`delivering`).
"""

import datetime
import random
from collections.abc import Iterator
from pathlib import Path

from counterfoil.mirror import described, polling
from counterfoil.store.mirrored import Reading
from tests.bench import table
from tests.bench.table import Row

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
DAY_MINUTES = 24 * 60
TIERS = (
    ("Core", 5_000, 1_200, 5),
    ("Starter", 1_000, 300, 30),
)  # calls a day, of an idle one at most, minutes late at most
ACTIVE = ("Contacts", "Invoices", "Payments", "CreditNotes", "BankTransactions")  # of a firm that works
EVERY = 30  # minutes between two changes of each, on average
SEED = 7


def rows(_folder: Path) -> Iterator[Row]:
    """Both tiers: a day of nothing, and a day of work."""
    for tier, calls, idle_most, late_most in TIERS:
        spent, _ = _day(calls, set())
        yield table.at_most(
            f"polled, {tier}: calls of an idle day", spent, idle_most, "", f"{len(described.NAMES)} resources"
        )
        dice = random.Random(SEED)
        changes = {(name, minute) for name in ACTIVE for minute in range(DAY_MINUTES) if dice.random() < 1 / EVERY}
        spent, late = _day(calls, changes)
        p95 = late[len(late) * 95 // 100]
        note = f"{len(ACTIVE)} of {len(described.NAMES)} resources active, {spent:,} calls of {calls:,}, longest {late[-1]:.0f} min"
        yield table.at_most(f"polled, {tier}: from a change to its look, p95", p95, late_most, "min", note)


def _day(calls_per_day: int, changes: set[tuple[str, int]]) -> tuple[int, list[float]]:
    """The second of two such days (the first brings resources to their pace): calls, and minutes late, sorted."""
    readings = {name: Reading("t", name, since=NOON, caught_up_at=NOON, listed_at=NOON) for name in described.NAMES}
    waiting: dict[str, list[datetime.datetime]] = {}
    spent, late = 0, []
    for minute in range(1, 2 * DAY_MINUTES + 1):
        now = NOON + minute * MINUTE
        for name in readings:
            if (name, minute % DAY_MINUTES) in changes:
                waiting.setdefault(name, []).append(now)
        for name, at in polling.due(described.NAMES, readings, calls_per_day, now).items():
            if at > now:
                continue
            found = waiting.pop(name, [])
            changed_at = now if found else readings[name].changed_at
            readings[name] = Reading("t", name, since=now, caught_up_at=now, changed_at=changed_at, listed_at=NOON)
            if minute > DAY_MINUTES:
                spent += 1
                late += [(now - each) / MINUTE for each in found]
    return spent, sorted(late)
