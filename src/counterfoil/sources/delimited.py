"""CSV files: rows under a header, in any encoding, with any delimiter; RFC 4180 where it says something.

Called by sources. A row's number is that of the line on which it begins, as an editor shows it. Rows whose cells are
all blank are skipped, as are unnamed columns at the right as long as they are blank.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TextIO

from counterfoil.errors import InputError
from counterfoil.model import shape
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import ROW_BYTES_MAX, BadRow, Progress, encodings, files, quoting, sheet
from counterfoil.sources.quoting import Record

PROGRESS_EVERY: Final = 100  # rows


class _Table(NamedTuple):
    """A file whose header was read."""

    name: str
    codec: str
    columns: tuple[str, ...]
    records: Iterator[Record]
    file: BinaryIO


def rows(settings: SourceSettings, path: Path, progress: Progress | None = None) -> Iterator[SheetRow | BadRow]:
    """The rows below the header; see sources.rows."""
    with _opened(settings, path) as table:
        for n, record in enumerate(table.records):
            row = _row(table, record)
            if row is not None:
                yield row
            if progress is not None and n % PROGRESS_EVERY == 0 and table.file.seekable():
                progress(table.file.tell())
        if progress is not None and table.file.seekable():
            progress(table.file.tell())


def columns(settings: SourceSettings, path: Path) -> tuple[str, ...]:
    """The header's names; see sources.columns."""
    with _opened(settings, path) as table:
        return table.columns


@contextlib.contextmanager
def _opened(settings: SourceSettings, path: Path) -> Iterator[_Table]:
    with files.opened(path) as file:
        text = encodings.text_of(file, settings.encoding, path.name)
        _skip_to(text, settings.header_row, path.name)
        records = quoting.records(text, settings.delimiter, settings.quote, settings.header_row)
        where = f"{path.name}, line {settings.header_row}"
        names = _header(next(records, None), settings, text.encoding, where)
        yield _Table(path.name, text.encoding, names, records, file)


def _skip_to(text: TextIO, header_row: int, name: str) -> None:
    for number in range(1, header_row):
        line = text.readline(ROW_BYTES_MAX + 2)
        if not line:
            raise InputError(
                f"{name}: the file has {number - 1} lines; header_row is {header_row}.", remedy="Correct header_row."
            )
        if len(line) > ROW_BYTES_MAX:
            raise InputError(
                f"{name}, line {number}: the line has more than {ROW_BYTES_MAX:,} characters.",
                remedy="Is it a text file with line ends?",
            )


def _header(record: Record | None, settings: SourceSettings, codec: str, where: str) -> tuple[str, ...]:
    """The columns' names, or an InputError with the reason why the file cannot be what the settings say."""
    if record is None:
        raise InputError(f"{where}: the file ends before its header.", remedy="Export it again, or correct header_row.")
    if "\0" in record.text:
        raise InputError(
            f"{where}: the header has NUL characters; in UTF-16 every other byte is one.",
            remedy='Write encoding = "utf-16-le", or export the file as UTF-8.',
        )
    finding = record.fault or (None if record.text.isascii() else encodings.misfit(record.text, codec))
    if finding is not None:
        raise InputError(f"{where}: {finding.reason}", remedy=finding.remedy)
    names = sheet.header(record.cells, where)
    other = next((mark for mark in sheet.OTHER_DELIMITERS if mark in names[0] and mark != settings.delimiter), None)
    if len(names) == 1 and other is not None:
        raise InputError(
            f"{where}: delimiter = {settings.delimiter!r} makes one column of the header `{shape.shown(names[0])}`.",
            remedy=f"{sheet.OTHER_DELIMITERS[other].capitalize()} seems to stand between its names: "
            f"write delimiter = {_written(other)}.",
        )
    return names


def _written(delimiter: str) -> str:
    """The delimiter as one writes it in the configuration."""
    return '"\\t"' if delimiter == "\t" else f'"{delimiter}"'


def _row(table: _Table, record: Record) -> SheetRow | BadRow | None:
    """One record judged; None when it is blank."""
    text, cells, width = record.text, record.cells, len(table.columns)
    finding = record.fault
    if finding is None:
        if not any(cells) or (len(cells) != width and not any(map(str.strip, cells))):
            return None
        if not text.isascii():
            finding = _misfit(table, record)
        if "\0" in text:
            finding = Finding("nul-character", "The row has a NUL character.", "Export the file again, as text.")
        if len(cells) > width and not any(map(str.strip, cells[width:])):
            cells = cells[:width]
        if finding is None and len(cells) == width:
            kept = sheet.blanked(cells)
            if any(kept):
                return sheet.row(f"{table.name}:{record.line}", dict(zip(table.columns, kept, strict=True)))
            return None
        remedy = "A delimiter inside a cell needs quotes around that cell; write a blank cell for what is missing."
        finding = finding or sheet.ragged(width, len(cells), remedy)
    digest = record.digest or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    readable = {
        name: cell
        for name, cell in zip(table.columns, cells, strict=False)
        if cell and "\0" not in cell and encodings.MARKED.search(cell) is None
    }
    return BadRow(f"{table.name}:{record.line}", digest, finding, cells=readable)


def _misfit(table: _Table, record: Record) -> Finding | None:
    """Why the row's text is not what its bytes mean, with the cell that says so."""
    found = encodings.misfit(record.text, table.codec)
    if found is None:
        return None
    for name, cell in zip(table.columns, record.cells, strict=False):
        if not cell.isascii() and (inside := encodings.misfit(cell, table.codec)) is not None:
            reason = f"In the column `{shape.shown(name)}`: {inside.reason}"
            return Finding(found.cause, reason, found.remedy, shape.shown(name), inside.value)
    return found
