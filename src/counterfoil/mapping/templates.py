"""Text with columns in it: `"{First} {Last}"`. A column alone is that column; braces cannot be escaped.

Called by values. Pure. Never passes through the expression library.
"""

import re
from typing import Final

from counterfoil.mapping.syntax import Misspelt

_BRACE: Final = re.compile(r"[{}]")
_LIKE_A_COLUMN: Final = re.compile(r"\s*(row|head)\s*(\.\s*(\w+)|\[\s*[\"'](.+?)[\"']\s*\])")


def parse(source: str) -> tuple[str | tuple[str], ...]:
    """The parts in their order: a text as it stands, a column as a tuple of its name. Raises Misspelt."""
    if "{{" in source or "}}" in source:
        at = min(source.find(pair) for pair in ("{{", "}}") if pair in source)
        remedy = 'A column is written {Name}, once; a text with braces as an expression: ="{…}".'
        raise Misspelt(at, f"has `{source[at : at + 2]}`", remedy)
    parts: list[str | tuple[str]] = []
    at = 0
    while at < len(source):
        brace = _BRACE.search(source, at)
        if brace is None:
            parts.append(source[at:])
            break
        if brace[0] == "}":
            raise Misspelt(brace.start(), "has `}` without `{` before it", "A column is written {Name}.")
        if brace.start() > at:
            parts.append(source[at : brace.start()])
        end = _BRACE.search(source, brace.end())
        if end is None or end[0] == "{":
            raise Misspelt(brace.start(), "has `{` that is not closed", "A column is written {Name}.")
        name = source[brace.end() : end.start()].strip()
        if not name:
            raise Misspelt(brace.start(), "has `{}` without a name", "A column is written {Name}.")
        parts.append((name,))
        at = end.end()
    return tuple(parts)


def meant_as_expression(source: str, functions: frozenset[str]) -> str | None:
    """What to write instead of a text that looks like an expression without its `=`; None when it does not."""
    match = _LIKE_A_COLUMN.match(source)
    if match is not None:
        return f'"={source.strip()}", or "{{{match[3] or match[4]}}}" for the column alone'
    called = re.match(r"\s*(\w+)\s*\(.*\)\s*$", source)
    return f'"={source.strip()}"' if called and called[1] in functions else None
