"""`counterfoil upgrade`: bring the database to this version's schema. On SQLite that happens by itself, after a backup. No call."""

import asyncio

import typer

from counterfoil.cli import session

app = session.app()


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to this version's schema, in one transaction; on Postgres make a dump first."""
    from counterfoil.app import backups

    now = session.of(context)
    done = asyncio.run(backups.upgrade(now.config, now.switches.env))
    now.screen.value(done)
    if done.was in (None, done.schema):
        now.screen.line(f"The database has schema {done.schema}; there was nothing to do.")
    else:
        now.screen.line(f"The database had schema {done.was} and has {done.schema} now.")
    now.screen.next("counterfoil status")
