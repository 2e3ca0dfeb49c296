"""A process of its own that runs the sample flow and ends, or stops, itself at a named point of the engine.

    python -m tests.durability.worker FOLDER STATE POINT NTH ACTION COMMAND

STATE is a JSON file with the sandbox's ready line, a token and the configuration; ACTION is kill, stop or none; COMMAND
is run, finish or undo:RUN. It prints the report as JSON.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.posting import taking_back
from tests.posting.workbench import Workbench


class Trap:
    """Ends or stops this process when the engine passes a point for the nth time."""

    def __init__(self, name: str, nth: int, action: str) -> None:
        self.name, self.left, self.action = name, nth, action

    def __call__(self, name: str) -> None:
        """The engine passes a point."""
        if name != self.name or self.action == "none":
            return
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL if self.action == "kill" else signal.SIGSTOP)


def bench(folder: Path, state: dict[str, Any]) -> Workbench:
    """The test's installation, as this process sees it."""
    found = Workbench.__new__(Workbench)
    found.folder = folder
    found.alone = state.get("alone", True)  # this process stands for `counterfoil run`, unless it is to be a service's
    found.sandbox = SimpleNamespace(ready=state["ready"])  # type: ignore[assignment]  # only its ready line is needed here
    found.store, found.posting, found.flow, found.token = (
        state["store"],
        state["posting"],
        state["flow"],
        state["token"],
    )
    return found


def main() -> None:
    """Run and print."""
    folder, state, point, nth, action, command = sys.argv[1:]
    here = bench(Path(folder), json.loads(Path(state).read_text()))
    trap = Trap(point, int(nth), action)

    async def work(books: Any) -> Any:
        if action == "stop":  # one request at a time: a process stopped inside a transaction would hold SQLite's lock
            books.rules = msgspec.structs.replace(books.rules, slots=1)
        if command.startswith("undo:"):
            return await taking_back.undo(books, int(command.removeprefix("undo:")))
        return await (books.run("shop") if command == "run" else books.finish())

    report = asyncio.run(here.use(work, trap))
    sys.stdout.write(json.dumps(report.to_json() | {"exit": report.exit_code}) + "\n")


if __name__ == "__main__":
    main()
