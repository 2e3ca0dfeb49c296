"""JSON files: the list of objects at a dotted path, read item by item; the rest of the file is skipped, not held.

Called by sources. An item is named by the line on which it begins and its number: files without line breaks have but
one line. A broken item is a BadRow and the next one is read; where the file's own brackets break, the rest is one.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from counterfoil.errors import InputError
from counterfoil.model import shape, spelling
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import ROW_BYTES_MAX, BadRow, Progress, encodings, files, objects, strict_json
from counterfoil.sources.splitting import BrokenError, Piece, Scanner

KEYS_SHOWN_MAX: Final = 50


def rows(settings: SourceSettings, path: Path, progress: Progress | None = None) -> Iterator[SheetRow | BadRow]:
    """The rows of the objects in the list at `json_path`; see sources.rows."""
    with files.opened(path) as file:
        walk = _Walk(scanner(file, path.name), path.name)
        names = settings.json_path.split(".") if settings.json_path else []
        for n, piece in enumerate(walk.items(names), 1):
            if isinstance(piece, BadRow):
                yield piece
            else:
                yield from _rows(piece, f"{path.name}:{piece.line}, item {n}", settings.explode)
            if progress is not None:
                progress(walk.scan.bytes_read)
        if progress is not None:
            progress(walk.scan.bytes_read)


def scanner(file: BinaryIO, name: str) -> Scanner:
    """A scanner at the file's first value. Raises InputError when the file is not UTF-8, as JSON must be."""
    head = file.read(files.CHUNK_BYTES)
    mark = encodings.byte_order_mark(head)
    if mark is not None and mark[1] != "utf-8":
        raise InputError(f"{name}, line 1: the file is {mark[1]}; JSON is read in UTF-8.", remedy="Save it as UTF-8.")
    return Scanner(file, head[len(mark[0]) :] if mark is not None else head)


def _rows(piece: Piece, source: str, explode: str | None) -> list[SheetRow | BadRow]:
    if piece.raw is None:
        reason = f"The item has {piece.length:,} bytes; at most {ROW_BYTES_MAX:,} are read."
        remedy = "Does json_path name the list whose items are the records?"
        return [BadRow(source, piece.digest, Finding("line-too-long", reason, remedy))]
    value = strict_json.decode(piece.raw, "item")
    if isinstance(value, Finding):
        return [BadRow(source, piece.digest, value)]
    return objects.rows(value, explode, source, source, piece.digest)


class _Walk:
    """The way down to the list, its items, and the way up again: a file that breaks off is noticed."""

    def __init__(self, scan: Scanner, name: str) -> None:
        self.scan = scan
        self._name = name
        self._arrived = False

    def items(self, names: list[str]) -> Iterator[Piece | BadRow]:
        """Every item of the list; a BadRow in the place of what cannot be reached any more."""
        try:
            yield from self._down(names, ())
            if self.scan.peek():
                raise BrokenError("something stands after the end of the JSON value", self.scan.line)
        except BrokenError as error:
            if not self._arrived:
                raise InputError(
                    f"{self._name}, line {error.line}: the file is not JSON: {error}.",
                    remedy="Is it complete? One object per line is { jsonl = … }.",
                ) from error
            yield self._bad(f"From here on nothing was read: {error}.")

    def _down(self, names: list[str], above: tuple[str, ...]) -> Iterator[Piece | BadRow]:
        """What is at the path `names` under the value that comes next, which is at the path `above`."""
        if not names:
            yield from self._list(above)
            return
        if self.scan.peek() != b"{":
            raise self._wrong(above, f"is not an object, so there is no `{shape.shown(names[0])}` in it", "")
        found = False
        keys: list[str] = []
        for key in self.scan.members():
            if key == names[0]:
                if found:
                    yield self._bad(f"The key `{shape.shown(key)}` stands twice in one object.", "duplicate-key")
                    self.scan.value()
                else:
                    found = True
                    yield from self._down(names[1:], (*above, key))
            else:
                keys.append(key)
                self.scan.value()
        if not found:
            nearest = spelling.suggestion(names[0], keys[:KEYS_SHOWN_MAX])
            raise self._wrong(above, f"has no `{shape.shown(names[0])}`", nearest)

    def _list(self, at: tuple[str, ...]) -> Iterator[Piece]:
        first = self.scan.peek()
        if first == b"{":
            lists = [key for key in self.scan.members() if self._is_list()]
            nearest = f"Lists in it: {', '.join(f'`{shape.shown(key)}`' for key in lists[:KEYS_SHOWN_MAX])}."
            raise self._wrong(at, "is an object, not a list", nearest if lists else "It has no list in it.")
        if first != b"[":
            piece = self.scan.value()
            if at and piece.raw == b"null":
                self._arrived = True
                return
            raise self._wrong(at, "is not a list", "")
        self._arrived = True
        self.scan.take(b"[")
        if self.scan.peek() == b"]":
            self.scan.take(b"]")
            return
        while True:
            yield self.scan.value()
            if self.scan.take(b",", b"]") == b"]":
                return

    def _is_list(self) -> bool:
        found = self.scan.peek() == b"["
        self.scan.value()
        return found

    def _bad(self, reason: str, cause: str = "broken-json") -> BadRow:
        remedy = "Export the file again: it may have broken off, or two files may have become one."
        digest = hashlib.sha256(reason.encode()).hexdigest()
        return BadRow(f"{self._name}:{self.scan.line}", digest, Finding(cause, reason, remedy))

    def _wrong(self, at: tuple[str, ...], what: str, more: str) -> InputError:
        where = f"`{shape.shown('.'.join(at))}`" if at else "the file's value"
        line = self.scan.line
        return InputError(
            f"{self._name}, line {line}: {where} {what}.", remedy=f"{more} Correct `path` in the flow's source.".strip()
        )
