"""Text becomes CSV records by RFC 4180: doubled quotes, line breaks inside quotes; and reading goes on after a broken one.

Called by delimited. A quote that is never closed would swallow the rows after it. When a record does not end as one
should, its first line is refused and the lines after it are read again, each as a row of its own. They may as well be
the inside of that broken cell: so they are held back until the next line with quotes shows which of the two is so.
"""

import csv
import hashlib
import itertools
from collections import deque
from collections.abc import Iterator
from typing import Final, TextIO

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.sources import ROW_BYTES_MAX

REREAD_MAX: Final = 16 * ROW_BYTES_MAX  # characters read again in one file; a file with more such quotes is given up
IN_DOUBT_MAX: Final = 1_000  # lines held back until a quote decides
csv.field_size_limit(max(csv.field_size_limit(), ROW_BYTES_MAX))  # the record's bound is the cell's as well

_QUOTE_REMEDY: Final = (
    "Write a quote inside a quoted cell twice, and close every quoted cell; or export the file again."
)


class Record(msgspec.Struct, frozen=True):
    """One record: the line on which it begins, its text, its cells ([] when the line is blank), or why it is refused."""

    line: int
    text: str
    cells: list[str]
    fault: Finding | None = None
    digest: str | None = None  # of what was too long to hold


class _TooLongError(Exception):
    """The record under way is longer than ROW_BYTES_MAX."""


class _Lines:
    """The lines of a text for csv to take, those of the record under way remembered."""

    def __init__(self, text: TextIO, first: int) -> None:
        self._readline = text.readline
        self._again: deque[str] = deque()
        self._next = first
        self._held = 0
        self.reread = 0
        self.taken: list[str] = []
        self.line = first

    def begin(self) -> None:
        """What is taken from here on is a new record."""
        self.line = self._next
        self._held = 0
        self.taken = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._readline(ROW_BYTES_MAX + 2)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._next += 1
        self._held += len(line)
        if self._held > ROW_BYTES_MAX and len(line.rstrip("\r\n")) + self._held - len(line) > ROW_BYTES_MAX:
            raise _TooLongError
        return line

    def give_back(self) -> None:
        """All lines of the record but the first are read again."""
        back = self.taken[1:]
        self._again.extendleft(reversed(back))
        self._next -= len(back)
        self.reread += sum(map(len, back))

    def digest_rest_of_line(self) -> str:
        """Skip what is left of a line that is too long to hold; → the digest of the whole line."""
        line = self.taken[-1]
        digest = hashlib.sha256(line.encode("utf-8", "surrogatepass"))
        while line and not line.endswith(("\n", "\r")):
            line = self._readline(ROW_BYTES_MAX)
            digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def records(text: TextIO, delimiter: str, quote: str, first_line: int = 1) -> Iterator[Record]:
    """Every record of a text, in order, blank lines included; lazily, holding one record and the lines in doubt.

    `quote` "" means that there is none. `first_line` is the number of the text's next line.
    """
    lines = _Lines(text, first_line)
    in_doubt: list[Record] | None = None  # None: every quote so far was closed
    held = 0
    for record in _plainly(lines, delimiter, quote):
        fault = record.fault
        if fault is not None and fault.cause == "quote-broken":
            yield from _refused(in_doubt or [])
            yield record
            in_doubt, held = [], 0
            if lines.reread > REREAD_MAX:
                yield _given_up(lines)
                return
        elif in_doubt is None:
            yield record
        elif quote in record.text and any(quote in cell for cell in record.cells):
            yield from _refused([*in_doubt, record])  # this is the quote that closes the broken cell
            in_doubt = None
        else:
            in_doubt.append(record)
            held += len(record.text)
            if quote in record.text or len(in_doubt) == IN_DOUBT_MAX or held > ROW_BYTES_MAX:
                yield from in_doubt
                in_doubt = None
    yield from in_doubt or []


def _plainly(lines: _Lines, delimiter: str, quote: str) -> Iterator[Record]:
    """Record after record; one that is broken as its first line alone."""
    reader = (
        csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True)
        if quote
        else csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    )
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLongError:
            if len(lines.taken) == 1:
                yield _too_long(lines)
                continue
        except csv.Error:
            pass
        else:
            taken = lines.taken
            yield Record(lines.line, taken[0] if len(taken) == 1 else "".join(taken), cells)
            continue
        broken = _broken(lines, delimiter, quote)
        lines.give_back()
        yield broken


def _too_long(lines: _Lines) -> Record:
    digest = lines.digest_rest_of_line()
    reason = f"The line has more than {ROW_BYTES_MAX:,} characters."
    fault = Finding("line-too-long", reason, "Write one row per line; a file without line ends is one line.")
    return Record(lines.line, "", [], fault, digest)


def _broken(lines: _Lines, delimiter: str, quote: str) -> Record:
    """The first line, refused, with those of its cells that stand before the broken one."""
    first = lines.taken[0]
    cells = next(csv.reader([first], delimiter=delimiter, quotechar=quote))
    sound = list(itertools.takewhile(lambda cell: quote not in cell and "\n" not in cell, cells[:-1]))
    last = lines.line + len(lines.taken) - 1
    to = "this line" if last == lines.line else f"line {last}"
    reason = f"A quoted cell that begins here is not closed as it should be: up to {to} the quotes do not fit together."
    return Record(lines.line, first, sound, Finding("quote-broken", reason, _QUOTE_REMEDY))


def _refused(records: list[Record]) -> Iterator[Record]:
    """Rows that may be the inside of a broken cell."""
    for record in records:
        reason = "The line stands between quotes that do not fit together: it may be part of the cell before it."
        doubt = Finding("quote-in-doubt", reason, _QUOTE_REMEDY)
        yield msgspec.structs.replace(record, fault=record.fault or doubt) if record.cells else record


def _given_up(lines: _Lines) -> Record:
    lines.begin()
    reason = "From this line on nothing was read: too many quotes of the file do not fit together."
    return Record(lines.line, "", [], Finding("quote-broken", reason, _QUOTE_REMEDY))
