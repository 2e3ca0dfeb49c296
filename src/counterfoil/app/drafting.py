"""`flow new`: a table for a new flow, guessed from a sample, and put into the configuration when it loads there.

Called by cli/flow. No database, no call. What does not load yet is written beside the configuration, so that a draft
with something left to decide stops nobody else's flow.
"""

import itertools
import re
import stat
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors, flows, settings, sources
from counterfoil.app.mapped import MappedFlow
from counterfoil.mapping import guessing
from counterfoil.model import text
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import Settings
from counterfoil.sources import sniffing


class Draft(msgspec.Struct, frozen=True):
    """A drafted flow. `path` is where it was written; `decisions` what a person has still to decide there.

    `notes`: what looks odd in the sample. `loads`: it stands in the configuration and can be tried at once; else
    `problems` say why not.
    """

    name: str
    path: Path
    table: str
    notes: tuple[str, ...]
    decisions: tuple[str, ...]
    loads: bool
    problems: tuple[str, ...] = ()


DECIDE: Final = "decide:"


def draft(loaded: Settings, kind: str, name: str, sample: Path, flow_id: str) -> Draft:
    """Guess the table of a flow and write it.

    Raises ConfigurationError for a name that is taken or a kind that is none, InputError when the sample cannot be read
    or the table cannot be written.
    """
    record = flows.kind(kind).record
    if name in loaded.flows:
        raise errors.ConfigurationError(f"There is a flow {name} already.", remedy="Choose another name.")
    if not text.is_key(name) or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise errors.InputError(
            f"A flow may not be called {name!r}.", remedy="Take letters, digits, dashes and underscores."
        )
    guess = sniffing.sniff(sample)
    found = (row.cells for row in sources.rows(guess.settings, sample) if isinstance(row, SheetRow))
    rows = tuple(itertools.islice(found, guessing.ROWS_LOOKED_AT))
    file = _relative(sample, loaded.path.parent)
    table = guessing.table(
        name, flow_id, kind, record, guess.settings, file, guessing.Sample(guess.columns, rows), tuple(loaded.entities)
    )
    decisions = tuple(line.strip() for line in table.splitlines() if DECIDE in line)
    before = loaded.path.read_bytes()
    text_there = _appended(before, table)
    problems = _problems(loaded, name, text_there.replace("\r\n", "\n"))
    if not problems:
        _append(loaded.path, before, text_there)
        return Draft(name, loaded.path, table, guess.notes, decisions, loads=True)
    beside = loaded.path.with_name(f"{name}.flow.toml")
    _write_new(beside, table)
    mistakes = _as_written(problems, loaded.path.name, beside.name, before, text_there)
    return Draft(name, beside, table, guess.notes, decisions, loads=False, problems=mistakes)


def _as_written(problems: tuple[str, ...], name: str, beside: str, before: bytes, text_there: str) -> tuple[str, ...]:
    """The problems with their places in the file that the draft was written to, where they are the draft's."""
    first = before.count(b"\n") + len(text_there) - len(text_there.lstrip())  # lines before the draft's own first
    place = re.compile(rf"^{re.escape(name)}:(\d+):")

    def moved(match: re.Match[str]) -> str:
        line = int(match[1]) - first
        return f"{beside}:{line}:" if line > 0 else match[0]

    return tuple(place.sub(moved, problem) for problem in problems)


def _relative(sample: Path, folder: Path) -> str:
    absolute = sample.absolute()
    try:
        return absolute.relative_to(folder.absolute()).as_posix()
    except ValueError:
        return absolute.as_posix()


def _problems(loaded: Settings, name: str, more: str) -> tuple[str, ...]:
    """Why the configuration with the text at its end does not load or its mapping not compile; () when all is well."""
    try:
        tried = settings.load(loaded.path, loaded.environment or None, more=more)
        flow = settings.compile_flows(tried, flows.kinds())[name]
        MappedFlow(flow, flows.kind(flow.kind)).check_columns(flow.source.path)
    except errors.ConfigurationError as error:
        return error.problems or (str(error),)
    except errors.InputError as error:
        return (str(error),)
    return ()


def _appended(before: bytes, table: str) -> str:
    """The table as it stands after what is there, in that file's own line ends."""
    gap = "" if before.endswith(b"\n\n") else "\n" if before.endswith(b"\n") else "\n\n"
    text = f"{gap}{table.strip()}\n"
    return text.replace("\n", "\r\n") if b"\r\n" in before else text


def _append(path: Path, before: bytes, text: str) -> None:
    """The whole file or nothing: written beside and then moved into place, readable for nobody whom it was not."""
    beside = path.with_name(f".{path.name}.part")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        beside.unlink(missing_ok=True)
        beside.touch(mode, exist_ok=False)
        beside.chmod(mode)
        beside.write_bytes(before + text.encode())
        beside.replace(path)
    except OSError as cause:
        raise errors.InputError(f"{path} cannot be written: {cause.strerror}.") from cause


def _write_new(path: Path, table: str) -> None:
    try:
        with path.open("x") as file:
            file.write(table.strip() + "\n")
    except FileExistsError:
        raise errors.InputError(f"{path} is there already.", remedy="Finish it, or delete it.") from None
    except OSError as cause:
        raise errors.InputError(f"{path} cannot be written: {cause.strerror}.") from cause


def plain(found: Draft) -> dict[str, Any]:
    """The draft as `--json` shows it."""
    return msgspec.structs.asdict(found) | {"path": str(found.path)}
