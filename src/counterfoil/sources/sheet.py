"""Cells become a SheetRow: what a header may be, how a row fits under it, and the row's hash.

Called by the readers of this folder. Pure.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from counterfoil.errors import InputError
from counterfoil.model import shape
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.sources import FIELDS_MAX

OTHER_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def row(source: str, cells: dict[str, str], group: str | None = None) -> SheetRow:
    """The row with its hash."""
    return SheetRow(source, cells, row_hash(cells), group)


def row_hash(cells: dict[str, str]) -> str:
    """SHA-256 in hex of what the row says: a column that moved, or that came and is blank, makes no other row of it."""
    said = {name: cell for name, cell in cells.items() if cell}
    return hashlib.sha256(_ENCODER.encode(said)).hexdigest()


def header(cells: Sequence[str], where: str) -> tuple[str, ...]:
    """The columns' names of a header row, trimmed, less unnamed ones at its end; `where` is "orders.csv, line 1".

    Raises InputError when there are none or too many, when one has no name, and when two have the same.
    """
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise InputError(
            f"{where}: there are no column names.", remedy="Write header_row = the row that names the columns."
        )
    if len(names) > FIELDS_MAX:
        raise InputError(
            f"{where}: the header has {len(names):,} columns; at most {FIELDS_MAX} are read.",
            remedy="Export fewer columns.",
        )
    _all_named(names, where)
    _all_different(names, where)
    return tuple(names)


def _all_named(names: list[str], where: str) -> None:
    for position, name in enumerate(names, 1):
        if not name:
            after = f", after `{shape.shown(names[position - 2])}`" if position > 1 else ""
            raise InputError(
                f"{where}: column {position}{after} has no name.",
                remedy="Give it one in the file, or write header_row = the row that names the columns.",
            )


def _all_different(names: list[str], where: str) -> None:
    first: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if name in first:
            raise InputError(
                f"{where}: the column `{shape.shown(name)}` is there twice, as column {first[name]} and {position}.",
                remedy="Rename one of them: which of the two is meant cannot be known.",
            )
        first[name] = position


def ragged(columns: int, cells: int, remedy: str) -> Finding:
    """Why a row with another number of cells than the header is refused: which of them is which cannot be known."""
    reason = f"The row has {cells} {'cell' if cells == 1 else 'cells'}, the header {columns} columns."
    return Finding("row-ragged", reason, remedy)


def blanked(cells: list[str]) -> list[str]:
    """The cells as written, and "" for those that hold nothing but spaces."""
    if not any(map(str.isspace, cells)):
        return cells
    return ["" if cell.isspace() else cell for cell in cells]
