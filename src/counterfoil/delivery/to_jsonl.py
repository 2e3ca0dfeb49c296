"""A feed to a file of JSON lines: a line of each row, each change once, on the disk before it counts as handed over.

Called by the engine through sinks. With a `map` a line is `_change`, `_row` and `_rows` (whose row it is, which of how many) and the
row; without one it is the change itself.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from counterfoil.delivery import file_names
from counterfoil.delivery.appending import Appender, Block, Form
from counterfoil.delivery.aside import aside
from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sinks import Tools
from counterfoil.delivery.tail import MOST, Mark
from counterfoil.model import shape
from counterfoil.model.change import Change
from counterfoil.settings import FeedSettings, tables


class JsonlTable(tables.Table, frozen=True, kw_only=True):
    """`to = { jsonl = "out/changes-{date}.jsonl" }`."""

    jsonl: Annotated[
        str, msgspec.Meta(description="A file, relative to this one; {date}, {month}, {entity}, {resource}.")
    ]


class _Line(msgspec.Struct):
    """Of a line, what says whose it is."""

    change: str = msgspec.field(default="", name="_change")
    row: int = msgspec.field(default=1, name="_row")
    rows: int = msgspec.field(default=1, name="_rows")
    id: str = ""


TABLE: Final = JsonlTable
_LINE: Final = msgspec.json.Decoder(_Line)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


def misfits(_feed: FeedSettings, to: dict[str, Any]) -> list[shape.Misfit]:
    """The file's name."""
    return file_names.misfits("jsonl", to.get("jsonl"))


def unfit(_feed: FeedSettings, _to: JsonlTable, shaped: Shape) -> list[shape.Misfit]:
    """No column may be called as what a line says of itself."""
    return file_names.unfit(shaped)


def outlet(_feed: FeedSettings, to: JsonlTable, shaped: Shape, tools: Tools) -> "JsonlOutlet":
    """The outlet of a feed to JSON lines."""
    return JsonlOutlet(to.jsonl, shaped, tools.folder)


def mark(line: bytes) -> Mark | None:
    """Whose row a line is; None: it is none of ours."""
    try:
        said = _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    change = said.change or said.id
    return Mark(change, said.row, said.rows) if change else None


def lines(change: Change, shaped: Shape) -> bytes:
    """The lines of a change."""
    found = shaped.rows(change)
    if shaped.mapper is None:
        return b"".join(_ENCODER.encode(row) + b"\n" for row in found)
    marked = ({"_change": change.id, "_row": n, "_rows": len(found)} | row for n, row in enumerate(found, 1))
    return b"".join(_ENCODER.encode(row) + b"\n" for row in marked)


FORM: Final = Form(b"\n", mark, begins=b'{"')


class JsonlOutlet:
    """Implements outlet.Outlet."""

    most = MOST

    def __init__(self, pattern: str, shaped: Shape, folder: Path) -> None:
        self._pattern, self._shaped, self._folder = pattern, shaped, folder
        self._files = Appender(FORM)

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """Append the rows of these changes. Raises NotDelivered."""
        files: dict[Path, list[Block]] = {}
        for one in changes:
            path = file_names.of(self._pattern, one, self._folder)
            files.setdefault(path, []).append(Block(one.id, lines(one, self._shaped)))
        for path, blocks in files.items():
            await aside(functools.partial(self._files.append, path, blocks))

    async def close(self) -> None:
        """Nothing is held."""
