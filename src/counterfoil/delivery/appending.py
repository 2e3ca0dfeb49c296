"""Appending to a file so that each change stands in it once, whatever is killed in between.

Called by to_jsonl and to_csv, on a thread of its own. The file is locked while it is written; what a writer that died left unfinished is
cut off first, what stands there already is left out, and the bytes are on the disk when `append` returns.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.delivery import tail
from counterfoil.delivery.outcome import NotDelivered

PIECE: Final = 1 << 18  # bytes that are looked at first, from the end on; doubled until it is enough
HEAD_MAX: Final = 1 << 16  # bytes of another file's first line that are looked at
FILES_MAX: Final = 16  # that are remembered
READABLE: Final = 0o640  # somebody reads these files: the group may
_WHY: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk's quota is used up",
    errno.EACCES: "it may not be written",
    errno.EPERM: "it may not be written",
    errno.EROFS: "the disk is read-only",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "its folder is a file",
    errno.EFBIG: "it may not grow any more",
}


class Block(msgspec.Struct, frozen=True):
    """The lines of one change, each with its separator at the end."""

    change: str
    lines: bytes


class Form(msgspec.Struct, frozen=True):
    """How lines look: what ends them, what they say of themselves, how one begins; the first line of a file (b"": none)."""

    separator: bytes
    mark: tail.Read
    begins: bytes = b""
    head: bytes = b""


class _Known(msgspec.Struct, frozen=True):
    """A file as this process left it: nothing of it need be read again while it is so."""

    inode: int
    size: int
    changes: tuple[str, ...]


class Appender:
    """Appends to files of one form. What it remembers saves reading, no more."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._known: dict[Path, _Known] = {}

    def append(self, path: Path, blocks: Sequence[Block]) -> int:
        """Append what does not stand there yet, all or none; → how many changes that were. Raises NotDelivered."""
        try:
            is_new = not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, READABLE)
            try:
                if is_new:
                    _keep_name(path.parent)
                return self._append(file, path, blocks)
            finally:
                os.close(file)
        except OSError as cause:
            why = _WHY.get(cause.errno or 0, cause.strerror or type(cause).__name__)
            raise NotDelivered(f"{path.name} cannot be written: {why}") from cause

    def _append(self, file: int, path: Path, blocks: Sequence[Block]) -> int:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise NotDelivered(f"{path.name} is no file that can be appended to")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            raise NotDelivered(f"{path.name} is being written by another process") from cause
        size = os.fstat(file).st_size
        known = self._known.pop(path, None)
        if known is None or (known.inode, known.size) != (state.st_ino, size):
            known = _Known(state.st_ino, *_looked(file, path, size, self._form))
        good = known.size
        if good < size:
            os.ftruncate(file, good)
        there = frozenset(known.changes)
        new = [one for one in blocks if one.change not in there]
        text = b"".join(one.lines for one in new)
        if text:
            text = text if good else self._form.head + text
            _write(file, text, good)
        os.fsync(file)
        newest = (*(one.change for one in reversed(new)), *known.changes)[: tail.CHANGES_MAX]
        if len(self._known) >= FILES_MAX:
            self._known.clear()
        self._known[path] = _Known(state.st_ino, good + len(text), newest)
        return len(new)


def _looked(file: int, path: Path, size: int, form: Form) -> tuple[int, tuple[str, ...]]:
    """How much of the file is whole, and which changes stand at its end. Raises NotDelivered for a file that is not ours."""
    _check_head(file, path, size, form)
    head = len(form.head)
    length = min(PIECE, size)
    while True:
        start = size - length
        from_start = start <= head
        start = min(head, size) if from_start else start
        piece = _pread(file, size - start, start)
        found = tail.read(piece, form.separator, form.mark, from_start=from_start)
        if found.enough or length >= tail.BYTES_MAX:
            break
        length = min(length * 2, size)
    torn = piece[found.good :] if not found.ours else b""
    is_first = from_start and not found.good
    if torn and not (is_first and (head or _begins(torn, form.begins))):
        raise NotDelivered(f"{path.name} ends in half a line that is not ours: move it away, and a new one is begun")
    if size < head:
        return 0, ()
    return start + found.good, found.changes


def _check_head(file: int, path: Path, size: int, form: Form) -> None:
    """A file whose columns are others would hold rows that nobody can read."""
    if not form.head or not size:
        return
    first = _pread(file, len(form.head), 0)
    if not _begins(first, form.head):
        shown = _pread(file, HEAD_MAX, 0).partition(form.separator)[0][:200].decode(errors="replace")
        raise NotDelivered(f"{path.name} has other columns ({shown}): move it away, and a new one is begun")


def _begins(text: bytes, how: bytes) -> bool:
    """Whether a text, or what there is of it, begins so."""
    return text.startswith(how) or how.startswith(text)


def _pread(file: int, length: int, at: int) -> bytes:
    parts = []
    while length > 0 and (part := os.pread(file, length, at)):
        parts.append(part)
        at, length = at + len(part), length - len(part)
    return b"".join(parts)


def _write(file: int, text: bytes, at: int) -> None:
    left = memoryview(text)
    end = at
    try:
        while left:
            written = os.pwrite(file, left, end)
            left, end = left[written:], end + written
    except OSError:
        os.ftruncate(file, at)  # half of it is nothing
        raise


def _keep_name(folder: Path) -> None:
    """A new file's name is on the disk too."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
