"""The global options, wherever they stand on the command line: before the command, after it, or among its own.

Called by entry before the command's own parser sees anything. Pure. What stands after a `--` belongs to the command,
and so does the value of an option that takes one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

CONFIG_DEFAULT: Final = "counterfoil.toml"
_VALUED: Final = ("--config", "--env")
_COMMANDS_VALUED: Final = ("--because",)  # options of commands whose value is free text: never looked into


class UsageError(Exception):
    """The command line cannot be understood; the text says why, for people."""


class Switches(NamedTuple):
    """The global options. `env` None: no overlay."""

    config: str = CONFIG_DEFAULT
    env: str | None = None
    json: bool = False
    version: bool = False


def hoist(arguments: Sequence[str]) -> tuple[Switches, list[str]]:
    """The global options and what is left for the command. Raises UsageError."""
    found: dict[str, str] = {}
    flags: set[str] = set()
    left: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if argument == "--":
            left += [argument, *waiting]
        elif name in _VALUED:
            found[name] = value if equals else _value(name, next(waiting, None))
        elif argument == "--json" or (argument == "--version" and not left):
            flags.add(argument)
        else:
            left.append(argument)
            if argument in _COMMANDS_VALUED:
                left += [text for text in (next(waiting, None),) if text is not None]
    strange = [word for word in left if not _is_text(word)]
    if strange:
        raise UsageError(f"A word of the command line is no UTF-8 text: {strange[0]!a}.")
    config = found.get("--config", CONFIG_DEFAULT)
    return Switches(config, found.get("--env"), "--json" in flags, "--version" in flags), left


def _is_text(word: str) -> bool:
    """Whether it can be stored and shown: Python takes bytes that are no text along in half characters."""
    return not any("\ud800" <= one <= "\udfff" for one in word)


def _value(name: str, value: str | None) -> str:
    if value is None or value.startswith("--"):
        raise UsageError(f"{name} needs a value.")
    return value
