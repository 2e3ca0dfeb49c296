"""The form in which a row lies in the spool: small, since each is written, read and deleted once.

Called by spool. Rows of one table have the same columns: their names are kept once, in memory, not with every row.
"""

from typing import Any, Final, TypeAlias

import msgspec

from counterfoil.model.sheet import SheetRow
from counterfoil.sources import BadRow

SHAPES_MAX: Final = 64  # sets of column names that are kept in memory; rows of further ones carry their names
_NAMED: Final = -1


class _Good(msgspec.Struct, array_like=True, tag=0):
    key: str
    source: str
    hash: bytes
    group: str | None
    shape: int
    cells: list[str]
    again: bool = False


class _Bad(msgspec.Struct, array_like=True, tag=1):
    key: str
    row: BadRow


_Packed: TypeAlias = _Good | _Bad


class Packer:
    """Packs the rows of one spool; only the same packer unpacks them."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[str, ...], int] = {}
        self._names: list[tuple[str, ...]] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: Any = msgspec.msgpack.Decoder(_Packed)

    def packed(self, key: str, row: SheetRow | BadRow) -> bytes:
        """A row of the group `key` as bytes."""
        if isinstance(row, BadRow):
            return self._encoder.encode(_Bad(key, row))
        names = tuple(row.cells)
        number = self._shapes.get(names)
        if number is None:
            number = self._new_shape(names)
        cells = list(row.cells.values())
        if number == _NAMED:
            cells = [*names, *cells]
        return self._encoder.encode(
            _Good(key, row.source, bytes.fromhex(row.hash), row.group, number, cells, row.again)
        )

    def _new_shape(self, names: tuple[str, ...]) -> int:
        if len(self._names) == SHAPES_MAX:
            return _NAMED
        self._names.append(names)
        self._shapes[names] = len(self._names) - 1
        return self._shapes[names]

    def unpacked(self, data: bytes) -> tuple[str, SheetRow | BadRow]:
        """The group's key and the row again, equal to what was packed."""
        found: _Packed = self._decoder.decode(data)
        if isinstance(found, _Bad):
            return found.key, found.row
        if found.shape == _NAMED:
            half = len(found.cells) // 2
            names, cells = tuple(found.cells[:half]), found.cells[half:]
        else:
            names, cells = self._names[found.shape], found.cells
        row = SheetRow(found.source, dict(zip(names, cells, strict=True)), found.hash.hex(), found.group, found.again)
        return found.key, row
