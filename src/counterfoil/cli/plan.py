"""`counterfoil plan FLOW`: what a run would do with each record, to the cent; writes nothing to Xero.

Exit 0 also when records are held or refused: the plan says which. 3 or 4 when entities could not be planned at all.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from counterfoil.cli import plan_file, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import PlanReport

app = session.app()
SIGNS = {
    "+": "to be created",
    "~": "changed",
    "=": "already done",
    "⇄": "in Xero already, to be adopted",
    "?": "look like others",
    "!": "held",
    "×": "refused",
}
TROUBLE = "!×?~"


@app.command()
def plan(
    context: typer.Context,
    flow: str = typer.Argument(metavar="FLOW", help="A table of [flows]."),
    input: Path | None = typer.Option(None, help="Read this file instead of the flow's source."),
    out: Path | None = typer.Option(None, help="Keep the plan in this file, for `run --plan`."),
    remap: bool = typer.Option(False, "--remap", help="Count what only a changed mapping made different as changed."),
    again: bool = typer.Option(False, "--again", help="Count what was undone as to be posted anew."),
    offline: bool = typer.Option(False, "--offline", help="Make no call: use what was read from Xero last."),
) -> None:
    """What a run would do, record by record; writes nothing to Xero."""
    now = session.of(context)
    report = now.books(lambda books: books.plan(flow, input, offline=offline, remap=remap, again=again))
    decided = plan_file.write(out, report) if out else None
    now.screen.value(_value(report) | {"hash": decided, "file": str(out) if out else None})
    if not now.screen.json:  # its table would be made in vain, and a large one takes memory
        show(now.screen, report)
    if out:
        now.screen.line(f"Kept in {out}")
    command = f"counterfoil run {flow}" + (f" --input {input}" if input else "") + (f" --plan {out}" if out else "")
    now.screen.next(command if report.count("+") else "counterfoil status")
    for notice in report.notices:
        now.screen.note(f"Before you approve: {table.harmless(notice)}")
    for pause in report.pauses:
        now.screen.note(f"A run would send nothing of it now. {table.harmless(pause)}")
    for stop in report.stops:
        now.screen.note(f"Stopped: {table.harmless(stop)}")
    raise typer.Exit(report.stop_code)


def show(screen: Screen, report: "PlanReport") -> None:
    """The plan for people: counts, what needs a look, totals, calls and time."""
    screen.line(f"Plan of {report.flow}: {table.count(report.records, 'record')}")
    for sign, words in SIGNS.items():
        if report.count(sign):
            screen.line(f"{report.count(sign):>9,} {sign} {words}")
    screen.line()
    _lines(screen, report)
    rows = [[entity, table.sums(totals)] for entity, totals in sorted(report.totals.items())]
    if rows:
        screen.table(("ENTITY", "TO BE CREATED"), rows, right=(1,))
    contacts, calls = table.count(report.contacts, "new contact"), table.count(report.calls, "call")
    screen.line(f"{contacts}; {calls} to write, about {max(report.seconds, 1):.0f} s within Xero's limits")


def _lines(screen: Screen, report: "PlanReport") -> None:
    """Trouble first: on one screen that is what a person has to see."""
    ordered = sorted(report.lines, key=lambda line: line.sign not in TROUBLE)
    rows = [
        [line.sign, line.entity or "", line.external_id or "", line.number or "", table.money(line.total, line.currency),
         line.reason or "", line.source]
        for line in ordered
    ]  # fmt: skip
    screen.table(("", "ENTITY", "RECORD", "NUMBER", "TOTAL", "WHY", "SOURCE"), rows, right=(4,))
    screen.line()


def _value(report: "PlanReport") -> dict[str, Any]:
    counts = {
        name: report.count(sign)
        for name, sign in (
            ("create", "+"),
            ("change", "~"),
            ("same", "="),
            ("adopt", "⇄"),
            ("held", "!"),
            ("refused", "×"),
        )
    }
    plain = msgspec.structs.asdict(report)  # its lines stay what they are: a large plan is not held twice
    lines = plain.pop("lines")
    for name in ("stops", "stop_code"):
        del plain[name]
    return plain | counts | {"lines": lines}
