"""Where secrets stand in the configuration's own text, and in which files they are kept.

Called by app/doctor. Reads the file and its overlay again, as text: what `load` gives no longer says where it came from.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from counterfoil.model import shape
from counterfoil.settings import tables, toml_lines
from counterfoil.settings.mistakes import Where, place

_PASSWORD: Final = re.compile(r"^[a-z0-9+]+://[^:/@]*:[^@]+@")
_PART_MIN: Final = 6  # characters of a part of an address that may be a token if it holds a digit; "v1" is none
_PART_LONG: Final = 20  # a part of so many may be one without


class Written(msgspec.Struct, frozen=True):
    """One secret that is written out. `at`: "counterfoil.toml:12"; `instead`: the variable that can hold it.

    `table` as in TOML, and `notify[0].to` for the first [[notify]].
    """

    table: str
    key: str
    at: str
    instead: str


def written_secrets(path: Path, env_name: str | None = None) -> tuple[Written, ...]:
    """Secrets that stand in the file or its overlay, values from `${NAME}` excepted. What cannot be read has none.

    A webhook's address is one where a part of it may be a token.
    """
    return tuple(
        Written(shape.written(at), key, place(where, (*at, key), file.name), _instead(at, key))
        for file, values, where in _files(path, env_name)
        for at, held, key in _places(values)
        if any(_is_secret(at[0], key, text) for text in _texts(held, key))
    )


def secret_files(path: Path, env_name: str | None = None) -> tuple[Path, ...]:
    """The files that the configuration names for its secrets (`<key>_file`). What cannot be read has none."""
    return tuple(
        path.parent / text
        for _file, values, _where in _files(path, env_name)
        for _at, held, key in _places(values)
        for text in _texts(held, f"{key}_file")
        if "${" not in text
    )


def _places(values: dict[str, Any]) -> Iterator[tuple[shape.Path, dict[str, Any], str]]:
    """Where secrets may stand: (the table's path, what it holds, the key)."""
    for table, key in sorted(tables.secrets()):
        if isinstance(held := values.get(table), dict):
            yield (table,), held, key
    listed = values.get("notify")
    for n, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, dict) and isinstance(held := one.get("to"), dict):
            yield from ((("notify", n, "to"), held, key) for key in tables.TARGET_SECRETS)
    feeds = values.get("feeds")
    for name, one in feeds.items() if isinstance(feeds, dict) else ():
        if isinstance(one, dict) and isinstance(held := one.get("to"), dict):
            yield from ((("feeds", name, "to"), held, key) for key in tables.FEED_SECRETS)


def _files(path: Path, env_name: str | None) -> Iterator[tuple[Path, dict[str, Any], Where]]:
    for file in (path, *([path.with_name(f"{path.stem}.{env_name}{path.suffix}")] if env_name else [])):
        try:
            text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
            values = tomllib.loads(text)
        except (OSError, ValueError):  # `load` says what is wrong with it
            continue
        yield file, values, {key: f"{file.name}:{line}" for key, line in toml_lines.key_lines(text).items()}


def _texts(held: dict[str, Any], key: str) -> list[str]:
    value = held.get(key)
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]


def _is_secret(table: str | int, key: str, text: str) -> bool:
    """Text that is no reference; of the database's address only the password, of a webhook's what may be a token."""
    if "${" in text:
        return False
    if table == "store" or key == "sql":
        return _PASSWORD.match(text) is not None
    return key != "webhook" or _may_hold_token(text)


def _may_hold_token(url: str) -> bool:
    try:
        address = urlsplit(url)
    except ValueError:
        return True
    parts = address.path.split("/")
    return bool(address.query) or any(
        len(part) >= _PART_LONG or (len(part) >= _PART_MIN and any(map(str.isdigit, part))) for part in parts
    )


def _instead(at: shape.Path, key: str) -> str:
    """What can hold it: a variable of ours, or for a list of tables any that its text names."""
    if len(at) > 1:
        return f'{key} = "${{NAME}}", from a variable of yours'
    return f"COUNTERFOIL_{at[0]}__{key}".upper()
