"""The state file: one JSON line for each committed write, replayed at the next start.

Called by `server` (open) and `door` (append). A line is written with one system call before the answer is sent, so a
sandbox that is killed with -9 loses nothing that anybody was told; a torn last line is ignored. Opening rewrites the
file to one line per row, under another name that then takes its place. A lock beside the file keeps a second sandbox
away from it for as long as the first lives. Not synced to disk: it protects from killed processes, not from power cuts.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.sandbox import organisation_file, wire
from counterfoil.sandbox.charts import Chart
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.tables import Change
from counterfoil.sandbox.world import DEFAULT_SEED, World

FORMAT = 1


class StateFileError(Exception):
    """The state file is not one, is of another format or seed, is damaged, or another sandbox has it."""


class Journal:
    """An append-only file; without a path it keeps nothing. Raises StateFileError if another process has it, OSError."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        self._lock = None if path is None else _locked(path)

    def append(self, changes: list[Change]) -> None:
        """Keep one committed write. Errors of the disk reach the caller: an answer must not claim what is not kept."""
        if self._file is None or not changes:
            return
        line = [[change.table.space, change.table.name, change.key, change.after] for change in changes]
        _write_all(self._file, wire.compact(line) + b"\n")

    def rewrite(self, world: World) -> None:
        """Replace the file by the world as it is now, and append to that from here on."""
        if self._path is None:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("wb") as file:
            file.write(wire.compact({"format": FORMAT, "seed": world.seed, "start": world.start}) + b"\n")
            for table in world.all_tables():
                for key, row in table.rows.items():
                    file.write(wire.compact([[table.space, table.name, key, row]]) + b"\n")
        fresh.replace(self._path)
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def close(self) -> None:
        """Let go of the file."""
        for held in (self._file, self._lock):
            if held is not None:
                os.close(held)
        self._file = self._lock = None


def open_world(options: Options) -> tuple[World, Journal]:
    """The world of the state file, or a new one. Raises StateFileError, OrganisationFileError, OSError."""
    journal = Journal(options.state)
    try:
        world = _opened(options)
        journal.rewrite(world)
    except BaseException:
        journal.close()
        raise
    return world, journal


def _opened(options: Options) -> World:
    lines = _lines(options.state)
    own = tuple(organisation_file.read(path) for path in options.organisation_files)
    if not lines:
        seed = DEFAULT_SEED if options.seed is None else options.seed
        world = World(options, seed, own=own)
        world.renew(seed)
        world.commit()
        return world
    try:
        return _restored(options, lines, own)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StateFileError(f"{options.state} is damaged: {error!r}") from error


def _restored(options: Options, lines: list[Any], own: tuple[Chart, ...]) -> World:
    head = lines[0]
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StateFileError(f"{options.state} is not a state file of this sandbox")
    if options.seed is not None and options.seed != head["seed"]:
        raise StateFileError(f"{options.state} was made with --seed {head['seed']}")
    world = World(options, head["seed"], head["start"] + 1, own)
    for line in lines[1:]:
        for space, name, key, row in line:
            if name == "meta" and row is not None and key.startswith("organisation/"):
                world.restore_books(row["number"], row["incarnation"])
            table = world.table(space, name)
            if table is not None:
                table.restore(key, row)
    clock = world.meta.get("clock")
    if clock is not None:
        world.clock.advance(float(clock["advanced_s"]))
    world.post_unposted()
    for number in range(len(world.organisations()) + 1, options.organisations + 1):
        world.open_books(number)
    world.commit()
    return world


def _lines(path: Path | None) -> list[Any]:
    """The decoded lines. A last line without its line end was torn by a kill: nobody was told that it was done.

    The first line is never torn, since the file begins its life under another name: without one it is somebody else's.
    """
    content = b"" if path is None or not path.exists() else path.read_bytes()
    if not content:
        return []
    if b"\n" not in content:
        raise StateFileError(f"{path} is not a state file of this sandbox")
    try:
        return [wire.decode(raw) for raw in content.split(b"\n")[:-1]]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateFileError(f"{path} is damaged: {error}") from error


def _locked(path: Path) -> int:
    """Hold the lock beside the file; the system lets go of it when the process ends, however it ends."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StateFileError(f"another sandbox uses {path}") from error
    return lock


def _write_all(file: int, data: bytes) -> None:
    """All of it or nothing: a full disk must not leave half a line for the next one to be glued to."""
    size = os.fstat(file).st_size
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError:
        os.ftruncate(file, size)
        raise
