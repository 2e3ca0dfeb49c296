"""What calamine does not say of a workbook, read from the file itself before calamine opens it.

Called by excel. calamine gives a cell that holds an error, or a formula that was never computed, as blank: a price
"#N/A" would silently be none. And it reserves memory for the whole rectangle up to the last cell: one stray cell in the
last row would end our process. In .xlsx both are found cell by cell; in .ods and .xls only that there are errors.
"""

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from counterfoil.errors import InputError

FILE_BYTES_MAX: Final = 64 << 20
UNPACKED_BYTES_MAX: Final = 1 << 30  # of all parts of the zip that a workbook is
PART_BYTES_MAX: Final = 16 << 20  # of the small parts: the list of sheets
CELLS_MAX: Final = 10_000_000  # of the sheet's rectangle; each costs 32 bytes
FLAWS_MAX: Final = 10_000  # cells with errors that are remembered
CHUNK_BYTES: Final = 1 << 20
OVERLAP_BYTES: Final = 1 << 16  # longer than a cell of Excel's, whose text has at most 32,767 characters

_NAME: Final = rb'r="([A-Z]{1,3}[0-9]{1,7})"'  # only a cell has it
_FILLED: Final = re.compile(_NAME + rb"[^>]*+(?<!/)>")
_ERROR: Final = re.compile(_NAME + rb'[^>]*?\st="e"|\st="e"[^>]*?\s' + _NAME)
_NEVER_COMPUTED: Final = re.compile(
    _NAME
    + rb'(?![^>]*\st="str")[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*'
    + rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_SHEET: Final = re.compile(rb'<(?:\w+:)?sheet\s[^>]*?\w:id="([^"]+)"')
_RELATION: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_DIGITS: Final = b"0123456789"
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# BIFF8: a BOOLERR record whose value is an error, a FORMULA record whose result is one.
_XLS_ERROR: Final = re.compile(
    rb"\x05\x02\x08\x00.{6}[\x00\x07\x0f\x17\x1d\x24\x2a]\x01"
    rb"|\x06\x00.\x00.{6}\x02.[\x00\x07\x0f\x17\x1d\x24\x2a]...\xff\xff",
    re.DOTALL,
)
_AS_XLSX: Final = "Save it as .xlsx."


class Flaws(msgspec.Struct, frozen=True):
    """Cells by row number whose value is not to be had: {17: "D17 holds an error such as #N/A"}."""

    by_row: dict[int, str] = {}


def check_size(path: Path) -> None:
    """Raises InputError when the file is larger than what is read of a workbook, packed or unpacked."""
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise InputError(
            f"{path.name} has {size:,} bytes; of a workbook at most {FILE_BYTES_MAX:,} are read.",
            remedy="Save it as CSV.",
        )
    if zipfile.is_zipfile(path):
        with _unzipped(path) as parts:
            unpacked = parts.unpacked_bytes
        if unpacked > UNPACKED_BYTES_MAX:
            raise InputError(
                f"{path.name} unpacks to {unpacked:,} bytes; at most {UNPACKED_BYTES_MAX:,} are read.",
                remedy="Save it as CSV.",
            )


def flaws(path: Path, sheet: int) -> Flaws:
    """Look at sheet number `sheet`, from 0. Raises InputError when it is too large, or its errors cannot be told."""
    if not zipfile.is_zipfile(path):
        _no_errors(path.name, has_errors=_XLS_ERROR.search(path.read_bytes()) is not None)
        return Flaws()
    with _unzipped(path) as parts:
        return _in_zip(parts, sheet)


class _Parts:
    """The parts of the zip that a workbook is. Raises InputError when one of them cannot be read."""

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        self.name = name
        self.names = frozenset(archive.namelist())
        self.unpacked_bytes = sum(info.file_size for info in archive.infolist())
        self._archive = archive

    def small(self, part: str) -> bytes:
        """The beginning of a part."""
        with _unreadable(self.name), self._archive.open(part) as opened:
            return opened.read(PART_BYTES_MAX)

    def windows(self, part: str) -> Iterator[bytes]:
        """A part in pieces, each with the end of the one before it: no cell is cut in all of them."""
        before = b""
        with _unreadable(self.name):
            opened = self._archive.open(part)
        with opened:
            while chunk := self._chunk(opened):
                yield before + chunk
                before = (before + chunk)[-OVERLAP_BYTES:]

    def _chunk(self, opened: IO[bytes]) -> bytes:
        with _unreadable(self.name):
            return opened.read(CHUNK_BYTES)


@contextlib.contextmanager
def _unzipped(path: Path) -> Iterator[_Parts]:
    with _unreadable(path.name):
        archive = zipfile.ZipFile(path)
    with archive:
        yield _Parts(path.name, archive)


@contextlib.contextmanager
def _unreadable(name: str) -> Iterator[None]:
    """What the zip library raises of a damaged file, in our words. Around its own calls alone: our mistakes stay ours."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{name} cannot be read: {error}.", remedy="Save the workbook again.") from error


def _in_zip(parts: _Parts, sheet: int) -> Flaws:
    if "content.xml" in parts.names:
        has_errors = any(b'calcext:value-type="error"' in window for window in parts.windows("content.xml"))
        _no_errors(parts.name, has_errors=has_errors)
        return Flaws()
    found = _part(parts, sheet) if "xl/workbook.xml" in parts.names else ""
    if found not in parts.names:
        raise InputError(f"{parts.name}: where sheet {sheet + 1} stands in the file is not clear.", remedy=_AS_XLSX)
    return _in_sheet(parts.windows(found), parts.name)


def _no_errors(name: str, *, has_errors: bool) -> None:
    if has_errors:
        raise InputError(
            f"{name} has cells that hold an error such as #N/A; which rows they spoil cannot be told in this format.",
            remedy=f"Correct them. {_AS_XLSX}",
        )


def _part(parts: _Parts, sheet: int) -> str:
    """The part of the zip that is the sheet; "" when it cannot be told."""
    if "xl/_rels/workbook.xml.rels" not in parts.names:
        return ""
    sheets = _SHEET.findall(parts.small("xl/workbook.xml"))
    for relation in _RELATION.findall(parts.small("xl/_rels/workbook.xml.rels")):
        attributes = dict(re.findall(rb'\s(\w+)="([^"]*)"', relation))
        if sheet < len(sheets) and attributes.get(b"Id") == sheets[sheet]:
            target = attributes.get(b"Target", b"").decode("utf-8", "replace")
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return ""


def _in_sheet(windows: Iterable[bytes], name: str) -> Flaws:
    last_row = 0
    columns: set[bytes] = set()
    by_row: dict[int, str] = {}
    for window in windows:
        cells = _FILLED.findall(window)
        columns.update({cell.rstrip(_DIGITS) for cell in cells})
        last_row = max(last_row, *{int(cell.lstrip(_LETTERS)) for cell in cells}, 0)
        for cell, other in _ERROR.findall(window) if b't="e"' in window else ():
            by_row.setdefault(row_number(cell or other), f"{(cell or other).decode()} holds an error such as #N/A")
        for cell in _NEVER_COMPUTED.findall(window):
            by_row.setdefault(row_number(cell), f"{cell.decode()} holds a formula that was never computed")
        if len(by_row) > FLAWS_MAX:
            raise InputError(f"{name}: more than {FLAWS_MAX:,} rows have errors.", remedy="Correct the workbook.")
    width = max(map(_column_number, columns), default=0)
    if width * last_row > CELLS_MAX:
        raise InputError(
            f"{name}: the sheet reaches to row {last_row:,} and column {width:,}; at most {CELLS_MAX:,} cells are read.",
            remedy="Delete what stands far from the table, or save it as CSV.",
        )
    return Flaws(by_row)


def row_number(cell: bytes) -> int:
    """The row of a cell's name: 17 of "D17"."""
    return int(cell.lstrip(_LETTERS))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def column_name(number: int) -> str:
    """The letters of a column, counted from 1: "D" of 4."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
