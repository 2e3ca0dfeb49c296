"""Names of files with parts that change: `out/changes-{date}.jsonl`. Pure.

Called by to_jsonl and to_csv. A change belongs to the file of the day (UTC) on which it was seen, whenever it is handed over: so a
second time it goes into the same one.
"""

import re
from pathlib import Path
from typing import Final

from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.tail import MARKS
from counterfoil.model import shape, spelling
from counterfoil.model.change import Change

PARTS: Final = ("date", "month", "entity", "resource")
_PART: Final = re.compile(r"\{([^{}]*)\}")


def of(pattern: str, change: Change, folder: Path) -> Path:
    """The file of a change; a relative one belongs to `folder`."""
    day = change.seen_at.date().isoformat()
    said = {"date": day, "month": day[:7], "entity": change.entity, "resource": change.resource}
    return folder / _PART.sub(lambda found: _tame(said[found[1]]), pattern)


def _tame(text: str) -> str:
    """A part of a name never leads to another folder."""
    return re.sub(r"[/\\\0]", "-", text).lstrip(".") or "-"


def misfits(key: str, pattern: object) -> list[shape.Misfit]:
    """What is wrong with a name."""
    if not isinstance(pattern, str):
        return []
    found = [part for part in _PART.findall(pattern) if part not in PARTS]
    if found:
        return [_wrong(key, f"has the unknown part {{{shape.shown(found[0])}}}", spelling.suggestion(found[0], PARTS))]
    if set(_PART.sub("", pattern)) & set("{}"):
        return [_wrong(key, "has a brace that is not closed", "Such as out/changes-{date}.jsonl.")]
    if not pattern.strip() or not pattern.isprintable() or pattern.endswith("/"):
        return [_wrong(key, "is no file's name", "Such as out/changes-{date}.jsonl.")]
    return []


def unfit(shaped: Shape) -> list[shape.Misfit]:
    """No column may be called as what a line says of itself."""
    names = [one.name for one in shaped.mapper.columns] if shaped.mapper else []
    rule = f"{', '.join(MARKS)} say whose row a line is."
    return [shape.Misfit(("map", one), "wrong-value", "is a name of ours", rule) for one in names if one in MARKS]


def _wrong(key: str, reason: str, remedy: str) -> shape.Misfit:
    return shape.Misfit((key,), "wrong-value", reason, remedy)
