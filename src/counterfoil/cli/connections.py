"""`counterfoil connections [list|disconnect TENANT]`: the organisations that the app may reach."""

import sys
from typing import TYPE_CHECKING

import msgspec
import typer

from counterfoil.cli import session, switches, table

if TYPE_CHECKING:
    from counterfoil.access.caps import Cap
    from counterfoil.app import Books
    from counterfoil.app.reach import Ending, Reach

app = session.app()


@app.callback(invoke_without_command=True)
def connections(context: typer.Context) -> None:
    """The organisations that the app may reach: list, or end one connection."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context) -> None:
    """What the app may reach, as last seen: entity, user (Xero's id), since when, state; no call."""
    now = session.of(context)
    found, cap = now.books(_listed)
    now.screen.value(found)
    rows = [
        [one.name, one.tenant_id, one.entity or "not bound", one.user or "", f"{one.since:%Y-%m-%d}" if one.since else "",
         one.state]
        for one in found
    ]  # fmt: skip
    if found:
        now.screen.table(("ORGANISATION", "TENANT", "ENTITY", "USER", "SINCE", "STATE"), rows)
    else:
        now.screen.line("Not connected to Xero yet.")
    if cap.is_near:
        now.screen.note(f"{cap.message} {cap.remedy}")
    is_lost = any(one.state in ("disconnected", "reconnect") for one in found)
    free = any(one.entity is None for one in found)
    now.screen.next(
        "counterfoil connect" if not found or is_lost else f"counterfoil {'entities bind' if free else 'status'}"
    )


@app.command()
def disconnect(
    context: typer.Context,
    tenant: str = typer.Argument(metavar="TENANT", help="A tenant id or an exact name."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """End the connections to one organisation, there and here; the consent for others stays. One call per connection."""
    now = session.of(context)
    what = now.books(lambda books: _ending(books, tenant))
    said = _told(what)
    now.screen.note(said)
    if not yes and not _agreed(now, what):
        now.screen.value(msgspec.structs.asdict(what) | {"ended": 0})
        now.screen.next(f"counterfoil connections disconnect {what.tenant_id} --yes")
        return
    ended = now.books(lambda books: _ended(books, what.tenant_id))
    now.screen.value(msgspec.structs.asdict(what) | {"tenant": tenant, "ended": ended})
    now.screen.line(f"{table.count(ended, 'connection')} ended.")
    now.screen.next("counterfoil connections")


def _told(what: "Ending") -> str:
    """What ending it means, before it is done."""
    name = table.harmless(what.name)
    if what.entity is None:
        return f"{name}: no entity is bound to it, nothing waits."
    waits = table.count(what.waits, "posting")
    return f"{name} is {what.entity}'s organisation: {waits} of it and all new ones wait until it is connected again."


def _agreed(now: session.Session, what: "Ending") -> bool:
    """A word of a person at a terminal; elsewhere --yes is needed."""
    if not now.screen.is_terminal or not sys.stdin.isatty():
        raise switches.UsageError(
            f"Nothing was done: nobody can be asked here. Say so: counterfoil connections disconnect {what.tenant_id} --yes"
        )
    return typer.confirm(f"Disconnect {table.harmless(what.name)}?", err=True)


async def _listed(books: "Books") -> "tuple[list[Reach], Cap]":
    from counterfoil.app import reach, watching

    return await reach.reached(books), await watching.count(books)


async def _ending(books: "Books", tenant: str) -> "Ending":
    from counterfoil.app import reach

    return await reach.ending(books, tenant)


async def _ended(books: "Books", tenant_id: str) -> int:
    from counterfoil.app import reach

    return await reach.disconnect(books, tenant_id)
