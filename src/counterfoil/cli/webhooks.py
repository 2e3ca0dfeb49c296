"""`counterfoil webhooks check [URL]`: whether Xero's webhooks would arrive."""

from typing import TYPE_CHECKING

import typer

from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.app.webhook_check import Checked
    from counterfoil.cli.screen import Screen

app = session.app()


@app.callback()
def webhooks() -> None:
    """Xero's events, as they come in."""


@app.command()
def check(
    context: typer.Context,
    url: str | None = typer.Argument(
        None, metavar="URL", help="The address that Xero calls [default: [service] public_url, with /webhooks/xero]."
    ),
) -> None:
    """Play Xero's intent to receive against the address, and say what is wrong with the answers."""
    from counterfoil.app import webhook_check

    now = session.of(context)
    checked = now.books(lambda books: webhook_check.check(books, url))
    now.screen.value(checked)
    _show(now.screen, checked)
    raise typer.Exit(0 if checked.ok else 1)


def _show(screen: "Screen", checked: "Checked") -> None:
    screen.line(f"As Xero would, to {table.harmless(checked.url)}:")
    for one in checked.checks:
        answer = "no answer" if one.status is None else f"{one.status}"
        verdict = "ok" if one.problem is None else "NOT OK"
        screen.line(f"  {one.check:<24} wants {one.expected}: {answer} after {one.took_s:.2f} s  {verdict}")
        if one.problem is not None:
            screen.line(f"    {table.harmless(one.problem)}. {table.harmless(one.remedy or '')}")
    for hint in checked.hints:
        screen.line(table.harmless(hint))
    screen.next("counterfoil status" if checked.ok else "counterfoil doctor")
