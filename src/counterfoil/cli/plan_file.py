"""A plan kept in a file: what was decided, record by record, with a hash, so that `run --plan` does that or nothing.

Called by plan (writes) and run (compares). A record that the plan would create and that is posted by now is the plan's
own progress, not a difference: an interrupted `run --plan` can be repeated.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil import errors

if TYPE_CHECKING:
    from counterfoil.app.reports import PlanLine, PlanReport

FORM = 1
FILE_BYTES_MAX = 1 << 30
FIELDS = ("sign", "entity", "external_id", "number", "total", "currency")
Decided = dict[str, str | None]


class PlanFile(msgspec.Struct, forbid_unknown_fields=True):
    """The file. `hash`: SHA-256 of `lines` as JSON; `totals`: entity → currency → what would be created."""

    form: int
    flow: str
    hash: str
    records: int
    totals: dict[str, dict[str, str]]
    lines: list[Decided]


def write(path: Path, report: "PlanReport") -> str:
    """Write the plan; → its hash. Raises InputError when the file cannot be written."""
    lines = [_decided(line) for line in report.lines]
    totals = {entity: {name: str(sum_) for name, sum_ in of.items()} for entity, of in report.totals.items()}
    file = PlanFile(FORM, report.flow, _hash(lines), report.records, totals, lines)
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
    except OSError as cause:
        raise errors.InputError(f"The plan {path} cannot be written: {cause.strerror}.") from cause
    return file.hash


def check(path: Path, report: "PlanReport") -> str:
    """Compare the kept plan with one made now; → its hash. Raises InputError naming the first difference."""
    kept = _read(path)
    remedy = f"Look at it again: `counterfoil plan {report.flow} --out {path}`."
    if kept.flow != report.flow:
        raise errors.InputError(f"The plan {path} is for the flow {kept.flow}.", remedy=remedy)
    now = [_decided(line) for line in report.lines]
    for before, after in zip(kept.lines, now, strict=False):
        if (difference := _difference(before, after)) is not None:
            raise errors.InputError(f"The plan no longer holds: {difference}", remedy=remedy)
    if len(kept.lines) != len(now):
        found = f"{len(kept.lines):,} records then, {len(now):,} now."
        raise errors.InputError(f"The plan no longer holds: {found}", remedy=remedy)
    return kept.hash


def _read(path: Path) -> PlanFile:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise errors.InputError(f"{path} is too large to be a plan.")
        kept = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except OSError as cause:
        raise errors.InputError(f"The plan {path} cannot be read: {cause.strerror}.") from cause
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise errors.InputError(f"{path} is not a plan of `counterfoil plan --out`.") from cause
    if kept.form != FORM or kept.hash != _hash(kept.lines):
        raise errors.InputError(f"The plan {path} was changed after it was made.", remedy="Make a new one.")
    return kept


def _decided(line: "PlanLine") -> Decided:
    plain: dict[str, Any] = {name: getattr(line, name) for name in FIELDS}
    return {name: None if value is None else str(value) for name, value in plain.items()}


def _hash(lines: list[Decided]) -> str:
    return hashlib.sha256(msgspec.json.encode(lines, order="sorted")).hexdigest()


def _difference(before: Decided, after: Decided) -> str | None:
    if before == after or (
        before | {"sign": None} == after | {"sign": None} and (before["sign"], after["sign"]) == ("+", "=")
    ):
        return None
    name = before["external_id"] or "a record without an external_id"
    if before["external_id"] != after["external_id"]:
        return f"where {name} stood, there is now {after['external_id'] or 'a record without an external_id'}."
    field = next(one for one in FIELDS if before.get(one) != after[one])
    what = "its fate" if field == "sign" else f"`{field}`"
    return f"{name}: {what} was {before.get(field) or 'nothing'} and is {after[field] or 'nothing'}."
