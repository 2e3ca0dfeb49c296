"""`counterfoil cash [ENTITY] [--on DATE]`: what bank accounts hold, what moved them, what is to come; no call to Xero."""

import typer

from counterfoil.cli import figures, session

app = session.app()


@app.command()
def cash(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help="One entity; absent: all that are bound."),
    *,
    on: str | None = typer.Option(
        None, metavar="YYYY-MM-DD", help="Movements to this day, weeks from it; absent: today there."
    ),
) -> None:
    """What your bank accounts hold, what moved them, and what is to come in and go out."""
    figures.cash(session.of(context), entity, on)
