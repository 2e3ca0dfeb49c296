"""The three-way comparison: whose field is it, and which line is which."""

import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.prepared import Predicted, PredictedLine
from counterfoil.posting import comparing
from counterfoil.posting.standing import Side

HEAD = {"Contact": {"ContactID": "c"}, "Date": "2026-11-02", "CurrencyCode": "GBP", "LineAmountTypes": "Exclusive"}


def side(*lines: tuple[str, int, int], **head: Any) -> Side:
    """Our word: lines of (description, quantity, price) with 20 % tax."""
    items = [
        {"Description": d, "Quantity": q, "UnitAmount": p, "AccountCode": "200", "TaxType": "OUTPUT2"}
        for d, q, p in lines
    ]
    foreseen = tuple(PredictedLine("200", "OUTPUT2", Decimal(q * p), Decimal(q * p) / 5) for _d, q, p in lines)
    total = sum((one.line_amount for one in foreseen), Decimal(0))
    day = datetime.date(2026, 11, 2)
    predicted = Predicted("DRAFT", day, None, "GBP", total, total / 5, total * 6 / 5, foreseen)
    return Side({**HEAD, "Status": "DRAFT", "Reference": "PO", **head, "LineItems": items}, predicted)


def stored(ours: Side, *, ids: bool = True, **head: Any) -> dict[str, Any]:
    """What Xero made of it."""
    lines = [
        {
            **line,
            "TaxAmount": line["Quantity"] * line["UnitAmount"] / Decimal(5),
            **({"LineItemID": f"L{n}"} if ids else {}),
        }
        for n, line in enumerate(ours.element["LineItems"])
    ]
    return {"InvoiceID": "i", "InvoiceNumber": "N", **ours.element, "LineItems": lines, **head}


def test_nothing_changed_is_nothing_to_write():
    """All three agree."""
    base = side(("A", 1, 5))
    assert comparing.compare(base, stored(base), base) == comparing.Comparison(None)


def test_only_what_the_record_changed_is_written_and_lines_are_left_out():
    """A new reference touches no line."""
    base = side(("A", 1, 5))
    found = comparing.compare(base, stored(base), side(("A", 1, 5), Reference="New"))
    assert found.element == {"InvoiceID": "i", "Reference": "New"}


def test_a_line_in_the_middle_keeps_the_ids_of_its_neighbours():
    """The set that is sent replaces the set that is there."""
    base = side(("A", 1, 5), ("B", 1, 5))
    found = comparing.compare(base, stored(base), side(("A", 1, 5), ("New", 1, 5), ("B", 1, 5)))
    assert found.element is not None
    assert [line.get("LineItemID") for line in found.element["LineItems"]] == ["L0", None, "L1"]


def test_a_person_who_swaps_two_lines_confuses_nobody():
    """With ids or without them, the record's change reaches its own line."""
    base = side(("A", 1, 5), ("B", 1, 5))
    there = stored(base)
    there["LineItems"].reverse()
    for line_ids in ((), ("L0", "L1")):
        found = comparing.compare(base, there, side(("A", 9, 5), ("B", 1, 5)), line_ids)
        assert found.element is not None
        assert {line["LineItemID"]: line["Quantity"] for line in found.element["LineItems"]} == {"L0": 9, "L1": 1}


def test_a_tax_that_a_person_set_is_a_conflict_with_a_new_price_and_survives_a_new_text():
    """Xero would compute it anew."""
    base = side(("A", 1, 5))
    there = stored(base)
    there["LineItems"][0]["TaxAmount"] = Decimal("0.99")
    assert comparing.compare(base, there, side(("A", 1, 6))).conflicts
    found = comparing.compare(base, there, side(("A longer text", 1, 5)), ("L0",))
    assert found.element is not None
    assert found.element["LineItems"][0]["TaxAmount"] == Decimal("0.99")


def test_a_line_that_a_person_took_away_stays_away():
    """Unless the record changed it: then a person decides."""
    base = side(("A", 1, 5), ("B", 1, 5))
    there = stored(base)
    del there["LineItems"][0]
    found = comparing.compare(base, there, side(("A", 1, 5), ("B", 2, 5)), ("L0", "L1"))
    assert found.element is not None
    assert [line["LineItemID"] for line in found.element["LineItems"]] == ["L1"]
    assert comparing.compare(base, there, side(("A", 2, 5), ("B", 1, 5)), ("L0", "L1")).conflicts


LINES = st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=5)


def test_lines_that_only_changed_places_are_written_in_their_new_order():
    """Found by the property below; an order that a person made in Xero stays."""
    base, ours = side(("A", 1, 1), ("B", 1, 1)), side(("B", 1, 1), ("A", 1, 1))
    found = comparing.compare(base, stored(base), ours)
    assert [line["Description"] for line in found.element["LineItems"]] == ["B", "A"]
    assert [one.field for one in found.changes] == ["lines"]
    moved = stored(ours)
    assert comparing.compare(base, moved, base).element is None


@given(was=LINES, now=LINES, reference=st.sampled_from(["PO", "New", ""]))
def test_what_is_written_is_what_the_record_says(was: Any, now: Any, reference: str):
    """Nobody else touched it: afterwards Xero has exactly the record's lines, in its order."""
    base, ours = side(*was), side(*now, Reference=reference)
    there = stored(base)
    found = comparing.compare(base, there, ours)
    assert found.conflicts == found.theirs == ()
    after = {**there, **(found.element or {})}
    lines = [(line["Description"], line["Quantity"], line["UnitAmount"]) for line in after["LineItems"]]
    assert lines == now
    assert after["Reference"] == reference
    assert found.element is None or comparing.missing(found.element, after) == ()
