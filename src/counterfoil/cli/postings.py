"""`counterfoil postings [list|show ID]`: what was posted, or is to be; no call to Xero."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import session, story
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.reports import Listed

app = session.app()
MOST = 100_000  # of one list; more is asked for by state or flow


@app.callback(invoke_without_command=True)
def postings(
    context: typer.Context,
    state: str | None = typer.Option(None, help="planned, sending, posted, rejected, uncertain, held or cancelled."),
    flow: str | None = typer.Option(None, help="A table of [flows]."),
) -> None:
    """What was posted, or is to be: list, or show one."""
    if context.invoked_subcommand is None:
        _list(session.of(context), state, flow)


@app.command("list")
def list_(
    context: typer.Context,
    state: str | None = typer.Option(None, help="planned, sending, posted, rejected, uncertain, held or cancelled."),
    flow: str | None = typer.Option(None, help="A table of [flows]."),
) -> None:
    """Postings, newest first."""
    _list(session.of(context), state, flow)


@app.command()
def show(context: typer.Context, id: int = typer.Argument(metavar="ID", help="A posting's id.")) -> None:
    """The whole story of one posting."""
    now = session.of(context)
    found = now.books(lambda books: books.story(id))
    now.screen.value(found)
    story.show(now.screen, found)
    now.screen.next("counterfoil postings")


def _list(now: session.Session, state: str | None, flow: str | None) -> None:
    found = now.books(lambda books: books.postings(state=state, flow=flow, most=MOST))
    now.screen.value(found)
    listed(now.screen, found)
    now.screen.next(f"counterfoil postings show {found[0].id}" if found else "counterfoil status")


def listed(screen: Screen, found: "list[Listed]") -> None:
    """Postings for people."""
    rows = [
        [one.id, one.state, one.entity, one.external_id, one.document.number if one.document else "",
         one.reason or (one.document.url if one.document else "")]
        for one in found
    ]  # fmt: skip
    screen.table(("ID", "STATE", "ENTITY", "RECORD", "NUMBER", "LINK OR REASON"), rows, right=(0,))
    if not found:
        screen.line("No postings yet.")
