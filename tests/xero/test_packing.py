import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.xero import packing


@given(st.binary(max_size=2000))
def test_what_was_packed_comes_out(content):
    """gzip in any spelling, or no packing at all."""
    for encoding in ("gzip", "GZIP", "x-gzip"):
        assert packing.unpacked(gzip.compress(content), encoding, 2000) == content
    assert packing.unpacked(content, "", 2000) == content


@given(st.data())
def test_a_cut_gzip_is_never_whole(data):
    """Wherever it is cut, even within the trailer, it is refused; an empty body stays empty."""
    whole = gzip.compress(b"some content " * 20)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(packing.BadPackingError):
        packing.unpacked(whole[:cut], "gzip", 10_000)
    assert packing.unpacked(b"", "gzip", 10) == b""


def test_a_bomb():
    """A small body that unpacks to a huge one is refused before it is unpacked."""
    with pytest.raises(packing.BadPackingError, match="too long"):
        packing.unpacked(gzip.compress(bytes(10_000_000)), "gzip", 1_000)


def test_other_packings():
    """Only what we asked for."""
    with pytest.raises(packing.BadPackingError, match="did not ask"):
        packing.unpacked(b"x", "br", 10)
