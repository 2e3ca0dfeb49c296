"""Rows as they are kept with the posting that they became."""

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
