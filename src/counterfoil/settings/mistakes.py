"""Mistakes in the configuration as one error: where each is written, what is wrong, what would be right.

Called by loading, filling and flows. A place is "FILE:LINE" or the variable that set the key.
"""

import re

from counterfoil.errors import ConfigurationError
from counterfoil.model import shape

Where = dict[shape.Path, str]


def mistakes(problems: list[str]) -> ConfigurationError:
    """One error that tells all `problems`, each once, in the order of the file's lines."""
    unique = tuple(sorted(dict.fromkeys(problems), key=_line_number))
    return ConfigurationError("\n".join(unique), problems=unique)


def _line_number(problem: str) -> int:
    at = re.match(r"[^\s:]+:(\d+): ", problem)
    return int(at[1]) if at else 0


def place(where: Where, path: shape.Path, file: str) -> str:
    """Where `path`, or what holds it, is written: "counterfoil.toml:12" or "the variable COUNTERFOIL_XERO__TIER"."""
    for length in range(len(path), 0, -1):
        if path[:length] in where:
            return where[path[:length]]
    # `[flows.shop]` alone also writes `flows`.
    return next((at for written, at in where.items() if written[: len(path)] == path), file)


def told(misfit: shape.Misfit, where: Where, file: str, prefix: shape.Path = ()) -> str:
    """A misfit as one line: the place, the table, the key, what is wrong and what would be right."""
    path = prefix + misfit.path
    table, key = shape.written(path[:-1]), shape.written(path[-1:])
    at = f"{place(where, path, file)}: {f'[{table}] ' if table else ''}"
    if misfit.cause == "unknown-key":
        near = misfit.remedy.removeprefix("Did you mean ").rstrip("?") if "Did you mean" in misfit.remedy else ""
        return f"{at}unknown key `{key}`; did you mean {near}?" if near else f"{at}unknown key `{key}`. {misfit.remedy}"
    if misfit.cause == "missing":
        return f"{at}`{key}` is missing."
    rule = "" if misfit.remedy.startswith("Correct it") else f" {misfit.remedy}"
    return f"{at}`{key}` {misfit.reason}{f': {misfit.value}' if misfit.value else ''}.{rule}"
