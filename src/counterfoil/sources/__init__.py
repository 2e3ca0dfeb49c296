"""Where rows come from: CSV, Excel, JSON and JSON Lines files, read as streams within named bounds.

Called by app.py and the commands. May import settings, model and errors; never a database, the network or what lies
above. A source gives rows one at a time and in order, and never stops at a bad one: it says what is wrong and goes on.
Nothing is guessed here but by `sniffing`, for `flow new`: a file that is not as the configuration says is an error.

    files      opening, by path, with errors that name it        sniffing   what a sample seems to be
    encodings  bytes → lines of text; marks what does not fit    sheet      cells → a SheetRow: header, hash
    delimited  CSV                                               quoting    CSV records, also after a broken quote
    documents  JSON: the list at a path, item by item            splitting  one JSON value after another, not held
    jsonl      JSON Lines                                        objects    a JSON object → rows with dotted names
    strict_json  JSON that can be trusted                        lists      which list of a sample holds the records
    excel      workbooks, by python-calamine                     workbook   what calamine does not say of one
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings

ROW_BYTES_MAX: Final = 1 << 20  # a line, a CSV record, an item of a JSON list; of CSV counted in characters
FIELDS_MAX: Final = 500  # columns of a row
GROUP_ROWS_MAX: Final = 1_000  # rows that make one record
OBJECTS_SAMPLED: Final = 100  # JSON objects whose columns `columns` unites

Progress = Callable[[int], None]


class Row(msgspec.Struct, frozen=True):
    """One good record as JSON. `source` is where it stands ("sales.jsonl:17"), `hash` the SHA-256 of its bytes in hex."""

    source: str
    raw: bytes
    hash: str


class BadRow(msgspec.Struct, frozen=True):
    """One row of which no record can be made. `content_hash` is SHA-256 in hex, of what was read of it if too long.

    `cells` is what could be read of a table's row, by column, so that the group which now lacks it can be found; a cell
    that itself could not be read is missing there. `rows` are those of its record that could be read, to be shown. Never
    make a record of either.
    """

    source: str
    content_hash: str
    finding: Finding
    external_id: str | None = None
    cells: dict[str, str] = {}
    rows: tuple[SheetRow, ...] = ()


def rows(settings: SourceSettings, path: Path, progress: Progress | None = None) -> Iterator[SheetRow | BadRow]:
    """The rows of a table or list, in the file's order, lazily, in constant memory (Excel: a bounded amount).

    `path` may be another file than the settings' own (`--input`). `progress` is told now and then how many bytes are
    read. Raises InputError, at the first row asked for, when the file as a whole is not what the settings say: missing,
    of another encoding, a header that lacks or doubles names, no list at the path. A bad row is a BadRow, never raised.
    """
    if settings.kind == "csv":
        from counterfoil.sources import delimited  # each kind's library is loaded for that kind only

        return delimited.rows(settings, path, progress)
    if settings.kind == "excel":
        from counterfoil.sources import excel

        return excel.rows(settings, path, progress)
    if settings.kind == "json":
        from counterfoil.sources import documents

        return documents.rows(settings, path, progress)
    from counterfoil.sources import jsonl

    return jsonl.rows(settings, path, progress)


def columns(settings: SourceSettings, path: Path) -> tuple[str, ...]:
    """The columns' names in order: of a table its header, of JSON all names that the first OBJECTS_SAMPLED objects use.

    Raises InputError as `rows` does. Reads no more of the file than that.
    """
    if settings.kind == "csv":
        from counterfoil.sources import delimited

        return delimited.columns(settings, path)
    if settings.kind == "excel":
        from counterfoil.sources import excel

        return excel.columns(settings, path)
    found: dict[str, None] = {}
    objects: set[str] = set()
    for row in rows(settings, path):
        objects.add((row.group if isinstance(row, SheetRow) else None) or row.source)
        if len(objects) > OBJECTS_SAMPLED:
            break
        if isinstance(row, SheetRow):
            found.update(dict.fromkeys(row.cells))
    return tuple(found)
