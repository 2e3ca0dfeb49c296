"""Rows over HTTP, of a flow that maps them: gathered to records as those of a file are."""

import json

import pytest

from counterfoil.store import handed, postings
from tests.app import till as tills
from tests.app.till import Till
from tests.posting.conftest import sandbox
from tests.service.api.test_records import Desk

__all__ = ["sandbox"]


class PushedTill(Till):
    """The till, whose rows programs hand over."""

    flow_text = tills.FLOW.replace('source = { csv = "orders.csv" }', "source = { push = true }")


@pytest.fixture
async def desk(sandbox, tmp_path):
    """A program before a flow that maps rows."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    books = await PushedTill(tmp_path, sandbox).open()
    yield Desk(books)
    await books.close()


def rows(*orders):
    """Rows as objects."""
    return [dict(zip(tills.COLUMNS, row, strict=True)) for one in orders for row in one]


async def test_rows_become_records_with_the_place_of_their_first_one(desk):
    """Two orders whose rows are mixed: one posting each; sent again, the same."""
    first = tills.order("A1", "22.00", ("1", "10.00", "S"), ("1", "10.00", "Z"))
    mixed = rows([first[0]], tills.small("B2"), [first[1]])
    told = await desk.told(mixed)
    assert [(one["n"], one["external_id"], one["state"]) for one in told] == [
        (0, "A1", "planned"),
        (1, "B2", "planned"),
    ]
    again = await desk.told({"rows": mixed})
    assert [one["id"] for one in again] == [one["id"] for one in told]
    found = await desk.books.database.read(lambda conn: postings.of_records(conn, "shop", ["A1", "B2"]))
    assert {key: str(one.total) for key, one in found.items()} == {"A1": "22.00", "B2": "12.00"}


async def test_what_is_wrong_with_a_row_names_its_column(desk):
    """An unknown code of the lookup; the other order goes on."""
    told = await desk.told(rows(tills.small("A1", "X"), tills.small("B2")))
    assert [one["state"] for one in told] == ["rejected", "planned"]
    assert told[0]["problems"][0]["field"] == "VAT"


async def test_a_row_that_cannot_be_read_takes_none(desk):
    """It may belong to any of the orders, which would then lack a line."""
    answer = await desk.post(json.dumps([*rows(tills.small("A1")), 7]).encode())
    assert (answer.status, answer.json["code"]) == (422, "fix-input")
    assert "Row 2" in answer.json["detail"]
    assert await desk.books.database.read(handed.flows) == set()


async def test_records_can_be_handed_to_it_as_well(desk):
    """They are never mapped."""
    record = {
        "external_id": "R1", "contact": {"external_id": "c", "name": "C"}, "date": "2026-11-02", "currency": "GBP",
        "lines": [{"description": "x", "quantity": "1", "unit_amount": "1", "account_code": "200", "tax_type": "OUTPUT2"}],
    }  # fmt: skip
    (told,) = await desk.told({"records": [record]})
    assert (told["external_id"], told["state"]) == ("R1", "planned")


async def test_rows_for_another_company_are_refused(desk):
    """The flow's entity counts where rows say none."""
    (told,) = await desk.told(rows(tills.small("A1")), await desk.key("write", "acme-uk"))
    assert told["state"] == "planned"
    answer = await desk.post(rows(tills.small("A1")), await desk.key("write", "acme-au"))
    assert answer.status == 404
