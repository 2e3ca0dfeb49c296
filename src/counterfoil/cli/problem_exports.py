"""The open problems as files that a colleague can be sent: CSV, one line per record, and one HTML page.

Called by problems. Nothing but what stands on the screen goes into them; a cell cannot become a formula, and the page
needs nothing from anywhere: no script, no picture, no font.
"""

import csv
import datetime
import io
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil import errors
from counterfoil.cli import table
from counterfoil.model import formulas

if TYPE_CHECKING:
    from counterfoil.app.reports import Problem

COLUMNS: Final = (
    "problem", "cause", "entity", "flow", "kind", "external_id", "source", "field", "column", "value", "amount", "currency",
    "state", "reason", "xero_messages", "remedy", "cure", "document",
)  # fmt: skip
FORMULA_STARTS: Final = formulas.STARTS
ROWS_MAX: Final = 300  # of one problem on the page; the CSV has all
STDOUT: Final = "-"


def flat(problem: "Problem", one: Any) -> dict[str, Any]:
    """One record with its problem's number and cause: what programs read."""
    return msgspec.structs.asdict(one) | {"problem": problem.n, "cause": problem.cause}


def as_csv(found: "Sequence[Problem]") -> str:
    """One line per record."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for problem in found:
        for index, one in enumerate(problem.records):
            amount, currency = _total(problem, index)
            line = flat(problem, one) | {
                "field": problem.field, "column": problem.column, "value": problem.value, "amount": amount,
                "currency": currency,
                "xero_messages": "; ".join(one.xero_messages or ()), "cure": _command(problem),
                "document": one.document.url if one.document else None,
            }  # fmt: skip
            writer.writerow({name: cell(value) for name, value in line.items()})
    return text.getvalue()


def cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula. An amount may begin with a minus sign."""
    plain = "" if value is None else str(value)
    return plain if isinstance(value, Decimal) else formulas.disarmed(plain)


def as_html(found: "Sequence[Problem]", at: datetime.datetime) -> str:
    """One page that reads on a telephone: money first, what is wrong, what Xero said, what to do, which rows."""
    import jinja2

    waiting: dict[str, Decimal] = defaultdict(Decimal)
    unknown = sum(problem.unknown for problem in found)
    for problem in found:
        for currency, amount in problem.amounts.items():
            waiting[currency] += amount
    template = resources.files("counterfoil.cli").joinpath("problems.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["plain"] = table.harmless
    environment.filters["coded"] = _coded
    return environment.from_string(template).render(
        at=f"{at:%Y-%m-%d %H:%M} UTC",
        waiting=table.waiting(waiting, unknown),
        records=sum(problem.count for problem in found),
        problems=[_card(problem) for problem in found],
    )


def _card(problem: "Problem") -> dict[str, Any]:
    rows = [
        {"record": one.external_id or "", "source": one.source, "entity": one.entity or "",
         "amount": table.money(*_total(problem, index)) or "unknown", "reason": one.reason if one.reason != problem.reason else "",
         "document": one.document}
        for index, one in enumerate(problem.records[:ROWS_MAX])
    ]  # fmt: skip
    return {
        "n": problem.n, "reason": problem.reason, "flow": problem.flow, "count": table.count(problem.count, "record"),
        "waiting": table.waiting(problem.amounts, problem.unknown), "where": "column" if problem.column else "field", "field": problem.column or problem.field, "value": problem.value,
        "said": problem.xero_messages, "remedy": problem.remedy, "command": _command(problem), "rows": rows,
        "more": problem.count - len(rows), "remarks": any(row["reason"] or row["document"] for row in rows),
    }  # fmt: skip


def _coded(text: str) -> str:
    """A sentence whose `words in backticks` are set as code. Safe: every part is escaped."""
    import markupsafe

    parts = table.harmless(text).split("`")
    code = markupsafe.Markup("<code>{}</code>")
    return markupsafe.Markup("").join(code.format(part) if n % 2 else part for n, part in enumerate(parts))


def _command(problem: "Problem") -> str:
    return f"counterfoil problems {problem.cure}" if problem.cure else ""


def _total(problem: "Problem", index: int) -> tuple[Decimal | None, str | None]:
    found = problem.totals[index] if index < len(problem.totals) else None
    return found or (None, None)


def write(file: str, text: str) -> None:
    """Write an export. Raises InputError when the file cannot be written."""
    try:
        Path(file).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise errors.InputError(f"{file} cannot be written: {reason}.", remedy="Name another file.") from error
