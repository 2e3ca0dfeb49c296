"""`counterfoil keys [show|rotate|replace]`: the master key of the stored consents. No key is ever shown, only fingerprints.

No call to Xero. `rotate` works while others work, and may be killed at any instant: run it again.
"""

import sys
from typing import TYPE_CHECKING

import typer

from counterfoil import errors
from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.access.rotation import Rotated

app = session.app()
NEEDS_A_PERSON = 1


@app.callback(invoke_without_command=True)
def keys(context: typer.Context) -> None:
    """The master key of the stored consents: show, change, or go on without a lost one."""
    if context.invoked_subcommand is None:
        show(context)


@app.command()
def show(context: typer.Context) -> None:
    """Where the key comes from, which one is in force, and what each one sealed."""
    from counterfoil.app import keys as operations

    now = session.of(context)
    found = now.books(operations.state)
    now.screen.value(found)
    now.screen.line(f"The master key comes from {found.source}.")
    if found.trouble:
        now.screen.line(found.trouble)
    every = [*dict.fromkeys([*([found.in_force] if found.in_force else []), *found.held, *found.entries])]
    rows = [
        [one, "in force" if one == found.in_force else "", "held" if one in found.held else "missing", found.entries.get(one, 0)]
        for one in every
    ]  # fmt: skip
    now.screen.table(("KEY", "", "", "ENTRIES"), rows, right=(3,))
    now.screen.next(found.next)
    if found.trouble or (found.in_force and found.in_force not in found.held):
        raise typer.Exit(errors.MasterKeyError.exit_code)


@app.command()
def rotate(context: typer.Context) -> None:
    """Put a new master key in place of the one in force, while others work; the old one is not needed afterwards."""
    from counterfoil.app import keys as operations

    now = session.of(context)
    ended = now.books(operations.rotate)
    now.screen.value(ended)
    _tell(now.screen, ended)
    if ended.step == "give" or ended.unreadable:
        raise typer.Exit(NEEDS_A_PERSON)


def _tell(screen: Screen, ended: "Rotated") -> None:
    if ended.step == "give":
        screen.line(f"{ended.source} is not ours to write. In this order:")
        screen.line("  1. Make a key: openssl rand -base64 32")
        screen.line(f"  2. Let {ended.source} give both, the new one first, a space or a line's end between them;")
        screen.line("     what runs with a variable has to be started again with it.")
        screen.line("  3. Run `counterfoil keys rotate` again: it wraps every entry anew while others work.")
        screen.line("  4. Take the old key out.")
        return
    screen.line(f"Key {ended.key} is in force; {table.count(ended.rewrapped, 'entry', 'entries')} wrapped anew.")
    if ended.step == "drop":
        screen.line(f"Take the key {ended.before} out of {ended.source} now: nothing needs it.")
        if not ended.rewrapped:
            screen.line(
                f"If {ended.before} is the new one: put it first instead, and run `counterfoil keys rotate` again."
            )
    else:
        screen.line(f"{ended.source} holds the new key alone; the old one is not needed. Renew your copy of it.")
    if ended.unreadable:
        screen.line(
            f"{table.count(ended.unreadable, 'entry', 'entries')} could not be opened with either key, before or now."
        )
        screen.line("If a command asks for it, run `counterfoil connect`.")
    screen.next("counterfoil status")


@app.command()
def replace(
    context: typer.Context,
    yes: bool = typer.Option(False, "--yes", help="The key in force is gone for good; do not ask."),
) -> None:
    """Go on with another key when the one in force is lost: consents are asked for anew, postings stay."""
    from counterfoil.app import keys as operations

    now = session.of(context)
    asked = now.screen.is_terminal and sys.stdin.isatty()
    if not yes and not (asked and typer.confirm("Is the master key in force gone for good?")):
        raise errors.FixInput(
            "Nothing was changed: what the lost key sealed would be given up.",
            remedy="If it is gone for good, say so with --yes.",
        )
    ended = now.books(operations.replace)
    now.screen.value(ended)
    consents = table.count(ended.grants, "consent")
    now.screen.line(f"Key {ended.key} is in force. {consents} to be given again; postings wait for it, none is lost.")
    now.screen.next("counterfoil connect")
