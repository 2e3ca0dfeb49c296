"""stdout and stderr that may be closed, full, or without a reader; what is shown never decides how a command ends.

Called by entry, screen and endings. A reader that has seen enough (`| head`) is no error: the command does its work and
has its own exit code. Results that cannot be written are one; words on stderr that cannot be written are told to nobody.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def give_missing() -> None:
    """What we were started without (`>&-`) swallows what it gets, and no file of ours takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run


def write(stream: TextIO, text: str) -> None:
    """Write at once; to a reader that has gone, nothing more. Raises OSError when there is no room."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)
    except OSError:
        silence(stream)  # what it still holds would have Python end with an exit code of its own
        raise


def tell(stream: TextIO, text: str) -> None:
    """Write at once, or not at all."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """From here on the stream goes nowhere, so that Python does not fail on its rest at the end."""
    with suppress(OSError):  # a stream of a test has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
