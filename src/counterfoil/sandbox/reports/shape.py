"""The pieces of a report: cells, rows, sections and the head around them. Called by every report."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.tables import Row

ZERO: Final = Decimal("0.00")


def cell(value: str, *attributes: tuple[str, str]) -> Row:
    """One cell; `attributes` are (Id, Value)."""
    if not attributes:
        return {"Value": value}
    return {"Value": value, "Attributes": [{"Value": text, "Id": name} for name, text in attributes]}


def money(amount: Decimal) -> str:
    """An amount as a cell shows it."""
    return f"{amount + ZERO:.2f}"


def header(*labels: str) -> Row:
    """The row above the columns."""
    return {"RowType": "Header", "Cells": [cell(label) for label in labels]}


def row(*cells: Row) -> Row:
    """A row of cells."""
    return {"RowType": "Row", "Cells": list(cells)}


def summary(label: str, values: Iterable[str]) -> Row:
    """A row of sums."""
    return {"RowType": "SummaryRow", "Cells": [cell(label), *(cell(value) for value in values)]}


def section(title: str, rows: list[Row]) -> Row:
    """Rows under a title, which may be empty."""
    return {"RowType": "Section", "Title": title, "Rows": rows}


def long_day(day: date) -> str:
    """24 April 2019."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """24 Apr 2019."""
    return f"{day.day} {day:%b %Y}"


def american(day: date) -> str:
    """4/24/2019, as attributes have it."""
    return f"{day.month}/{day.day}/{day.year}"


def report(call: Call, type: str, name: str, titles: list[str], rows: list[Row]) -> Row:
    """A whole report. `titles` follow the report's own."""
    now = call.world.clock.now()
    shown: dict[str, Any] = {
        "ReportID": type,
        "ReportName": name,
        "ReportType": type,
        "ReportTitles": titles,
        "ReportDate": long_day(call.books.today(now)),
        "UpdatedDateUTC": wire.envelope_time(now),
        "Fields": [],
        "Rows": rows,
    }
    return shown
