"""The list of the erased beside the database, as the sentinel: an older backup that is put back is erased again.

Called by erasing and by app at opening. Ids and keyed hashes only, one JSON object; written whole or not at all, for its owner
alone. What it says of another installation is left alone.
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


Lists = dict[str, list[Entry]]  # by installation id: another database may have stood here


def path_of(sentinel: Path | None) -> Path | None:
    """Where the list stands: beside the sentinel; None for a database in memory."""
    return None if sentinel is None else sentinel.with_suffix(ENDING)


def read(path: Path | None, installation_id: str) -> set[Entry]:
    """The entries of an installation; none where there is no list. Raises StoreError for one that cannot be read."""
    return set(_all(path).get(installation_id, ()))


def _all(path: Path | None) -> Lists:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lists)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as cause:
        raise errors.StoreError(
            f"The list of erased persons, {path}, cannot be read.",
            remedy="Restore it from a copy; without it an older backup would bring their text back.",
        ) from cause


def write(path: Path | None, installation_id: str, entries: set[Entry]) -> None:
    """Replace an installation's list, durably. Raises StoreError when it cannot be written."""
    if path is None:
        return
    content = msgspec.json.encode(_all(path) | {installation_id: sorted(entries)})
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
