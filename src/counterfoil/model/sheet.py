"""One row of a table as a source read it: named cells, all of them text, and where it stands.

Made by sources/, spooled by store/, read by mapping/, kept with the posting that they became. Text, because only the configuration says what "1.234,56" means.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec


class SheetRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row.

    `source` is where a person finds it ("orders.csv:17"). `cells` holds the text of each column by its name, "" where
    the cell is blank; objects of JSON are flattened to dotted names ("customer.name"), null is "", booleans are "true"
    and "false", numbers stand as they were written. `hash` is SHA-256 in hex of the row. Rows that were taken out of
    one JSON object share a `group`; None: the row is on its own. `again`: an equal row of the same record stood earlier
    in the source, and not right before it or in the same object (`marked`).
    """

    source: str
    cells: dict[str, str]
    hash: str
    group: str | None = None
    again: bool = False


def marked(rows: Sequence[SheetRow], numbers: Sequence[int]) -> tuple[SheetRow, ...]:
    """The rows of one record, those that stand in the source a second time marked as `again`.

    `numbers`: where each stands, counted over all rows of the source. Equal rows one right after the other are lines that
    are equal: a run of them is marked, whole, when an equal run stood before it. So are equal rows of two objects; those
    of one object are its own.
    """
    if len({row.hash for row in rows}) == len(rows):
        return tuple(rows)
    found: list[SheetRow] = []
    objects: dict[str, set[str]] = {}  # by hash: the objects in which such a row stood; "" for those of none
    for at, row in enumerate(rows):
        earlier = objects.setdefault(row.hash, set())
        if row.group is None and at and rows[at - 1].hash == row.hash and numbers[at] == numbers[at - 1] + 1:
            again = found[-1].again
        else:
            again = bool(earlier - {row.group})
        earlier.add(row.group or "")
        found.append(msgspec.structs.replace(row, again=True) if again else row)
    return tuple(found)


class _Packed(msgspec.Struct):
    rows: tuple[SheetRow, ...]


class _Part(msgspec.Struct):
    part: tuple[SheetRow, ...]


_MARK: Final = b'{"rows":[{"source":'  # no record begins so: `rows` is no field of any
_PACK: Final = msgspec.json.Encoder()
_UNPACK: Final = msgspec.json.Decoder(_Packed)
_PART_MARK: Final = b'{"part":[{"source":'
_UNPACK_PART: Final = msgspec.json.Decoder(_Part)


def pack(rows: Sequence[SheetRow]) -> bytes:
    """Rows of one record as JSON, which is what is kept of a record that was made of rows."""
    return _PACK.encode(_Packed(tuple(rows)))


def rows_hash(rows: Sequence[SheetRow]) -> str:
    """SHA-256 in hex of what the rows say, in their order."""
    return hashlib.sha256("\n".join(row.hash for row in rows).encode()).hexdigest()


def pack_part(rows: Sequence[SheetRow]) -> bytes:
    """Rows that are shown to people and of which no record may be made: not all of it, or nobody knows of which day."""
    return _PACK.encode(_Part(tuple(rows)))


def is_part(raw: bytes) -> bool:
    """Whether `pack_part` packed it."""
    return raw.startswith(_PART_MARK)


def rows_of(raw: bytes) -> tuple[SheetRow, ...]:
    """The rows that `pack` or `pack_part` packed; none of anything else."""
    if not is_part(raw):
        return unpack(raw) or ()
    try:
        return _UNPACK_PART.decode(raw).part
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def unpack(raw: bytes) -> tuple[SheetRow, ...] | None:
    """The rows that `pack` packed; None when this is a record's own JSON, or something that only begins like rows."""
    if not raw.startswith(_MARK):
        return None
    try:
        return _UNPACK.decode(raw).rows
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
