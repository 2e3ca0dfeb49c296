"""Texts, paths and flags of a command line are taken as they are, without the library that Typer fetches for that.

Called by entry for every command. Typer turns even a text into a text by way of pydantic: 0.3 s of every command. Whole
numbers, choices and lists still go its way, with its messages. It keeps its own way in a private attribute; should a
newer Typer have another, nothing breaks, commands only start later again (tests/cli watches it).
"""

from pathlib import Path
from typing import Any

import typer
from typer._coercion import RuntimeParam

AS_THEY_ARE = (str, Path, bool)  # none of our commands asks more of a path than to be one


class _AsItIs(RuntimeParam):
    """The value, made what the command's function asks for."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - Typer's signature
        return self.annotation(value)


def take(command: Any) -> None:
    """Let a command, and the commands inside it, take their words so; `--help` is one of its options too."""
    for parameter in (*command.params, command.get_help_option(typer.Context(command))):
        kind = parameter.type_descriptor.annotation
        if kind in AS_THEY_ARE and parameter.nargs == 1 and not parameter.multiple:
            parameter._runtime_param = _AsItIs(parameter_info=parameter.type_descriptor.parameter_info, annotation=kind)  # noqa: SLF001 - see above
    for inner in getattr(command, "commands", {}).values():
        take(inner)
