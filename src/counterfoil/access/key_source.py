"""Where the master key comes from: a file, a variable of the environment (or the configuration), or a program.

Called by app, vault and rotation. Exactly one is in force (settings sees to it). Each may hold two keys during a rotation:
the one that seals from now on first, the one before it second.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from counterfoil.access import key_command, key_file
from counterfoil.access.master_key import MasterKey, read_keys
from counterfoil.model.hidden import HiddenBytes

VARIABLE: Final = "COUNTERFOIL_VAULT__MASTER_KEY"


class Source(Protocol):
    """Holds the master key. `name` for people, without anything secret; `file` when a rotation may write it."""

    name: str
    file: Path | None

    def load(self) -> tuple[MasterKey, ...]:
        """One key, or two during a rotation. Raises MasterKeyError."""
        ...


class FileSource:
    """A file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.file: Path | None = path

    def load(self) -> tuple[MasterKey, ...]:
        """Reads the file again each time."""
        return key_file.read(self.path)

    @property
    def path(self) -> Path:
        """The file."""
        assert self.file is not None
        return self.file


class TextSource:
    """A text that this process was started with: a variable cannot change while it runs."""

    def __init__(self, text: str, name: str = f"${VARIABLE}") -> None:
        self._text = HiddenBytes(text.encode("utf-8", "replace"))
        self.name = name
        self.file: Path | None = None

    def load(self) -> tuple[MasterKey, ...]:
        """The same each time."""
        return read_keys(self._text, self.name)

    def __repr__(self) -> str:
        return f"<TextSource {self.name}>"


class CommandSource:
    """A program that prints the key."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self.name = f"the command {Path(command[0]).name}"
        self.file: Path | None = None

    def load(self) -> tuple[MasterKey, ...]:
        """Runs the program each time: seconds, perhaps."""
        return read_keys(key_command.printed(self._command), self.name)

    def __repr__(self) -> str:
        return f"<CommandSource {self.name}>"
