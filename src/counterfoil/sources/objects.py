"""One JSON object becomes rows: nested names joined by dots, or one row per item of an inner list. Pure.

Called by jsonl and documents. Numbers stand as written, null and what is absent is "", true and false are words. Items
of a list that is not exploded are numbered from 0: "payments.0.amount".
"""

from collections.abc import Iterator
from typing import Any

from counterfoil.model import shape
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.sources import FIELDS_MAX, GROUP_ROWS_MAX, BadRow, sheet


class _MisfitError(ValueError):
    """The object cannot be rows; holds the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


def rows(value: dict[str, Any], explode: str | None, source: str, group: str, digest: str) -> list[SheetRow | BadRow]:
    """The rows of one object. `explode` names the inner list, by dots; the rows of it share `group`.

    An object without items there is one row without those columns, so that it is not lost silently. `digest` is the
    object's own hash, for the BadRow that stands for it if it cannot be rows.
    """
    try:
        if explode is None:
            return [sheet.row(source, _cells(value))]
        items = _taken(value, explode.split("."))
        head = _cells(value)
        if not items:
            return [sheet.row(source, head, group)]
        return [
            sheet.row(f"{source}, {explode} {n}", _cells(item, explode, head), group) for n, item in enumerate(items, 1)
        ]
    except _MisfitError as error:
        return [BadRow(source, digest, error.finding)]


def _taken(value: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """The items of the inner list, which is taken out of the object."""
    where = ".".join(names)
    inside: Any = value
    for name in names[:-1]:
        inside = inside.get(name)
        if not isinstance(inside, dict):
            return []
    items = inside.pop(names[-1], None)
    if items is None:
        return []
    if not isinstance(items, list):
        raise _wrong(where, "is not a list", shape.shown(items), "Correct `explode`, or the file.")
    if len(items) > GROUP_ROWS_MAX:
        raise _wrong(where, f"has {len(items):,} items; at most {GROUP_ROWS_MAX:,} make one record", "", "Split it.")
    for item in items:
        if not isinstance(item, dict):
            raise _wrong(where, "has an item that is not an object", shape.shown(item), "Correct `explode`.")
    return items


def _cells(value: dict[str, Any], prefix: str = "", head: dict[str, str] | None = None) -> dict[str, str]:
    """Every value of an object by its dotted name, after those of the object that it was in."""
    cells = dict(head or {})
    for name, cell in _leaves(value, prefix):
        if name in cells:
            raise _wrong(name, "is the name of two values", "", "Rename one of them: names are joined by dots.")
        cells[name] = cell
        if len(cells) > FIELDS_MAX:
            reason = f"The object has more than {FIELDS_MAX} values."
            raise _MisfitError(Finding("too-many-fields", reason, "Name the inner list in `explode`, or export less."))
    return cells


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{n}")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif isinstance(value, str):
        yield name, "" if value.isspace() else value
    elif isinstance(value, int):
        yield name, str(value)
    elif name:
        yield name, ""  # null, {} and []


def _wrong(field: str, what: str, value: str, remedy: str) -> _MisfitError:
    return _MisfitError(Finding("wrong-shape", f"`{shape.shown(field)}` {what}.", remedy, shape.shown(field), value))
