"""`counterfoil prove FLOW`: source, postings and Xero side by side, per day, currency and tax.

Costs 1 call per entity and 1 per 1,000 documents changed since the last look. Exit 1 when something differs.
"""

from typing import TYPE_CHECKING

import msgspec
import typer

from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.auditing import HeadOf
    from counterfoil.app.reports import Proof

app = session.app()
HEADS = ("ENTITY", "DAY", "CURRENCY", "RECORDS", "TOTAL", "POSTED", "TAX", "TOTAL", "IN XERO", "TAX", "TOTAL", "")


@app.command()
def prove(context: typer.Context, flow: str = typer.Argument(metavar="FLOW", help="A table of [flows].")) -> None:
    """Source, postings and Xero side by side, to the cent."""
    now = session.of(context)
    proof, heads = now.books(lambda books: _proved(books, flow))
    plain = msgspec.to_builtins(proof, enc_hook=str)
    now.screen.value(plain | {"holds": proof.holds, "audit": [msgspec.structs.asdict(head) for head in heads]})
    show(now.screen, proof)
    for head in heads:
        now.screen.line(f"Audit log of {head.entity}: {table.count(head.length, 'entry', 'entries')}, head {head.head}")
    now.screen.next("counterfoil problems" if proof.not_posted or not proof.holds else "counterfoil status")
    if not proof.holds:
        raise typer.Exit(1)


async def _proved(books: "Books", flow: str) -> "tuple[Proof, list[HeadOf]]":
    """The proof, and where the audit log of each of its entities ends."""
    from counterfoil.app import auditing

    proof = await books.prove(flow)
    entities = {row.entity for row in proof.rows}
    return proof, [head for head in await auditing.heads(books) if head.entity in entities]


def show(screen: Screen, proof: "Proof") -> None:
    """The proof for people."""
    rows = [
        [
            row.entity, row.date or "", row.currency, row.source_count, table.money(row.source_total),
            row.ours_count, table.money(row.ours_tax), table.money(row.ours_total),
            row.xero_count, table.money(row.xero_tax), table.money(row.xero_total), "=" if row.agrees else "≠",
        ]
        for row in proof.rows
    ]  # fmt: skip
    screen.table(HEADS, rows, right=range(3, 11))
    screen.line()
    for difference in (*proof.differences, *(f"Duplicate: {text}" for text in proof.duplicates)):
        screen.line(table.harmless(difference))
    if proof.not_posted:
        screen.line(f"Not posted: {table.count(proof.not_posted, 'record')}; `counterfoil problems` names them.")
    if proof.undone:
        screen.line(f"Taken back by `counterfoil undo`: {table.count(proof.undone, 'record')}.")
    screen.line("Proved: what we posted is what Xero has, once each." if proof.holds else "NOT proved: see above.")
