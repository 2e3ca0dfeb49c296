"""`counterfoil backup [FILE]`: a consistent copy of the database in one file, with a checksum, while others work. No call."""

from pathlib import Path

import typer

from counterfoil.cli import session

app = session.app()
MEBIBYTE = 1 << 20


@app.command()
def backup(
    context: typer.Context,
    file: Path | None = typer.Argument(None, metavar="[FILE]", help="A new file; beside the database if not given."),
) -> None:
    """A whole copy of the database in one file, while others work. The master key is never in it."""
    from counterfoil.app import backups

    now = session.of(context)
    made = now.books(lambda books: backups.backup(books, file))
    now.screen.value(made)
    now.screen.line(f"{made.file}, {made.bytes / MEBIBYTE:,.1f} MiB: schema {made.manifest.schema}, checked and whole.")
    now.screen.line(
        "The master key is NOT in it: without the key the consents in it cannot be opened. Keep a copy of the key"
    )
    now.screen.line("in another place. The configuration is not in it either.")
    now.screen.next("counterfoil status")
