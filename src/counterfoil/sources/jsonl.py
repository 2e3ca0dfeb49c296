"""JSON Lines, read as a stream: one JSON object per line, in constant memory, whatever is in the file.

Called by app.py (`read`: records) and sources (`rows`: rows for a mapping). A line may have LINE_BYTES_MAX bytes; a
longer one is skipped without being held. Line ends may be LF or CRLF, the last one may be missing, a byte order mark is
skipped, blank lines count but give no row.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings.sources import SourceSettings
from counterfoil.sources import ROW_BYTES_MAX, BadRow, Progress, Row, files, objects, strict_json

LINE_BYTES_MAX: Final = ROW_BYTES_MAX
_BOM: Final = b"\xef\xbb\xbf"

total_bytes = files.total_bytes


def read(path: Path, progress: Progress | None = None) -> Iterator[Row | BadRow]:
    """The records of a file, in order, lazily. `progress` is told the bytes read so far, after each line.

    Raises InputError, at the first row asked for, when the file is missing, a folder or unreadable, and later when
    reading breaks off. Nothing else: a bad line is a BadRow.
    """
    for source, line, digest, value in _checked(path, progress):
        yield BadRow(source, digest, value) if isinstance(value, Finding) else Row(source, line, digest)


def rows(settings: SourceSettings, path: Path, progress: Progress | None = None) -> Iterator[SheetRow | BadRow]:
    """The same objects as rows with dotted names; see sources.rows."""
    for source, _line, digest, value in _checked(path, progress):
        if isinstance(value, Finding):
            yield BadRow(source, digest, value)
        else:
            yield from objects.rows(value, settings.explode, source, source, digest)


_Checked = tuple[str, bytes, str, dict[str, Any] | Finding]


def _checked(path: Path, progress: Progress | None) -> Iterator[_Checked]:
    """(where it stands, its bytes, their hash, the object or why it is none) of every line that is not blank."""
    with files.opened(path) as file:
        done = 0
        for number, (line, length) in enumerate(_lines(file), start=1):
            done += length
            found = _judged(f"{path.name}:{number}", line, length, first=number == 1)
            if found is not None:
                yield found
            if progress is not None:
                progress(done)


class _Skipped(bytes):
    """The digest of a line that was too long to hold."""

    __slots__ = ()


def _lines(file: BinaryIO) -> Iterator[tuple[bytes | _Skipped, int]]:
    """(line without its end, its length in bytes with it); of a line that is too long only the digest."""
    while line := file.readline(LINE_BYTES_MAX + 2):
        bare = line.rstrip(b"\r\n")
        if len(bare) <= LINE_BYTES_MAX:
            yield bare, len(line)
            continue
        digest, length = hashlib.sha256(), 0
        while line:
            digest.update(line)
            length += len(line)
            line = b"" if line.endswith(b"\n") else file.readline(files.CHUNK_BYTES)
        yield _Skipped(digest.digest()), length


def _judged(source: str, line: bytes | _Skipped, length: int, *, first: bool) -> _Checked | None:
    """One line judged; None when it is blank."""
    if isinstance(line, _Skipped):
        reason = f"The line has {length:,} bytes; at most {LINE_BYTES_MAX:,} are read."
        remedy = "Write one record per line; a file without line ends is one line."
        return source, b"", line.hex(), Finding("line-too-long", reason, remedy)
    if first:
        line = line.removeprefix(_BOM)
    if not line or line.isspace():
        return None
    return source, line, hashlib.sha256(line).hexdigest(), strict_json.decode(line)
