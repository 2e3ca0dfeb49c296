"""The process that others are forked from: `python -m tests.warm.nursery FD KIND`, started by tests.warm alone.

It imports, says "ready", and answers each job that arrives on the socket FD with the pid of a process that does it. It
forks twice: the one in between ends at once, so that the new process becomes a child of whoever asked.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import tempfile
import threading
import time
from typing import Any

import counterfoil
from tests import warm

# What runs as __main__ is imported then; the sandbox knows nothing of the house, and the house needs none.
NOT_AHEAD = ("__main__", "counterfoil.sandbox", "counterfoil.testing")
# Nobody names these, and everybody's first connection, query or command loads them.
ALSO = (
    "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "typer.main", "multiprocessing",
    "joserfc.jwt", "standardwebhooks", "encodings.ascii", "encodings.utf_8_sig", "typer._click.decorators",
    "tests.posting.taking_back", "tests.posting.workbench",
)  # fmt: skip
GC_AS_PYTHON_BEGINS = gc.get_threshold()
HANDED_OVER_S = 0.0005
UNWRITTEN = 120  # the exit code of an interpreter that could not flush its stdout


def main() -> None:
    """Serve until whoever asks is gone; a forked process ends in here as what it was asked to be."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in ("counterfoil.sandbox.server",) if sys.argv[2] == "sandbox" else (*_house(), *ALSO):
        importlib.import_module(name)
    if sys.argv[2] == "sandbox":
        _make_key()
    else:
        _rehearse()
    if threading.active_count() != 1:
        raise RuntimeError("something that was imported runs a thread, which a fork would not have")
    gc.collect()
    gc.freeze()  # what is there now is shared: no collection looks at it, and so copies it, in a child
    control.send(b"ready")
    while True:
        message, files, _flags, _address = socket.recv_fds(control, warm.MESSAGE_MAX, len(warm.STANDARD))
        if not message:
            return
        if _forked(control):
            control.close()
            _end(_exit_code(json.loads(message), files))
        for file in files:
            os.close(file)


def _house() -> list[str]:
    """Every module of ours, once each."""
    found = pkgutil.walk_packages(counterfoil.__path__, "counterfoil.")
    return [one.name for one in found if not any(part in one.name for part in NOT_AHEAD)]


def _make_key() -> None:
    """All sandboxes that begin here sign with one key: to make one takes twice as long as all else (0.07 s of CPU).

    One that has a state file makes its own, so that its tokens are good after a new start only if it kept the key.
    """
    from counterfoil.sandbox.identity import keys

    make = keys.rsa.generate_private_key
    shared = make(public_exponent=65_537, key_size=keys.KEY_BITS)
    keys.rsa.generate_private_key = lambda **size: make(**size) if "--state" in sys.argv else shared


def _rehearse() -> None:
    """Two commands in a folder of their own: what a process works out once (settings, ciphers, a dialect) is inherited."""
    from counterfoil.cli import entry

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for command in ("init", "status"):
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                if entry.main([command]) != 0:
                    raise RuntimeError(f"{command} could not be rehearsed: {said.getvalue()}")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(*GC_AS_PYTHON_BEGINS)


def _forked(control: socket.socket) -> bool:
    """Whether we are the new process; the nursery has told its pid."""
    reads, writes = os.pipe()
    between = os.fork()
    if between == 0:
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            while os.getppid() == own:  # until it has ended, whoever asked is not our parent
                time.sleep(HANDED_OVER_S)
            os.close(reads)
            os.close(writes)
            return True
        os.write(writes, str(pid).encode())
        os._exit(0)
    os.close(writes)
    os.waitpid(between, 0)  # from here on its child is not ours but the asker's
    control.send(os.read(reads, 32))
    os.close(reads)
    return False


def _become(job: dict[str, Any], files: list[int]) -> None:
    """Be the process that `python WORDS…` would have been."""
    for standard, file in zip(warm.STANDARD, files, strict=True):
        os.dup2(file, standard)
    for file in files:
        if file not in warm.STANDARD:
            os.close(file)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    at_once = bool(job["env"].get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, encoding=sys.stdin.encoding, errors=sys.stdin.errors, closefd=False)  # noqa: SIM115 - it stays
    sys.stdout, sys.stderr = (_output(number, old, at_once) for number, old in ((1, sys.stdout), (2, sys.stderr)))
    how, what, *rest = job["words"]
    sys.argv = [what, *rest]
    if how == "-m":
        sys.path[0] = job["cwd"]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(what, run_name="__main__")


def _output(number: int, old: Any, at_once: bool) -> io.TextIOWrapper:
    """What an interpreter makes of stdout or stderr."""
    file: Any = open(number, "wb", buffering=0 if at_once else -1, closefd=False)  # noqa: SIM115 - it stays
    by_line = number == warm.STANDARD[-1] or os.isatty(number)
    return io.TextIOWrapper(file, old.encoding, old.errors, line_buffering=by_line, write_through=at_once)


def _exit_code(job: dict[str, Any], files: list[int]) -> int:
    """Do the job; → what an interpreter would end with. An interrupt that nobody took ends us by its signal."""
    try:
        _become(job, files)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 - as at the end of any script
        sys.excepthook(type(error), error, error.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        return 1
    return 0


def _end(code: int) -> None:
    """As an interpreter ends: threads, then what wants to be called, then what is not yet written.

    But nothing is freed: that would copy all the memory which is shared with the nursery (0.08 s of CPU).
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = UNWRITTEN
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
