"""Environments: the file alone and one overlay each (`counterfoil.NAME.toml`). Each has its own database and its own key.

Called by app when an installation is opened, by `config check`, and by app/environments to ask the other databases. Reads
files, nothing else; a value that an environment variable gives (`${NAME}`) is not known of the others and not compared.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from counterfoil.errors import ConfigurationError
from counterfoil.settings import loading, tables
from counterfoil.settings.loading import Settings

DEFAULT: Final = "default"  # the name of the environment that is the file alone
KEY_BYTES_MAX: Final = 4096


class Environment(msgspec.Struct, frozen=True):
    """What the files say of one environment. `url` and `key_file` None: they cannot be known here."""

    name: str
    url: str | None
    key_file: Path | None
    key: str | None
    command: tuple[str, ...] | None = None  # that prints the key


OVERLAY: Final = """\
# The environment {name}: `counterfoil --env {name} …`. What stands here is laid over {file}.
[store]
url = "sqlite:///{stem}-{name}.db"
[vault]
master_key_file = "{stem}-{name}.key"
"""


def begin(path: Path, name: str) -> Path:
    """Write the overlay of a new environment; → its path. One that is there stays as it is. Raises ConfigurationError."""
    if not re.fullmatch(tables.NAME, name) or name == DEFAULT:
        raise ConfigurationError(f"{name!r} is no name for an environment.", remedy="Letters, digits, dots, dashes.")
    loading.layered(path, None)
    overlay = loading.overlay_path(path, name)
    if overlay.exists():
        return overlay  # its owner's words
    beside = overlay.with_name(f".{overlay.name}.part")
    try:
        beside.write_text(OVERLAY.format(name=name, file=path.name, stem=path.stem))
        beside.replace(overlay)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{overlay} cannot be written: {error.strerror}.", remedy="Check the folder."
        ) from error
    return overlay


def names(path: Path) -> list[str]:
    """The environments that have an overlay beside the file, by name."""
    found = (
        re.fullmatch(rf"{re.escape(path.stem)}\.(.+){re.escape(path.suffix)}", one.name)
        for one in path.parent.iterdir()
    )
    return sorted(match[1] for match in found if match and re.fullmatch(tables.NAME, match[1]))


def others(loaded: Settings) -> tuple[list[Environment], list[str]]:
    """The other environments of this configuration, and the names of those whose files cannot be read."""
    read: list[Environment] = []
    unread: list[str] = []
    for name in [None, *names(loaded.path)]:
        if (name or "") == loaded.environment:
            continue
        try:
            values, _where = loading.layered(loaded.path, name)
            read.append(_stated(name or DEFAULT, values, loaded.path.parent))
        except ConfigurationError:
            unread.append(name or DEFAULT)
    return read, unread


def refuse_shared(loaded: Settings) -> None:
    """Raises ConfigurationError when this environment's database or master key is another environment's, too.

    Asked of overlays only: the file alone may not be broken by a mistake in one of them.
    """
    if not loaded.environment:
        return
    overlay = loading.overlay_path(loaded.path, loaded.environment)
    mine, given = database_of(loaded.store.url), loaded.vault.master_key
    key = given.reveal().strip() if given is not None else _content(loaded.vault.master_key_file)
    for other in others(loaded)[0]:
        if other.url is not None and database_of(other.url) == mine:
            raise _shared(
                f"{overlay.name}: the database of environment {loaded.environment} is that of {other.name}, too.",
                f'Write a [store] url of its own into {overlay.name}: url = "sqlite:///counterfoil-{loaded.environment}.db".',
            )
        theirs = other.key if other.key is not None else _content(other.key_file)
        vault = loaded.vault
        ways = (
            (vault.master_key_file, other.key_file),
            (vault.master_key_command or None, other.command),
        )
        same = set((key or "").split()) & set((theirs or "").split())  # a file may hold the keys before it, too
        if same or any(one is not None and one == another for one, another in ways):
            raise _shared(
                f"{overlay.name}: the master key of environment {loaded.environment} is that of {other.name}, too.",
                f'Write a [vault] master_key_file of its own into {overlay.name}: master_key_file = "counterfoil-'
                f'{loaded.environment}.key"; `counterfoil config environment {loaded.environment}` makes the key.',
            )


def database_of(url: str) -> str:
    """Which database a URL means, whoever connects and by whichever driver: for comparing."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return f"sqlite:{Path(url.partition(':///')[2]).resolve()}"
    return f"postgresql:{(parts.hostname or 'localhost').lower()}:{parts.port or 5432}{parts.path}"


def _shared(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, problems=(message,))


def _stated(name: str, values: Mapping[str, Any], folder: Path) -> Environment:
    store, vault = _table(values, "store"), _table(values, "vault")
    url = str(store.get("url", tables.StoreSettings().url))
    key_file = str(vault.get("master_key_file", tables.KEY_FILE))
    by_file = not vault.keys() - {"master_key_file"}
    written, command = vault.get("master_key"), vault.get("master_key_command")
    return Environment(
        name,
        None if "${" in url else loading.absolute_url(url, folder.resolve()),
        folder.resolve() / key_file if by_file and "${" not in key_file else None,
        written if isinstance(written, str) and "${" not in written else None,
        tuple(map(str, command)) if isinstance(command, list) and "${" not in str(command) else None,
    )


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _content(path: Path | None) -> str | None:
    """What a key file holds; None when it cannot be read: whoever needs the key says so."""
    try:
        return None if path is None else path.read_bytes()[:KEY_BYTES_MAX].decode().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
