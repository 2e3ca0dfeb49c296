"""`counterfoil audit [list|verify|export]`: who did what, whether nothing of it was changed, and all of it as a file.

No call to Xero. Exit 1 when a chain is broken or a head that was printed once is missing. The log holds ids and keyed
hashes; a name is looked up nowhere.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from counterfoil import errors
from counterfoil.cli import audit_file, session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.auditing import Verified
    from counterfoil.store.audit import Wanted

app = session.app()
MOST = 100  # entries of a list that nobody gave a number for
MOST_MAX = 10_000  # of a list at all; `audit export` has no bound
ENTITY = typer.Option(None, "--entity", help='Of one entity; "" for what concerns none.')
ACT = typer.Option(None, "--act", help='Such as "write", "bound" or "problem skipped".')
ACTOR = typer.Option(None, "--actor", help="By one actor: USER@HOST.")
SINCE = typer.Option(None, "--since", help="From this day (2026-11-01) or instant on, in UTC.")
UNTIL = typer.Option(None, "--until", help="Up to this day or instant, itself not included.")


@app.callback(invoke_without_command=True)
def audit(context: typer.Context) -> None:
    """Who did what, and whether nothing of it was changed: list, verify, export."""
    if context.invoked_subcommand is None:
        _list(session.of(context), audit_file.wanted(), MOST)


@app.command("list")
def list_(
    context: typer.Context,
    entity: str | None = ENTITY,
    act: str | None = ACT,
    actor: str | None = ACTOR,
    since: str | None = SINCE,
    until: str | None = UNTIL,
    most: int = typer.Option(MOST, "--most", min=1, max=MOST_MAX, help="How many entries at most."),
) -> None:
    """The newest entries first."""
    _list(session.of(context), audit_file.wanted(entity, act, actor, since, until), most)


@app.command()
def verify(
    context: typer.Context,
    entity: str | None = ENTITY,
    head: list[str] = typer.Option(
        [], "--head", metavar="HASH|ENTITY=HASH|FILE", help="A head that was printed or exported before; repeatable."
    ),
) -> None:
    """Recompute every chain: entries that were changed, taken out, put in or moved, and heads that are gone."""
    from counterfoil.app import auditing
    from counterfoil.cli import progress

    now = session.of(context)
    heads = audit_file.heads(head)
    with progress.bar(json=now.json) as take:
        found = now.books(lambda books: auditing.verify(books, entity=entity, heads=heads, progress=take))
    now.screen.value(found.to_json())
    _show(now.screen, found)
    now.screen.next("counterfoil status" if found.is_whole else "counterfoil audit list")
    if not found.is_whole:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context,
    entity: str | None = ENTITY,
    act: str | None = ACT,
    actor: str | None = ACTOR,
    since: str | None = SINCE,
    until: str | None = UNTIL,
    csv: Path | None = typer.Option(None, "--csv", help="Write CSV into this file; - is stdout."),
    jsonl: Path | None = typer.Option(None, "--jsonl", help="Write JSON Lines into this file; - is stdout."),
) -> None:
    """Every entry, oldest first within its chain, as CSV or JSON Lines."""
    from counterfoil.app import auditing

    now = session.of(context)
    chosen = [one for one in (csv, jsonl) if one is not None]
    if len(chosen) != 1:
        raise errors.InputError("An export needs one file.", remedy="Say --csv FILE or --jsonl FILE; - is stdout.")
    if str(chosen[0]) == audit_file.STDOUT and now.json:
        raise errors.InputError("With --json stdout is one value.", remedy="Leave --json out, or name a file.")
    wanted = audit_file.wanted(entity, act, actor, since, until)
    writer = audit_file.Writer(chosen[0], now.screen, csv=csv is not None)
    count = now.books(lambda books: writer.write(auditing.exported(books, wanted)))
    now.screen.value({"file": str(chosen[0]), "entries": count})
    if str(chosen[0]) != audit_file.STDOUT:
        now.screen.line(f"{table.count(count, 'entry', 'entries')} in {chosen[0]}.")
        now.screen.next("counterfoil audit verify")


def _list(now: session.Session, wanted: "Wanted", most: int) -> None:
    from counterfoil.app import auditing

    found, total = now.books(lambda books: auditing.newest(books, wanted, most))
    now.screen.value(found)
    rows = [
        [one["at"][:19].replace("T", " "), one["entity"], one["seq"], one["actor"], one["act"], audit_file.short(one["data"])]
        for one in found
    ]  # fmt: skip
    now.screen.table(("AT (UTC)", "ENTITY", "ENTRY", "ACTOR", "ACT", ""), rows, right=(2,))
    if total > len(found):
        now.screen.line(f"The newest {len(found):,} of {total:,}.")
    if not found:
        now.screen.line("No entries.")
    now.screen.next("counterfoil audit verify")


def _show(screen: Screen, found: "Verified") -> None:
    for one in found.chains:
        name = table.harmless(one.entity) or "(no entity)"
        if one.broken_at is None:
            screen.line(f"{name}: whole, {table.count(one.length, 'entry', 'entries')}, head {one.head}")
        else:
            screen.line(f"{name}: BROKEN at entry {one.broken_at:,}. {one.why}")
        for head in one.missing_heads:
            screen.line(
                f"{name}: no entry has the head {head}: entries after it, or the whole database, were put back."
            )
    for head in found.missing_heads:
        screen.line(f"No chain has the head {head}: entries were taken away, or the whole database was put back.")
    if not found.chains:
        screen.line("Nothing was done yet.")
    elif found.is_whole:
        screen.line("Keep these heads elsewhere: `audit verify --head` then notices a database that was put back.")
