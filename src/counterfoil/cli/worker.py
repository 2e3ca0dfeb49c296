"""`counterfoil worker`: one more process that shares the service's work, on Postgres."""

import asyncio

import typer

from counterfoil.cli import serve, session

app = session.app()


@app.command()
def worker(context: typer.Context) -> None:
    """Share the work of `serve` with it: any number of these, on any number of machines, on Postgres."""
    now = session.of(context)
    summary = asyncio.run(serve.keep(now, "worker"))
    now.screen.value(summary)
    serve.show_end(now.screen, summary)
