"""`counterfoil payables [ENTITY] [--on DATE]`: whom your companies owe what, and since when; no call to Xero."""

import typer

from counterfoil.cli import figures, session

app = session.app()


@app.command()
def payables(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help="One entity; absent: all that are bound."),
    *,
    on: str | None = typer.Option(None, metavar="YYYY-MM-DD", help="Count ages to this day; absent: today there."),
) -> None:
    """Whom your companies owe what, and since when."""
    figures.owed(session.of(context), entity, "payables", on)
