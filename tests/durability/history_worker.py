"""What a forked process does with a workbench's installation: run, finish, try problems again, or tell what it knows.

Started by `histories` through multiprocessing's fork server: a real process with a pid to kill or stop, without paying
for an interpreter each time. It writes its answer as JSON beside the state that it was given.
"""

import asyncio
import json
import os
import random
import signal
import traceback
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from counterfoil import errors
from counterfoil.posting import finishing, rules, sending, undoing
from counterfoil.store import changes, problems, runs, schema
from counterfoil.xero import client
from counterfoil.xero.answers import Answer
from tests.durability import worker
from tests.posting.workbench import WorkbenchBooks

p = schema.postings.c
BURST_S, TURN_S = 0.3, 0.05
PAUSE_S = 0.2  # instead of the seconds that the engine pauses in production


class Trap:
    """Kills or stops this process when the engine passes a point for the nth time."""

    def __init__(self, name: str, nth: int, action: str) -> None:
        self.name, self.left, self.action = name, nth, action
        self.books: WorkbenchBooks | None = None

    def __call__(self, name: str) -> None:
        """The engine passes a point."""
        if name != self.name:
            return
        self.left -= 1
        if self.left != 0:
            return
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        assert self.books is not None
        thread = self.books.database._thread
        if thread is not None:  # not inside a transaction: it would hold SQLite's lock while we sleep
            thread.submit(int).result()
        os.kill(os.getpid(), signal.SIGSTOP)


def main(folder: Path, state: dict[str, Any], trap: tuple[str, int, str] | None, command: str, out: Path) -> None:
    """Do `command`; → {"report": …} | {"known": …} | {"error": code} | {"crash": traceback} in `out`."""
    finishing.POLL_S = finishing.LOOK_AGAIN_S = rules.LOOK_AGAIN_S = client.GET_BACKOFF_S = PAUSE_S
    point = Trap(*trap) if trap else sending.no_point

    async def work(books: WorkbenchBooks) -> dict[str, Any]:
        books.pacer._window_s = PAUSE_S  # a limit that does not say how long it lasts is waited for that long
        if isinstance(point, Trap):
            point.books = books
        if state.get("crowded"):
            _crowd(books, in_step=state["crowded"] == "in step")
        name, _, rest = command.partition(":")
        return await (_undo(books, int(rest)) if name == "undo" else _COMMANDS[name](books))

    try:
        answer = asyncio.run(worker.bench(folder, state).use(work, point))
    except errors.CounterfoilError as error:
        answer = {"error": error.code, "message": str(error)}
    except BaseException:  # noqa: BLE001 - whatever escapes the engine is what the history wants to know
        answer = {"crash": traceback.format_exc()}
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(answer))
    partial.replace(out)


def _crowd(books: WorkbenchBooks, *, in_step: bool) -> None:
    """A bad line and a busy database: reads are answered in bursts, and each transaction waits for its turn.

    `in_step`: all wait equally long, so that what goes on side by side is always at the same point of its way; else at any.
    """
    send, run, dice = books.transport.send, books.database.run, random.Random(os.getpid())

    async def sent(method: str, *arguments: Any, **more: Any) -> Answer:
        try:
            return await send(method, *arguments, **more)
        finally:
            if method == "GET":
                await asyncio.sleep(BURST_S - asyncio.get_running_loop().time() % BURST_S)

    async def ran(work: Any) -> Any:
        await asyncio.sleep(TURN_S if in_step else dice.random() * TURN_S)
        return await run(work)

    books.transport.send = sent  # type: ignore[method-assign]
    books.database.run = ran  # type: ignore[method-assign]


async def _run(books: WorkbenchBooks) -> dict[str, Any]:
    report = await books.run("shop")
    return {"report": report.to_json() | {"exit": report.exit_code, "stops": report.stops}}


async def _finish(books: WorkbenchBooks) -> dict[str, Any]:
    report = await books.finish()
    return {"report": report.to_json() | {"exit": report.exit_code, "stops": report.stops}}


async def _undo(books: WorkbenchBooks, back: int) -> dict[str, Any]:
    """Take back the newest run of the flow, or one `back` before it; nothing when there is none."""
    ran = [one.id for one in await books.database.read(runs.latest) if one.command == "run"]
    if not ran:
        return {"wanted": []}
    wanted, report = await books.undo(ran[min(back, len(ran) - 1)])
    names = [line.external_id for line in wanted.lines if line.action != undoing.KEEP]
    return {"wanted": names, "report": report.to_json() | {"exit": report.exit_code, "stops": report.stops}}


async def _retry(books: WorkbenchBooks) -> dict[str, Any]:
    return {"retried": [await books.retry(problem.n) for problem in await books.problems()]}


async def _tell(books: WorkbenchBooks) -> dict[str, Any]:
    """What a person would be shown: problems with their records, and the proof."""
    proof = await books.prove("shop")
    stuck = await books.database.read(problems.stuck_postings)
    rows = await books.database.read(problems.open_rows)
    named = {one.external_id: one.cause for one in (*stuck, *rows) if one.external_id}
    query = sa.select(p.external_id, p.state, p.action).where(p.kind == "invoice").order_by(p.id)
    newest = {name: (state, action) for name, state, action in await books.database.read(lambda c: [*c.execute(query)])}
    return {
        "named": named, "states": {name: state for name, (state, _action) in newest.items()},
        "undone": [name for name, told in newest.items() if told == ("cancelled", changes.UNDO)],
        "differences": proof.differences, "duplicates": proof.duplicates,
    }  # fmt: skip


_COMMANDS = {"run": _run, "finish": _finish, "retry": _retry, "tell": _tell}
