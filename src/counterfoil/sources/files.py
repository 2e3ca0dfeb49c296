"""Opening a source's file: every way in which that fails, as an InputError that names the path and the cure.

Called by the readers of this folder.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from counterfoil.errors import InputError

CHUNK_BYTES: Final = 1 << 16


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for as long as it is read. Raises InputError when it cannot be opened, or when reading breaks off."""
    if "\0" in str(path):
        raise InputError("The path has a character that no path may have.", remedy="Correct the path.")
    try:
        with path.open("rb", buffering=CHUNK_BYTES) as file:
            yield file
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", remedy="Correct the path.", path=str(path)) from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not a file.", remedy="Name a file.", path=str(path)) from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read.", remedy="Let this user read it.", path=str(path)) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason}.", remedy="Check the disk and the path.") from error


def refuse_pipe(path: Path) -> None:
    """Raises InputError for what can be read only once, where a file is read more often."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(
            f"{path} is no file: it can be read only once, and here it is read more often.",
            remedy="Write it to a file first, and name that.",
            path=str(path),
        )


def total_bytes(path: Path) -> int | None:
    """The size of the file, for a progress bar; None when it has none (a pipe) or cannot be asked."""
    try:
        return path.stat().st_size or None
    except OSError:
        return None
