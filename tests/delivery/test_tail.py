"""The end of a file: whole changes are known again, half ones are cut off, wherever the writer died."""

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.delivery import tail
from counterfoil.delivery.tail import Mark


def mark(line):
    """`change row rows` are the first words of a line."""
    words = line.split(b" ")
    return Mark(words[0].decode(), int(words[1]), int(words[2])) if len(words) > 3 and words[2].isdigit() else None


def lines(change, rows):
    return b"".join(f"{change} {n} {rows} text\n".encode() for n in range(1, rows + 1))


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6), data=st.data())
def test_wherever_it_is_cut_whole_changes_are_known_and_nothing_else(sizes, data):
    """`good` ends behind the last change of which every row is there."""
    blocks = [lines(f"c{n}", rows) for n, rows in enumerate(sizes)]
    text = b"".join(blocks)
    cut = data.draw(st.integers(0, len(text)))
    found = tail.read(text[:cut], b"\n", mark, from_start=True)
    whole = 0
    while whole < len(blocks) and sum(map(len, blocks[: whole + 1])) <= cut:
        whole += 1
    assert found.good == sum(map(len, blocks[:whole]))
    assert set(found.changes) == {f"c{n}" for n in range(whole)}


@given(start=st.integers(0, 200))
def test_a_piece_may_begin_in_the_middle_of_a_line(start):
    """Its first line is not looked at; what it ends with is."""
    text = b"".join(lines(f"c{n}", 2) for n in range(20))
    found = tail.read(text[start:], b"\n", mark, from_start=False)
    assert start + found.good == len(text)
    assert found.changes[:5] == ("c19", "c18", "c17", "c16", "c15")
    assert not found.enough


def test_what_somebody_else_wrote_is_left():
    """And what stands before it is not asked for."""
    found = tail.read(lines("a", 1) + b"a note\n" + lines("b", 1) + b"half", b"\n", mark, from_start=True)
    assert (found.changes, found.enough, found.ours) == (("b",), True, True)
    assert not tail.read(b"a note\nhalf", b"\n", mark, from_start=True).ours
