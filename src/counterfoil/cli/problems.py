"""`counterfoil problems [list|show N|retry N|skip N --because T]`: what needs a person; no call to Xero.

For programs the list is flat: one value per record, each with the number and the cause of its problem.
"""

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import Problem

app = session.app()
COLUMNS = (
    "problem",
    "cause",
    "entity",
    "flow",
    "kind",
    "external_id",
    "source",
    "state",
    "reason",
    "xero_messages",
    "remedy",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would carry these out


@app.callback(invoke_without_command=True)
def problems(
    context: typer.Context, csv: bool = typer.Option(False, "--csv", help="One line per record, as CSV.")
) -> None:
    """What needs a person, by cause, most money first: list, show one, try again, or skip."""
    if context.invoked_subcommand is None:
        _list(session.of(context), as_csv=csv)


@app.command("list")
def list_(
    context: typer.Context, csv: bool = typer.Option(False, "--csv", help="One line per record, as CSV.")
) -> None:
    """The open problems."""
    _list(session.of(context), as_csv=csv)


@app.command()
def show(context: typer.Context, n: int = typer.Argument(metavar="N", help="A problem's number.")) -> None:
    """One problem with all its records."""
    now = session.of(context)
    problem = now.books(lambda books: books.problem(n))
    now.screen.value(problem)
    _told(now.screen, problem)
    rows = [
        [one.id or "", one.entity or "", one.external_id or "", one.source, one.reason or ""] for one in problem.records
    ]
    now.screen.table(("ID", "ENTITY", "RECORD", "SOURCE", "REASON"), rows, right=(0,))
    now.screen.next(f"counterfoil problems retry {n}, or skip {n} --because '…'")


@app.command()
def retry(context: typer.Context, n: int = typer.Argument(metavar="N", help="A problem's number.")) -> None:
    """Plan a problem's records again, after its cause is cured."""
    now = session.of(context)
    problem, planned = now.books(lambda books: _retry(books, n))
    now.screen.value({"problem": n, "records": planned})
    left = problem.count - planned
    if planned:
        now.screen.line(f"{table.count(planned, 'record')} planned again.")
    if left > 0:
        now.screen.line(f"{table.count(left, 'record')} never passed the checks: the next run reads them again.")
    now.screen.next("counterfoil finish" if planned else f"counterfoil run {problem.flow}")


@app.command()
def skip(
    context: typer.Context,
    n: int = typer.Argument(metavar="N", help="A problem's number."),
    because: str = typer.Option(..., help="The reason; it is kept."),
) -> None:
    """Take a problem's records off the list for good."""
    now = session.of(context)
    skipped = now.books(lambda books: books.skip(n, because))
    now.screen.value({"problem": n, "records": skipped})
    now.screen.line(f"{table.count(skipped, 'record')} skipped: {table.harmless(because)}")
    now.screen.next("counterfoil problems")


async def _retry(books: Any, n: int) -> "tuple[Problem, int]":
    problem = await books.problem(n)
    return problem, await books.retry(n)


def _list(now: session.Session, *, as_csv: bool) -> None:
    if as_csv and now.json:
        raise errors.InputError("--csv and --json exclude each other.")
    found = now.books(lambda books: books.problems())
    if as_csv:
        sys.stdout.write(_csv(found))
        return
    now.screen.value([_flat(problem, one) for problem in found for one in problem.records])
    rows = [
        [problem.n, problem.count, table.sums(problem.amounts), problem.flow, problem.reason, problem.remedy]
        for problem in found
    ]
    if not found:
        now.screen.line("No problems.")
    else:
        now.screen.table(("N", "RECORDS", "WAITING", "FLOW", "WHAT IS WRONG", "WHAT TO DO"), rows, right=(0, 1, 2))
    now.screen.next(f"counterfoil problems show {found[0].n}" if found else "counterfoil status")


def _flat(problem: "Problem", one: Any) -> dict[str, Any]:
    return msgspec.structs.asdict(one) | {"problem": problem.n, "cause": problem.cause}


def _told(screen: Screen, problem: "Problem") -> None:
    waiting = f", {table.sums(problem.amounts)} waiting" if problem.amounts else ""
    screen.line(f"Problem {problem.n} of {problem.flow}: {table.count(problem.count, 'record')}{waiting}")
    screen.line(f"  {table.harmless(problem.reason)}")
    for message in problem.xero_messages:
        screen.line(f"  Xero said: {table.harmless(message)}")
    screen.line(f"  What to do: {table.harmless(problem.remedy)}\n")


def _csv(found: "list[Problem]") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for problem in found:
        for one in problem.records:
            flat = _flat(problem, one)
            flat["xero_messages"] = "; ".join(one.xero_messages or ())
            writer.writerow({name: _cell(value) for name, value in flat.items()})
    return text.getvalue()


def _cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula."""
    plain = "" if value is None else str(value)
    return f"'{plain}" if plain.startswith(FORMULA_STARTS) else plain
