"""Where secrets stand in the configuration's own text, and in which files they are kept.

Called by app/doctor. Reads the file and its overlay again, as text: what `load` gives no longer says where it came from.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil.settings import tables, toml_lines
from counterfoil.settings.mistakes import Where, place

_PASSWORD: Final = re.compile(r"^[a-z0-9+]+://[^:/@]*:[^@]+@")


class Written(msgspec.Struct, frozen=True):
    """One secret that is written out. `at`: "counterfoil.toml:12"; `variable`: what can hold it instead."""

    table: str
    key: str
    at: str
    variable: str


def written_secrets(path: Path, env_name: str | None = None) -> tuple[Written, ...]:
    """Secrets that stand in the file or its overlay, values from `${NAME}` excepted. What cannot be read has none."""
    return tuple(
        Written(table, key, place(where, (table, key), file.name), f"COUNTERFOIL_{table}__{key}".upper())
        for file, values, where in _files(path, env_name)
        for table, key in sorted(tables.secrets())
        if any(_is_secret(table, text) for text in _texts(values, table, key))
    )


def secret_files(path: Path, env_name: str | None = None) -> tuple[Path, ...]:
    """The files that the configuration names for its secrets (`<key>_file`). What cannot be read has none."""
    return tuple(
        path.parent / text
        for _file, values, _where in _files(path, env_name)
        for table, key in sorted(tables.secrets())
        for text in _texts(values, table, f"{key}_file")
        if "${" not in text
    )


def _files(path: Path, env_name: str | None) -> Iterator[tuple[Path, dict[str, Any], Where]]:
    for file in (path, *([path.with_name(f"{path.stem}.{env_name}{path.suffix}")] if env_name else [])):
        try:
            text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
            values = tomllib.loads(text)
        except (OSError, ValueError):  # `load` says what is wrong with it
            continue
        yield file, values, {key: f"{file.name}:{line}" for key, line in toml_lines.key_lines(text).items()}


def _texts(values: dict[str, Any], table: str, key: str) -> list[str]:
    held = values.get(table)
    value = held.get(key) if isinstance(held, dict) else None
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]


def _is_secret(table: str, text: str) -> bool:
    """Text that is no reference; of the database's address only the password."""
    return "${" not in text and (table != "store" or _PASSWORD.match(text) is not None)
