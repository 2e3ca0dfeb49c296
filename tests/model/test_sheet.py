"""Rows as they are kept with the posting that they became."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import sheet
from counterfoil.model.sheet import SheetRow

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ROWS = st.lists(
    st.builds(SheetRow, TEXT, st.dictionaries(TEXT, TEXT, max_size=5), TEXT, st.none() | TEXT), min_size=1, max_size=5
)


@given(ROWS)
def test_what_is_packed_is_unpacked_equal(rows):
    """Any text, any columns, groups and none."""
    assert sheet.unpack(sheet.pack(rows)) == tuple(rows)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b'{"external_id": "a"}',
        b'{"rows": "of a boat"}',
        b'{"rows":[{"source":1}]}',
        b'{"rows":[{"source":"a"}]}',
        b'{"rows":[{"source":"\xff"}]}',
        b'{"rows":[{"source":',
    ],
)
def test_a_record_of_ones_own_is_no_rows(raw):
    """Also one that begins as packed rows do: it goes on as the record that it is, and is refused there."""
    assert sheet.unpack(raw) is None


LETTERS = st.lists(st.sampled_from("ABC"), min_size=1, max_size=6).filter(
    lambda letters: len([key for key, _run in itertools.groupby(letters)]) == len(set(letters))
)


@given(letters=LETTERS, gap=st.integers(1, 9))
def test_a_record_that_stands_twice_is_marked_once(letters, gap):
    """Whatever equal neighbours it has: the second copy is marked, whole, and nothing of the first."""
    rows = [SheetRow(f"o.csv:{n}", {"a": letter}, letter) for n, letter in enumerate(letters * 2)]
    count = len(letters)
    found = sheet.marked(rows, [*range(count), *range(count + gap, 2 * count + gap)])
    assert [row.again for row in found] == [False] * count + [True] * count
    assert sheet.marked(rows[:count], range(count)) == tuple(rows[:count])


def test_copies_without_anything_between_them_are_known_by_their_order():
    """A B A B is a record twice, A A B B are equal lines; what one object holds is its own, the next object's is not."""
    rows = {letter: SheetRow("o.csv:1", {"a": letter}, letter) for letter in "AB"}

    def again(letters, groups=None):
        given = [
            msgspec.structs.replace(rows[one], group=groups[n] if groups else None) for n, one in enumerate(letters)
        ]
        return [row.again for row in sheet.marked(given, range(len(given)))]

    assert again("ABAB") == [False, False, True, True]
    assert again("AABB") == [False] * 4
    assert again("ABA", "111") == [False] * 3
    assert again("ABAAB", "11122") == [False, False, False, True, True]
