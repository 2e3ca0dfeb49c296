"""How much one transaction of a sweep may take: so many rows, and no longer than so. Called by the sweeps and by app/privacy.

Others wait for a write transaction on SQLite, so that each is kept under 20 ms. Rows cost very differently (most are not about the
person, a document has one line or five hundred), so that a number of rows alone bounds nothing: a turn ends with the row
at which its time is over. What was found is written afterwards, which takes about half as long as finding it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

WORK_S: Final = 0.008


class Turn:
    """One turn. `taken`: how many rows it took; `is_cut`: its time was over before they were."""

    def __init__(self, most: int, elapsed_s: Callable[[], float]) -> None:
        self.most = most
        self.taken = 0
        self.is_cut = False
        self._elapsed_s = elapsed_s
        self._ends_s = elapsed_s() + WORK_S
        self._last: Any = None

    def but(self, most: int) -> "Turn":
        """The same with fewer rows, where each is known to cost much."""
        self.most = min(self.most, most)
        return self

    def of(self, rows: Iterable[Any]) -> Iterator[Any]:
        """The rows, at least one of them, until the time is over."""
        for row in rows:
            self.taken += 1
            self._last = row
            yield row
            if self._elapsed_s() >= self._ends_s:
                self.is_cut = True
                return

    def last(self) -> Any:
        """The row after which the next turn begins; None: there are no more."""
        return self._last if self.is_cut or self.taken == self.most else None
