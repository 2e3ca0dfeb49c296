"""`counterfoil receivables [ENTITY] [--on DATE]`: who owes what, and since when; no call to Xero."""

import typer

from counterfoil.cli import figures, session

app = session.app()


@app.command()
def receivables(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help="One entity; absent: all that are bound."),
    *,
    on: str | None = typer.Option(None, metavar="YYYY-MM-DD", help="Count ages to this day; absent: today there."),
) -> None:
    """Who owes your companies what, and since when."""
    figures.owed(session.of(context), entity, "receivables", on)
