"""`counterfoil sync [ENTITY] [RESOURCE] [--full]`: bring the copy of each ledger up to date; safe to interrupt and repeat."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.syncing import Report

app = session.app()
HEADS = ("ENTITY", "RESOURCE", "DOCUMENTS", "READ", "NEW", "CHANGED", "GONE", "LAG", "CALLS", "BYTES")


@app.command()
def sync(
    context: typer.Context,
    entity: str | None = typer.Argument(None, metavar="[ENTITY]", help="One entity; absent: all that are bound."),
    resource: str | None = typer.Argument(
        None, metavar="[RESOURCE]", help="One of Xero's resources, such as Invoices."
    ),
    *,
    full: bool = typer.Option(False, "--full", help="Read all of it again, and say what was not as Xero has it."),
) -> None:
    """Bring the copy of each ledger up to date."""
    now = session.of(context)
    report = now.books(lambda books: _synced(books, entity, resource, full=full, json=now.json))
    now.screen.value(report)
    _show(now.screen, report)
    again = "counterfoil sync, again" if report.exit_code == 4 else "counterfoil status"
    now.screen.next("counterfoil connect" if report.exit_code == 3 else again)
    raise typer.Exit(report.exit_code)


async def _synced(books: "Books", entity: str | None, resource: str | None, *, full: bool, json: bool) -> "Report":
    from counterfoil.app import syncing
    from counterfoil.cli import progress

    with progress.counter(json=json) as take:
        return await syncing.sync(books, entity, resource, full=full, progress=take)


def _show(screen: Screen, report: "Report") -> None:
    rows = [
        [
            one.entity, one.resource, f"{one.documents:,}", f"{one.read:,}", one.created or "", one.updated or "",
            one.deleted or "", "never read" if one.lag_s is None else _span(one.lag_s), one.calls, f"{one.bytes:,}",
        ]
        for one in report.resources
    ]  # fmt: skip
    screen.table(HEADS, rows, right=range(2, len(HEADS)))
    screen.line()
    for one in report.resources:
        if one.error:
            told = f"{one.entity}, {one.resource}: {one.error} {one.remedy or ''}"
            (screen.note if screen.json else screen.line)(table.harmless(told.strip()))
    for drift in report.drift:
        value = f" = {drift.value}" if drift.value else ""
        times = table.count(drift.times, "document")
        screen.line(
            table.harmless(f"Not published by Xero, and kept: {drift.resource} {drift.field}{value}, in {times}")
        )
    if report.full:
        screen.line(_repaired(report))
    calls = table.count(report.api_calls, "call")
    screen.line(f"{calls} to Xero, {report.egress_bytes:,} bytes, {report.elapsed_s:.1f} s")


def _repaired(report: "Report") -> str:
    if not report.repaired:
        return "Repaired nothing: every document was as Xero has it."
    parts = [
        f"{one.entity} {one.resource}: {one.created} were missing, {one.updated} differed, {one.deleted} are gone"
        for one in report.resources
        if one.created or one.updated or one.deleted
    ]
    return f"Repaired {table.count(report.repaired, 'document')}. " + "; ".join(parts) + "."


def _span(seconds: float) -> str:
    from counterfoil import errors

    return errors.span(seconds)
