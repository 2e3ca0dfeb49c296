"""A process of its own that runs a mapped flow and kills itself, while it spools, while it plans, or at a named point.

    python -m tests.app.killed FOLDER STATE WHERE

STATE is a JSON file with what tests.app.till.Till holds; WHERE is spooling, planning or a point of the engine.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from counterfoil.posting import applying
from counterfoil.store import spool_tables
from tests.app.till import Till


def die() -> None:
    """Without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_after(module: Any, name: str, calls: int) -> None:
    """Let the function of a module be the process's last after so many calls, its transaction still open."""
    whole, left = getattr(module, name), calls

    def patched(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        done = whole(*arguments, **options)
        left -= 1
        if left == 0:
            die()
        return done

    setattr(module, name, patched)


def main() -> None:
    """Run until killed."""
    folder, state, where = sys.argv[1:]
    till = Till.__new__(Till)
    told = json.loads(Path(state).read_text())
    till.folder, till.sandbox = Path(folder), SimpleNamespace(ready=told["ready"])  # type: ignore[assignment]  # only its ready line is needed here
    for name in ("store", "posting", "token", "flow_text"):
        setattr(till, name, told[name])
    if where == "spooling":
        _dying_after(spool_tables, "add_rows", 1)
    if where == "planning":
        _dying_after(applying, "apply_batch", 2)
    asyncio.run(till.use(lambda books: books.run("shop"), lambda point: die() if point == where else None))


if __name__ == "__main__":
    main()
