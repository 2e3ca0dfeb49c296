"""What a sample file seems to be: its kind, encoding, delimiter, header, list of objects. For `flow new` alone.

Called by the commands. Each guess is written into the configuration for a person to look at; `run` guesses nothing.
"""

import codecs
import csv
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from counterfoil import sources
from counterfoil.errors import InputError
from counterfoil.model import shape
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import encodings, files, lists, sheet, strict_json

HEAD_BYTES: Final = 1 << 18
READ_BYTES_MAX: Final = 64 << 20  # of which the encoding is guessed
ROWS_SHOWN: Final = 5
LINES_LOOKED_AT: Final = 50
FALLBACK_ENCODING: Final = "cp1252"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_JSON_LINES: Final = (".jsonl", ".ndjson")


class SourceGuess(msgspec.Struct, frozen=True):
    """What a file seems to be. `settings` read it; `rows` are its first good ones; `notes` what a person should check."""

    settings: SourceSettings
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    notes: tuple[str, ...]
    has_byte_order_mark: bool = False


def sniff(path: Path) -> SourceGuess:
    """Look at a file's content, and at its name's ending where the content leaves it open.

    Raises InputError when the file cannot be read, or when no source could read it.
    """
    with files.opened(path) as file:
        head = file.read(HEAD_BYTES)
    notes: list[str] = []
    if head.startswith(_WORKBOOKS):
        found = _workbook(path, notes)
    else:
        encoding = _encoding(path, head, notes)
        text = head.decode(encoding, "replace").lstrip("\ufeff")
        kind = _kind(path, text)
        found = _delimited(path, encoding, text, notes) if kind == "csv" else lists.settings(path, kind, notes)
    columns = sources.columns(found, path)
    rows = []
    for row in sources.rows(found, path):
        if isinstance(row, SheetRow):
            rows.append(row)
        elif f"{row.source}: {row.finding.reason}" not in notes:
            notes.append(f"{row.source}: {row.finding.reason}")
        if len(rows) == ROWS_SHOWN or len(notes) > LINES_LOOKED_AT:
            break
    return SourceGuess(found, columns, tuple(rows), tuple(notes), encodings.byte_order_mark(head) is not None)


def _workbook(path: Path, notes: list[str]) -> SourceSettings:
    from counterfoil.sources import excel

    names = excel.sheets(path)
    if len(names) > 1:
        notes.append(f"The workbook has {len(names)} sheets; the first, `{shape.shown(names[0])}`, is taken.")
    for header_row in range(1, LINES_LOOKED_AT + 1):
        found = SourceSettings(
            kind="excel", path=path, sheet=names[0] if len(names) > 1 else None, header_row=header_row
        )
        try:
            if len(sources.columns(found, path)) > 1:
                break
        except InputError as error:
            if header_row == LINES_LOOKED_AT or "no column names" not in error.message:
                raise
    if header_row > 1:
        notes.append(f"Row {header_row} seems to name the columns.")
    return found


def _kind(path: Path, text: str) -> Literal["csv", "json", "jsonl"]:
    """JSON begins with a bracket; JSON Lines has a whole object on its first line, and more after it."""
    bare = text.lstrip()
    if not bare.startswith(("{", "[")):
        return "csv"
    if path.suffix.casefold() in _JSON_LINES:
        return "jsonl"
    first, _, rest = bare.partition("\n")
    is_object = isinstance(strict_json.decode(first.strip().encode("utf-8", "surrogatepass")), dict)
    if is_object and (rest.lstrip().startswith("{") or path.suffix.casefold() != ".json"):
        return "jsonl"
    return "json" if path.suffix.casefold() == ".json" or '"' in first or not first.strip("[{ \r") else "csv"


def _encoding(path: Path, head: bytes, notes: list[str]) -> str:
    """What the mark says; else UTF-16 if every other byte is NUL; else UTF-8 if all of it is; else the usual one."""
    mark = encodings.byte_order_mark(head)
    if mark is not None:
        return mark[1]
    sample = head[: len(head) // 2 * 2]
    if b"\0" in sample:
        little = sample[1::2].count(0) >= sample[::2].count(0)
        found = "utf-16-le" if little else "utf-16-be"
        notes.append(f"The file has NUL bytes and no byte order mark: {found} is guessed.")
        return found
    decoder = codecs.getincrementaldecoder("utf-8")()
    with files.opened(path) as file:
        try:
            while file.tell() < READ_BYTES_MAX and (chunk := file.read(HEAD_BYTES)):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            notes.append(f"The file is not UTF-8: {FALLBACK_ENCODING} is guessed. Look at names with accents.")
            return FALLBACK_ENCODING
    return "utf-8"


def _delimited(path: Path, encoding: str, text: str, notes: list[str]) -> SourceSettings:
    lines = text.splitlines(keepends=True)[:LINES_LOOKED_AT]
    tables = {mark: _parsed(lines, mark) for mark in sheet.OTHER_DELIMITERS}
    delimiter = max(tables, key=lambda mark: _regularity(tables[mark]))
    header_row, header = _header(tables[delimiter])
    if header_row > 1:
        notes.append(f"Line {header_row} seems to name the columns; what stands above is skipped.")
    if _regularity(tables[delimiter])[1] < 2:
        notes.append("No delimiter makes more than one column of it.")
    if any(name != name.strip() for name in header):
        notes.append("Spaces around the columns' names are trimmed.")
    return SourceSettings(kind="csv", path=path, delimiter=delimiter, encoding=encoding, header_row=header_row)


def _parsed(lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """(line, cells) of the first records, as far as they can be read; blank ones left out."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(lines, delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error:
        pass  # a cell that never ends: what was read before it is enough to guess by
    return found


def _regularity(table: list[tuple[int, list[str]]]) -> tuple[bool, int]:
    """How much this looks like a table: whether more than half of its rows are equally wide; and how wide."""
    widths = Counter(len(cells) for _line, cells in table)
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    return width > 1 and 2 * count >= len(table), width


def _header(table: list[tuple[int, list[str]]]) -> tuple[int, list[str]]:
    """The first row as wide as most whose cells are all named, differently, and none of them a number."""
    width = _regularity(table)[1]
    for line, cells in table:
        names = [cell.strip() for cell in cells]
        while len(names) > 1 and not names[-1]:
            names.pop()
        plausible = all(names) and len(set(names)) == len(names) and not any(map(_is_number, names))
        if len(cells) == width and plausible:
            return line, cells
    return table[0] if table else (1, [])


def _is_number(text: str) -> bool:
    return text.strip("-+").replace(".", "").replace(",", "").isdigit()
