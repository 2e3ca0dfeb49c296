"""Erase in copies that were made before: backups, replaced databases, dumps; all who are on the list, in each of them.

Called by everywhere. The same sweeps as in the database itself, in a copy of the copy, which takes the old one's name when it is
whole (store/copied). A copy that cannot be erased in is left as it is and told, and the others go on. A copy's own audit log
stays the beginning of ours: what was done stands in ours alone. No call.
"""

import asyncio
import contextlib
import datetime
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from counterfoil import errors, settings
from counterfoil.access.audit import NO_ENTITY
from counterfoil.app import environments, postgres_backups
from counterfoil.app.privacy import beside, erasing, sweeping
from counterfoil.model.person import Person
from counterfoil.store import erased, installation, postgres_restoring, removals
from counterfoil.store.backups import State
from counterfoil.store.copied import dumps, files, finding, opened, working
from counterfoil.store.copied.finding import Copy
from counterfoil.store.copied.opened import Opened
from counterfoil.store.database import Connection
from counterfoil.store.erased import Entry
from counterfoil.store.meta import get_meta
from counterfoil.store.removing import people
from counterfoil.store.schema import SCHEMA_VERSION

ERASED: Final = "erased"
CLEAN: Final = "clean"
LEFT: Final = "left"
OTHER_NAMES: Final = "another name of the old file (a hard link) still holds the text: delete it"
Tell = Callable[[int, int], None]
Rows = dict[str, int]


class Treated(msgspec.Struct, frozen=True):
    """One copy. `state`: `erased` (or would be), `clean`: nothing was to be done; `left`: nothing could be, for `reason`."""

    file: str
    state: Literal["erased", "clean", "left"]
    reason: str | None = None
    rows: Rows = {}


class Wanted(msgspec.Struct, frozen=True):
    """What has to be gone: who is on the list, and which erasures there were. `person`: whom we know by words, just now."""

    ours: State
    environment: str
    entries: set[Entry]
    erasures: frozenset[tuple[str, datetime.datetime]]
    keyed: Callable[[str], str]
    person: Person | None
    is_plan: bool


class _Other(Exception):
    """A file that nobody called a copy, and that is none of ours."""


async def treat(
    books: Any, copies: list[Copy], *, person: Person | None = None, is_plan: bool = False, tell: Tell = lambda _done, _of: None
) -> list[Treated]:  # fmt: skip
    """Erase in these copies; → what became of each, by name. On the audit log, by counts. May be killed and repeated.

    `is_plan`: only look. `person`: whom an erasure was begun of just now, whose words are still known. Raises
    StoreError, MasterKeyError of the installation itself.
    """
    wanted = await _wanted(books, person, is_plan=is_plan)
    for folder in finding.folders([one.file for one in copies]):
        working.clear(folder)
    _clear_server(books, wanted, copies)
    found: list[Treated] = []
    with contextlib.ExitStack() as held:
        linked: dict[str, int] = {}
        for n, copy in enumerate(copies):
            tell(n, len(copies))
            with contextlib.suppress(OSError):
                if copy.file.stat().st_nlink > 1:
                    linked[str(copy.file)] = held.enter_context(_held(copy.file))
            with contextlib.suppress(_Other):
                found.append(await _treated(books, wanted, copy))
            await asyncio.sleep(0)  # an interruption gets its turn between any two copies
        tell(len(copies), len(copies))
        found = [_with_other_names(one, linked) for one in found]
    if found and not is_plan:
        await books.database.run(lambda conn: _on_record(books, conn, found))
    return found


async def _wanted(books: Any, person: Person | None, *, is_plan: bool) -> Wanted:
    path = beside.path_of(books.sentinel.path)

    def work(conn: Connection) -> Wanted:
        installed = get_meta(conn, installation.INSTALLATION) or ""
        ours = State(installation_id=installed, environment=None, schema=SCHEMA_VERSION, sequence=0)
        entries = erased.everything(conn) | beside.read(path, installed)
        return Wanted(
            ours, environments.name_of(books), entries, frozenset(opened.erasures(conn)),
            books.access.audit.keyed(conn), person, is_plan,
        )  # fmt: skip

    found: Wanted = await books.database.run(work)
    return found


async def _treated(books: Any, wanted: Wanted, copy: Copy) -> Treated:
    try:
        rows = await _erased_in(books, wanted, copy)
    except (errors.CounterfoilError, OSError) as cause:
        if isinstance(cause, errors.InputError) and not copy.is_meant:
            raise _Other from cause
        said = cause.message if isinstance(cause, errors.CounterfoilError) else f"{cause.strerror}: {cause.filename}"
        return Treated(str(copy.file), LEFT, said)
    return Treated(str(copy.file), CLEAN) if rows is None else Treated(str(copy.file), ERASED, None, rows)


async def _erased_in(books: Any, wanted: Wanted, copy: Copy) -> Rows | None:
    """→ rows by table; None: nothing was to be done. Raises whatever keeps it from being done, with the copy as it was."""
    if copy.form is None:
        raise errors.InputError("it is no copy that can be read here: encrypted, packed once more, or broken.")
    if copy.form == finding.DUMP:
        return await _in_dump(books, wanted, copy.file)
    opened.refuse(files.look(copy), wanted.ours, wanted.environment)
    with working.beside(copy.file) as folder:
        books.point("copy: begun")
        taken = files.take_out(copy, folder)
        opened.refuse(taken.state, wanted.ours, wanted.environment)
        books.point("copy: taken out")
        rows = await _swept(books, wanted, Opened.of_file(taken.database, books.clock))
        books.point("copy: swept")
        if rows is not None and not wanted.is_plan:
            files.put_back(copy, taken, folder)
            books.point("copy: put back")
        return rows


async def _in_dump(books: Any, wanted: Wanted, file: Path) -> Rows | None:
    if books.database.is_sqlite:
        raise errors.InputError("it is a dump of Postgres, and this installation is on SQLite.")
    if postgres_backups.are_missing():
        raise errors.StoreError(f"it needs {' and '.join(postgres_backups.PROGRAMS)}, which are not installed here.")
    environ = settings.without_secrets()
    manifest = postgres_restoring.read(file)
    opened.refuse(manifest.state, wanted.ours, wanted.environment)
    files.refuse_read_only(file)
    with working.beside(file) as folder:
        files.has_room(folder, 2 * manifest.database_bytes)
        dumps.conclude(file, manifest, folder)
        manifest = postgres_restoring.read(file)
        with dumps.taken_out(books.database.url, wanted.ours.installation_id, file, environ) as there:
            books.point("copy: taken out")
            rows = await _swept(books, wanted, Opened(there, books.clock))
            books.point("copy: swept")
            if rows is not None and not wanted.is_plan:
                dumps.put_back(there, file, manifest, folder, environ)
                books.point("copy: put back")
            return rows


class _CopyBooks:
    """As much of the books as a sweep needs, of a copy: its database, our key for hashes, and no audit log."""

    def __init__(self, books: Any, wanted: Wanted, database: Opened) -> None:
        self.database = database
        self.clock, self.owner, self.actor, self.point = books.clock, books.owner, books.actor, books.point
        self.access = self
        self.audit = self
        self._keyed = wanted.keyed

    def keyed_hash(self, _conn: Connection, text: str) -> str:
        """By the installation's own key: the copy's may be sealed with a master key of another time."""
        return self._keyed(text)

    def append(self, _conn: Connection, _entity: str, _act: str, _data: Mapping[str, Any]) -> None:
        """Nothing: see above."""


async def _swept(books: Any, wanted: Wanted, database: Opened) -> Rows | None:
    try:
        await database.open()
        again = await database.read(lambda conn: _lacking(conn, wanted))
        if again is None or wanted.is_plan:
            return None if again is None else {}
        copied = _CopyBooks(books, wanted, database)
        await database.run(opened.let_go)
        await database.run(lambda conn: erasing.begin_again(copied, conn, again, wanted.person))
        rows: Rows = {}
        for one in await database.read(removals.under_way):
            done = await sweeping.go_on(copied, one.id, awaits=False) if one.kind == removals.ERASE else None
            for name, count in ({} if done is None else done.rows).items():
                rows[name] = rows.get(name, 0) + count
        await database.run(lambda conn: _note(conn, wanted, books, database))
        return rows
    finally:
        await database.close()


def _lacking(conn: Connection, wanted: Wanted) -> set[Entry] | None:
    """Whom a copy has to be erased of; None: everything was done before it was made, or in it since."""
    there, done = erased.everything(conn), opened.erasures(conn)
    missing = wanted.entries - there
    tenants = {tenant_id for tenant_id, begun_at in wanted.erasures if not done.get((tenant_id, begun_at))}
    planned = wanted.is_plan and wanted.person is not None  # what is to come is not in it
    if not (missing or tenants or planned or not all(done.values())):
        return None
    entities = {entity for tenant_id, entity in people.entities(conn).items() if tenant_id in tenants}
    owners = {erased.CONTACT: tenants, erased.CUSTOMER: entities}
    return missing | {one for one in wanted.entries if one.owner in owners.get(one.what, ())}


def _note(conn: Connection, wanted: Wanted, books: Any, database: Opened) -> None:
    done = opened.erasures(conn)
    opened.note(conn, sorted(one for one in wanted.erasures if not done.get(one)), books.actor, database.now(conn))


def _on_record(books: Any, conn: Connection, found: list[Treated]) -> None:
    told = {state: sum(one.state == state for one in found) for state in (ERASED, CLEAN, LEFT)}
    rows = sum(sum(one.rows.values()) for one in found)
    books.access.audit.append(conn, NO_ENTITY, "copies erased", {"copies": len(found), **told, "rows": rows})


def _clear_server(books: Any, wanted: Wanted, copies: list[Copy]) -> None:
    if books.database.is_sqlite or all(one.form != finding.DUMP for one in copies):
        return
    with contextlib.suppress(errors.StoreError):  # each dump says why its database cannot be made
        dumps.clear(books.database.url, wanted.ours.installation_id)


@contextlib.contextmanager
def _held(file: Path) -> Iterator[int]:
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _with_other_names(one: Treated, linked: Mapping[str, int]) -> Treated:
    """An old file that has yet another name is still there by that name."""
    is_there = one.state == ERASED and one.file in linked and os.fstat(linked[one.file]).st_nlink > 0
    return msgspec.structs.replace(one, reason=OTHER_NAMES) if is_there else one
