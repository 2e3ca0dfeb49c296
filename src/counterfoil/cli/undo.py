"""`counterfoil undo RUN`: take a run back, after showing what would happen to each of its documents.

Drafts are deleted, unpaid authorised documents voided, those that only this run paid too, after their payments; the rest
stays, with the reason. Asks on a terminal; --yes does
not, and where nobody can be asked it is needed (exit 2); --plan only shows. Exit 1 when something stays that a person has to look at.
"""

import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec
import typer

from counterfoil.cli import session, switches, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import RunReport
    from counterfoil.posting.undoing import UndoPlan

app = session.app()
WORDS: Final = {
    "unpay": "payments to be deleted first",
    "delete": "to be deleted",
    "void": "to be voided",
    "cancel": "not sent yet, to be cancelled",
    "keep": "stay",
}


@app.command()
def undo(
    context: typer.Context,
    run: int = typer.Argument(metavar="RUN", help="A run's number, as `counterfoil runs` lists it."),
    plan: bool = typer.Option(False, "--plan", help="Only show what would happen."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Take a run back: drafts deleted, unpaid documents voided, its own payments deleted first, the rest listed."""
    now = session.of(context)
    wanted = now.books(lambda books: books.undo_plan(run))
    _show(now.screen, wanted)
    doing = len(wanted.lines) - wanted.count("keep")
    if plan or not doing or not (yes or _agreed(now, run, _count(doing, wanted))):
        now.screen.value(_value(wanted, None))
        now.screen.next(f"counterfoil undo {run} --yes" if doing else "counterfoil status")
        raise typer.Exit(0 if plan or doing else 1)
    carried, report = now.books(lambda books: books.undo(run))
    now.screen.value(_value(carried, report))
    left = report.held + report.rejected + report.uncertain + report.planned
    taken = len(carried.lines) - carried.count("keep") - left
    now.screen.line(f"{_count(taken, carried)} taken back.")
    if left:
        now.screen.line(f"{_count(left, carried)} not yet: `counterfoil problems` or `counterfoil finish`.")
    for stop in report.stops:
        now.screen.note(f"Stopped: {table.harmless(stop)}")
    now.screen.next("counterfoil finish" if report.planned else "counterfoil status")
    raise typer.Exit(report.exit_code or (1 if carried.count("keep") else 0))


def _agreed(now: session.Session, run: int, doing: str) -> bool:
    """A word of a person at a terminal; elsewhere --yes is needed."""
    if not now.screen.is_terminal or not sys.stdin.isatty():
        raise switches.UsageError(
            f"Nothing was done: nobody can be asked here. Say so: counterfoil undo {run} --yes (or --plan)"
        )
    return typer.confirm(f"Take {doing} back?", err=True)


def _count(n: int, wanted: "UndoPlan") -> str:
    """So many documents; payments count too, where there are any."""
    if any(line.kind == "payment" for line in wanted.lines):
        return f"{n:,} documents and payments" if n != 1 else "1 document or payment"
    return table.count(n, "document")


def _show(screen: Screen, wanted: "UndoPlan") -> None:
    screen.line(f"Undoing run {wanted.run_id}: {_count(len(wanted.lines), wanted)}")
    for action, words in WORDS.items():
        if wanted.count(action):
            screen.line(f"{wanted.count(action):>9,}  {words}")
    rows = [
        [line.action, line.entity, line.external_id, line.number or "", table.money(line.total, line.currency), line.reason]
        for line in sorted(wanted.lines, key=lambda line: line.action != "keep")
    ]  # fmt: skip
    screen.table(("", "ENTITY", "RECORD", "NUMBER", "TOTAL", "WHY"), rows, right=(4,))


def _value(wanted: "UndoPlan", report: "RunReport | None") -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(wanted, enc_hook=str)
    counts = {action: wanted.count(action) for action in WORDS}
    return {"run": wanted.run_id, **counts, "lines": plain["lines"], "report": report.to_json() if report else None}
