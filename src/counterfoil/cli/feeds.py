"""`counterfoil feeds [list|show|try|fill|dead|retry|replay|pause|resume]`: who is handed changes, how each stands, and what failed; no call to Xero."""

import datetime
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from counterfoil.cli import feeds_try, session, table

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.feeding import Stands
    from counterfoil.cli.screen import Screen

app = session.app()
NAME = typer.Argument(metavar="NAME", help="A table of [feeds], or a handler such as my_handlers.thank.")
HEADS = ("FEED", "TO", "STATE", "FROM (UTC)", "WAITING", "DEAD", "DELIVERED", "LAST (UTC)")


@app.callback(invoke_without_command=True)
def feeds(context: typer.Context) -> None:
    """Who is handed changes, and how each stands."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context) -> None:
    """Every feed and handler: what waits, what is a dead letter, when it last took something."""
    from counterfoil.app import feeding

    now = session.of(context)
    found = now.books(feeding.standing)
    now.screen.value(found)
    rows = [
        [
            one.name,
            one.to,
            one.state,
            _begins(one),
            one.waiting or "",
            one.dead or "",
            f"{one.delivered:,}",
            _when(one.delivered_at),
        ]
        for one in found
    ]
    if rows:
        now.screen.table(HEADS, rows, right=(4, 5, 6))
    else:
        now.screen.line("Nobody is handed changes: the configuration has no [feeds.NAME] and no [handlers].")
    for one in found:
        _trouble(now.screen, one)
    now.screen.next(_next(found))


@app.command()
def show(context: typer.Context, name: str = NAME) -> None:
    """One of them, with all that is known of it."""
    from counterfoil.app import feeding

    now = session.of(context)
    found = now.books(lambda books: feeding.one(books, name))
    now.screen.value(found)
    now.screen.line(f"{found.name} gets {', '.join(found.on)} by {found.to}: {found.state}")
    unseen = f", {found.unseen:,} not looked at yet" if found.unseen else ""
    since = f" since {_when(found.since)} UTC" if found.since else ""
    again = f", the next at {_when(found.next_at)} UTC" if found.next_at else ""
    now.screen.line(f"Waiting: {found.waiting:,}{since}{again}{unseen}")
    now.screen.line(f"Begins: {_beginning(found)}")
    last = f", the last at {_when(found.delivered_at)} UTC" if found.delivered_at else ""
    now.screen.line(f"Handed over: {found.delivered:,}{last}")
    _trouble(now.screen, found)
    now.screen.next(_next([found]))


feeds_try.add(app)


@app.command()
def dead(context: typer.Context, name: str = NAME) -> None:
    """Its dead letters: changes that could not be handed over within 28 hours, or never can be."""
    from counterfoil.app import feeding

    now = session.of(context)
    found = now.books(lambda books: feeding.dead(books, name))
    now.screen.value(found)
    rows = [[one.id, one.name, one.document_id, one.tries, _when(one.dead_at), one.error or ""] for one in found]
    if rows:
        now.screen.table(["ID", "TYPE", "DOCUMENT", "TRIES", "GIVEN UP (UTC)", "WHY"], rows, right=(3,))
    else:
        now.screen.line(f"{name} has no dead letters.")
    now.screen.next(f"counterfoil feeds retry {name}" if found else "counterfoil feeds")


@app.command()
def retry(
    context: typer.Context,
    name: str = NAME,
    ids: list[str] = typer.Argument(None, metavar="[ID]", help="Only these changes [default: all]."),
) -> None:
    """Hand dead letters over again, and try now what waits."""
    from counterfoil.app import feeding

    now = session.of(context)
    count = now.books(lambda books: feeding.retry(books, name, ids or ()))
    now.screen.value({"feed": name, "due": count})
    now.screen.line(f"{table.count(count, 'change')} of {name} {'is' if count == 1 else 'are'} due now.")
    _served(now.screen)


@app.command()
def replay(
    context: typer.Context,
    name: str = NAME,
    since: str = typer.Option(
        ..., "--from", metavar="TIME|ID", help="A time (UTC), a change's id, `start` (all that is kept) or `now`."
    ),
) -> None:
    """Hand over again all that it wants since then, in order; what waits or is dead since then among it."""
    from counterfoil.app import feeding

    now = session.of(context)
    count = now.books(lambda books: feeding.replay(books, name, since))
    now.screen.value({"feed": name, "from": since, "changes": count})
    now.screen.line(f"{name} begins again there: {table.count(count, 'change')} of all kinds lie behind it.")
    _served(now.screen)


@app.command()
def pause(context: typer.Context, name: str = NAME) -> None:
    """Hand nothing over until `resume`; what comes meanwhile waits."""
    from counterfoil.app import feeding

    done = _switched(context, name, feeding.pause, "paused")
    done.line(f"{name} is paused: what it wants waits, for as long as changes are kept.")
    done.next(f"counterfoil feeds resume {name}")


@app.command()
def resume(context: typer.Context, name: str = NAME) -> None:
    """Go on where it was: one that was paused, or that ended because its target wanted no more."""
    from counterfoil.app import feeding

    done = _switched(context, name, feeding.resume, "resumed")
    done.line(f"{name} goes on where it was.")
    _served(done)


def _switched(context: typer.Context, name: str, act: "Callable[[Books, str], Awaitable[bool]]", word: str) -> "Screen":
    now = session.of(context)
    changed = now.books(lambda books: act(books, name))
    now.screen.value({"feed": name, word: True, "changed": changed})
    return now.screen


def _served(screen: "Screen") -> None:
    screen.next("counterfoil serve  # if it does not run; then: counterfoil feeds")


def _trouble(screen: "Screen", one: "Stands") -> None:
    if one.error:
        since = f" since {_when(one.down_since)} UTC" if one.down_since else ""
        screen.line(table.harmless(f"{one.name}{since}: {one.error}"))
    if one.missed:
        lost = table.count(one.missed, "change")
        screen.line(f"{one.name}: {lost} {'was' if one.missed == 1 else 'were'} dropped before they were handed over.")

    if one.missed:
        screen.line(
            f"What is still kept: `counterfoil feeds replay {one.name} --from start`; --from now takes the loss as it is."
        )
    if one.was is not None:
        screen.line(
            f'{one.name} is new, and {one.was} is no longer in the configuration. Renamed? Write id = "{one.was}" into it.'
        )
    if one.behind and one.to == "sql":
        screen.line(
            f"{one.name}: its table has nothing of what the copy had before it began; `feeds fill {one.name}` writes that."
        )
    elif one.behind:
        screen.line(f"{one.name}: what the copy had before it began is not handed over, snapshot = true or not.")


def _begins(one: "Stands") -> str:
    """Where it begins, short."""
    return "start" if one.begins == "start" else _when(one.known_at) or "now"


def _beginning(one: "Stands") -> str:
    """The same in words."""
    if one.begins == "start":
        return "with the oldest change that was kept when `counterfoil serve` first served it"
    if one.known_at is None:
        return 'with what happens after `counterfoil serve` first serves it; from = "start" begins with what is kept'
    return f"with what happened after {_when(one.known_at)} UTC, when `counterfoil serve` first served it"


def _next(found: "list[Stands]") -> str:
    """The worst first."""
    for state, command in (("ended", "resume"), ("paused", "resume")):
        if (name := next((one.name for one in found if one.state == state), None)) is not None:
            return f"counterfoil feeds {command} {name}"
    name = next((one.name for one in found if one.dead), None)
    if name is not None:
        return f"counterfoil feeds dead {name}"
    name = next((one.name for one in found if one.behind and one.to == "sql"), None)
    return "counterfoil status" if name is None else f"counterfoil feeds fill {name}"


def _when(at: datetime.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else ""
