"""Report: what Xero computes of a ledger and lays out as rows of cells, every cell text.

Called by xero/resources/bank_summary. Rows of sums have no ids, and a cell may come without its value (xero-facts §5.21, §9).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from counterfoil.model.record import Part, Record

DEPTH_MAX: Final = 5  # sections within sections


class Attribute(Part, frozen=True, kw_only=True, gc=False):
    """What a cell is about: `id` names the kind of thing ("accountID"), `value` which one."""

    id: str = msgspec.field(default="", name="Id")  # not "ID", as everywhere else
    value: str = ""


class Cell(Part, frozen=True, kw_only=True, gc=False):
    """One cell; "" where Xero sends no value."""

    value: str | None = None
    attributes: tuple[Attribute, ...] | None = None

    def about(self, kind: str) -> str | None:
        """The id of what the cell is about, of this kind."""
        return next((one.value for one in self.attributes or () if one.id == kind), None)


class Row(Part, frozen=True, kw_only=True):
    """A header, a row, a row of sums, or a section with rows of its own."""

    row_type: str = ""
    cells: tuple[Cell, ...] | None = None
    rows: tuple["Row", ...] | None = None


class Report(Record, frozen=True, kw_only=True, gc=False):
    """One report."""

    report_type: str | None = None
    rows: tuple[Row, ...] = ()

    def leaves(self) -> Iterator[Row]:
        """Headers, rows and sums in their order, those of sections among them."""
        return _leaves(self.rows, DEPTH_MAX)


def _leaves(rows: tuple[Row, ...], depth: int) -> Iterator[Row]:
    for row in rows:
        if row.cells is not None:
            yield row
        if row.rows and depth:
            yield from _leaves(row.rows, depth - 1)
