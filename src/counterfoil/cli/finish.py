"""`counterfoil finish`: bring every open posting of all flows to its end; safe to interrupt and repeat."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import outcome, session

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.reports import RunReport

app = session.app()


@app.command()
def finish(context: typer.Context) -> None:
    """Bring every open posting to its end."""
    now = session.of(context)
    report = now.books(lambda books: _finished(books, json=now.json), alone=True)
    now.screen.value(report.to_json())
    outcome.show(now.screen, report)
    now.screen.next(outcome.next_step(report))
    raise typer.Exit(report.exit_code)


async def _finished(books: "Books", *, json: bool) -> "RunReport":
    from counterfoil.cli import progress

    with progress.bar(json=json) as take:
        return await books.finish(take)
