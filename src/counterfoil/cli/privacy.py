"""`counterfoil privacy export|erase CONTACT`: one person's data in a file for them, or taken out of everything here. No call.

CONTACT is Xero's ContactID, your external id, or the exact name or e-mail address; when it means several they are listed, exit 2.
Nothing is changed at Xero. Exit 1 when nobody said yes or a copy was left alone, 4 when the file is still read by another
process, or something of theirs is on its way.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import agreeing, copy_lines, progress, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.privacy.erasing import Plan
    from counterfoil.app.privacy.in_copies import Treated
    from counterfoil.app.privacy.sweeping import Done
    from counterfoil.cli.session import Session
    from counterfoil.store.copied.finding import Copy

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
    contact: str | None = typer.Argument(
        None, metavar="[CONTACT]", help="As of export. Without one: everybody who was erased before, in copies alone."
    ),
    entity: str | None = ENTITY,
    plan: bool = typer.Option(False, "--plan", help="Only show what would happen."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
    backups: bool = typer.Option(
        False, "--backups", help="Also in every backup, replaced database and dump that is known here."
    ),
    backup: list[Path] = typer.Option(
        [], "--backup", metavar="PATH", help="Also in this copy, or in all copies in this folder; may be repeated."
    ),
) -> None:
    """Take a person's text out of everything here, for good. Ids, numbers, amounts and marks stay. Safe to interrupt.

    With --backups or --backup also out of copies that were made before; each is rewritten whole, or left as it is and named
    (exit 1). Without CONTACT everybody who was ever erased is taken out of those copies: for one that was brought back.
    """
    now = session.of(context)
    if contact is None and not (backups or backup):
        raise errors.FixInput("Whom?", remedy="Name a CONTACT, or copies with --backups or --backup.")
    if contact is None:
        _in_copies(now, backup, known=backups, is_plan=plan, agreed=yes)
    from counterfoil.app.privacy import erasing, everywhere

    wanted = now.books(lambda books: erasing.plan(books, contact, entity))
    found = _copies(now, backup, known=backups)
    _show(now.screen, wanted, in_copies=found is not None)
    if plan or not (yes or agreeing.agreed(now, "Erase this person for good?")):
        treated = None
        if plan and found is not None:
            treated = now.books(lambda books: everywhere.plan(books, contact, entity, found))
            copy_lines.show(now.screen, treated, is_plan=True)
        now.screen.value(_value(wanted, None, treated))
        now.screen.next("counterfoil privacy erase CONTACT --yes")
        raise typer.Exit(0 if plan else 1)
    with progress.files("Erasing", json=now.json) as tell:
        done, treated = now.books(lambda books: everywhere.erase(books, contact, entity, found or [], tell))
    now.screen.value(_value(wanted, done, None if found is None else treated))
    _tell(now.screen, wanted, done, in_copies=found is not None)
    if found is not None:
        copy_lines.show(now.screen, treated, is_plan=False)
    now.screen.next("counterfoil audit list")
    if copy_lines.needs_a_person(treated):
        raise typer.Exit(1)
    raise typer.Exit(0 if done is not None and done.compacted else 4)


def _copies(now: "Session", given: list[Path], *, known: bool) -> "list[Copy] | None":
    """None: nobody asked for copies."""
    from counterfoil.app.privacy import everywhere

    return now.books(lambda books: everywhere.copies(books, given, known=known)) if known or given else None


def _in_copies(now: "Session", given: list[Path], *, known: bool, is_plan: bool, agreed: bool) -> NoReturn:
    """Everybody on the list, in copies alone."""
    from counterfoil.app.privacy import everywhere

    found = _copies(now, given, known=known) or []
    question = f"Erase in {table.count(len(found), 'copy', 'copies')} for good?"
    if is_plan or not (agreed or agreeing.agreed(now, question)):
        treated = now.books(lambda books: everywhere.plan(books, None, None, found))
        copy_lines.show(now.screen, treated, is_plan=True)
        now.screen.value({"backups": copy_lines.value(treated)})
        now.screen.next("counterfoil privacy erase --backups --yes")
        raise typer.Exit(0 if is_plan else 1)
    with progress.files("Erasing", json=now.json) as tell:
        treated = now.books(lambda books: everywhere.again(books, found, tell))
    now.screen.value({"backups": copy_lines.value(treated)})
    copy_lines.show(now.screen, treated, is_plan=False)
    now.screen.next("counterfoil audit list")
    raise typer.Exit(1 if copy_lines.needs_a_person(treated) else 0)


def _show(screen: Screen, wanted: "Plan", *, in_copies: bool) -> None:
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
    if wanted.copies and not in_copies:
        screen.line(
            "These files hold what they held: --backups erases in them, too; or delete what you need no longer:"
        )
        for one in wanted.copies:
            screen.line(f"  {one}")


def _tell(screen: Screen, wanted: "Plan", done: "Done | None", *, in_copies: bool) -> None:
    if done is None:
        screen.line("Another process finishes it.")
    elif done.waits_for:
        screen.line(
            f"Begun; {table.count(len(done.waits_for), 'posting')} came in just before and "
            f"{'is' if len(done.waits_for) == 1 else 'are'} on the way: `counterfoil finish`, then it goes on by itself."
        )
    elif not done.compacted:
        screen.line(
            "Erased; but the file is read now, or the disk is full: the next command takes the last of it out of the file."
        )
    else:
        rows = sum(done.rows.values())
        screen.line(f"Erased: {table.count(rows, 'row')} without their text.")
    screen.line(AT_XERO)
    screen.line(SOURCES)
    if wanted.copies and not in_copies:
        screen.line(
            "Backups made before still hold the text: `counterfoil privacy erase --backups` takes it out of them."
        )


def _value(wanted: "Plan", done: "Done | None", treated: "list[Treated] | None") -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(wanted, enc_hook=str)
    told = None if done is None else {"rows": done.rows, "compacted": done.compacted, "waits_for": done.waits_for}
    return {**plain, "erased": told, "backups": copy_lines.value(treated)}
