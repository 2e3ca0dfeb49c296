"""The end of a file that rows are appended to: which changes stand there, and what a writer that died left behind.

Called by appending. Pure. Every line says which change it is of, which row of how many: so a change that was written whole is known
again, and one that was not is cut off and written anew.
"""

from collections.abc import Callable
from typing import Final

import msgspec

MARKS: Final = ("_change", "_row", "_rows")  # what the parts of a mark are called in a file
MOST: Final = 500  # changes of one hand-over
CHANGES_MAX: Final = 2 * MOST  # looked at from the end on: what was handed over last is among them
BYTES_MAX: Final = 64 << 20  # looked at from the end on


class Mark(msgspec.Struct, frozen=True):
    """What a line says of itself: the id of its change, and that it is row `row` (from 1) of `rows`."""

    change: str
    row: int
    rows: int


class Tail(msgspec.Struct, frozen=True):
    """`good`: how many bytes of the piece are whole changes; `changes`: their ids, the newest first.

    `enough`: nothing before the piece is asked for. `ours`: the last whole line is, so that half a line behind it is too.
    """

    good: int
    changes: tuple[str, ...]
    enough: bool
    ours: bool


Read = Callable[[bytes], Mark | None]


def read(piece: bytes, separator: bytes, mark: Read, *, from_start: bool) -> Tail:
    """What the last piece of a file says. `from_start`: it is all of it; else its first line may be half of one.

    A line of somebody else's (without a mark) is left as it is, and what stands before it is not looked at.
    """
    end = piece.rfind(separator) + len(separator) if separator in piece else 0
    begin = 0 if from_start else piece.find(separator) + len(separator)
    lines = piece[begin:end].split(separator)[:-1] if end > begin else []
    good, at = end, end
    found: dict[str, None] = {}
    cut: str | None = None  # the change whose last row is missing: its lines are cut off
    for n, line in enumerate(reversed(lines)):
        said = mark(line)
        if said is None:
            return Tail(good, tuple(found), enough=True, ours=n > 0)
        if n == 0 and said.row < said.rows:
            cut = said.change
        at -= len(line) + len(separator)
        if said.change == cut:
            good = at
            continue
        cut = None
        found[said.change] = None
        if len(found) > CHANGES_MAX:
            break
    return Tail(good, tuple(found), enough=from_start or len(found) > CHANGES_MAX, ours=bool(lines))
