"""A feed to a CSV file: a line of each row, the header once, each change once, on the disk before it counts as handed over.

Called by the engine through sinks. RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180): lines end in CR LF, and no cell holds those two
together, so that a line is a row. No cell can become a formula. The last columns say whose row a line is.
"""

import csv
import functools
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.delivery import file_names
from counterfoil.delivery.appending import Appender, Block, Form
from counterfoil.delivery.aside import aside
from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sinks import Tools
from counterfoil.delivery.tail import MARKS, MOST, Mark
from counterfoil.model import formulas, shape
from counterfoil.model.change import Change
from counterfoil.settings import FeedSettings, tables

ENDING: Final = b"\r\n"
_BREAK: Final = re.compile(r"\r\n?")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class CsvTable(tables.Table, frozen=True, kw_only=True):
    """`to = { csv = "out/invoices-{month}.csv" }`."""

    csv: Annotated[
        str, msgspec.Meta(description="A file, relative to this one; {date}, {month}, {entity}, {resource}.")
    ]
    delimiter: Annotated[Literal[",", ";", "\t", "|"], msgspec.Meta(description="Between two cells.")] = ","


TABLE: Final = CsvTable


def misfits(feed: FeedSettings, to: dict[str, Any]) -> list[shape.Misfit]:
    """The file's name, and that there are columns."""
    found = file_names.misfits("csv", to.get("csv"))
    if feed.map is None:
        found.append(shape.Misfit(("csv",), "wrong-value", "needs columns", f"Write [feeds.{feed.table}.map]."))
    return found


def unfit(_feed: FeedSettings, _to: CsvTable, shaped: Shape) -> list[shape.Misfit]:
    """No column may be called as those of ours."""
    return file_names.unfit(shaped)


def outlet(_feed: FeedSettings, to: CsvTable, shaped: Shape, tools: Tools) -> "CsvOutlet":
    """The outlet of a feed to a CSV file."""
    return CsvOutlet(to, shaped, tools.folder)


def mark(line: bytes, delimiter: bytes = b",") -> Mark | None:
    """Whose row a line is, by its last three cells; None: it is none of ours."""
    change, row, rows = [b"", b"", b"", *line.rsplit(delimiter, len(MARKS))][-len(MARKS) :]
    if not (change.isalnum() and row.isdigit() and rows.isdigit()):
        return None
    return Mark(change.decode("ascii"), int(row), int(rows))


def cell(value: Any, *, is_amount: bool = False) -> str:
    """A value as a cell. An amount may begin with a minus sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        value = msgspec.json.encode(value).decode()
    text = _BREAK.sub("\n", str(value))
    return text if is_amount and _NUMBER.fullmatch(text) else formulas.disarmed(text)


class CsvOutlet:
    """Implements outlet.Outlet."""

    most = MOST

    def __init__(self, to: CsvTable, shaped: Shape, folder: Path) -> None:
        assert shaped.mapper is not None, "misfits() has asked for it"
        self._pattern, self._delimiter, self._shaped, self._folder = to.csv, to.delimiter, shaped, folder
        self._columns = shaped.mapper.columns
        of_line = functools.partial(mark, delimiter=to.delimiter.encode())
        head = self._line([formulas.disarmed(one.name) for one in self._columns], MARKS)
        self._files = Appender(Form(ENDING, of_line, head=head))

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """Append the rows of these changes. Raises NotDelivered."""
        files: dict[Path, list[Block]] = {}
        for one in changes:
            path = file_names.of(self._pattern, one, self._folder)
            files.setdefault(path, []).append(Block(one.id, self.lines(one)))
        for path, blocks in files.items():
            await aside(functools.partial(self._files.append, path, blocks))

    def lines(self, change: Change) -> bytes:
        """The lines of a change."""
        found = self._shaped.rows(change)
        return b"".join(
            self._line(
                [cell(row.get(one.name), is_amount=one.kind in {"amount", "whole"}) for one in self._columns],
                (change.id, str(n), str(len(found))),
            )
            for n, row in enumerate(found, 1)
        )

    def _line(self, cells: Sequence[str], marks: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerow([*cells, *marks])
        return text.getvalue().encode("utf-8", errors="replace")

    async def close(self) -> None:
        """Nothing is held."""
