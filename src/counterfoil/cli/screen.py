"""What a command shows: one JSON value for programs, lines and tables for people, notes on stderr, the `Next:` line.

Called by every command through its session. The only file of cli/ that writes to stdout. On a pipe there is no colour,
no bar and no `Next:`. Nothing that comes from outside can steer the terminal: it is made harmless here, whoever hands it over.
"""

import codecs
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Final

from counterfoil.cli import streams, table

LINES_AROUND: Final = 8  # of a screen that a table leaves to what stands above and below it
LINES_DEFAULT: Final = 40  # a screen's height on a pipe
LINES_MIN: Final = 5
CHUNK_BYTES: Final = 1 << 16  # of JSON written at once


class Screen:
    """Where a command's results go. `json`: only the one value goes to stdout."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        self.is_terminal = sys.stdout.isatty() and not json
        self._told = False

    def value(self, value: Any) -> None:
        """The one JSON value, on one line; does nothing without --json. Decimals become strings, instants ISO 8601."""
        if not self.json:
            return
        assert not self._told, "--json promises exactly one value"
        self._told = True
        from counterfoil.cli import one_value

        encoded = one_value.encoded(value)
        decoder = codecs.getincrementaldecoder("utf-8")()
        for start in range(0, len(encoded), CHUNK_BYTES):  # a plan of 100,000 records is held once
            streams.write(sys.stdout, table.json_text(decoder.decode(encoded[start : start + CHUNK_BYTES])))
        streams.write(sys.stdout, "\n")

    def line(self, text: str = "") -> None:
        """A line for people. Whatever stands in it, the terminal obeys none of it: names come from strangers."""
        self.data(table.lines(text))

    def data(self, text: str) -> None:
        """A line of an export to stdout, to the letter: for programs, and so never made harmless."""
        if not self.json:
            streams.write(sys.stdout, table.lines(text) + "\n")

    def note(self, text: str) -> None:
        """A line on stderr, in both modes; made harmless as `line` is."""
        streams.tell(sys.stderr, table.lines(text) + "\n")

    def next(self, command: str) -> None:
        """What to type next; shown on a terminal only."""
        if self.is_terminal:
            self.line(f"\nNext: {command}")

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[int] = (), indent: str = ""
    ) -> None:
        """A table, at most a screenful of it."""
        if self.json:
            return
        most = self._rows_max()
        columns = shutil.get_terminal_size().columns - len(indent) if self.is_terminal else None
        shown = rows if len(rows) <= most else rows[: most - 1]
        for text in table.rows(heads, shown, right=right, columns=columns):
            self.line(indent + text)
        if len(rows) > len(shown):
            self.line(f"… and {len(rows) - len(shown):,} more (--json for all)")

    def _rows_max(self) -> int:
        lines = shutil.get_terminal_size((80, LINES_DEFAULT)).lines if self.is_terminal else LINES_DEFAULT
        return max(LINES_MIN, lines - LINES_AROUND)
