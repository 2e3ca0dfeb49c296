"""Start worker processes on a workbench's installation, and wait for what becomes of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests import warm
from tests.posting.workbench import Workbench

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60


def start(
    bench: Workbench, point: str = "-", nth: int = 1, action: str = "none", command: str = "run"
) -> "subprocess.Popen[str]":
    """A worker of its own; it ends or stops itself at the nth passing of a point."""
    state = bench.folder / "state.json"
    known = {
        "ready": bench.sandbox.ready,
        "store": bench.store,
        "posting": bench.posting,
        "flow": bench.flow,
        "token": bench.token,
    }
    beside = state.with_name("state.new")  # put in place whole: the worker before may be reading it
    beside.write_text(json.dumps(known))
    beside.replace(state)
    arguments = [str(bench.folder), str(state), point, str(nth), action, command]
    return warm.start("-m", "tests.durability.worker", *arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ended(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a worker that is not killed; → its report."""
    out, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    report: dict[str, Any] = json.loads(out)
    return report


def killed(process: "subprocess.Popen[str]") -> None:
    """Wait for a worker that kills itself."""
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -9, "the process passed the point and killed itself"
