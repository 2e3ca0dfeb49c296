"""`counterfoil runs`: the runs so far, newest first; no call to Xero."""

from typing import TYPE_CHECKING, Any

import typer

from counterfoil.cli import session

if TYPE_CHECKING:
    from counterfoil.app.recent import Recent

app = session.app()
MOST = 1000
_SHOWN = ("posted", "updated", "adopted", "unchanged", "rejected", "held", "uncertain", "planned")


@app.command()
def runs(context: typer.Context) -> None:
    """The runs so far and how they ended."""
    now = session.of(context)
    found = now.books(_recent)
    now.screen.value(found)
    rows = [
        [
            run.id, f"{run.started:%Y-%m-%d %H:%M:%S}", run.command, run.flow or "", run.source,
            *[(run.counts or {}).get(name) or "" for name in _SHOWN],
            f"{run.actor}, running" if run.running else run.actor if run.ended else "interrupted",
        ]
        for run in found
    ]  # fmt: skip
    heads = ["RUN", "STARTED (UTC)", "COMMAND", "FLOW", "SOURCE", *map(str.upper, _SHOWN), "BY"]
    now.screen.table(heads, rows, right=[0, *range(5, 5 + len(_SHOWN))])
    now.screen.next("counterfoil status")


async def _recent(books: Any) -> "list[Recent]":
    from counterfoil.app.recent import recent  # what --help does not need

    return await recent(books, MOST)
