"""Processes of ours that begin warm: forked from one that has imported everything, and otherwise whole processes.

Called by whatever starts a sandbox, a worker or a command in a test. Most of what such a process costs is reading its
modules (0.5 to 1 s of CPU, hundreds of times in a run of the tests); a fork has them for 10 ms. It is a child of the caller
with its own pid, memory, files, locks, folder, environment and end, so that it may be killed, stopped and waited for.
What a fork does not prove is that a command imports what it needs: that is for tests that start `python` themselves.
"""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STANDARD = (0, 1, 2)
SANDBOXES = ("counterfoil.sandbox", "telling_sandbox.py")  # what runs a sandbox; the rest is ours
MESSAGE_MAX = 1 << 20
_SET_CHILD_SUBREAPER = 36  # of prctl(2)
_READ_AT_START = ("PYTHON", "LC_", "LANG")  # variables that an interpreter looks at once, when it begins


class _Nursery:
    """The process that has imported everything of one kind, and forks on request."""

    def __init__(self, kind: str) -> None:
        self.lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.warm.nursery", str(theirs.fileno()), kind]
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        self.control = ours
        self.environment = _at_start(os.environ)
        if self.control.recv(MESSAGE_MAX) != b"ready":
            self.end()
            raise RuntimeError(f"nothing of {kind} could be imported ahead: exit code {self.process.returncode}")

    def fork(self, job: dict[str, Any], files: Sequence[int]) -> int:
        """The pid of a new child of ours that does the job with these files as its standard ones."""
        with self.lock, _foster():
            socket.send_fds(self.control, [json.dumps(job).encode()], list(files))
            return int(self.control.recv(MESSAGE_MAX))

    def end(self) -> None:
        """No more children; those that run go on."""
        self.control.close()
        self.process.wait()


class Process(subprocess.Popen[Any]):
    """A Popen whose child is forked from a nursery: everything else is subprocess's own."""

    def __init__(self, nursery: _Nursery, words: Sequence[str], **options: Any) -> None:
        self._nursery = nursery
        super().__init__(list(words), **options)

    def _execute_child(  # type: ignore[no-untyped-def]
        self, args, _executable, _preexec, _close_fds, _pass_fds, cwd, env, _info, _flags, _shell,
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *_rest,
    ):  # fmt: skip
        given = (p2cread, c2pwrite, errwrite)
        files = [own if file == -1 else file for own, file in zip(STANDARD, given, strict=True)]
        job = {"words": args, "cwd": str(cwd or Path.cwd()), "env": dict(os.environ if env is None else env)}
        self.pid = self._nursery.fork(job, files)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]


_nurseries: dict[str, _Nursery] = {}
_starting = threading.Lock()


def start(*words: str, **options: Any) -> "subprocess.Popen[Any]":
    """`python WORDS…`, warm where that is possible; the options cwd, env, text and the standard files are Popen's.

    The words begin with `-m MODULE` or with `-P SCRIPT`. A process whose interpreter would begin otherwise than ours (a
    variable that it reads at its start is not as here), and any on a system without Linux's prctl, is started cold.
    """
    if sys.platform == "linux":
        kind = "sandbox" if words[1].endswith(SANDBOXES) else "house"
        with _starting:
            nursery = _nurseries.get(kind) or _nurseries.setdefault(kind, _Nursery(kind))
        if nursery.environment == _at_start(options.get("env") or os.environ):
            return Process(nursery, words, **options)
    return cold(*words, **options)


def cold(*words: str, **options: Any) -> "subprocess.Popen[Any]":
    """`python WORDS…` as anybody starts it."""
    return subprocess.Popen([sys.executable, *words], **options)


def end() -> None:
    """The session is over."""
    while _nurseries:
        _nurseries.popitem()[1].end()


def _at_start(environment: Any) -> dict[str, str]:
    """What an interpreter reads when it begins. Everything that our processes print is flushed by themselves."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_READ_AT_START) and name != "PYTHONUNBUFFERED"
    }


@contextlib.contextmanager
def _foster() -> Any:
    """For this moment, orphans below us become our children: that is how a grandchild is ours to wait for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    try:
        yield
    finally:
        libc.prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
