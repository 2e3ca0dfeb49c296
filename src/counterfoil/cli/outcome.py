"""How a run ended, for people: counts, what stops us, what to type next.

Called by run, finish and demo.
"""

from typing import TYPE_CHECKING

from counterfoil.cli import table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import RunReport

_WORDS = {
    "posted": "posted",
    "updated": "updated in Xero",
    "adopted": "found in Xero and adopted",
    "unchanged": "already done, nothing to do",
    "rejected": "refused",
    "held": "held",
    "uncertain": "uncertain: do not type them in by hand, run again",
    "planned": "planned, still to be sent",
}


def show(screen: Screen, report: "RunReport") -> None:
    """The counts, each on its line, and why work is left."""
    what = f"Run {report.run} of {report.flow}" if report.flow else f"Run {report.run}, all flows"
    records = f": {table.count(report.records, 'record')}" if report.records is not None else ""
    calls = table.count(report.api_calls, "call")
    screen.line(f"{what}{records} in {report.elapsed_s:.1f} s, {calls} to Xero")
    for name, words in _WORDS.items():
        number = getattr(report, name)
        if number:
            screen.line(f"{number:>9,}  {words}")
    for notice in report.notices:
        screen.note(f"Before you approve more: {table.harmless(notice)}")
    for credit in report.credits:
        screen.note(table.harmless(credit))
    for stop in report.stops:
        (screen.note if screen.json else screen.line)(f"Stopped: {table.harmless(stop)}")


def next_step(report: "RunReport") -> str:
    """What to type next."""
    again = f"counterfoil run {report.flow}" if report.flow else "counterfoil finish"
    by_code = {0: "counterfoil status", 1: "counterfoil problems", 3: "counterfoil status", 4: f"{again}, again"}
    return by_code.get(report.exit_code, again)
