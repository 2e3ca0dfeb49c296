"""A small disk that is really full: mounted in memory for a test, and filled up to a few free bytes.

Where mounting is not allowed, SQLite's own bound on its file takes its place; the files beside the database are then not bounded.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.posting.test_surroundings import pragma

SIZE = 24 << 20
PAGE = 4096
BOUNDLESS = 1_000_000_000
OFF = 'sqlite:///{}"\nfree_min_mib = 0 # "'  # the watch would stop before the disk is full


class Disk:
    """A disk that can be filled up to a few free bytes, and freed again."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted
        self.left: int | None = None
        self._filler = folder / "filler"

    @property
    def store(self) -> str:
        """The database on it, for a configuration."""
        return OFF.format(self.folder / "counterfoil.db")

    def fill(self, left: int) -> None:
        """Let so many bytes be free."""
        self.left = left
        if self.mounted:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            self._filler.write_bytes(bytes(max(0, free - left)))

    def free(self) -> None:
        """Free it again."""
        self.left = None
        self._filler.unlink(missing_ok=True)

    async def bound(self, books: Any) -> None:
        """What stands for a full disk where none can be mounted."""
        if not self.mounted and self.left is not None:
            used = await pragma(books, "PRAGMA page_count")
            await pragma(books, f"PRAGMA max_page_count={used + self.left // PAGE}")

    async def unbound(self, books: Any) -> None:
        """Room again for books that stay open."""
        self.free()
        if not self.mounted:
            await pragma(books, f"PRAGMA max_page_count={BOUNDLESS}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Empty, and gone after the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
