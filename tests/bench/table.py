"""One row per number: what was measured, what is required, and whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One number. `measured` and `required` are texts for people; `note` says what it was compared with."""

    what: str
    measured: str
    required: str
    ok: bool
    note: str = ""


def at_most(what: str, value: float, limit: float, unit: str, note: str = "") -> Row:
    """A number that may not be larger."""
    return Row(what, _shown(value, unit), f"≤ {_shown(limit, unit)}", value <= limit, note)


def at_least(what: str, value: float, limit: float, unit: str, note: str = "") -> Row:
    """A number that may not be smaller."""
    return Row(what, _shown(value, unit), f"≥ {_shown(limit, unit)}", value >= limit, note)


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.2f}"
    return f"{number} {unit}".strip()


def printed(rows: Sequence[Row]) -> str:
    """The table, a line each."""
    head = Row("", "measured", "required", ok=True)
    widths = [max(len(getattr(row, name)) for row in (head, *rows)) for name in ("what", "measured", "required")]
    lines = [_line(head, widths, "")]
    lines += [_line(row, widths, "ok" if row.ok else "NOT OK") for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: Row, widths: list[int], verdict: str) -> str:
    what, measured, required = widths
    cells = f"{row.what:<{what}}  {row.measured:>{measured}}  {row.required:>{required}}  {verdict:<6}  {row.note}"
    return cells.rstrip()
