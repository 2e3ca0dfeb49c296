"""The review file of `contacts match`: written for a spreadsheet, and read back as a spreadsheet saved it.

Called by contacts. Programs save CSV with commas, semicolons or tabs, in UTF-8, UTF-16 or Windows' own letters; all are
read. Nothing that a cell holds can become a formula.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from counterfoil import errors
from counterfoil.cli import problem_exports

if TYPE_CHECKING:
    from counterfoil.app.matching_contacts import Pair, Row

COLUMNS: Final = (
    "decision", "score", "reason", "entity", "external_id", "name", "email", "contact_id", "contact_name",
    "contact_email", "contact_number", "contact_status",
)  # fmt: skip
NEEDED: Final = ("decision", "entity", "external_id", "contact_id")
BYTES_MAX: Final = 64 << 20
DELIMITERS: Final = (",", ";", "\t")


def write(path: Path, pairs: "Iterable[Pair]") -> None:
    """Write the file; UTF-8 with a mark, by which spreadsheets know it. Raises InputError when it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for pair in pairs:
        line = msgspec.structs.asdict(pair.proposal) | {"entity": pair.entity}
        writer.writerow({name: problem_exports.cell(value) for name, value in line.items()})
    problem_exports.write(str(path), "\ufeff" + text.getvalue())


def refuse_to_overwrite(path: Path) -> None:
    """Raises InputError when the file is there already: a person's decisions may be in it."""
    if path.exists():
        raise errors.InputError(
            f"{path} is there already, and your decisions may be in it.",
            remedy="Apply it (--apply), remove it, or name another (--out).",
        )


def read(path: Path) -> "list[Row]":
    """The lines that a person gave back. Raises InputError when it is no such file."""
    from counterfoil.app.matching_contacts import Row

    text = _text(path)
    heading = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().casefold() for name in next(reader, [])]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise errors.InputError(
            f"{path} lacks the column {missing[0]}.", remedy="Keep the heading that `contacts match` wrote."
        )
    at = {name: names.index(name) for name in NEEDED}
    rows: list[Row] = []
    try:
        for cells in reader:
            given = {name: _cell(cells, position) for name, position in at.items()}
            if any(given.values()):
                decision = given["decision"].casefold()
                rows.append(
                    Row(reader.line_num, given["entity"], given["external_id"], given["contact_id"].lower(), decision)
                )
    except csv.Error as error:
        raise errors.InputError(
            f"{path}:{reader.line_num} is no CSV: {error}.", remedy="Save it as CSV again."
        ) from error
    return rows


def _cell(cells: list[str], position: int) -> str:
    """A cell without the apostrophe that kept it from being a formula."""
    text = cells[position].strip() if position < len(cells) else ""
    return text[1:] if text.startswith("'") and text[1:].startswith(problem_exports.FORMULA_STARTS) else text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.InputError(f"{path} cannot be read: {reason}.", remedy="Correct the path.") from error
    if len(raw) > BYTES_MAX:
        raise errors.InputError(f"{path} has more than {BYTES_MAX:,} bytes.", remedy="Is it the file that was written?")
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue  # the next one
    raise errors.InputError(f"{path} is no text.", remedy="Save it as CSV, in UTF-8.")
