"""JSON Lines, read as a stream: one JSON object per line, in constant memory, whatever is in the file.

Called by app.py. A line may have LINE_BYTES_MAX bytes; a longer one is skipped without being held. Line ends may be LF
or CRLF, the last one may be missing, a byte order mark is skipped, blank lines count but give no row.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from counterfoil.errors import InputError
from counterfoil.model import shape
from counterfoil.model.prepared import Finding
from counterfoil.sources import BadRow, Row

LINE_BYTES_MAX: Final = 1 << 20
CHUNK_BYTES: Final = 1 << 16
_BOM: Final = b"\xef\xbb\xbf"
_KEY_MARK: Final = re.compile(rb'"[ \t\r]*:')
_DUPLICATE_REMEDY: Final = "Write each key once: which of the two is meant cannot be known."


def read(path: Path, progress: Callable[[int], None] | None = None) -> Iterator[Row | BadRow]:
    """The rows of a file, in order, lazily. `progress` is told the bytes read so far, after each line.

    Raises InputError, at the first row asked for, when the file is missing, a folder or unreadable, and later when
    reading breaks off. Nothing else: a bad line is a BadRow.
    """
    name = path.name
    if "\0" in str(path):
        raise InputError("The path has a character that no path may have.", remedy="Correct the path.")
    try:
        with path.open("rb", buffering=CHUNK_BYTES) as file:
            done = 0
            for number, (line, length) in enumerate(_lines(file), start=1):
                done += length
                row = _row(f"{name}:{number}", line, length, first=number == 1)
                if row is not None:
                    yield row
                if progress is not None:
                    progress(done)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", remedy="Correct the path.", path=str(path)) from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder, not a file.", remedy="Name a file.", path=str(path)) from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read.", remedy="Let this user read it.", path=str(path)) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path} cannot be read: {reason}.", remedy="Check the disk and the path.") from error


def total_bytes(path: Path) -> int | None:
    """The size of the file, for a progress bar; None when it has none (a pipe) or cannot be asked."""
    try:
        return path.stat().st_size or None
    except OSError:
        return None


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
            line = b"" if line.endswith(b"\n") else file.readline(CHUNK_BYTES)
        yield _Skipped(digest.digest()), length


def _row(source: str, line: bytes | _Skipped, length: int, *, first: bool) -> Row | BadRow | None:
    """One line judged; None when it is blank."""
    if isinstance(line, _Skipped):
        reason = f"The line has {length:,} bytes; at most {LINE_BYTES_MAX:,} are read."
        remedy = "Write one record per line; a file without line ends is one line."
        return BadRow(source, line.hex(), Finding("line-too-long", reason, remedy))
    if first:
        line = line.removeprefix(_BOM)
    if not line or line.isspace():
        return None
    digest = hashlib.sha256(line).hexdigest()
    finding = _finding(line)
    return Row(source, line, digest) if finding is None else BadRow(source, digest, finding)


def _finding(line: bytes) -> Finding | None:
    """Why a line is no JSON object that can be trusted; None when it is one."""
    remedy = "Write one JSON object per line, in UTF-8."
    try:
        line.decode()
        value = msgspec.json.decode(line)
    except UnicodeDecodeError as error:
        reason = f"Byte {error.start + 1} of the line is not UTF-8."
        return Finding("bad-utf8", reason, "Save the file as UTF-8.", value=f"0x{line[error.start]:02x}")
    except msgspec.DecodeError as error:
        return Finding("broken-json", f"The line is not JSON: {_plainly(error)}.", remedy)
    except RecursionError:
        return Finding("broken-json", "The line is not usable JSON: it is nested too deeply.", remedy)
    if not isinstance(value, dict):
        return Finding("broken-json", f"The line is JSON, but not an object: {shape.shown(line.decode())}.", remedy)
    # Every key is followed by a colon; when there are as many such marks as keys kept, no key was there twice.
    if len(_KEY_MARK.findall(line)) == _keys(value):
        return None
    return _duplicate(line)


def _plainly(error: msgspec.DecodeError) -> str:
    text = str(error).removeprefix("JSON is malformed: ").partition(" - at")[0]
    return "it ends too early, or holds half a character" if "truncated" in text else text


def _keys(value: dict[str, Any]) -> int:
    """How many keys all its objects have together."""
    count = 0
    rest: list[Any] = [value]
    while rest:
        container = rest.pop()
        if type(container) is dict:
            count += len(container)
            container = container.values()
        rest += [item for item in container if type(item) is dict or type(item) is list]
    return count


class _TwiceError(ValueError):
    """A key that stands twice in one object."""


def _duplicate(line: bytes) -> Finding | None:
    """The slow and sure way: a colon after a quote may also stand inside a text."""
    try:
        json.loads(line, object_pairs_hook=_once)
    except _TwiceError as error:
        key = shape.shown(str(error))
        return Finding("duplicate-key", f"The key `{key}` stands twice in one object.", _DUPLICATE_REMEDY, key)
    except (ValueError, RecursionError):
        return Finding("broken-json", "The line is not JSON that every reader understands.", "Write plain JSON.")
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found
