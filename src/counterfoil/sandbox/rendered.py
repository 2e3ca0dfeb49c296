"""Elements of lists as bytes, made once for each stored version of a row and joined into every page that shows it.

Called by `resources.collection` through `world`. Rows are never changed in place (see `tables`), so a version is the row
object itself: what was made of another object is made anew, also in a stale read and after a roll-back.
"""

from collections.abc import Callable

from counterfoil.sandbox import wire
from counterfoil.sandbox.tables import Row

BYTES_MAX = 64 * 1024 * 1024  # of all kept elements; the oldest go first


class Rendered:
    """The kept elements, by the id of their row and the form that it is shown in."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: dict[tuple[str, str], tuple[Row, bytes]] = {}

    def element(self, form: str, id: str, row: Row, show: Callable[[Row], Row]) -> bytes:
        """`show(row)` as an element of an answer. `show` may look at nothing but the row and what `form` names."""
        kept = self._kept.get((form, id))
        if kept is not None and kept[0] is row:
            return kept[1]
        made = wire.element(show(row))
        if kept is not None:
            self._bytes -= len(kept[1])
            del self._kept[form, id]
        self._kept[form, id] = (row, made)
        self._bytes += len(made)
        while self._bytes > self._bytes_max:
            oldest = next(iter(self._kept))
            self._bytes -= len(self._kept.pop(oldest)[1])
        return made
