import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import kept_answer

BODY = b'{"Status":"OK"}'


@given(st.binary(min_size=1, max_size=500))
def test_what_is_kept_is_read_again(body):
    """Compressed by us or as it came, the same body comes out; what came compressed is not compressed again."""
    came = gzip.compress(body)
    assert kept_answer.pack(body, came) == came
    assert kept_answer.unpack(came) == kept_answer.unpack(kept_answer.pack(body)) == body


def test_only_the_beginning_of_a_long_answer_is_kept():
    """However little room it took on its way; nor is anything kept that came behind a short one."""
    body = bytes(kept_answer.BYTES_MAX + 1)
    assert kept_answer.unpack(kept_answer.pack(body, gzip.compress(body, 1))) == body[:-1]
    assert len(kept_answer.pack(BODY, gzip.compress(BODY) + body)) < 100


def test_an_empty_answer_and_a_damaged_one():
    """No body, nothing kept; what is damaged says so."""
    assert kept_answer.pack(b"") is None
    with pytest.raises(zlib.error):
        kept_answer.unpack(gzip.compress(BODY)[:-4])
