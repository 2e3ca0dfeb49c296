"""Which list of a JSON file holds the records, and which inner list their lines. For `flow new` alone.

Called by sniffing.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from counterfoil.errors import InputError
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import OBJECTS_SAMPLED, Row, documents, files, jsonl, strict_json
from counterfoil.sources.splitting import BrokenError, Scanner

DEPTH_MAX: Final = 4


class _List(msgspec.Struct):
    """A list of objects: its path, how many it holds, the first of them."""

    path: str
    items: int
    first: list[dict[str, Any]]


def settings(path: Path, kind: Literal["json", "jsonl"], notes: list[str]) -> SourceSettings:
    """How the file is to be read. Raises InputError when it has no list of objects."""
    if kind == "jsonl":
        objects = []
        for row in jsonl.read(path):
            if isinstance(row, Row) and isinstance(value := strict_json.decode(row.raw), dict):
                objects.append(value)
            if len(objects) == OBJECTS_SAMPLED:
                break
        return SourceSettings(kind=kind, path=path, explode=_inner(objects, notes))
    found = _lists(path)
    if not found:
        raise InputError(f"{path.name} has no list of objects.", remedy="Name a file that holds records.")
    chosen = max(found, key=lambda one: one.items)  # the first of the longest
    if len(found) > 1:
        others = ", ".join(f"`{one.path}`" for one in found if one is not chosen)
        notes.append(f"`{chosen.path}` is the longest list of objects; there are also {others}.")
    return SourceSettings(kind=kind, path=path, json_path=chosen.path, explode=_inner(chosen.first, notes))


def _lists(path: Path) -> list[_List]:
    found: list[_List] = []
    with files.opened(path) as file:
        scan = documents.scanner(file, path.name)
        try:
            _look(scan, (), found)
        except BrokenError as error:
            if not found:
                raise InputError(
                    f"{path.name}, line {error.line}: the file is not JSON: {error}.", remedy="Is it complete?"
                ) from error
    return found


def _look(scan: Scanner, at: tuple[str, ...], found: list[_List]) -> None:
    first = scan.peek()
    if first == b"[":
        scan.take(b"[")
        if scan.peek() == b"{":
            found.append(_List(".".join(at), 0, []))
            _count(scan, found[-1])
        else:
            _skip(scan)
    elif first == b"{" and len(at) < DEPTH_MAX:
        for key in scan.members():
            _look(scan, (*at, key), found)
    else:
        scan.value()


def _count(scan: Scanner, into: _List) -> None:
    while True:
        piece = scan.value()
        into.items += 1
        if len(into.first) < OBJECTS_SAMPLED and piece.raw is not None:
            value = strict_json.decode(piece.raw, "item")
            if isinstance(value, dict):
                into.first.append(value)
        if scan.take(b",", b"]") == b"]":
            return


def _skip(scan: Scanner) -> None:
    """The rest of a list that holds no objects."""
    if scan.peek() == b"]":
        scan.take(b"]")
        return
    while True:
        scan.value()
        if scan.take(b",", b"]") == b"]":
            return


def _inner(objects: list[dict[str, Any]], notes: list[str]) -> str | None:
    """The inner list of objects that most of them have, by its dotted name; None when there is none."""
    counts: Counter[str] = Counter()
    for value in objects:
        counts.update(_object_lists(value, ()))
    if not counts:
        return None
    name, count = counts.most_common(1)[0]
    notes.append(f"Each item of `{name}` becomes a row; {count} of the first {len(objects)} objects have it.")
    if len(counts) > 1:
        notes.append(f"Other inner lists: {', '.join(f'`{other}`' for other, _count in counts.most_common()[1:])}.")
    return name


def _object_lists(value: dict[str, Any], at: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for key, inner in value.items():
        if isinstance(inner, dict) and len(at) < DEPTH_MAX:
            found += _object_lists(inner, (*at, key))
        elif isinstance(inner, list) and inner and all(isinstance(item, dict) for item in inner):
            found.append(".".join((*at, key)))
    return found
