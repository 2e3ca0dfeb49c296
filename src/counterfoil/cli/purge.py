"""`counterfoil purge ENTITY`: the copy of its ledger, its inbox and its raw rows go; identities of postings stay. No call.

An entity that is still bound asks for its name, since the next reading brings the copy back. Exit 1 when nobody said yes, 4 when
the file is still read by another process.
"""

from typing import Any

import msgspec
import typer

from counterfoil.cli import agreeing, session

app = session.app()


@app.command()
def purge(
    context: typer.Context,
    entity: str = typer.Argument(metavar="ENTITY", help="Your key of the company."),
    plan: bool = typer.Option(False, "--plan", help="Only show what would go."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Take an entity's copy of Xero away. What was posted is remembered by its identity, and never posted twice."""
    from counterfoil.app.privacy import purging

    now = session.of(context)
    wanted = now.books(lambda books: purging.plan(books, entity))
    now.screen.line(f"Purging {entity}:")
    for name, count in wanted.rows.items():
        if count and name != "postings":
            now.screen.line(f"{count:>9,}  {name.replace('_', ' ')}")
    now.screen.line(
        f"{wanted.rows['postings']:>9,}  postings keep their identity, document id, mark, amounts and hashes alone"
    )
    if wanted.bound:
        now.screen.line(
            f"{entity} is still bound: the next reading brings its copy back. `counterfoil entities unbind {entity}` first."
        )
    if wanted.in_the_way:
        now.screen.note(f"{len(wanted.in_the_way)} postings are not at their end: run `counterfoil finish` first.")
    value: dict[str, Any] = msgspec.to_builtins(wanted, enc_hook=str)
    if plan or not (yes or agreeing.typed(now, "This cannot be undone.", entity)):
        now.screen.value({**value, "purged": None})
        now.screen.next(f"counterfoil purge {entity} --yes")
        raise typer.Exit(0 if plan else 1)
    done = now.books(lambda books: purging.purge(books, entity))
    now.screen.value({**value, "purged": {"rows": done.rows, "compacted": done.compacted}})
    for name, count in done.rows.items():
        now.screen.line(f"{count:>9,}  {name.replace('_', ' ')}")
    now.screen.line("Purged. Nothing was changed at Xero; binding the same organisation again posts nothing twice.")
    if not done.compacted:
        now.screen.line(
            "The file is read now, or the disk is full: the next command takes the last of it out of the file."
        )
    now.screen.next("counterfoil status")
    raise typer.Exit(0 if done.compacted else 4)
