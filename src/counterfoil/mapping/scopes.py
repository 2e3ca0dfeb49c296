"""What a value is taken from: one row of a group, or the group as a whole, whose rows must agree.

Called by values, expressions and mapper. Pure. A column that is not there, and rows that disagree, end in `Unmapped`,
which the mapper turns into the record's findings.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from counterfoil.model import spelling
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow

SHOWN_MAX: Final = 4  # rows named in one message


class Unmapped(Exception):
    """This field has no value; `finding` says why. Never leaves mapping/."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class Scope(Protocol):
    """What values and expressions read from."""

    @property
    def sources(self) -> str:
        """Where a person finds it, for messages."""

    def cell(self, column: str) -> str:
        """The text of a column without outer spaces, "" when it is blank. Raises Unmapped."""

    def head(self, column: str) -> str:
        """The text of a column of the whole group. Raises Unmapped."""

    def products(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """Each row's cells of these columns. Raises Unmapped."""


class Group:
    """The rows of one record, as `map` and lines with each = "record" see them."""

    def __init__(self, rows: Sequence[SheetRow], optional: frozenset[str]) -> None:
        self.rows = rows
        self._optional = optional
        self._heads: dict[str, str] = {}

    @property
    def sources(self) -> str:
        """Where its rows stand."""
        return _listed([row.source for row in self.rows])

    def cell(self, column: str) -> str:
        """The one text that its rows have in this column."""
        found = self._heads.get(column)
        if found is None:
            found = self._heads[column] = self._agreed(column)
        return found

    head = cell

    def products(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """Each row's cells of these columns."""
        return [tuple(self.of_row(row, column) for column in columns) for row in self.rows]

    def of_row(self, row: SheetRow, column: str) -> str:
        """The text of one row's column; blank when only other rows of the group have it."""
        text = row.cells.get(column)
        if text is not None:
            return text.strip()
        if column not in self._optional and not any(column in other.cells for other in self.rows):
            raise Unmapped(missing(column, row))
        return ""

    def _agreed(self, column: str) -> str:
        if len(self.rows) == 1:
            return self.of_row(self.rows[0], column)
        values: dict[str, list[str]] = {}
        for row in self.rows:
            text = self.of_row(row, column)
            if text:
                values.setdefault(text, []).append(row.source)
        if len(values) > 1:
            raise Unmapped(_disagreement(column, values))
        return next(iter(values), "")


class RowOf:
    """One row of a group, as lines with each = "row" see it."""

    def __init__(self, group: Group, row: SheetRow) -> None:
        self._group = group
        self._row = row

    @property
    def sources(self) -> str:
        """Where the row stands."""
        return self._row.source

    def cell(self, column: str) -> str:
        """The row's own text."""
        text = self._row.cells.get(column)
        return self._group.of_row(self._row, column) if text is None else text.strip()

    def head(self, column: str) -> str:
        """The text of its group."""
        return self._group.cell(column)

    def products(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """The cells of its group's rows."""
        return self._group.products(columns)


def missing(column: str, row: SheetRow) -> Finding:
    """The row lacks a column that the mapping names."""
    near = spelling.suggestion(column, row.cells)
    remedy = f"{near} Or name it in read.optional, when rows may lack it."
    return Finding("column-missing", f"There is no column `{column}` ({row.source}).", remedy, value=column)


def _disagreement(column: str, values: dict[str, list[str]]) -> Finding:
    told = "; ".join(f"{value} ({_listed(rows)})" for value, rows in list(values.items())[:SHOWN_MAX])
    more = f"; and {len(values) - SHOWN_MAX} more" if len(values) > SHOWN_MAX else ""
    return Finding(
        "rows-disagree",
        f"The rows of one record disagree in column `{column}`: {told}{more}.",
        "Make them agree, group by something else, or use the column in a line.",
        value=column,
    )


def _listed(sources: Sequence[str]) -> str:
    shown = ", ".join(sources[:SHOWN_MAX])
    return f"{shown} and {len(sources) - SHOWN_MAX} more" if len(sources) > SHOWN_MAX else shown
