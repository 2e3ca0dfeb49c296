"""`counterfoil restore FILE`: put a backup in the place of the database, which is kept beside it. No call.

Whatever was sent since the backup is at Xero: the next run reads it before it makes anything, and adopts what is ours.
"""

import asyncio
from pathlib import Path

import typer

from counterfoil.cli import session, table

app = session.app()
NEEDS_A_PERSON = 1


@app.command()
def restore(
    context: typer.Context,
    file: Path = typer.Argument(metavar="FILE", help="What `counterfoil backup` made."),
    over_newer: bool = typer.Option(
        False, "--over-newer", help="Also over a database that knows more than the backup."
    ),
) -> None:
    """Put a backup back; the database that is there is kept beside it. What Xero has meanwhile is not made again."""
    from counterfoil.app import backups

    now = session.of(context)
    done = asyncio.run(backups.restore(now.config, now.switches.env, file, over_newer=over_newer))
    now.screen.value(done)
    made = done.manifest
    now.screen.line(f"{done.database} is as it was on {made.made_at:%Y-%m-%d %H:%M} UTC.")
    if done.kept is not None:
        now.screen.line(f"The database that was there is kept: {done.kept}")
    if done.forgotten:
        now.screen.line(
            f"{table.count(done.forgotten, 'request')} of the time since are forgotten here. The next run reads Xero first and adopts"
            " what they made."
        )
    now.screen.line("Consents that were refreshed since the backup may be refused: then run `counterfoil connect`.")
    if done.configuration_changed:
        now.screen.note(
            "The configuration has changed since the backup: the flows must have the ids that they had then."
        )
    now.screen.next("counterfoil finish")
    if done.not_logged is not None:
        now.screen.note(f"It is in its place, but could not be opened: {done.not_logged}")
        raise typer.Exit(NEEDS_A_PERSON)
