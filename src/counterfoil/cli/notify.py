"""`counterfoil notify [list|test [N]]`: whom [[notify]] tells of what, what was sent, and a test of it; no call to Xero."""

import datetime
from typing import TYPE_CHECKING

import typer

from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.app.notifying import Overview, Sent, Target, Told
    from counterfoil.cli.screen import Screen

app = session.app()


@app.callback(invoke_without_command=True)
def notify(context: typer.Context) -> None:
    """Whom [[notify]] tells of what, and what was sent."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context) -> None:
    """Every target, what stands now, and what was sent."""
    now = session.of(context)
    found = now.books(lambda books: books.notifying.overview())
    now.screen.value(found)
    _show(now.screen, found)
    failing = any(target.failing for target in found.targets)
    now.screen.next("counterfoil notify test" if failing else "counterfoil status")


@app.command("test")
def trial(
    context: typer.Context,
    n: int | None = typer.Argument(None, metavar="[N]", help="Only this target of the list [default: all]."),
) -> None:
    """Send a marked test message to each target and say what happened."""
    now = session.of(context)
    found = now.books(lambda books: books.notifying.trial(n))
    now.screen.value(found)
    for one in found:
        ended = f"did not take it: {one.failed}" if one.failed else "took the test message"
        now.screen.line(f"{table.harmless(one.label)} ({one.target}) {ended}")
    now.screen.next("counterfoil notify")
    raise typer.Exit(1 if any(one.failed for one in found) else 0)


def _show(screen: "Screen", found: "Overview") -> None:
    rows = [[one.n, one.target, table.harmless(one.to), ", ".join(one.when), _state(one)] for one in found.targets]
    if rows:
        screen.table(["N", "TARGET", "TO", "WHEN", "STATE"], rows, right=(0,))
    else:
        screen.line("Nobody is told: the configuration has no [[notify]] table.")
    screen.line()
    told = [[one.kind, one.entity or "", _when(one.since), _when(one.over_at), _words(one)] for one in found.notices]
    if told:
        screen.table(["KIND", "ENTITY", "SINCE (UTC)", "OVER (UTC)", "WHAT"], told)
    else:
        screen.line("Nothing stands that anybody would have to know.")
    for one in found.notices:
        for sent in one.sent:
            if sent.error:
                screen.line(f"Not sent to {sent.target} yet: {table.harmless(sent.error)}{_again(sent)}")


def _state(one: "Target") -> str:
    if one.failing is None:
        return "ok"
    given_up = f", {one.failing.given_up} given up" if one.failing.given_up else ""
    return f"{one.failing.waiting} waiting{given_up}: {one.failing.error}"


def _words(one: "Told") -> str:
    told = ", ".join(f"{sent.state} → {sent.target}" for sent in one.sent if sent.sent_at is not None)
    return table.harmless(f"{one.message}{f' (told: {told})' if told else ''}")


def _again(sent: "Sent") -> str:
    return f"; again after {_when(sent.next_at)}" if sent.next_at is not None else "; given up"


def _when(at: datetime.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else ""
