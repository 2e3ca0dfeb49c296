"""The folder beside a copy in which it is worked on: one process at a time, and nothing of it stays.

Called by app/privacy. It holds whole databases, so that it is its owner's alone; whoever comes after a kill clears it away (`clear`), and
knows by a lock, which ends with its process, that nobody works in it.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from counterfoil import errors
from counterfoil.store.copied.finding import WORKING

LOCK: Final = "lock"


@contextlib.contextmanager
def beside(file: Path) -> Iterator[Path]:
    """An empty folder beside this copy. Raises StoreError: another process works on the copy; OSError."""
    named = hashlib.sha256(file.name.encode("utf-8", "surrogateescape")).hexdigest()
    folder = file.with_name(f".counterfoil-{named[:16]}{WORKING}")  # fits, however long or odd the copy's own name is
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = _locked(folder)
    if handle is None:
        raise errors.StoreError(
            f"Another process works on {file}.", remedy="Run the same command again when it has ended."
        )
    try:
        _empty(folder)
        yield folder
    finally:
        _remove(folder)
        os.close(handle)


def clear(folder: Path) -> int:
    """Clear away what killed processes left in a folder; → how many. What is being worked in stays."""
    gone = 0
    for left in folder.glob(f".counterfoil-*{WORKING}"):
        with contextlib.suppress(OSError):
            handle = _locked(left) if left.is_dir() and not left.is_symlink() else None
            if handle is not None:
                _remove(left)
                os.close(handle)
                gone += 1
    return gone


def _locked(folder: Path) -> int | None:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _empty(folder: Path) -> None:
    for one in folder.iterdir():
        if one.name != LOCK:
            one.unlink()


def _remove(folder: Path) -> None:
    """The lock goes last: while it is there nobody else thinks that the folder is free."""
    _empty(folder)
    shutil.rmtree(folder)
