"""Which files are copies of a database: by what they begin with, since a backup may have any name. Reads only.

Called by app/privacy. A file whose name says that it is a copy and whose content does not (packed once more, encrypted, broken) is
found as well, so that somebody hears of it.
"""

import fnmatch
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

BACKUP: Final = "backup"
DATABASE: Final = "database"
DUMP: Final = "dump"
Form = Literal["backup", "database", "dump"]
COPIES_MAX: Final = 10_000  # of one run
NAMES: Final = ("*.backup", "*.backup.*", "*.replaced-*", "*.dump", "*.dump.*")
BESIDE: Final = (".json", ".sentinel", ".erased", "-wal", "-shm", "-journal", "-restore")  # another file's own
WORKING: Final = ".erasing"  # the end of the name of a folder in which a copy is worked on
_FIRST: Final[dict[bytes, Form]] = {b"PK\x03\x04": BACKUP, b"SQLite format 3\0": DATABASE, b"PGDMP": DUMP}


class Copy(msgspec.Struct, frozen=True, order=True):
    """A file that is a copy, or should be. `form` None: nobody can tell what it is; `is_meant` False: only its content says so."""

    file: Path
    form: Form | None
    is_meant: bool


def at(place: Path, *, deep: bool = True) -> list[Copy]:
    """A file itself, or all copies in a folder, by name; `deep`: and in the folders in it. Raises OSError."""
    if not place.is_dir():
        return [Copy(place, form_of(place), is_meant=True)]
    found = (one for folder in _folders(place, deep=deep) for one in _in(folder))
    return sorted(one for _n, one in zip(range(COPIES_MAX), found, strict=False))


def folders(places: list[Path]) -> list[Path]:
    """Where those places are: themselves, or the folders that they are in."""
    return sorted({one if one.is_dir() else one.parent for one in places})


def _folders(place: Path, *, deep: bool) -> Iterator[Path]:
    for folder, inner, _files in os.walk(place):
        inner[:] = [one for one in inner if not one.endswith(WORKING) and (deep or _is_left(one))]
        yield Path(folder)


def _is_left(folder: str) -> bool:
    """The folder in which a `backup` works, and which one that was killed leaves behind with a whole database in it."""
    return any(fnmatch.fnmatch(folder, f".*{ending}.*") for ending in (".backup", ".dump"))


def _in(folder: Path) -> Iterator[Copy]:
    for file in sorted(folder.iterdir()):
        if not file.is_file() or file.name.endswith(BESIDE):
            continue
        is_meant = any(file.match(name) for name in NAMES)
        form = _form_or_none(file)
        if is_meant or (form == BACKUP and _is_ours(file)) or form == DATABASE:
            yield Copy(file, form, is_meant)


def _form_or_none(file: Path) -> Form | None:
    try:
        return form_of(file)
    except OSError:  # whoever wants to read it says why that is not possible
        return None


def form_of(file: Path) -> Form | None:
    """What a file begins with. Raises OSError."""
    with file.open("rb") as raw:
        first = raw.read(16)
    return next((form for start, form in _FIRST.items() if first.startswith(start)), None)


def _is_ours(file: Path) -> bool:
    """Whether a zip archive of any name is a backup."""
    try:
        with zipfile.ZipFile(file) as archive:
            return {"manifest.json", "database.sqlite"} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
