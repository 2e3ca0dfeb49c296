"""The list of the erased beside the database, as the sentinel: an older backup that is put back is erased again.

Called by erasing and by app at opening. Ids and keyed hashes only, one JSON object; written whole or not at all, for its owner
alone. A list of another installation is left alone.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.store.erased import Entry

ENDING: Final = ".erased"


class List(msgspec.Struct, frozen=True):
    """What the file says."""

    installation_id: str
    erased: list[Entry] = []


def path_of(sentinel: Path | None) -> Path | None:
    """Where the list stands: beside the sentinel; None for a database in memory."""
    return None if sentinel is None else sentinel.with_suffix(ENDING)


def read(path: Path | None, installation_id: str) -> set[Entry]:
    """The entries; none where there is no list, or another installation's. Raises StoreError for one that cannot be read."""
    if path is None:
        return set()
    try:
        found = msgspec.json.decode(path.read_bytes(), type=List)
    except FileNotFoundError:
        return set()
    except (OSError, msgspec.DecodeError) as cause:
        raise errors.StoreError(
            f"The list of erased persons, {path}, cannot be read.",
            remedy="Restore it from a copy; without it an older backup would bring their text back.",
        ) from cause
    return set(found.erased) if found.installation_id == installation_id else set()


def write(path: Path | None, installation_id: str, entries: set[Entry]) -> None:
    """Replace the list, durably. Raises StoreError when it cannot be written."""
    if path is None:
        return
    content = msgspec.json.encode(List(installation_id, sorted(entries)))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as cause:
        raise errors.StoreError(
            f"{path} cannot be written: {cause.strerror}.", remedy="Free space or rights there, then run again."
        ) from cause
