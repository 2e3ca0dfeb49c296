"""`flow new`: a table for a new flow, guessed from a sample, and put into the configuration when it loads there.

Called by cli/flow. No database, no call. What does not load yet is written beside the configuration, so that a draft
with something left to decide stops nobody else's flow.
"""

import itertools
import tomllib
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

    `notes`: what looks odd in the sample. `loads`: it stands in the configuration and can be tried at once.
    """

    name: str
    path: Path
    table: str
    notes: tuple[str, ...]
    decisions: tuple[str, ...]
    loads: bool


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
    if _loads(loaded, name, table):
        _append(loaded.path, table)
        return Draft(name, loaded.path, table, guess.notes, decisions, loads=True)
    beside = loaded.path.with_name(f"{name}.flow.toml")
    _write_new(beside, table)
    return Draft(name, beside, table, guess.notes, decisions, loads=False)


def _relative(sample: Path, folder: Path) -> str:
    absolute = sample.absolute()
    try:
        return absolute.relative_to(folder.absolute()).as_posix()
    except ValueError:
        return absolute.as_posix()


def _loads(loaded: Settings, name: str, table: str) -> bool:
    """Whether the configuration with the table at its end is whole: it parses, and its mapping compiles."""
    beside = loaded.path.with_name(f".{loaded.path.name}.draft")
    try:
        beside.write_text(_joined(loaded.path.read_text(), table))
        compiled = settings.compile_flows(settings.load(beside, loaded.environment or None), flows.kinds())
        MappedFlow(compiled[name], flows.kind(compiled[name].kind)).check_columns(compiled[name].source.path)
    except (errors.ConfigurationError, errors.InputError, tomllib.TOMLDecodeError):
        return False
    except OSError as cause:
        raise errors.InputError(f"{beside.parent} cannot be written: {cause.strerror}.") from cause
    finally:
        beside.unlink(missing_ok=True)
    return True


def _joined(before: str, table: str) -> str:
    return f"{before.rstrip()}\n\n{table.strip()}\n"


def _append(path: Path, table: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(_joined(path.read_text(), table))
        beside.chmod(path.stat().st_mode)
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
