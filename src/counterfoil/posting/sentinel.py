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


SIZE = 512  # bytes: blanks follow the mark
READS = 3  # of one that cannot be read: another process may be in the middle of writing it
UNREADABLE = Mark("", 2**62)


class Sentinel:
    """Reads and moves the mark. Without a path (a database in memory) it remembers nothing."""

    def __init__(self, path: Path | None, database_path: Path | None) -> None:
        self._path = path
        self._file = str(path)
        self._database_path = database_path
        self._written = -1

    @property
    def path(self) -> Path | None:
        """Where the mark stands; None for a database in memory."""
        return self._path

    def read(self) -> Mark | None:
        """The mark; None when there is none, or none that can be read (then the database counts as restored)."""
        if self._path is None:
            return None
        for _ in range(READS):
            try:
                mark = _mark_in(self._path.read_bytes())
            except FileNotFoundError:
                return None
            except OSError:
                return UNREADABLE
            if mark is not UNREADABLE:
                return mark
        return UNREADABLE

    def inode(self) -> int:
        """Which file the database is; 0 when it is none."""
        if self._database_path is None:
            return 0
        with contextlib.suppress(OSError):
            return os.stat(self._database_path).st_ino  # noqa: PTH116 - a Path costs four times the call, at each attempt
        return 0

    def move(self, installation_id: str, sequence: int, at: datetime.datetime) -> None:
        """Write a later mark, durably. Raises StoreError when it cannot be written: then nothing may be sent."""
        if self._path is None or sequence <= self._written:
            return
        mark = Mark(installation_id, sequence, at, self.inode())
        try:
            written = self._overwrite(mark)
            if written is None:
                written = self._replace(mark)
        except OSError as cause:
            raise errors.StoreError(
                f"{self._path} cannot be written: {cause.strerror}.",
                remedy="Free space or rights there, then run again.",
            ) from cause
        if written:
            self._written = sequence

    def _overwrite(self, mark: Mark) -> bool | None:
        """Write the mark over the one that is there; False: that one is later; None: there is none of our size.

        In place, since a new file and its name cost ten times as much, at each attempt. All of it lies in one sector; torn
        by a power cut all the same, it cannot be read, and then the database counts as restored.
        """
        try:
            handle = os.open(self._file, os.O_RDWR)
        except (FileNotFoundError, PermissionError):  # one that may not be written may still be replaced
            return None
        try:
            there = os.pread(handle, SIZE + 1, 0)
            if len(there) != SIZE:
                return None
            if _is_later(_mark_in(there), mark):
                return False  # another process counted on; between this look and our write it still may, by one attempt
            os.pwrite(handle, _padded(mark), 0)
            _to_disk(handle)
        finally:
            os.close(handle)
        return True

    def _replace(self, mark: Mark) -> bool:
        assert self._path is not None
        there = self.read()
        if there is not None and _is_later(there, mark):
            return False
        handle, name = tempfile.mkstemp(prefix=self._path.name, dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_padded(mark))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return True


_to_disk = getattr(os, "fdatasync", os.fsync)  # macOS has but the one


def _padded(mark: Mark) -> bytes:
    return msgspec.json.encode(mark).ljust(SIZE)


def _mark_in(content: bytes) -> Mark:
    try:
        return msgspec.json.decode(content, type=Mark)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return UNREADABLE


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
