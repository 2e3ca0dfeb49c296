"""How a command ends badly: one clear message with its remedy and the right exit code; never a traceback.

Called by entry. A message may hold what somebody else wrote (an argument, a file, Xero): nothing in it can steer the
terminal. What nobody foresaw is told shortly and written into a crash file, which holds the places in the code
and the kinds of the errors, and of their words only what cannot be a secret.
"""

import datetime
import os
import platform
import re
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Final

from counterfoil import errors
from counterfoil.cli import streams, switches, table

INTERRUPTED: Final = 130
CRASHED: Final = 1
USAGE: Final = 2
AGAIN: Final = "Run the same command again: nothing is lost."
WORDS_MAX: Final = 300  # of one error's text in a crash file
_SECRETIVE: Final = re.compile(r"[A-Za-z0-9+_.=-]{24,}|(?<=://)[^@/\s]+@")
_SAFE: Final = "Interrupted, and safe: run the same command again."


def tell(error: BaseException, *, json: bool, config: str) -> int:
    """Tell what happened and return the exit code."""
    _no_more_interrupts()
    if isinstance(error, BrokenPipeError) or isinstance(
        error.__context__, BrokenPipeError
    ):  # Typer makes an exit of it
        streams.silence(sys.stdout)
        return 0
    if isinstance(error, SystemExit):  # another parser's ending: the sandbox's, which has said why
        ended = error.code if isinstance(error.code, int) else USAGE
        if json and ended:
            _tell_value("usage", "The options were not understood.", "What is wrong with them stands on stderr.")
        return ended
    known = _known(error)
    if known is None:
        known = ("crash", *_crash(error, config), CRASHED)
    code, exit_code = known[0], known[3]
    # A word of the command line may be bytes that are no text.
    message, remedy = (words.encode("utf-8", "replace").decode() for words in known[1:3])
    if json:
        _tell_value(code, message, remedy)
    told = f"{message}\n{remedy}\n" if remedy else f"{message}\n"
    streams.tell(sys.stderr, table.lines(told))  # an error may carry a stranger's words
    return exit_code


def _tell_value(code: str, message: str, remedy: str) -> None:
    """The one JSON value of a command that failed."""
    from counterfoil.cli import one_value

    value = one_value.encoded({"error": {"code": code, "message": message, "remedy": remedy}})
    streams.tell(sys.stdout, table.json_text(value.decode()) + "\n")


def _known(error: BaseException) -> tuple[str, str, str, int] | None:
    """(code, message, remedy, exit code) of what we foresaw; None for the rest."""
    if isinstance(error, BaseExceptionGroup):
        known = [found for one in error.exceptions if (found := _known(one)) is not None]
        return known[0] if len(known) == len(error.exceptions) else None
    if isinstance(error, errors.CounterfoilError):
        again = AGAIN if isinstance(error, errors.RunAgain) else ""
        return error.code, error.message, error.remedy or again, error.exit_code
    if isinstance(error, switches.UsageError):
        return "usage", str(error), "", USAGE
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ in ("Abort", "CancelledError"):
        return "interrupted", _SAFE, "", INTERRUPTED
    if hasattr(error, "format_message"):  # Typer's own: a missing argument, an unknown option
        return "usage", str(error.format_message()), "Add --help to see what it takes.", USAGE
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return "system", f"{name}{error.strerror}.", "Put it right and run the same command again.", USAGE
    return None


def _no_more_interrupts() -> None:
    """From here on we are ending: a second Ctrl-C may not tear a message apart."""
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _crash(error: BaseException, config: str) -> tuple[str, str]:
    """Write the crash file; → (message, remedy)."""
    at = datetime.datetime.now(datetime.UTC)
    name = f"counterfoil-crash-{at:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    text = f"{at:%Y-%m-%d %H:%M:%S} UTC, {platform.platform()}, Python {platform.python_version()}\n\n{told(error)}"
    message = (
        f"Counterfoil did not foresee this ({type(error).__name__}). Nothing is lost: what was begun is on record."
    )
    for folder in (Path(config).absolute().parent, Path(tempfile.gettempdir())):
        try:
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue  # the next folder, then without a file
        with os.fdopen(handle, "w") as file:
            file.write(text)
        return message, f"Please report it with {folder / name}; then run the same command again."
    return message, "Please report it; then run the same command again."


def told(error: BaseException) -> str:
    """The chain of errors with places in the code, without anything that could be a secret or a customer's data."""
    parts = []
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        frames = "".join(traceback.format_tb(one.__traceback__))
        parts.append(f"{frames}{type(one).__module__}.{type(one).__qualname__}: {_plain(one)}\n")
        if isinstance(one, BaseExceptionGroup):
            parts += [told(inner) for inner in one.exceptions]
        one = one.__cause__ or one.__context__
    return "\ncaused by\n\n".join(parts)


def _plain(error: BaseException) -> str:
    """The first line of an error's words, without what looks like a token, a key or a password."""
    first = (str(error).splitlines() or [""])[0]
    for value in _secrets_of_environment():
        first = first.replace(value, "…")
    return table.lines(_SECRETIVE.sub("…", first)[:WORDS_MAX])


def _secrets_of_environment() -> list[str]:
    words = ("SECRET", "KEY", "TOKEN", "PASSWORD", "URL")
    return [value for name, value in os.environ.items() if value and any(word in name for word in words)]
