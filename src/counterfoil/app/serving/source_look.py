"""Is a flow's source another one than when it was read last, and is it whole? Two looks and one sum, before any work.

Called by flow_runs. A file that grows between two looks is being written: it waits. One whose bytes, and whose flow, are as
they were costs nothing but the look. What is compared is one text: size, times, digest, and a digest of the flow's settings.
"""

import asyncio
import datetime
import hashlib
import stat
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from counterfoil.model.ports import Clock
from counterfoil.settings import FlowSettings

BETWEEN_S: Final = 2.0  # a file that did not change for so long is taken for whole
CHUNK_BYTES: Final = 1 << 20
Stamp: TypeAlias = tuple[int, int, int]  # size, and when its bytes and the file itself changed last


class Seen(msgspec.Struct, frozen=True):
    """A source as it was. `digest` of its bytes, `settings` of all that decides what is made of them.

    `ctime_ns`: when the file itself became another one, which no copying program sets back; 0: kept by an earlier version.
    """

    size: int
    mtime_ns: int
    digest: str
    settings: str
    ctime_ns: int = 0

    @property
    def stamp(self) -> "Stamp":
        """What a look alone can tell."""
        return self.size, self.mtime_ns, self.ctime_ns

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()


class Look(msgspec.Struct, frozen=True):
    """What a look says: `growing`: come again; `same`: nothing to do; `seen` None: no file that could be compared."""

    seen: Seen | None = None
    growing: bool = False
    same: bool = False


async def look(clock: Clock, path: Path, settings: str, known: str | None) -> Look:
    """Compare a file with what is kept of it. Takes BETWEEN_S where it seems to be another one. Raises nothing of a file."""
    first = _stat(path)
    if first is None:
        return Look()
    before = msgspec.json.decode(known, type=Seen) if known is not None else None
    if before is not None and before.settings != settings:
        before = None
    if before is not None and before.stamp == first:
        return Look(before, same=True)
    await clock.sleep(BETWEEN_S)
    if _stat(path) != first:
        return Look(growing=True)
    digest = await asyncio.to_thread(_digest, path)
    if digest is None or _stat(path) != first:
        return Look(growing=True)
    seen = Seen(*first[:2], digest, settings, first[2])
    return Look(seen, same=before is not None and before.digest == digest)


def is_still(path: Path, seen: Seen) -> bool:
    """Whether it was not written to meanwhile."""
    return _stat(path) == seen.stamp


def settings_of(flow: FlowSettings, entities: Any, today: datetime.date | None = None) -> str:
    """A digest of all but the rows that decides what a flow makes of them; its lines' numbers in the file do not."""
    plain = msgspec.structs.replace(flow, where={})
    told = msgspec.json.encode([plain, entities, today], enc_hook=str, order="deterministic")
    return hashlib.sha256(told).hexdigest()[:32]


def _stat(path: Path) -> Stamp | None:
    """Size and times of a plain file; None: there is none, or it is something else."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISREG(found.st_mode) else None


def _digest(path: Path) -> str | None:
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                total.update(chunk)
    except OSError:
        return None
    return total.hexdigest()
