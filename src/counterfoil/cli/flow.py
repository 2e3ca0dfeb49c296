"""`counterfoil flow new KIND NAME --sample FILE` and `flow test NAME`: from an export to records, without a connection.

`test` exits 1 when records are refused, or when the rows of the golden file would become something else now.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import typer

from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.trying import Difference, Tried

app = session.app()
SHOWN_MAX: Final = 10  # refused records named on a screen


@app.callback()
def flow() -> None:
    """Draft a flow from a sample, and try it without a connection: new, test."""


@app.command()
def new(
    context: typer.Context,
    kind: str = typer.Argument(metavar="KIND", help="What it does, such as sales_invoices."),
    name: str = typer.Argument(metavar="NAME", help="What you call it."),
    sample: Path = typer.Option(..., help="A file as it will be exported."),
) -> None:
    """A commented table, mapped by guess from a sample; every guess is marked."""
    from counterfoil import settings
    from counterfoil.app import drafting
    from counterfoil.cli import init

    now = session.of(context)
    loaded = settings.load(now.config, now.switches.env)
    found = drafting.draft(loaded, kind, name, sample, init.new_flow_id())
    now.screen.value(drafting.plain(found))
    now.screen.line(found.table.strip() + "\n")
    for note in found.notes:
        now.screen.line(f"In the sample: {table.harmless(note)}")
    now.screen.line(f"Written {'at the end of' if found.loads else 'to'} {found.path}; every guess is marked.")
    for problem in found.problems:
        now.screen.line(f"It does not load yet: {table.harmless(problem)}")
    if found.decisions:
        before = "" if found.loads else " before it can be used"
        now.screen.line(f"{table.count(len(found.decisions), 'line')} to decide{before}:")
    for line in found.decisions:
        now.screen.line(f"  {table.harmless(line)}")
    if found.loads:
        now.screen.next(f"counterfoil flow test {name}")
        return
    now.screen.next(f"decide them, put the table into {now.config}, then counterfoil flow test {name}")


@app.command("test")
def try_(
    context: typer.Context,
    name: str = typer.Argument(metavar="NAME", help="A table of [flows]."),
    input: Path | None = typer.Option(None, help="Read this file instead of the flow's source."),
    record: str | None = typer.Option(None, help="Show the record with this external id; default: the first."),
    accept: bool = typer.Option(False, "--accept", help="Keep what the records become now as the golden file."),
) -> None:
    """One record as rows, record and Xero's lines; and whether kept rows still become the same."""
    now = session.of(context)
    found = now.books(lambda books: _try(books, name, input, record, accept=accept))
    now.screen.value(_value(found))
    _show(now.screen, found)
    now.screen.next(_next(name, found))
    if found.different or found.refused:
        raise typer.Exit(1)


class _Found(msgspec.Struct, frozen=True):
    shown: "Tried | None"
    records: int
    refused: "list[Tried]"
    golden: str
    kept: int
    accepted: bool
    different: "list[Difference]"


async def _try(books: "Books", name: str, source: Path | None, record: str | None, *, accept: bool) -> _Found:
    from counterfoil import errors
    from counterfoil.app import trying

    flow = books.flow(name)
    trier = trying.Trier(books, flow)
    shown: Tried | None = None
    kept: list[Tried] = []
    refused: list[Tried] = []
    count = 0
    async with contextlib.aclosing(trier.records(source or flow.source.file(flow.table))) as tried:
        async for one in tried:
            count += 1
            if shown is None and record in (None, one.external_id):
                shown = one
            if one.predicted is None:
                refused.append(one)
            if len(kept) < trying.GOLDEN_MAX:
                kept.append(one)
    if record is not None and shown is None:
        raise errors.NotFound(
            f"{source or flow.source.file(flow.table)} has no record {record}.", remedy="See its external ids."
        )
    path = trying.golden_path(books, flow)
    golden = trying.kept(path)
    different = await trying.differences(trier, golden) if golden is not None and not accept else []
    if accept:
        trying.keep(path, flow, kept)
    number = len(kept) if accept else len(golden.records) if golden else 0
    return _Found(shown, count, refused, str(path), number, accept, different)


def _value(found: _Found) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(
        msgspec.structs.asdict(found) | {"refused": [_refusal(one) for one in found.refused]}, enc_hook=str
    )
    if plain["shown"] is not None:
        del plain["shown"]["raw"]
    return plain


def _refusal(one: "Tried") -> dict[str, Any]:
    return {"source": one.source, "external_id": one.external_id, "reasons": [f.reason for f in one.findings]}


def _next(name: str, found: _Found) -> str:
    if found.different:
        return f"counterfoil flow test {name} --accept, if that is what you want"
    return f"counterfoil plan {name}" if found.kept else f"counterfoil flow test {name} --accept, then plan {name}"


def _show(screen: Screen, found: _Found) -> None:
    if found.shown is not None:
        _show_record(screen, found.shown)
    screen.line(f"{table.count(found.records, 'record')}, {len(found.refused)} refused")
    for one in found.refused[:SHOWN_MAX]:
        reasons = " ".join(f"{finding.reason} {finding.remedy}".strip() for finding in one.findings)
        screen.line(f"  × {one.external_id or one.source}: {table.harmless(reasons)}")
    if found.accepted:
        screen.line(f"Kept in {found.golden}: {table.count(found.kept, 'record')}. Keep it with your configuration.")
    elif not found.kept:
        screen.line("Nothing is kept yet to compare with: --accept keeps what you see.")
    elif not found.different:
        screen.line(f"The {table.count(found.kept, 'record')} of {found.golden} become the same as when you accepted.")
    else:
        heads = ("RECORD", "FIELD", "ACCEPTED", "NOW")
        rows = [[one.external_id or one.source, one.field, one.then, one.now] for one in found.different]
        screen.line(f"Different from {found.golden}:")
        screen.table(heads, rows)


def _show_record(screen: Screen, one: "Tried") -> None:
    screen.line(f"{one.source}")
    columns = [name for name in one.rows[0] if any(row.get(name) for row in one.rows)] if one.rows else []
    for name in columns:
        cells = [row.get(name, "") for row in one.rows]
        filled = {cell for cell in cells if cell}
        screen.line(f"  {name}: {table.harmless(filled.pop() if len(filled) == 1 else ' | '.join(cells))}")
    if one.record is not None:
        screen.line("\nbecomes the record")
        for line in msgspec.json.format(msgspec.json.encode(one.record), indent=2).decode().splitlines():
            bare = line.lstrip()
            screen.line(f"  {' ' * (len(line) - len(bare))}{table.harmless(bare)}")
    if one.predicted is not None:
        _show_lines(screen, one.predicted)
    for finding in one.findings:
        screen.line(f"× {table.harmless(finding.reason)} {table.harmless(finding.remedy)}")
    for said in one.assumed:
        screen.line(f"Assumed: {table.harmless(said)}")
    screen.line()


def _show_lines(screen: Screen, predicted: dict[str, Any]) -> None:
    head = f"{predicted['status']}, {predicted['date']}, due {predicted['due_date'] or 'by terms'}"
    screen.line(f"\nand in Xero ({head}, {predicted['currency']})")
    rows = [
        [line["account_code"] or "", line["tax_type"] or "", line["line_amount"], line["tax_amount"]]
        for line in predicted["lines"]
    ]
    rows.append(["", "total", predicted["total"], predicted["total_tax"]])
    screen.table(("ACCOUNT", "TAX", "AMOUNT", "TAX"), rows, right=(2, 3), indent="  ")
    for note in predicted.get("notes", ()):
        screen.line(f"  {table.harmless(note)}")
