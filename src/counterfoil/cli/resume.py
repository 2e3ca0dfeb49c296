"""`counterfoil resume`: end a pause. Nothing is sent by it; `run`, `finish` and the service go on by themselves. No call."""

import typer

from counterfoil.cli import session, table

app = session.app()


@app.command()
def resume(
    context: typer.Context,
    entity: str | None = typer.Option(None, help="This entity's pause."),
    flow: str | None = typer.Option(None, help="This flow's pause."),
) -> None:
    """End the pause of everything, of an entity or of a flow."""
    from counterfoil.app import pausing

    now = session.of(context)
    done = now.books(lambda books: pausing.resume(books, entity=entity, flow=flow))
    now.screen.value(done)
    what = done.pause.what
    now.screen.line(f"{what[0].upper()}{what[1:]} goes on; {table.count(done.waiting, 'planned posting')} may be sent.")
    for one in done.still:
        now.screen.line(f"Still: {table.harmless(one.said)}")
    now.screen.next("counterfoil finish" if done.waiting else "counterfoil status")
