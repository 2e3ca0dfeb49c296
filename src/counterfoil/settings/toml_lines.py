"""Which line of a TOML text each key stands on; tomllib does not tell.

Called by loading, after tomllib has accepted the text, so that only well-formed TOML comes here. A key inside an inline
table or a list is found at the line of the key that holds it.
"""

import tomllib
from typing import Any, Final

Path = tuple[str | int, ...]
_QUOTES: Final = ('"""', "'''", '"', "'")


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table header and key, by path; the second [[flows.shop.line]] is (…, "line", 1)."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    open_quote, depth = "", 0
    for number, line in enumerate(text.split("\n"), start=1):
        rest = line
        if not open_quote and depth == 0:
            bare = line.strip()
            if not bare or bare.startswith("#"):
                continue
            if bare.startswith("["):
                table = _header(bare, counts)
                found.setdefault(table, number)
                continue
            key, rest = _split(line)
            path = table + _parts(key)
            found.setdefault(path, number)
        open_quote, depth = _scan(rest, open_quote, depth)
    return found


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of `path`, or of the nearest thing that holds it; None when not even its table is written."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _header(bare: str, counts: dict[Path, int]) -> Path:
    """The path of a [table] or [[list of tables]]; parts of it that are lists of tables mean their last one."""
    double = bare.startswith("[[")
    end = _outside_quotes(bare, "]")
    path: Path = ()
    parts = _parts(bare[2 if double else 1 : end])
    for index, part in enumerate(parts):
        path = (*path, part)
        if double and index == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(key: str) -> Path:
    """`a."b.c"` as ("a", "b.c"), by the library that knows the rules."""
    parts: list[str | int] = []
    value: Any = tomllib.loads(f"{key.strip()} = 0")
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        parts.append(name)
    return tuple(parts)


def _split(line: str) -> tuple[str, str]:
    at = _outside_quotes(line, "=")
    return line[:at], line[at + 1 :]


def _outside_quotes(text: str, wanted: str) -> int:
    quote = ""
    index = 0
    while index < len(text):
        character = text[index]
        if quote:
            if character == "\\" and quote == '"':
                index += 1
            elif character == quote:
                quote = ""
        elif character in {'"', "'"}:
            quote = character
        elif character == wanted:
            return index
        index += 1
    return len(text)


def _scan(text: str, quote: str, depth: int) -> tuple[str, int]:
    """The multi-line text that is still open after `text`, and how many brackets are."""
    index = 0
    while index < len(text):
        if quote:
            if text[index] == "\\" and quote[0] == '"':
                index += 2
            elif text.startswith(quote, index):
                index += len(quote)
                quote = ""
            else:
                index += 1
            continue
        opened = next((mark for mark in _QUOTES if text.startswith(mark, index)), "")
        if opened:
            quote = opened
            index += len(opened)
            continue
        if text[index] == "#":
            break
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text[index], 0)
        index += 1
    return (quote if len(quote) == 3 else ""), depth
