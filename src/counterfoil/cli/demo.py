"""`counterfoil demo [--once]`: the main job on a sandbox, with a lost answer and a kill, judged by the sandbox's ledger.

What `make demo` runs. Works in `.demo/` of the current folder, made anew each time. Exit 0 only if all is as it should
be. On a terminal it keeps serving until Ctrl-C; with --once, ONCE=1, --json or a pipe it ends after the report. Whatever
COUNTERFOIL_… the user's environment sets is for the user's own database and Xero: the demo forgets it before it begins.
"""

import datetime
import os
import time
from pathlib import Path
from typing import Final

import typer

from counterfoil.cli import session

app = session.app()
FOLDER: Final = ".demo"


@app.command()
def demo(
    context: typer.Context,
    once: bool = typer.Option(False, "--once", help="End after the report; do not keep serving."),
) -> None:
    """A shop's day posted into three organisations, faults and a kill included."""
    from counterfoil import settings
    from counterfoil.cli.show.acts import Demo
    from counterfoil.cli.show.stage import Stage

    settings.forget_overrides()
    now = session.of(context)
    began = time.monotonic()
    stay = now.screen.is_terminal and not once and os.environ.get("ONCE", "0") in ("", "0")
    with Stage(Path(FOLDER), today=datetime.datetime.now(datetime.UTC).astimezone().date()) as stage:
        played = Demo(stage, now.screen)
        played.play()
        elapsed_s = round(time.monotonic() - began, 1)
        now.screen.value(
            {"ok": not played.off, "off": played.off, "elapsed_s": elapsed_s, "folder": FOLDER, **played.told}
        )
        _conclude(now, played.off, elapsed_s)
        now.screen.next(f"counterfoil --config {FOLDER}/counterfoil.toml status")
        if stay:
            now.screen.line(f"\nThe sandbox goes on at {stage.url}. Ctrl-C ends it.")
            stage.serve()
    raise typer.Exit(1 if played.off else 0)


def _conclude(now: session.Session, off: list[str], elapsed_s: float) -> None:
    if not off:
        now.screen.line(f"\nEvery good sale stands in Xero exactly once, to the cent. {elapsed_s:.0f} s.")
        return
    for one in off:
        now.screen.note(f"Not as it should be: {one}")
