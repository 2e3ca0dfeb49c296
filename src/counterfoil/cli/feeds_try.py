"""`counterfoil feeds try NAME` and `feeds fill NAME`: what a feed would write, and today's documents for its table; no call to Xero.

Called by feeds, which has the other commands.
"""

from typing import TYPE_CHECKING, Any

import typer

from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.app.filling_feeds import Filled, Preview
    from counterfoil.cli.screen import Screen

NAME = typer.Argument(metavar="NAME", help="A table of [feeds].")
HEADS = ("ENTITY", "RESOURCE", "WRITTEN", "NEWER THERE", "NOT WHOLE YET")


def add(app: typer.Typer) -> None:
    """Both commands, to the app of `feeds`."""
    app.command("try")(try_)
    app.command()(fill)


def try_(
    context: typer.Context,
    name: str = NAME,
    last: int = typer.Option(10, "--last", metavar="N", min=1, max=1000, help="How many changes, the newest."),
) -> None:
    """Show which rows the newest changes would become; writes nothing."""
    from counterfoil.app import filling_feeds

    now = session.of(context)
    found = now.books(lambda books: filling_feeds.preview(books, name, last))
    now.screen.value(found)
    _show(now.screen, found)
    now.screen.next(f"counterfoil feeds fill {name}" if found.target.startswith("The table") else "counterfoil serve")


def _show(screen: "Screen", found: "Preview") -> None:
    if not found.found:
        screen.line(f"Nothing that {found.feed} wants is kept yet: run `counterfoil sync`.")
    elif found.of == "documents":
        screen.line(f"No change that {found.feed} wants is kept yet; of documents that the mirror has, rows would be:")
    rows: list[list[Any]] = [
        [one.type, one.entity, *(table.harmless(_shown(row.get(name))) for name in found.columns)]
        for one in found.found
        for row in one.rows
    ]
    if found.columns and rows:
        screen.table(("TYPE", "ENTITY", *found.columns), rows)
    elif rows:
        for one in found.found:
            screen.line(f"{one.type} of {one.document_id} goes out whole (--json shows it)")
    empty = sum(1 for one in found.found if not one.rows)
    if empty:
        screen.line(f"{table.count(empty, 'change')} would have no row.")
    for text in dict.fromkeys(text for one in found.found for text in one.blank):
        screen.line(f"Blank, {text}")
    if found.target:
        screen.line(found.target)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import msgspec

        return msgspec.json.encode(value).decode()
    return str(value)


def fill(
    context: typer.Context,
    name: str = NAME,
    *,
    anew: bool = typer.Option(
        False, "--anew", help="Begin again, and write over whatever the table has: after a database was restored."
    ),
) -> None:
    """Write every document that the mirror has to the feed's table; may be interrupted, repeated, and run beside the service."""
    from counterfoil.app import filling_feeds
    from counterfoil.cli import progress

    now = session.of(context)

    async def filled(books: Any) -> "list[Filled]":
        with progress.counter(json=now.json) as take:
            return await filling_feeds.fill(books, name, anew=anew, progress=take)

    found = now.books(filled)
    now.screen.value(found)
    now.screen.table(
        HEADS,
        [[one.entity, one.resource, f"{one.written:,}", one.newer or "", one.incomplete or ""] for one in found],
        right=(2, 3, 4),
    )
    if not any(one.written or one.newer or one.incomplete or one.refused for one in found):
        now.screen.line(f"The mirror has nothing that {name} wants: run `counterfoil sync`, then this again.")
    waits = sum(one.incomplete for one in found)
    if waits:
        documents = table.count(waits, "document")
        now.screen.line(f"{documents} of which the mirror has not all yet: run `counterfoil sync`, then this again.")
    refused = sum(one.refused for one in found)
    for text in (text for one in found for text in one.why):
        now.screen.line(f"Refused, {text}")
    if refused:
        now.screen.line(f"The table does not take {table.count(refused, 'document')}.")
    now.screen.next("counterfoil serve  # keeps it current")
    raise typer.Exit(1 if refused else 0)
