"""`counterfoil pause`: the stop switch. No write to Xero starts; looking goes on, and what is planned waits. No call."""

import typer

from counterfoil.cli import session, table

app = session.app()


@app.command()
def pause(
    context: typer.Context,
    entity: str | None = typer.Option(None, help="Only this entity's writes."),
    flow: str | None = typer.Option(None, help="Only this flow's writes."),
    until: str | None = typer.Option(
        None, help="When it ends by itself: 90m, 8h, 2d, 18:00, 2026-12-01 or 2026-12-01T18:00 (UTC)."
    ),
    because: str = typer.Option(..., help="Why; every `status` shows it."),
) -> None:
    """Let no write to Xero start: everything's, an entity's or a flow's. What is planned waits."""
    from counterfoil.app import pausing

    now = session.of(context)
    done = now.books(lambda books: pausing.pause(books, entity=entity, flow=flow, until=until, because=because))
    now.screen.value(done)
    if done.before is not None:
        now.screen.line(f"It was paused before: {table.harmless(done.before.because)}. The new words and end count.")
    now.screen.line(f"{table.harmless(done.pause.said)}")
    now.screen.line(f"{table.count(done.waiting, 'planned posting')} wait; a request that was on its way already ends.")
    now.screen.next(pausing.command(done.pause.scope, done.pause.name))
