"""What goes wrong in the demo, on purpose: an answer is lost, and the run is killed (-9) in the middle of posting.

Called by acts. Nothing here waits for a time: the kill comes when the ledger holds invoices whose answers are still on
their way, which slow answers make sure of.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from counterfoil import errors
from counterfoil.cli.show.stage import Stage
from counterfoil.settings import without_secrets

SLOW_ANSWER_S: Final = 4.0  # the window for the kill; below the request timeout, so that the answer is late, not lost
POLL_S: Final = 0.02
POLLS_MAX: Final = 3_000
RUN_TIMEOUT_S: Final = 120.0
SAID_MAX: Final = 500  # characters of a run's words in a message
Row = dict[str, Any]


class Killed(NamedTuple):
    """What was so when the run was killed. `in_flight`: writes that Xero had not yet answered."""

    pid: int
    invoices: int
    in_flight: int


class Lost(NamedTuple):
    """The write whose answer was lost. `again`: how many more times its idempotency key was seen."""

    n: int
    key: str
    status: int | None
    again: int


def prepare(stage: Stage, organisation: str, slow: str) -> None:
    """The first write of invoices is done and its answer lost; later ones are answered late; `slow` does them late."""
    stage.fault("lost_answer", organisation)
    stage.fault("slow_answer", organisation, count=10, delay_s=SLOW_ANSWER_S)
    stage.fault("slow", slow, count=10, delay_s=SLOW_ANSWER_S)


def run_and_kill(stage: Stage, organisation: str, count: Callable[[], int]) -> Killed:
    """Start `counterfoil run` and kill it in the middle. `count`: the invoices in all ledgers. Raises RunAgain."""
    process = _start(stage.config)
    try:
        for _ in range(POLLS_MAX):
            rows = stage.requests()
            waiting = [row for row in rows if row["fault"] in ("slow_answer", "slow") and row["status"] is None]
            late = any(row["fault"] == "slow_answer" for row in waiting)
            if any(row["fault"] == "lost_answer" for row in rows) and late and stage.invoices(organisation):
                process.send_signal(signal.SIGKILL)
                process.wait()
                return Killed(process.pid, count(), len(waiting))
            if process.poll() is not None:
                break
            time.sleep(POLL_S)
    finally:
        process.kill()
        said = b" ".join(process.communicate())
    raise errors.RunAgain(f"the run could not be killed in the middle; it said: {_tail(said)}")


def run(stage: Stage) -> tuple[int, Row]:
    """`counterfoil run shop --json` to its end; → exit code and its value. Raises RunAgain when it gave none."""
    process = _start(stage.config)
    try:
        value, told = process.communicate(timeout=RUN_TIMEOUT_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        report: Row = json.loads(value)
    except ValueError as cause:
        raise errors.RunAgain(f"the run gave no value; it said: {_tail(told)}") from cause
    return process.returncode, report


def lost(stage: Stage) -> Lost | None:
    """What became of the write whose answer was lost, from the sandbox's own log; None: none was."""
    rows = stage.requests()
    first = next((row for row in rows if row["fault"] == "lost_answer"), None)
    if first is None:
        return None
    again = [row for row in rows if row["idempotency_key"] == first["idempotency_key"] and row["n"] > first["n"]]
    return Lost(first["n"], first["idempotency_key"], again[-1]["status"] if again else None, len(again))


def _tail(said: bytes) -> str:
    return said.decode(errors="replace").strip()[-SAID_MAX:] or "nothing"


def _start(config: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "counterfoil", "--config", str(config), "--json", "run", "shop"]
    return subprocess.Popen(  # noqa: S603 - our own program, whose key is a file
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=without_secrets()
    )
