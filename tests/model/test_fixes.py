"""Corrections laid over records: precise, repeatable, and gone without a trace when they are undone."""

import datetime
import json
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import fixes
from counterfoil.model.fixes import Fix
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow

AT = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.UTC)


def fix(put, *, id=1, entity="acme-uk", external_id=None, cause="account-unknown", field="", value=None):
    ids = frozenset([external_id]) if external_id else None
    return Fix(id, entity, ids, external_id is not None, cause, field, value, put, "ann@office", AT)


def record(*accounts, **more):
    lines = [{"description": "Widgets", "unit_amount": 9.10, "account": account} for account in accounts]
    return json.dumps({"external_id": "order-1", "lines": lines, **more}).encode()


def unknown(index, value="sales-old"):
    return Finding("account-unknown", "no such account", "", f"lines[{index}].account", value)


def decoded(raw):
    return msgspec.json.Decoder(float_hook=Decimal).decode(raw)


USE_200 = {"lines[].account_code": "200", "lines[].account": None}


def test_without_a_fix_the_bytes_are_the_same():
    """Whatever they are."""
    for raw in (b'{"a": 1.10}', b"[1]", b"{broken", b"\xff"):
        assert fixes.apply(raw, [])[0] is raw
        assert fixes.apply(raw, [fix(USE_200)], [unknown(0)], "acme-uk")[0] is raw
        assert fixes.apply(raw, [fix({"date": "2026-11-01"}, external_id="order-9")])[0] is raw


def test_a_fix_for_a_cause_touches_only_the_lines_that_were_found():
    """The other line of the same account was good, as its own finding is missing."""
    raw, notes = fixes.apply(record("sales-old", "sales-old"), [fix(USE_200)], [unknown(1)], "acme-uk")
    first, second = decoded(raw)["lines"]
    assert (first["account"], second.get("account"), second["account_code"]) == ("sales-old", None, "200")
    assert (
        notes[0].said == "account_code nothing → 200, account sales-old → nothing by ann@office on 2026-11-22 (fix 1)"
    )


def test_a_fix_speaks_for_its_entity_its_field_and_its_value_alone():
    """Another company's account of that name, another value, another field: untouched."""
    one = fix(USE_200, field="lines[].account", value="sales-old")
    raw = record("sales-old")
    assert fixes.apply(raw, [one], [unknown(0)], "acme-au") == (raw, ())
    assert fixes.apply(raw, [one], [unknown(0, "other")], "acme-uk") == (raw, ())
    elsewhere = Finding("account-unknown", "", "", "lines[0].account_code", "sales-old")
    assert fixes.apply(raw, [one], [elsewhere], "acme-uk") == (raw, ())
    assert fixes.apply(raw, [one], [unknown(0)], "acme-uk")[1]


def test_amounts_survive_to_the_last_digit():
    """What is written anew is written as it was, never through a float."""
    raw = b'{"external_id":"a","date":"2026-09-01","lines":[{"unit_amount":0.10},{"unit_amount":"1.2300"}],"x":1e2}'
    found = Finding("before-lock-date", "", "", "date", "2026-09-01")
    fixed, _notes = fixes.apply(raw, [fix({"date": "2026-11-01"}, cause="before-lock-date")], [found], "acme-uk")
    assert b'"unit_amount":0.10' in fixed
    assert b'"unit_amount":"1.2300"' in fixed
    assert decoded(fixed) == decoded(raw) | {"date": "2026-11-01"}


def test_a_fix_by_name_needs_no_finding_and_leaves_others_alone():
    """A number that somebody has taken is no finding of the checks."""
    one = fix({"number": "S-2"}, external_id="order-1", cause="number-taken")
    raw, notes = fixes.apply(record("200", number="S-1"), [one])
    assert (decoded(raw)["number"], notes[0].fix) == ("S-2", 1)
    assert fixes.apply(raw, [one]) == (raw, ())
    other = record("200", number="S-1").replace(b"order-1", b"order-2")
    assert fixes.apply(other, [one]) == (other, ())


def test_a_fix_for_some_records_leaves_others_with_the_same_trouble():
    """Where no value says what is alike, what comes later is for a person again."""
    some = msgspec.structs.replace(fix(USE_200), external_ids=frozenset(["order-1", "order-2"]))
    assert fixes.apply(record("sales-old"), [some], [unknown(0)], "acme-uk")[1]
    other = record("sales-old").replace(b"order-1", b"order-3")
    assert fixes.apply(other, [some], [unknown(0)], "acme-uk") == (other, ())


def test_the_newest_fix_wins():
    """For one finding one correction speaks."""
    newer = fix({"lines[].account": "export"}, id=2)
    raw, notes = fixes.apply(record("sales-old"), [newer, fix(USE_200)], [unknown(0)], "acme-uk")
    assert (decoded(raw)["lines"][0]["account"], [note.fix for note in notes]) == ("export", [2])


def test_places_with_dots_and_missing_objects():
    """A tracking category may have any name; a contact without an e-mail gets one."""
    place = "lines[].tracking.Cost centre v1.2 [old]"
    assert fixes.steps(place) == ("lines", None, "tracking", "Cost centre v1.2 [old]")
    one = fix({place: "North", "contact.email": "a@b.example"}, external_id="order-1")
    fixed, _notes = fixes.apply(record("200"), [one])
    assert decoded(fixed)["lines"][0]["tracking"] == {"Cost centre v1.2 [old]": "North"}
    assert decoded(fixed)["contact"] == {"email": "a@b.example"}


def test_cells_are_corrected_where_their_mapping_complained():
    """The column and the value of the finding, in every row of the record; the row's hash stays."""
    rows = [SheetRow("o.csv:2", {"Tax code": "RC20", "Qty": "1"}, "h1"), SheetRow("o.csv:3", {"Tax code": "S"}, "h2")]
    found = Finding("lookup-unknown", "", "", "Tax code", "RC20")
    one = fix({"`Tax code`": "S"}, entity=None, cause="lookup-unknown", field="Tax code", value="RC20")
    changed, notes = fixes.apply_cells(rows, [one], [found])
    assert [row.cells["Tax code"] for row in changed] == ["S", "S"]
    assert [row.hash for row in changed] == ["h1", "h2"]
    assert notes[0].said.startswith("Tax code RC20 → S by ann@office")
    assert fixes.apply_cells(changed, [one], [found]) == (changed, ())
    assert fixes.apply_cells(rows, [], [found]) == (rows, ())
    for stranger in ({"external_ids": frozenset(["order-9"])}, {"entity": "acme-au"}):
        other = msgspec.structs.replace(one, **stranger)
        assert fixes.apply_cells(rows, [other], [found], "order-1", "acme-uk") == (rows, ())
    named = msgspec.structs.replace(one, external_ids=frozenset(["order-1"]), by_name=True)
    assert fixes.apply(b'{"external_id":"order-1"}', [named])[1] == ()
    assert fixes.apply_cells(rows, [named], [found], "order-1", "acme-uk")[1]


accounts = st.lists(st.sampled_from(["sales-old", "200", "export", "shop"]), min_size=1, max_size=6)


@given(accounts, st.sampled_from(["sales-old", "shop"]))
def test_fixing_twice_is_fixing_once_and_the_original_is_untouched(names, wrong):
    """Idempotent under the same findings, and everything but the named places is as it was."""
    raw = record(*names)
    found = [unknown(index, name) for index, name in enumerate(names) if name == wrong]
    one = fix({"lines[].account": "sales"}, field="lines[].account", value=wrong)
    fixed, _notes = fixes.apply(raw, [one], found, "acme-uk")
    assert fixes.apply(fixed, [one], found, "acme-uk")[0] == fixed
    expected = decoded(raw)
    for line in expected["lines"]:
        line["account"] = "sales" if line["account"] == wrong else line["account"]
    assert decoded(fixed) == expected
