"""A program that prints the master key: run without a shell, for a bounded time, with a bounded output.

Called by key_source. What it prints on stderr is thrown away, since it might hold the key; it gets no input, no terminal
and none of our secrets. Only its own name is ever shown, not its arguments.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from counterfoil import errors, settings
from counterfoil.access.master_key import TEXT_BYTES_MAX
from counterfoil.model.hidden import HiddenBytes

TIMEOUT_S: Final = 20.0
PIECE_BYTES: Final = 4096
REMEDY: Final = "Run it by hand: it has to print the key in base64 and nothing else, and end with exit code 0."


def printed(command: Sequence[str], *, timeout_s: float = TIMEOUT_S) -> HiddenBytes:
    """What the program prints. Raises MasterKeyError when it cannot be started, fails, is too slow or says too much."""
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own program, as a list, without a shell
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=settings.without_secrets(),
            start_new_session=True,
        )
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or "it is no command"
        raise _failed(name, f"cannot be started: {reason}") from None
    with process:
        try:
            assert process.stdout is not None
            text = _all(process.stdout, time.monotonic() + timeout_s)
            problem = _problem(text, process, timeout_s)
        except subprocess.TimeoutExpired:
            text, problem = None, "does not end"
        finally:
            _end(process)
    if problem is not None or text is None:
        raise _failed(name, problem or "says nothing")
    return text


def _all(stdout: IO[bytes], until_s: float) -> HiddenBytes | None:
    """Everything up to the end, or a little more than allowed; None when the end does not come in time."""
    pieces = HiddenBytes()
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while len(pieces) <= TEXT_BYTES_MAX:
            if not selector.select(max(until_s - time.monotonic(), 0.0)):
                return None
            piece = HiddenBytes(os.read(stdout.fileno(), PIECE_BYTES))
            if not piece:
                break
            pieces = HiddenBytes(pieces + piece)
    return pieces


def _problem(text: HiddenBytes | None, process: "subprocess.Popen[bytes]", timeout_s: float) -> str | None:
    """What is wrong with what it said and how it ended; None: nothing. Waits for its end only when it said little."""
    if text is None:
        return "takes too long"
    if len(text) > TEXT_BYTES_MAX:
        return "prints far more than a key"
    code = process.wait(timeout_s)
    return f"ended with exit code {code}" if code else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it and what it started, if anything still runs."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _failed(name: str, what: str) -> errors.MasterKeyError:
    return errors.MasterKeyError(f"The command of [vault] master_key_command ({name}) {what}.", remedy=REMEDY)
