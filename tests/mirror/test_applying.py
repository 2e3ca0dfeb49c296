"""The one write path: which fields an answer covers, which of two answers counts, and what is told of it."""

import asyncio
import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from counterfoil import errors
from counterfoil.mirror import applying, drifting, reading
from counterfoil.mirror.applying import Observation, Projection
from counterfoil.mirror.described import BY_NAME
from counterfoil.mirror.mirroring import Mirror
from counterfoil.model.observed import Observed
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import mirrored
from counterfoil.store.database import Database
from counterfoil.xero import paging
from counterfoil.xero.answers import Answer

ONE = BY_NAME["Invoices"]
TENANT = "t"
NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


class Bench:
    """A mirror in memory."""

    def __init__(self) -> None:
        self.database = Database("sqlite://", SystemClock(), alone=True)
        asyncio.run(self.database.open())

    def see(
        self,
        fields: dict[str, Any],
        projection: Projection = applying.WHOLE,
        *,
        minute: int = 0,
        snapshot: bool = False,
    ) -> list[Observed]:
        """One answer with one document."""
        rows = [reading.seen(ONE, json.dumps(fields).encode())]
        observation = Observation(TENANT, ONE, rows, NOON + minute * MINUTE, snapshot)
        return asyncio.run(self.database.run(lambda conn: applying.apply(conn, observation, projection)))

    def held(self) -> dict[str, Any]:
        """What the mirror holds of it."""
        (row,) = asyncio.run(self.database.read(lambda conn: mirrored.page(conn, TENANT, "Invoices")))
        found: dict[str, Any] = json.loads(row.body)
        return found

    def missing(self) -> str:
        """Which fields are older than the rest."""
        (row,) = asyncio.run(self.database.read(lambda conn: mirrored.page(conn, TENANT, "Invoices")))
        return row.missing


@pytest.fixture
def mirror() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    asyncio.run(bench.database.close())


def invoice(stamp: int = 0, **fields: Any) -> dict[str, Any]:
    """An invoice that was changed `stamp` minutes after noon."""
    ms = round((NOON + stamp * MINUTE).timestamp() * 1000)
    return {"InvoiceID": "i", "Status": "DRAFT", "UpdatedDateUTC": f"/Date({ms}+0000)/", **fields}


def test_unknown_fields_and_values_are_kept_as_they_came_and_counted(mirror: Bench) -> None:
    """A field, an enumeration value and a digit of which nobody ever heard."""
    sent = invoice(Status="PONDERED", Quantum={"Spin": [0.10, None]})
    (seen,) = mirror.see(sent)
    assert mirror.held() == sent
    assert seen.after is not None
    assert seen.after["Quantum"] == {"Spin": [Decimal("0.1"), None]}
    drift = asyncio.run(mirror.database.read(mirrored.drifts))
    assert [(one.field, one.value, one.times) for one in drift] == [("Quantum", "", 1), ("Status", "PONDERED", 1)]
    mirror.see(invoice(1, Quantum=1), minute=1)
    drift = asyncio.run(mirror.database.read(mirrored.drifts))
    assert [(one.field, one.times) for one in drift] == [("Quantum", 2), ("Status", 1)]


def test_an_older_stamp_changes_nothing(mirror: Bench) -> None:
    """A stale read brings what was before: nothing is told, nothing is written."""
    mirror.see(invoice(5, Reference="new"))
    assert mirror.see(invoice(4, Reference="old"), minute=9) == []
    assert mirror.held()["Reference"] == "new"


def test_of_the_same_stamp_the_later_answer_counts(mirror: Bench) -> None:
    """Some fields change without a stamp: SentToContact of what is part-paid."""
    mirror.see(invoice(SentToContact=False), minute=1)
    (seen,) = mirror.see(invoice(SentToContact=True), minute=2)
    assert (seen.before or {})["SentToContact"] is False
    assert mirror.see(invoice(SentToContact=False), minute=0) == []  # read before, applied after
    assert mirror.held()["SentToContact"] is True


def test_a_summary_leaves_what_it_does_not_cover(mirror: Bench) -> None:
    """The lines stay, are known to be old, and are told as changed when they are read."""
    lines = [{"Description": "Widget"}]
    mirror.see(invoice(LineItems=lines, Payments=[]))
    summary = applying.summary(ONE)
    (seen,) = mirror.see(invoice(1, Reference="r"), summary, minute=1)
    assert mirror.held()["LineItems"] == lines
    assert "LineItems" in mirror.missing().split(",")
    assert (seen.before or {})["LineItems"] == (seen.after or {})["LineItems"]
    (seen,) = mirror.see(invoice(1, Reference="r", LineItems=[], Payments=[]), minute=2)
    assert (seen.before or {})["LineItems"] != (seen.after or {})["LineItems"]
    assert mirror.missing() == ""


def test_a_field_that_was_never_read_is_no_change_when_it_comes(mirror: Bench) -> None:
    """Known from a summary alone; the whole document then differs in nothing that both cover."""
    mirror.see(invoice(Reference="r"), applying.summary(ONE))
    (seen,) = mirror.see(invoice(Reference="r", LineItems=[{"Description": "x"}]), minute=1)
    assert seen.before is not None
    assert seen.after is not None
    assert dict(seen.before) == dict(seen.after)


def test_a_write_s_answer_keeps_its_own_remarks_out(mirror: Bench) -> None:
    """Validation flags are the answer's, not the document's; arrays that are empty in it are left as they were."""
    mirror.see(invoice(Payments=[{"PaymentID": "p"}]))
    mirror.see(
        invoice(1, Payments=[], StatusAttributeString="OK", HasErrors=False), applying.write_answer(ONE), minute=1
    )
    assert mirror.held() == invoice(1, Payments=[{"PaymentID": "p"}])


def test_what_a_write_s_answer_leaves_out_are_fields_that_xero_has(mirror: Bench) -> None:
    """No companion text of a field that has none: who asks over HTTP which fields are missing read "ContactString" among them."""
    mirror.see(invoice(), applying.write_answer(ONE))
    missing = mirror.missing().split(",")
    assert "Payments" in missing
    assert [name for name in missing if name.endswith("String")] == []


def test_the_same_again_writes_and_tells_nothing(mirror: Bench) -> None:
    """Also with its fields in another order."""
    sent = invoice(Reference="r", Total=10.5)
    mirror.see(sent)
    assert mirror.see(dict(reversed(sent.items())), minute=1) == []


def test_drift_has_a_bound(mirror: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field names that are data fill no table."""
    monkeypatch.setattr(mirrored, "DRIFT_ROWS_MAX", 10)
    mirror.see(invoice(**{f"Field{n}": n for n in range(50)}))
    assert len(asyncio.run(mirror.database.read(mirrored.drifts))) == 10
    assert "Status" in drifting.known_fields("Invoices")


@settings(max_examples=60, deadline=None)
@given(strategies.permutations(range(5)), strategies.data())
def test_in_whatever_order_answers_come_the_newest_stays(order: list[int], data: strategies.DataObject) -> None:
    """Five versions, seen at their own times or later, some by summaries: in the end the newest covered form is held."""
    bench = Bench()
    versions = [invoice(n, Reference=f"v{n}", LineItems=[{"Quantity": n}]) for n in range(5)]
    for n in order:
        is_summary = data.draw(strategies.booleans())
        bench.see(versions[n], applying.summary(ONE) if is_summary else applying.WHOLE, minute=n)
    assert bench.held()["Reference"] == "v4"
    bench.see(versions[4], minute=10)
    assert bench.held() == versions[4]
    assert bench.missing() == ""
    asyncio.run(bench.database.close())


BAD = {
    "bytes that are no text": b'{"InvoiceID":"a","Reference":"\xff"}',
    "half a character": b'{"InvoiceID":"a","Reference":"\\ud800"}',
    "no id": b'{"Status":"DRAFT"}',
    "an id of nothing": b'{"InvoiceID":null}',
    "a status that is a number": b'{"InvoiceID":"a","Status":5}',
    "a stamp that is none": b'{"InvoiceID":"a","UpdatedDateUTC":"yesterday"}',
    "a total that is none": b'{"InvoiceID":"a","Total":"x"}',
    "no object": b"[1]",
    "half an object": b'{"InvoiceID":"a","Status":"DR',
    "too deep": b'{"InvoiceID":"a","X":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("element", BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_unclear_and_changes_nothing(mirror: Bench, element: bytes) -> None:
    """Never a crash, never half a page."""
    body = b'{"Status":"OK","DateTimeUTC":"/Date(1789269376195)/","Invoices":[{"InvoiceID":"good"},' + element + b"]}"
    whole = Mirror(mirror.database, lambda _url, _reference: None)

    async def work() -> None:
        found = paging.split(Answer(status=200, body=body), "Invoices")
        rows = [reading.seen(ONE, one) for one in found.elements]
        await whole.apply(Observation(TENANT, ONE, rows, found.server_time), applying.WHOLE)

    with pytest.raises(errors.Unclear):
        asyncio.run(work())
    assert asyncio.run(mirror.database.read(lambda conn: mirrored.count(conn, TENANT, "Invoices"))) == 0


def test_a_document_that_lacks_almost_everything_is_kept(mirror: Bench) -> None:
    """An id is enough, also for what postings look it up by."""
    whole = Mirror(mirror.database, lambda _url, _reference: None)
    rows = [reading.seen(ONE, b'{"InvoiceID":"i"}')]
    (seen,) = asyncio.run(whole.apply(Observation(TENANT, ONE, rows, NOON), applying.WHOLE))
    assert dict(seen.after or {}) == {"InvoiceID": "i"}
