"""Which copies of this installation there are: backups, replaced databases and dumps, beside it and where the newest went.

Called by erasing, which names them, and in_copies, which erases in them. Reads only.
"""

from pathlib import Path
from typing import Any

from counterfoil import errors
from counterfoil.app import backups
from counterfoil.store.copied import finding, opened
from counterfoil.store.copied.finding import Copy


async def known(books: Any) -> list[Copy]:
    """Those beside the database (on Postgres beside the configuration), and in the folder of the newest backup; by name."""
    newest = await backups.newest(books)
    return _known(books, None if newest is None else Path(newest[1]))


def _known(books: Any, newest: Path | None) -> list[Copy]:
    path = books.database.path
    folders = {(path if path is not None else books.settings.path).resolve().parent}
    if newest is not None and newest.is_file():
        folders.add(newest.resolve().parent)
    found = {copy for folder in folders for copy in finding.at(folder, deep=False)}
    return sorted(one for one in found if not is_in_use(books, one.file) and (one.is_meant or _is_ours(one)))


def given(books: Any, places: list[Path]) -> list[Copy]:
    """Those that a person names: files, and folders with the folders in them; each once. Raises InputError: it is not there."""
    found: dict[Path, Copy] = {}
    for place in places:
        try:
            copies = finding.at(place)
        except OSError as cause:
            raise errors.InputError(f"{place} cannot be read: {cause.strerror}.") from cause
        for one in copies:
            file = one.file.resolve()
            found.setdefault(file, Copy(file, one.form, one.is_meant))
    return sorted(one for one in found.values() if not is_in_use(books, one.file))


def is_in_use(books: Any, file: Path) -> bool:
    """Whether it is the database itself: `erase` has done its work there."""
    path = books.database.path
    return path is not None and path.exists() and file.samefile(path)


def _is_ours(copy: Copy) -> bool:
    """A database of any name counts when it is one of Counterfoil's."""
    if copy.form != finding.DATABASE:
        return True
    try:
        opened.look(copy.file)
    except errors.InputError:
        return False
    return True
