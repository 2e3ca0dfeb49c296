"""Whatever the looks bring, in whatever order, recorded once or twice: the changes kept add up to what the mirror holds."""

import asyncio
import datetime
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from counterfoil.mirror import applying, reading
from counterfoil.mirror.applying import Observation
from counterfoil.mirror.described import BY_NAME, Described
from counterfoil.mirror.meaning import recording
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import happenings, mirrored
from counterfoil.store.database import Connection, Database
from tests.mirror.applied import applied, held

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
STATES = (  # what a document may say; some differ in spelling alone
    {"Name": "a", "Total": 1.5, "Phones": [{"PhoneType": "X", "PhoneNumber": "1"}, {"PhoneType": "Y"}]},
    {
        "Name": "a",
        "Total": 1.50,
        "Phones": [{"PhoneType": "Y"}, {"PhoneType": "X", "PhoneNumber": "1"}],
        "Warnings": [],
    },
    {"Name": "b", "Total": 2, "Status": "ARCHIVED"},
    {"Name": "a", "Total": 1.5, "Status": "ACTIVE", "LineItems": [{"LineItemID": "1"}, {"LineItemID": "2"}]},
    {"Name": "a", "Total": 1.5, "Status": "ACTIVE", "LineItems": [{"LineItemID": "2"}, {"LineItemID": "1"}]},
)
GONE = len(STATES)
looks = strategies.lists(
    strategies.tuples(strategies.sampled_from("ab"), strategies.integers(0, GONE), strategies.booleans()), max_size=14
)


class Ledger:
    """A copy in memory; each example has a tenant of its own."""

    def __init__(self) -> None:
        self.database = Database("sqlite://", SystemClock(), alone=True)
        self.tenants = (f"tenant-{n}" for n in itertools.count())
        asyncio.run(self.database.open())

    def plays(
        self, one: Described, seen: list[tuple[str, int, bool]], *, twice: bool
    ) -> tuple[list[Any], Any, list[int]]:
        """→ the changes kept of a new tenant, what is held of it, and how many changes each second recording made."""
        tenant, doubles = next(self.tenants), list[int]()

        def record_all(conn: Connection, observed: Any) -> None:
            recording.record(conn, observed)
            if twice:
                doubles.append(len(recording.record(conn, observed)))

        def work(conn: Connection) -> tuple[list[Any], Any]:
            begins = (conn.exec_driver_sql("SELECT coalesce(max(n), 0) FROM happenings_last").scalar_one(),)
            stamp = NOON
            for n, (document, state, moves) in enumerate(seen):
                at = NOON + n * SECOND
                if state == GONE:
                    observation = Observation(tenant, one, (), at)
                    mirrored.absent(conn, tenant, one.name, [document], at)
                    applying.gone(conn, observation, [document], record_all)
                    continue
                stamp += SECOND if moves else datetime.timedelta()
                body = {one.id: document, **STATES[state]}
                if one.stamp is not None:
                    body[one.stamp] = f"/Date({round(stamp.timestamp() * 1000)}+0000)/"
                rows = [reading.seen(one, json.dumps(body).encode())]
                applying.apply(conn, Observation(tenant, one, rows, at), applying.WHOLE, record_all)
            return happenings.after(conn, begins[0], [tenant], 1000), mirrored.page(conn, tenant, one.name)

        changes, rows = asyncio.run(self.database.run(work))
        return changes, held(rows), doubles


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    found = Ledger()
    yield found
    asyncio.run(found.database.close())


@pytest.mark.parametrize(
    "name", ["Invoices", "Currencies"]
)  # with Xero's stamp, which may stand still, and without one
@settings(max_examples=60, deadline=None)
@given(seen=looks, twice=strategies.booleans())
def test_the_changes_add_up_to_the_copy(
    ledger: Ledger, name: str, seen: list[tuple[str, int, bool]], twice: bool
) -> None:
    """Field by field, each document's order without a gap, each id once, and a look recorded again adds nothing."""
    changes, there, doubles = ledger.plays(BY_NAME[name], seen, twice=twice)
    assert applied(changes) == there
    assert len({one.id for one in changes}) == len(changes)
    assert sum(doubles) == 0


def test_what_comes_back_under_the_same_stamp_is_told_again(ledger: Ledger) -> None:
    """There, back and there again, and Xero's stamp stands still: three changes with three ids."""
    there_and_back = [("a", state, False) for state in (0, 2, 0, 2)]
    changes, _there, _doubles = ledger.plays(BY_NAME["Invoices"], there_and_back, twice=False)
    assert [one.name for one in changes] == ["invoice.created", *["invoice.updated"] * 3]
    assert len({one.id for one in changes}) == 4
