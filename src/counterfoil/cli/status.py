"""`counterfoil status`, and `counterfoil` alone: where things stand, from our own tables; once a day it looks at Xero."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import cost_lines, limit_lines, service_lines, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.feeding import Stands
    from counterfoil.app.standing import Standing

app = session.app()
STATES = ("posted", "planned", "sending", "uncertain", "held", "rejected", "cancelled")
HEAD_SHOWN = 16  # digits of a head: enough for `audit verify --head`
HINT = """\
There is no configuration here. Counterfoil posts your records into Xero, each exactly once.

  counterfoil demo     watch it work: a Xero on this machine, a shop's day, faults included
  counterfoil init     make a configuration to start from
  counterfoil --help   everything else"""


@app.command()
def status(context: typer.Context) -> None:
    """Where things stand, and what to type next."""
    now = session.of(context)
    if now.bare and not now.config.exists():
        now.screen.value({"configuration": None, "next": "counterfoil init"})
        now.screen.line(HINT)
        now.screen.next("counterfoil demo")
        return
    standing = now.books(lambda books: books.standing())
    now.screen.value(standing)
    _show(now.screen, standing)
    now.screen.next(standing.next)


def _fed(one: "Stands") -> str:
    """One line of a feed."""
    since = f" since {one.since:%Y-%m-%d %H:%M} UTC" if one.since else ""
    waiting = f", {table.count(one.waiting + one.unseen, 'change')} wait{since}" if one.waiting + one.unseen else ""
    dead = f", {table.count(one.dead, 'dead letter')}: `counterfoil feeds dead {one.name}`" if one.dead else ""
    lost = f", {table.count(one.missed, 'change')} lost: `counterfoil feeds show {one.name}`" if one.missed else ""
    empty = (
        f", its table was never filled: `counterfoil feeds fill {one.name}`" if one.behind and one.to == "sql" else ""
    )
    return f"Feed {one.name}: {one.state}, {one.delivered:,} handed over{waiting}{dead}{lost}{empty}."


def _show(screen: Screen, standing: "Standing") -> None:
    for pause in standing.pauses:
        screen.line(f"{table.harmless(pause.said)} ({pause.remedy.rstrip('.')})")
    if not standing.connected:
        screen.line("Not connected to Xero yet.")
    states = [state for state in STATES if any(state in entity.postings for entity in standing.entities)]
    rows = [
        [one.entity, one.organisation or "not bound", *[one.postings.get(state, 0) or "" for state in states]]
        for one in standing.entities
    ]
    screen.table(["ENTITY", "ORGANISATION", *map(str.upper, states)], rows, right=range(2, 2 + len(states)))
    screen.line()
    for flow in standing.flows:
        screen.line(
            f"Flow {flow.flow}: " + (f"last run {flow.last_run:%Y-%m-%d %H:%M} UTC" if flow.last_run else "never run")
        )
    service_lines.show(screen, standing)
    for copy in standing.mirror:
        when = f"{copy.oldest:%Y-%m-%d %H:%M} UTC" if copy.oldest else "never"
        unread = f", {table.count(copy.unread, 'resource')} never read" if copy.unread else ""
        screen.line(f"Copy of {copy.entity}: as Xero had it at {when}{unread}. See `counterfoil sync`.")
    for fed in standing.feeds:
        screen.line(_fed(fed))
    for one in standing.entities:
        if one.mode != "normal":
            screen.line(f"{one.entity} is {one.mode}, by the configuration.")
        if one.stopped:
            screen.line(f"Writes of {one.entity} are stopped: {table.harmless(one.stopped)}")
    for told in standing.notices:
        if told.kind != "stopped":  # said above, with its entity
            screen.line(
                f"Since {told.since:%Y-%m-%d %H:%M} UTC: {table.harmless(told.message)} {table.harmless(told.remedy)}"
            )
    for told in standing.lacking:
        screen.line(f"{table.harmless(told.message)} {table.harmless(told.remedy)}")
    for target in standing.failing:
        screen.line(f"Notifications do not get to {target.target}: {target.error}. See `counterfoil notify`.")
    limit_lines.show(screen, standing.budgets)
    if standing.costs is not None:
        cost_lines.show(screen, standing.costs, standing.advice)
    if standing.problems:
        screen.line(f"Problems that need you: {standing.problems}")
    for head in standing.audit:
        screen.line(
            f"Audit log of {table.harmless(head.entity) or 'no entity'}: {table.count(head.length, 'entry', 'entries')}, head {head.head[:HEAD_SHOWN]}"
        )
