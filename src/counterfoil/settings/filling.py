"""What is filled into the file's values before they are checked: the environment and the files of secrets.

Called by loading, in this order: `expand` (`${NAME}` in strings), `override` (COUNTERFOIL_<TABLE>__<KEY>), `read_secrets`
(`<key>_file`). Each changes the values in place, notes where a key now comes from, and adds what is wrong to `problems`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from counterfoil.model import shape
from counterfoil.settings import tables
from counterfoil.settings.mistakes import Where, place

SECRET_BYTES_MAX: Final = 1 << 16
OVERRIDABLE: Final = ("xero", "store", "vault", "service", "posting")
_PREFIX: Final = "COUNTERFOIL_"
_SEPARATOR: Final = re.compile(r"[\s,]+")
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expand(value: Any, path: shape.Path, where: Where, environ: Mapping[str, str], problems: list[str]) -> Any:
    """`${NAME}` in every string, in place; the result is the value itself or the expanded string."""
    if isinstance(value, str):
        for name in _VARIABLE.findall(value):
            if name not in environ:
                at = place(where, path, "the configuration")
                problems.append(
                    f"{at}: `{shape.written(path)}` needs the environment variable {name}, which is not set."
                )
        return _VARIABLE.sub(lambda match: environ.get(match[1], ""), value)
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in list(items):
            value[key] = expand(item, (*path, key), where, environ, problems)
    return value


def override(values: dict[str, Any], where: Where, environ: Mapping[str, str], problems: list[str]) -> None:
    """COUNTERFOIL_<TABLE>__<KEY> in place of what the files say."""
    for name in sorted(environ):
        table, separator, key = name.removeprefix(_PREFIX).lower().partition("__")
        if not name.startswith(_PREFIX) or not separator:
            continue
        if table not in OVERRIDABLE:
            problems.append(
                f"the variable {name}: the environment can set keys of {', '.join(OVERRIDABLE)}, not of `{table}`."
            )
            continue
        target = values.setdefault(table, {})
        if not isinstance(target, dict):
            continue  # told as a misfit: the table is no table
        # The other way of giving the same secret is replaced as well.
        target.pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)
        if table == "vault" and key in tables.KEY_SOURCES:
            _drop_other_sources(target, key, where)
        target[key] = _typed(table, key, environ[name])
        where[table, key] = f"the variable {name}"


def _typed(table: str, key: str, text: str) -> Any:
    """A variable's text as the declared type wants it; left alone when it does not fit, for the misfit to be told."""
    declared = tables.declared_types().get((table, key))
    if isinstance(declared, inspect.VarTupleType):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(declared, inspect.IntType | inspect.FloatType):
        for read in (int, float):
            try:
                return read(text)
            except ValueError:
                continue
    return text


def read_secrets(values: dict[str, Any], where: Where, folder: Path, problems: list[str]) -> None:
    """`client_secret_file = "…"` becomes the secret that the file holds; of a list, each has a line, or commas between them."""
    for table, key in sorted(tables.secrets()):
        if (table, f"{key}_file") not in tables.declared_types():
            several = isinstance(tables.declared_types()[table, key], inspect.VarTupleType)
            _read_secret(values.get(table), (table,), key, where, folder, problems, several=several)
    listed = values.get("notify")
    for n, one in enumerate(listed if isinstance(listed, list) else ()):
        for key in tables.TARGET_SECRETS:
            held = one.get("to") if isinstance(one, dict) else None
            _read_secret(held, ("notify", n, "to"), key, where, folder, problems)
    feeds = values.get("feeds")
    for name, one in feeds.items() if isinstance(feeds, dict) else ():
        for key in tables.FEED_SECRETS:
            held = one.get("to") if isinstance(one, dict) else None
            _read_secret(held, ("feeds", name, "to"), key, where, folder, problems, several=key == "secret")


def _read_secret(
    held: Any, path: shape.Path, key: str, where: Where, folder: Path, problems: list[str], *, several: bool = False
) -> None:
    file_key = f"{key}_file"
    if not isinstance(held, dict) or not isinstance(held.get(file_key), str):
        return
    at, table = place(where, (*path, file_key), "the configuration"), shape.written(path)
    if key in held:
        problems.append(f"{at}: [{table}] has both `{key}` and `{file_key}`.")
    name = held.pop(file_key)
    try:
        with (folder / name).open("rb") as file:
            text = file.read(SECRET_BYTES_MAX).decode("utf-8-sig").strip()  # an editor's mark is no part of a secret
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        problems.append(f"{at}: [{table}] `{file_key}` cannot be read: {reason}.")
    else:
        held[key] = [one for one in _SEPARATOR.split(text) if one] if several else text
        where[*path, key] = at
        if several and not held[key]:
            problems.append(f"{at}: [{table}] `{file_key}` is empty: {name} holds no secret.")


def _drop_other_sources(vault: dict[str, Any], key: str, where: Where) -> None:
    """A variable that gives the master key stands for the file's source, whichever that is; not for another variable."""
    for other in tables.KEY_SOURCES:
        if other != key and not where.get(("vault", other), "").startswith("the variable"):
            vault.pop(other, None)


def drop_replaced_key_sources(below: dict[str, Any], above: dict[str, Any]) -> None:
    """An overlay that gives the master key stands for the file's source as well."""
    vault, over = below.get("vault"), above.get("vault")
    if isinstance(vault, dict) and isinstance(over, dict) and any(key in over for key in tables.KEY_SOURCES):
        for key in tables.KEY_SOURCES:
            vault.pop(key, None)


def check_key_sources(values: dict[str, Any], where: Where, problems: list[str]) -> None:
    """The master key comes from exactly one place; from which it came must never be a guess."""
    vault = values.get("vault")
    given = [key for key in tables.KEY_SOURCES if isinstance(vault, dict) and key in vault]
    if len(given) > 1:
        at = " and ".join(place(where, ("vault", key), "the configuration") for key in given)
        names = " and ".join(f"`{key}`" for key in given)
        problems.append(f"{at}: [vault] has {names}; the master key comes from exactly one: leave one.")
    if isinstance(vault, dict) and vault.get("master_key_command") == []:
        at = place(where, ("vault", "master_key_command"), "the configuration")
        problems.append(f"{at}: [vault] `master_key_command` names no program.")
