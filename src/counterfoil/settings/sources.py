"""`source` of a flow's table: which file the rows come from and how it is written. Nothing about a file is guessed.

Called by flows (which compiles the table) and read by sources/, app.py and mapping/. `flow new` fills the options in.
"""

import codecs
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil import errors
from counterfoil.model import shape
from counterfoil.model.text import Line255
from counterfoil.settings import tables

SourceKind = Literal["csv", "excel", "json", "jsonl", "push"]
KINDS: Final = ("csv", "excel", "json", "jsonl", "push")
PUSHED: Final = "push"  # nothing is read: programs hand records over
LATER_SOURCES: Final = frozenset({"command", "folder", "http", "sql"})
HEADER_ROW_MAX: Final = 1_000
OPTIONS: Final = {
    "csv": ("delimiter", "quote", "encoding", "header_row"),
    "excel": ("sheet", "header_row"),
    "json": ("path", "explode"),
    "jsonl": ("explode",),
    "push": ("explode",),
}

Delimiter = Annotated[str, msgspec.Meta(min_length=1, max_length=1, description="One character between two cells.")]
Quote = Annotated[str, msgspec.Meta(max_length=1, description='One character around a cell; "" when there is none.')]
HeaderRow = Annotated[
    int, msgspec.Meta(ge=1, le=HEADER_ROW_MAX, description="The row, from 1, that names the columns.")
]
FileName = Annotated[Line255, msgspec.Meta(description="A file, relative to this one.")]
DottedPath = Annotated[Line255, msgspec.Meta(description='Names with dots between them, such as "data.orders".')]


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a flow's rows come from, ready for use.

    `path` is the file, absolute; of push there is none (`file` says so). csv: `delimiter`, `quote` ("" for none), `encoding` (a byte order mark of
    another one is an error), `header_row` (from 1; rows above it are skipped). excel: `sheet` (None: the
    first), `header_row`. json: `json_path`, dotted names from the top to the list of objects ("" for the top itself);
    json and jsonl: `explode`, the dotted name of an inner list of which each item becomes a row of its own, the rows
    of one object sharing a group (None: one object is one row).
    """

    kind: SourceKind
    path: Path
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header_row: int = 1
    sheet: str | None = None
    json_path: str = ""
    explode: str | None = None

    def file(self, table: str) -> Path:
        """The file to read. Raises InputError for a source that programs hand records to; `table`: the flow's name."""
        if self.kind == PUSHED:
            raise errors.InputError(
                f"Flow {table} reads no file: programs hand its records over.",
                remedy=f"POST them to /v1/flows/{table}/records, or name a JSON Lines file with --input.",
            )
        return self.path

    @property
    def is_tabular(self) -> bool:
        """True when a header names the columns: then every row has them all."""
        return self.kind in {"csv", "excel"}


class SourceTable(tables.Table, frozen=True, kw_only=True):
    """`source` as it is written: one of csv, excel, json, jsonl and push, and the options of that kind."""

    csv: Annotated[FileName | None, msgspec.Meta(description="A CSV file.")] = None
    excel: Annotated[FileName | None, msgspec.Meta(description="An Excel workbook.")] = None
    json: Annotated[FileName | None, msgspec.Meta(description="A JSON file.")] = None
    jsonl: Annotated[FileName | None, msgspec.Meta(description="A JSON Lines file.")] = None
    push: Annotated[Literal[True] | None, msgspec.Meta(description="Programs hand the records over.")] = None
    delimiter: Delimiter = ","
    quote: Quote = '"'
    encoding: Annotated[Line255, msgspec.Meta(description="Such as utf-8, cp1252 or utf-16.")] = "utf-8"
    header_row: HeaderRow = 1
    sheet: Annotated[Line255 | None, msgspec.Meta(description="The sheet's name; absent: the first.")] = None
    path: Annotated[DottedPath | None, msgspec.Meta(description="Where the list of objects is.")] = None
    explode: Annotated[DottedPath | None, msgspec.Meta(description="The inner list whose items become rows.")] = None


def misfits(source: Any) -> list[shape.Misfit]:
    """What the declaration alone cannot say: exactly one file, options of its kind only, an encoding that exists."""
    if not isinstance(source, dict):
        return []
    named = [kind for kind in KINDS if kind in source]
    if len(named) != 1:
        reason = (
            "needs one of csv, excel, json, jsonl and push" if not named else f"has {' and '.join(named)}; give one"
        )
        return [shape.Misfit((), "wrong-value", reason, 'Such as { csv = "orders.csv" }.')]
    kind = named[0]
    found = [
        shape.Misfit(
            (key,), "wrong-value", f"is no option of a {kind} source", f"Its options: {', '.join(OPTIONS[kind])}."
        )
        for key in source
        if key in SourceTable.__struct_fields__ and key not in {kind, *OPTIONS[kind]}
    ]
    encoding = source.get("encoding")
    if isinstance(encoding, str) and not _is_text_encoding(encoding):
        rule = "Such as utf-8, cp1252, iso-8859-1 or utf-16."
        found.append(shape.Misfit(("encoding",), "wrong-value", "is no encoding of text", rule, shape.shown(encoding)))
    if kind == "csv" and source.get("delimiter", ",") == source.get("quote", '"'):
        found.append(shape.Misfit(("quote",), "wrong-value", "is the delimiter as well", "Choose another."))
    return found


def compiled(table: SourceTable, folder: Path) -> SourceSettings:
    """The table, which has passed `misfits`, with its file made absolute."""
    kind: Any = next(name for name in KINDS if getattr(table, name) is not None)
    return SourceSettings(
        kind=kind,
        path=folder / ("handed over" if kind == PUSHED else getattr(table, kind)),
        delimiter=table.delimiter,
        quote=table.quote,
        encoding=table.encoding,
        header_row=table.header_row,
        sheet=table.sheet,
        json_path=table.path or "",
        explode=table.explode,
    )


def _is_text_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
        return "".encode(name) is not None
    except (LookupError, ValueError, UnicodeError):
        return False
