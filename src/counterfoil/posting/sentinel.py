"""The file beside the database that knows how far it once was, so that a restored copy is noticed.

Called by app at opening and by sending after each attempt's commit, before its first byte. A database whose count of
attempts is behind its sentinel is an old copy: nothing may be created before Xero was read again (`recover`). Limit: a
copy of database and sentinel together is noticed only by the file's identity (its inode); a sentinel that was deleted
with nothing else is made anew.
"""

import contextlib
import datetime
import os
import tempfile
from pathlib import Path

import msgspec

from counterfoil import errors


class Mark(msgspec.Struct):
    """What the sentinel says."""

    installation_id: str
    sequence: int
    last_attempt: datetime.datetime | None = None
    inode: int = 0


class Sentinel:
    """Reads and moves the mark. Without a path (a database in memory) it remembers nothing."""

    def __init__(self, path: Path | None, database_path: Path | None) -> None:
        self._path = path
        self._database_path = database_path
        self._written = -1

    def read(self) -> Mark | None:
        """The mark; None when there is none, or none that can be read (then the database counts as restored)."""
        if self._path is None:
            return None
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return Mark("", 2**62)

    def inode(self) -> int:
        """Which file the database is; 0 when it is none."""
        if self._database_path is None:
            return 0
        with contextlib.suppress(OSError):
            return self._database_path.stat().st_ino
        return 0

    def move(self, installation_id: str, sequence: int, at: datetime.datetime) -> None:
        """Write a later mark, durably. Raises StoreError when it cannot be written: then nothing may be sent."""
        if self._path is None or sequence <= self._written:
            return
        mark = Mark(installation_id, sequence, at, self.inode())
        there = self.read()
        if there is not None and _is_later(there, mark):
            return  # another process counted on; between this look and our write it still may, by one attempt
        try:
            self._replace(msgspec.json.encode(mark))
        except OSError as cause:
            raise errors.StoreError(
                f"{self._path} cannot be written: {cause.strerror}.",
                remedy="Free space or rights there, then run again.",
            ) from cause
        self._written = sequence

    def _replace(self, content: bytes) -> None:
        assert self._path is not None
        handle, name = tempfile.mkstemp(prefix=self._path.name, dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _is_later(there: Mark, mark: Mark) -> bool:
    same = (there.installation_id, there.inode) == (mark.installation_id, mark.inode)
    return same and there.sequence >= mark.sequence


def is_restored(mark: Mark | None, installation_id: str, sequence: int, inode: int) -> bool:
    """True when the database is older than its sentinel, or another file than the one the sentinel was written for."""
    if mark is None:
        return sequence > 0
    if mark.installation_id != installation_id:
        return True
    return mark.sequence > sequence or (mark.inode != 0 and inode not in {0, mark.inode})
