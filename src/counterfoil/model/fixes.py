"""Corrections that a person stored, laid over records before they are decoded; the records themselves stay as they came.

Called by app/checking for every record and by app/fixing, which tries a correction before it keeps it. Pure: the same
record, fixes and findings give the same bytes. A fix that names one record speaks for it always. A fix for a cause speaks
only where the checks found that cause, so that what is good is never touched: nothing else may tell two lines of one tax
apart, one on an account that takes it and one on an account that does not. Undone, a fix leaves no trace in a record.
"""

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow

ROUNDS_MAX: Final = 5  # what one correction lets through may need the next one: an account, then its tax
TRACKING: Final = "tracking"  # its keys are names of a person's choice, dots included
_INDEX: Final = re.compile(r"\[(\d+)\]")
_STEP: Final = re.compile(r"\[(\d*)\]|([^.\[\]]+)")
_PLAIN: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Fix(msgspec.Struct, frozen=True):
    """One stored correction.

    Matches records of `entity` (None: of any) whose external id is one of `external_ids` (None: whichever), at the
    findings with `cause`, `field` ("lines[].account_code"; "": whichever) and `value` (None: whichever); `by_name`: at no
    finding, a person having named the record. `put` maps places to what stands there from then on, None: nothing; `lines[]` is the line that was found, else every line. A place
    in backticks is a column of the source's rows.
    """

    id: int
    entity: str | None
    external_ids: frozenset[str] | None
    by_name: bool
    cause: str
    field: str
    value: str | None
    put: dict[str, Any]
    actor: str
    at: datetime.datetime


class Fixed(msgspec.Struct, frozen=True):
    """What one fix did to one record, in a sentence that `plan` and `why` show."""

    fix: int
    said: str


def pattern(field: str) -> str:
    """`lines[3].account` as `lines[].account`: the same place in every line."""
    return _INDEX.sub("[]", field)


def base_cause(cause: str) -> str:
    """A problem's cause without the value that tells it from its like: `account-unknown:sales-old`, `waits:…`."""
    return cause.removeprefix("waits:").partition(":")[0]


def apply(
    raw: bytes, fixes: Sequence[Fix], findings: Sequence[Finding] | None = None, entity: str | None = None
) -> tuple[bytes, tuple[Fixed, ...]]:
    """A record with the fixes that speak for it, and what they did; the very same bytes when none does.

    Without `findings`: those that name this record. With: those for a cause that was found in it; `entity` is the
    record's. What is no JSON object is left alone.
    """
    wanted = [fix for fix in fixes if fix.by_name == (findings is None)]
    if not wanted:
        return raw, ()
    try:
        record = _PLAIN.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw, ()
    if not isinstance(record, dict):
        return raw, ()
    done: dict[int, tuple[Fix, dict[str, None]]] = {}
    for fix, index in _speaking(wanted, record, findings, entity):
        if changes := _put(record, fix, index):
            done.setdefault(fix.id, (fix, {}))[1].update(changes)
    notes = tuple(_note(fix, changes) for fix, changes in done.values())
    return (_ENCODER.encode(record), notes) if notes else (raw, ())


def _note(fix: Fix, changes: Iterable[str]) -> Fixed:
    return Fixed(fix.id, f"{', '.join(changes)} by {fix.actor} on {fix.at:%Y-%m-%d} (fix {fix.id})")


def apply_cells(
    rows: Sequence[SheetRow],
    fixes: Sequence[Fix],
    findings: Sequence[Finding],
    external_id: str | None = None,
    entity: str | None = None,
) -> tuple[Sequence[SheetRow], tuple[Fixed, ...]]:
    """Rows of a table with the fixes for what their mapping found: a finding's field is then a column, its value the cell.

    The same rows when no fix speaks for them. `external_id` and `entity` are the record's, as far as they are known.
    `hash` stays: it says what the source gave.
    """
    changes: dict[tuple[str, str], Fix] = {}
    for fix in sorted(fixes, key=lambda fix: -fix.id):
        if not _about(fix, external_id) or fix.entity not in (None, entity):
            continue
        for finding in findings:
            if _found(fix, finding) and column(finding.field) in fix.put and finding.value:
                changes.setdefault((finding.field, finding.value), fix)
    if not changes:
        return rows, ()
    changed: list[SheetRow] = []
    notes: dict[int, Fixed] = {}
    for row in rows:
        cells = dict(row.cells)
        for (name, value), fix in changes.items():
            new = str(fix.put[column(name)] or "")
            if name in cells and cells[name].strip() == value != new:
                cells[name] = new
                notes[fix.id] = _note(fix, [f"{name} {value} → {_shown(new)}"])
        changed.append(row if cells == row.cells else msgspec.structs.replace(row, cells=cells))
    return (changed, tuple(notes.values())) if notes else (rows, ())


def column(name: str) -> str:
    """A column as a place."""
    return f"`{name}`"


def _speaking(
    fixes: Sequence[Fix], record: dict[str, Any], findings: Sequence[Finding] | None, entity: str | None
) -> Iterator[tuple[Fix, int | None]]:
    """The fixes that speak for this record, each with the line that was found; for one finding only the newest."""
    if findings is None:
        yield from ((fix, None) for fix in fixes if _about(fix, record.get("external_id")))
        return
    newest_first = sorted(fixes, key=lambda fix: -fix.id)
    for finding in findings:
        for fix in newest_first:
            if fix.entity in (None, entity) and _about(fix, record.get("external_id")) and _found(fix, finding):
                index = _INDEX.search(finding.field)
                yield fix, int(index[1]) if index else None
                break


def _about(fix: Fix, external_id: Any) -> bool:
    return fix.external_ids is None or (isinstance(external_id, str) and external_id in fix.external_ids)


def _found(fix: Fix, finding: Finding) -> bool:
    return (
        fix.cause == base_cause(finding.cause)
        and fix.field in ("", pattern(finding.field))
        and fix.value in (None, finding.value)
    )


def _put(record: dict[str, Any], fix: Fix, index: int | None) -> dict[str, None]:
    """Carry out a fix in the record; → what changed, in words and in order."""
    said: dict[str, None] = {}
    for place, value in fix.put.items():
        if place.startswith("`"):
            continue
        for container, key in _places(record, steps(place), index):
            was = container.get(key)
            if value is None and key in container:
                del container[key]
            elif value is not None and was != value:
                container[key] = value
            else:
                continue
            name = key if key != TRACKING else place
            said[f"{name} {_shown(was)} → {_shown(value)}"] = None
    return said


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)


def steps(place: str) -> tuple[str | int | None, ...]:
    """`lines[].tracking.A.B` as ("lines", None, "tracking", "A.B"): None is every item of a list."""
    head, tracking, rest = place.partition(f".{TRACKING}.")
    found = [name or (int(number) if number else None) for number, name in _STEP.findall(head)]
    return (*found, TRACKING, rest) if tracking else tuple(found)


def _places(value: Any, path: tuple[str | int | None, ...], index: int | None) -> Iterable[tuple[dict[str, Any], str]]:
    """The objects, each with the key, that a path names in a record; objects on the way that are missing are made."""
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if not isinstance(value, dict):
            return
        if not rest:
            yield value, step
            return
        if step not in value and isinstance(rest[0], str):
            value[step] = {}
        yield from _places(value.get(step), rest, index)
    elif isinstance(value, list) and rest:
        wanted = step if step is not None else index
        chosen = value if wanted is None else value[wanted : wanted + 1]
        for item in chosen:
            yield from _places(item, rest, index)
