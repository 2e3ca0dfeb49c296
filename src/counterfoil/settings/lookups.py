"""[lookups.NAME]: tables that a mapping looks things up in, written in the configuration or in a CSV file beside it.

Called by flows, which hands the compiled tables to mapping/. Reads the CSV files, nothing else.
"""

import csv
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from counterfoil.model import shape
from counterfoil.model.text import Line50, Line255
from counterfoil.settings import loading, reading, sources, tables
from counterfoil.settings.mistakes import place, told

HOLD: Final = "hold"
ROWS_MAX: Final = 100_000
KEYS_MAX: Final = 8
_NEEDED: Final = 'Such as { csv = "vat.csv", key = ["Country", "Class"], value = "Tax" }.'


class LookupTable(tables.Table, frozen=True, kw_only=True, rename={"from_": "from"}):
    """[lookups.NAME] as it is written: `rows`, or a CSV file; then `key` and `value` name its columns."""

    rows: Annotated[
        dict[str, str] | tuple[dict[str, Any], ...] | None,
        msgspec.Meta(description='{ "S" = "standard" }, or a list of tables with the columns named below.'),
    ] = None
    csv: Annotated[sources.FileName | None, msgspec.Meta(description="A CSV file, relative to this one.")] = None
    delimiter: sources.Delimiter = ","
    encoding: Annotated[Line255, msgspec.Meta(description="The CSV file's, such as utf-8 or cp1252.")] = "utf-8-sig"
    key: Annotated[
        # Without bounds, as reading.ReadTable.date: msgspec 0.22 frees a bounded text beside a list twice.
        str | tuple[str, ...] | None, msgspec.Meta(description="The column or columns that are looked up.")
    ] = None
    value: Annotated[Line255 | None, msgspec.Meta(description="The column that is found.")] = None
    from_: Annotated[Line255 | None, msgspec.Meta(description="The column with the day from which a row holds.")] = None
    date: Annotated[Line50, msgspec.Meta(description="How those days are written.")] = reading.ISO_DATE
    otherwise: Annotated[
        str, msgspec.Meta(description='What an unknown key gives; "hold": the record is held back.')
    ] = HOLD


class LookupRow(msgspec.Struct, frozen=True):
    """One row: its keys in order, what they give, and from which day on (None: always)."""

    keys: tuple[str, ...]
    value: str
    since: datetime.date | None = None


class LookupSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One table, ready for use. `otherwise` None: a key that is not there holds the record back.

    `keys` names the key columns, in the order in which they are given. `dated`: a row holds from its `since` until the
    next one's of the same keys. `place` is where the table is written.
    """

    name: str
    keys: tuple[str, ...]
    rows: tuple[LookupRow, ...]
    otherwise: str | None
    dated: bool
    place: str


def compile_lookups(settings: loading.Settings, problems: list[str]) -> dict[str, LookupSettings]:
    """All lookups by name; what is wrong with them is added to `problems`, as lines with their places."""
    found = {}
    for name, raw in settings.lookups.items():
        before = len(problems)
        prefix = ("lookups", name)
        misfits = [*shape.misfits(raw.values, LookupTable), *_misfits(raw.values)]
        problems += [told(misfit, raw.where, settings.path.name, prefix) for misfit in misfits]
        if len(problems) == before:
            at = place(raw.where, prefix, settings.path.name)
            found[name] = _compiled(name, msgspec.convert(raw.values, LookupTable), settings.path.parent, at, problems)
    return found


def _misfits(values: dict[str, Any]) -> list[shape.Misfit]:
    rows, file = values.get("rows"), values.get("csv")
    if (rows is None) == (file is None):
        reason = "needs `rows` or `csv`" if rows is None else "has both `rows` and `csv`"
        return [shape.Misfit((), "wrong-value", reason, 'Such as rows = { "S" = "standard" }.')]
    named = [key for key in ("key", "value", "from") if key in values]
    if isinstance(rows, dict) and named:
        reason = "has no use when `rows` is one table of keys and values"
        return [shape.Misfit((named[0],), "wrong-value", reason, "Take it out, or give `rows` as a list of tables.")]
    if not isinstance(rows, dict):
        return [
            shape.Misfit((key,), "wrong-value", "is missing", _NEEDED)
            for key in ("key", "value")
            if not values.get(key)
        ]
    return []


def _compiled(name: str, table: LookupTable, folder: Path, at: str, problems: list[str]) -> LookupSettings:
    keys = ("key",) if table.key is None else (table.key,) if isinstance(table.key, str) else table.key
    rows: list[LookupRow] = []
    seen: dict[tuple[Any, ...], str] = {}
    try:
        if len(keys) > KEYS_MAX:
            raise ValueError(f"{at}: [lookups.{name}] `key` names more than {KEYS_MAX} columns.")
        for where, row in _rows(table, keys, folder, at, name):
            twin = seen.setdefault((row.keys, row.since), where)
            if twin != where:
                shown = ", ".join(row.keys)
                raise ValueError(f"{where}: [lookups.{name}] has {shape.shown(shown)} twice; first at {twin}.")
            rows.append(row)
    except ValueError as error:
        problems.append(str(error))
    return LookupSettings(
        name=name,
        keys=keys,
        rows=tuple(rows),
        otherwise=None if table.otherwise == HOLD else table.otherwise,
        dated=table.from_ is not None,
        place=at,
    )


def _rows(
    table: LookupTable, keys: tuple[str, ...], folder: Path, at: str, name: str
) -> Iterator[tuple[str, LookupRow]]:
    """Each row with its place. Raises ValueError with a whole sentence."""
    if isinstance(table.rows, dict):
        for n, (key, value) in enumerate(table.rows.items(), 1):
            yield f"{at} (row {n})", LookupRow((key.strip(),), value)
        return
    assert table.value is not None, "misfits() has asked for it"
    wanted = (*keys, table.value, *([table.from_] if table.from_ else []))
    given = _listed(table.rows, at, name) if table.rows is not None else _csv(table, folder, at, name)
    for where, row in given:
        missing = [column for column in wanted if row.get(column) is None]
        if missing:
            raise ValueError(f"{where}: [lookups.{name}] has no `{shape.shown(missing[0])}`.")
        since = _day(row[table.from_], table.date, where, name) if table.from_ else None
        yield where, LookupRow(tuple(str(row[key]).strip() for key in keys), str(row[table.value]).strip(), since)


def _listed(rows: tuple[dict[str, Any], ...], at: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for n, row in enumerate(rows, 1):
        strange = [key for key, value in row.items() if not isinstance(value, str | datetime.date)]
        if strange:
            raise ValueError(f"{at} (row {n}): [lookups.{name}] `{shape.shown(strange[0])}` must be text in quotes.")
        yield f"{at} (row {n})", row


def _csv(table: LookupTable, folder: Path, at: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    assert table.csv is not None, "misfits() has asked for it"
    path = folder / table.csv
    try:
        with path.open(encoding=table.encoding, newline="") as file:
            reader = csv.DictReader(file, delimiter=table.delimiter, strict=True)
            for n, row in enumerate(reader, 1):
                if n > ROWS_MAX:
                    raise ValueError(f"{at}: [lookups.{name}] {path.name} has more than {ROWS_MAX:,} rows.")
                if any(value not in {None, ""} for value in row.values()):
                    yield f"{path.name}:{reader.line_num}", row
    except (OSError, LookupError, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{at}: [lookups.{name}] {table.csv} cannot be read: {reason}.") from error


def _day(value: Any, written: str, where: str, name: str) -> datetime.date:
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.datetime.strptime(value.strip(), written).date()  # noqa: DTZ007 - a day, not an instant
    except (ValueError, AttributeError) as error:
        reason = f"{shape.shown(value)} is no day as {written} writes it"
        raise ValueError(f"{where}: [lookups.{name}] {reason}.") from error
