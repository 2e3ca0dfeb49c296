"""Run a process to its end and say what it cost: CPU seconds and peak memory, from the kernel's own account of it.

Every program, ours and theirs, finds its bytecode compiled after its first run, as an installed one does, also where the
surroundings forbid to write it (PYTHONDONTWRITEBYTECODE, which would have each start compile a thousand files).
"""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

TIMEOUT_S = 400
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one process took. `peak_mb`: its largest resident memory, in millions of bytes."""

    code: int
    out: str
    err: str
    cpu_s: float
    peak_mb: float


def run(command: Sequence[str], folder: Path, given: str = "") -> Cost:
    """Carry the command out in the folder with `given` on stdin; it is killed after TIMEOUT_S."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=err, env=surroundings()
        )
        timer = threading.Timer(TIMEOUT_S, process.kill)
        timer.start()
        try:
            assert process.stdin is not None
            process.stdin.write(given.encode())
            process.stdin.close()
            # wait4 and not wait: the kernel's account of this very process, not of all children together.
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
        told = [_read(out), _read(err)]
    return Cost(process.returncode, *told, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


@functools.cache
def surroundings() -> dict[str, str]:
    """The environment of every measured program: ours, with a place for its bytecode."""
    place = tempfile.mkdtemp(prefix="counterfoil-bench-bytecode-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": place}


def cpu_s(pid: int) -> float:
    """User and system time of a process that still runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident_mb(pid: int) -> float:
    """Its resident memory now, in millions of bytes."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024 / 1e6


def _read(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()
