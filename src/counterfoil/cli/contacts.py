"""`counterfoil contacts match FLOW`: who of your customers is who in Xero, as a file to look through and give back.

Writing the file reads from Xero as a plan does; `--apply` costs no call and writes nothing to Xero.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from counterfoil import errors
from counterfoil.cli import contact_file, session, table

if TYPE_CHECKING:
    from counterfoil.app.matching_contacts import Applied, Review

app = session.app()
MISTAKES = 1


@app.callback()
def contacts() -> None:
    """Your customers and Xero's contacts."""


@app.command()
def match(
    context: typer.Context,
    flow: str = typer.Argument(metavar="FLOW", help="A table of [flows]."),
    out: Path | None = typer.Option(None, help="The file to write [default: contacts-FLOW.csv]."),
    apply: Path | None = typer.Option(None, help="Read the file that you looked through, and keep its decisions."),
    input: Path | None = typer.Option(None, help="Read this file instead of the flow's source."),
    everyone: bool = typer.Option(False, "--all", help="Customers that are decided about already, too."),
) -> None:
    """Write a review file of who is probably who, or keep what you decided in it."""
    now = session.of(context)
    if apply is not None:
        if out is not None or input is not None or everyone:
            raise errors.InputError("--apply goes with no other option.", remedy="Give the file that you edited alone.")
        rows = contact_file.read(apply)
        applied = now.books(lambda books: books.apply_contacts(flow, apply.name, rows))
        now.screen.value(applied)
        _applied(now, flow, applied)
        raise typer.Exit(MISTAKES if applied.mistakes else 0)
    path = out or Path(f"contacts-{flow}.csv")
    contact_file.refuse_to_overwrite(path)
    review = now.books(lambda books: books.match_contacts(flow, input, everyone=everyone))
    contact_file.write(path, review.pairs)
    now.screen.value(_value(path, review))
    _reviewed(now, flow, path, review)


def _value(path: Path, review: "Review") -> dict[str, Any]:
    return {
        "file": str(path), "customers": review.customers, "lines": len(review.pairs), "certain": _certain(review),
        "decided_before": review.decided_before, "unread": review.unread,
    }  # fmt: skip


def _certain(review: "Review") -> int:
    return sum(1 for pair in review.pairs if pair.proposal.decision)


def _reviewed(now: session.Session, flow: str, path: Path, review: "Review") -> None:
    screen = now.screen
    alike = {(pair.entity, pair.proposal.external_id) for pair in review.pairs if pair.proposal.contact_id}
    nobody = sum(1 for pair in review.pairs if not pair.proposal.contact_id)
    screen.line(f"{table.count(review.customers, 'customer')}; {table.count(len(review.pairs), 'line')} in {path}:")
    screen.line(f"{_certain(review):>9,}  filled in: two things agree, and nobody else comes into question")
    screen.line(f"{len(alike) - _certain(review):>9,}  for you to decide: write link, new or hold into `decision`")
    screen.line(f"{nobody:>9,}  like nobody in Xero: become new contacts by themselves")
    if review.decided_before:
        screen.line(f"{review.decided_before:>9,}  decided or posted before, left out (--all for all)")
    if review.unread:
        screen.note(f"{table.count(review.unread, 'record')} did not pass their checks; their customers are not in it.")
    screen.next(f"counterfoil contacts match {flow} --apply {path}")


def _applied(now: session.Session, flow: str, applied: "Applied") -> None:
    screen = now.screen
    screen.line(
        f"{applied.link:,} linked, {applied.new:,} new, {applied.hold:,} held; {applied.undecided:,} lines undecided."
    )
    for one in applied.mistakes:
        shown = f"{one.field} {one.value}".strip()
        screen.note(table.harmless(f"{one.file}:{one.line}: {shown} {one.reason}. {one.remedy}"))
    screen.next(f"counterfoil run {flow}")
