"""`counterfoil privacy export|erase CONTACT`: one person's data in a file for them, or taken out of everything here. No call.

CONTACT is Xero's ContactID, your external id, or the exact name or e-mail address; when it means several they are listed, exit 2.
Nothing is changed at Xero. Exit 1 when nobody said yes, 4 when the file is still read by another process.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from counterfoil.cli import agreeing, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.privacy.erasing import Plan
    from counterfoil.app.privacy.sweeping import Done

app = session.app()
CONTACT = typer.Argument(metavar="CONTACT", help="A ContactID, your external id, or the exact name or e-mail address.")
ENTITY = typer.Option(None, "--entity", help="Of this entity alone.")
AT_XERO = (
    "Xero is not changed: archive the contact there, or ask Xero to remove the person's data (Contacts, then the contact's "
    "menu). What Xero sends of them from now on is kept here without their text."
)
SOURCES = "Your sources are not changed: take the person's rows out of them, too."


@app.callback()
def privacy() -> None:
    """One person's data: export all of it, or erase it for good from here."""


@app.command()
def export(
    context: typer.Context,
    contact: str = CONTACT,
    entity: str | None = ENTITY,
    out: Path | None = typer.Option(None, "--out", help="A new file; beside the configuration if not given."),
) -> None:
    """Everything that is held about a person in one JSON file, for its owner alone. It holds nothing of other people."""
    from counterfoil.app.privacy import exporting

    now = session.of(context)
    made = now.books(lambda books: exporting.export(books, contact, entity, out))
    now.screen.value({"file": str(made.file), "contact": made.found.contact_id, "places": made.counts})
    now.screen.line(f"{made.file}: everything that is held about {table.harmless(contact)}.")
    for place, count in made.counts.items():
        if count:
            now.screen.line(f"{count:>9,}  {place}")
    now.screen.next("counterfoil privacy erase CONTACT")


@app.command()
def erase(
    context: typer.Context,
    contact: str = CONTACT,
    entity: str | None = ENTITY,
    plan: bool = typer.Option(False, "--plan", help="Only show what would happen."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Take a person's text out of everything here, for good. Ids, numbers, amounts and marks stay. Safe to interrupt."""
    from counterfoil.app.privacy import erasing

    now = session.of(context)
    wanted = now.books(lambda books: erasing.plan(books, contact, entity))
    _show(now.screen, wanted)
    if plan or not (yes or agreeing.agreed(now, "Erase this person for good?")):
        now.screen.value(_value(wanted, None))
        now.screen.next("counterfoil privacy erase CONTACT --yes")
        raise typer.Exit(0 if plan else 1)
    done = now.books(lambda books: erasing.erase(books, contact, entity))
    now.screen.value(_value(wanted, done))
    _tell(now.screen, wanted, done)
    now.screen.next("counterfoil audit list")
    raise typer.Exit(0 if done is not None and done.compacted else 4)


def _show(screen: Screen, wanted: "Plan") -> None:
    found = wanted.found
    screen.line(f"Erasing {found.contact_id or found.external_id} of {found.entity or '(no entity)'}:")
    for resource, count in sorted(wanted.rows.items()):
        screen.line(f"{count:>9,}  {resource} in the copy of Xero, their text")
    screen.line(f"{wanted.postings:>9,}  postings: records, contents, bytes sent and answers")
    screen.line("Changes that were seen, problems, notices and corrections that name them go too.")
    screen.line(
        "What stays: ids, document numbers, amounts, dates, marks and keyed hashes, so that nothing is posted twice."
    )
    if wanted.merged:
        screen.line(f"Merged into this contact, and erased with it: {', '.join(wanted.merged)}.")
    if found.merged_to:
        screen.line(f"Xero merged this contact into {found.merged_to}: erase that one too if it is the same person.")
    if wanted.is_erased:
        screen.line("This contact was erased before; what came since is erased now.")
    if wanted.in_the_way:
        screen.note(f"{len(wanted.in_the_way)} of their postings are not at their end: run `counterfoil finish` first.")
    if wanted.copies:
        screen.line("These files still hold what they held; delete them when you need them no longer:")
        for one in wanted.copies:
            screen.line(f"  {one}")


def _tell(screen: Screen, wanted: "Plan", done: "Done | None") -> None:
    if done is None:
        screen.line("Another process finishes it.")
    elif not done.compacted:
        screen.line(
            "Erased; but the file is read now, or the disk is full: the next command takes the last of it out of the file."
        )
    else:
        rows = sum(done.rows.values())
        screen.line(f"Erased: {table.count(rows, 'row')} without their text.")
    screen.line(AT_XERO)
    screen.line(SOURCES)
    if wanted.copies:
        screen.line("Backups made before still hold the text. One that is put back is erased again when it is opened.")


def _value(wanted: "Plan", done: "Done | None") -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(wanted, enc_hook=str)
    told = None if done is None else {"rows": done.rows, "compacted": done.compacted}
    return {**plain, "erased": told}
