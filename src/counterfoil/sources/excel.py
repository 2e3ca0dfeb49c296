"""Excel workbooks (.xlsx, .xls) and OpenDocument's (.ods), by python-calamine: the rows of one sheet under a header.

Called by sources. A row's number is the one that Excel shows. Rows whose cells are all blank are skipped. calamine
holds the sheet in memory, hence the bounds of `workbook`. Cells become text as the rest of the product wants it: dates
ISO, whole numbers without ".0", other numbers with the 15 digits that Excel itself shows, never with an exponent.
"""

import contextlib
import datetime
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import python_calamine

from counterfoil.errors import InputError
from counterfoil.model import shape, spelling
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import BadRow, Progress, files, sheet, workbook

PROGRESS_EVERY: Final = 100  # rows
_DIGITS: Final = ".15g"  # of a number, as Excel has them
_MAGIC: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # a zip, and what .xls is


class _Table(msgspec.Struct, frozen=True):
    """A sheet whose header was read; `first_column` is the number of the table's first, from 1."""

    name: str
    columns: tuple[str, ...]
    first_column: int
    rows: Iterator[tuple[int, list[str]]]
    flaws: dict[int, str]


def rows(settings: SourceSettings, path: Path, progress: Progress | None = None) -> Iterator[SheetRow | BadRow]:
    """The rows below the header; see sources.rows."""
    table = _opened(settings, path)
    size = files.total_bytes(path) or 0
    for number, cells in table.rows:
        row = _row(table, number, cells)
        if row is not None:
            yield row
    if progress is not None:
        progress(size)


def columns(settings: SourceSettings, path: Path) -> tuple[str, ...]:
    """The header's names; see sources.columns."""
    return _opened(settings, path).columns


def sheets(path: Path) -> list[str]:
    """The names of the sheets. Raises InputError when the file is no workbook, or protected."""
    names: list[str] = _book(path).sheet_names
    return names


def _book(path: Path) -> Any:
    with files.opened(path) as file:
        if not file.read(8).startswith(_MAGIC):
            raise InputError(
                f"{path.name} is no Excel workbook.", remedy="A text file with columns is { csv = … }; or save it anew."
            )
    workbook.check_size(path)
    with _named_errors(path.name):
        return python_calamine.CalamineWorkbook.from_path(path)


@contextlib.contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except python_calamine.PasswordError as error:
        raise InputError(f"{name} is protected by a password.", remedy="Save a copy that is not protected.") from error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library's is none of Exception's kind
        raise InputError(f"{name} cannot be read: {error}.", remedy="Save the workbook again, as .xlsx.") from error


def _opened(settings: SourceSettings, path: Path) -> _Table:
    book = _book(path)
    names: list[str] = book.sheet_names
    wanted = settings.sheet if settings.sheet is not None else next(iter(names), "")
    if wanted not in names:
        raise InputError(
            f"{path.name} has no sheet `{shape.shown(wanted)}`.", remedy=spelling.suggestion(wanted, names)
        )
    flaws = workbook.flaws(path, names.index(wanted)).by_row
    with _named_errors(path.name):
        found = book.get_sheet_by_name(wanted)
        first_column = found.start[1] + 1 if found.start else 1
        numbered = enumerate(found.iter_rows(), 1)
    texts = ((number, [text_of(cell) for cell in cells]) for number, cells in numbered)
    header = next((cells for number, cells in texts if number == settings.header_row), [])
    where = f"{path.name}, sheet {wanted}, row {settings.header_row}"
    if settings.header_row in flaws:
        raise InputError(f"{where}: {flaws[settings.header_row]}.", remedy="Correct the workbook.")
    return _Table(path.name, sheet.header(header, where), first_column, texts, flaws)


def text_of(cell: Any) -> str:
    """A cell as text; "" when it is blank."""
    match cell:
        case str():
            return "" if cell.isspace() else cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return _number(cell)
        case datetime.timedelta():
            return _duration(cell)
        case datetime.date() | datetime.time():  # a datetime is a date
            return cell.isoformat()
        case _:
            return "" if cell is None else str(cell)


def _number(value: float) -> str:
    text = format(Decimal(format(value, _DIGITS)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration(value: datetime.timedelta) -> str:
    """Hours, minutes and seconds, as Excel shows more than a day: "30:00:00"."""
    seconds = value // datetime.timedelta(seconds=1)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _row(table: _Table, number: int, cells: list[str]) -> SheetRow | BadRow | None:
    """One row judged; None when it is blank."""
    width = len(table.columns)
    source = f"{table.name}:{number}"
    finding = None
    if number in table.flaws:
        remedy = "Correct the cell, let Excel compute the workbook, and save it."
        finding = Finding("cell-error", f"The cell {table.flaws[number]}.", remedy)
    elif not any(cells):
        return None
    elif any(cells[width:]):
        at = next(n for n, cell in enumerate(cells[width:], width) if cell)
        name = workbook.column_name(table.first_column + at)
        reason = f"The cell {name}{number} stands in a column without a name."
        finding = Finding("row-ragged", reason, "Name the column, or clear the cell.", name, shape.shown(cells[at]))
    named = dict(zip(table.columns, cells + [""] * (width - len(cells)), strict=False))
    if finding is None:
        return sheet.row(source, named)
    digest = hashlib.sha256("\0".join([*cells, finding.reason]).encode("utf-8", "surrogatepass")).hexdigest()
    return BadRow(source, digest, finding, cells={name: cell for name, cell in named.items() if cell})
