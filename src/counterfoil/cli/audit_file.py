"""What `counterfoil audit` reads and writes besides the log: days, heads that were kept, exports.

Called by audit. An export is written beside its file and takes its name when it is whole; a cell cannot become a formula.
"""

import csv
import datetime
import io
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil import errors
from counterfoil.cli.problem_exports import cell
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.store.audit import Wanted

STDOUT: Final = "-"
FILE_BYTES_MAX: Final = 1 << 30  # of a file with heads: an export of ten million entries is larger
SHOWN_MAX: Final = 60  # characters of an entry's data in a list
COLUMNS: Final = ("entity", "seq", "at", "actor", "act", "data", "previous", "hash")
_HEAD: Final = re.compile(r"[0-9a-f]{16,64}")


def wanted(
    entity: str | None = None, act: str | None = None, actor: str | None = None, since: str | None = None,
    until: str | None = None,
) -> "Wanted":  # fmt: skip
    """Which entries. Raises InputError for what is no day and no instant."""
    from counterfoil.store.audit import Wanted

    return Wanted(entity, act, actor, instant("--since", since), instant("--until", until))


def instant(option: str, text: str | None) -> datetime.datetime | None:
    """A day's beginning, or an instant; UTC where no zone is given. Raises InputError."""
    if text is None:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.InputError(
            f"{option} {text}: this is no day.", remedy="Such as 2026-11-01, or 2026-11-01T09:30."
        ) from None


def heads(given: list[str]) -> dict[str | None, set[str]]:
    """Heads by their entity; None: of whichever chain. Each is HASH, ENTITY=HASH or a file of them. Raises InputError."""
    found: dict[str | None, set[str]] = {}
    for one in given:
        entity, equals, head = one.rpartition("=")
        if _HEAD.fullmatch(head):
            found.setdefault(entity if equals else None, set()).add(head)
        else:
            for name, kept in _in_file(Path(one)):
                found.setdefault(name, set()).add(kept)
    return found


def _in_file(path: Path) -> list[tuple[str | None, str]]:
    """The heads of a file: what `audit verify --json` told, an export (its last entries), or lines as --head takes them."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise errors.InputError(f"{path} is too large to hold heads.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise errors.InputError(
            f"{path} is no head and no file.", remedy="A head is 16 to 64 hex digits; one of an entity is ENTITY=HEAD."
        ) from None
    except (OSError, UnicodeDecodeError) as cause:
        reason = getattr(cause, "strerror", None) or "it is not text"
        raise errors.InputError(f"{path} cannot be read: {reason}.") from cause
    found = _of_verify(text) or _of_lines(text)
    if not found:
        raise errors.InputError(f"{path} holds no head.", remedy="Keep what `counterfoil audit verify --json` tells.")
    return found


class _Kept(msgspec.Struct):
    entity: str
    head: str


class _Told(msgspec.Struct):
    chains: list[_Kept]


class _Exported(msgspec.Struct):
    entity: str
    hash: str


def _of_verify(text: str) -> list[tuple[str | None, str]]:
    try:
        return [
            (one.entity, one.head) for one in msgspec.json.decode(text, type=_Told).chains if _HEAD.fullmatch(one.head)
        ]
    except msgspec.DecodeError:
        return []


def _of_lines(text: str) -> list[tuple[str | None, str]]:
    exported: dict[str, str] = {}
    plain: list[tuple[str | None, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        entity, equals, head = line.rpartition("=")
        if _HEAD.fullmatch(head):
            plain.append((entity if equals else None, head))
            continue
        try:
            one = msgspec.json.decode(line, type=_Exported)
        except msgspec.DecodeError:
            return []
        exported[one.entity] = one.hash
    return plain + [(entity, head) for entity, head in exported.items() if _HEAD.fullmatch(head)]


def short(data: Any) -> str:
    """An entry's data on a part of a line."""
    text = ", ".join(f"{name} {_plain(value)}" for name, value in data.items()) if isinstance(data, dict) else str(data)
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}…"


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int) or value is None else msgspec.json.encode(value).decode()


class Writer:
    """Writes an export: batches of entries as lines of a file, or of stdout."""

    def __init__(self, path: Path, screen: Screen, *, csv: bool) -> None:
        self._path = path
        self._screen = screen
        self._csv = csv

    async def write(self, batches: AsyncIterator[list[dict[str, Any]]]) -> int:
        """Write all of it; → how many entries. Raises InputError when the file cannot be written."""
        if str(self._path) == STDOUT:
            return await self._lines(batches, self._screen.data)
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with beside.open("w", encoding="utf-8", newline="") as file:
                count = await self._lines(batches, lambda line: file.write(line + "\n"))
            beside.replace(self._path)
        except OSError as cause:
            raise errors.InputError(
                f"{self._path} cannot be written: {cause.strerror or type(cause).__name__}.",
                remedy="Name another file.",
            ) from cause
        finally:
            beside.unlink(missing_ok=True)
        return count

    async def _lines(self, batches: AsyncIterator[list[dict[str, Any]]], put: Any) -> int:
        count = 0
        if self._csv:
            put(",".join(COLUMNS))
        async for batch in batches:
            for one in batch:
                put(_csv_line(one) if self._csv else msgspec.json.encode(one).decode())
            count += len(batch)
        return count


def _csv_line(one: dict[str, Any]) -> str:
    text = io.StringIO()
    data = one["data"] if isinstance(one["data"], str) else msgspec.json.encode(one["data"], order="sorted").decode()
    csv.writer(text, lineterminator="").writerow([cell(value) for value in (one | {"data": data}).values()])
    return text.getvalue()
