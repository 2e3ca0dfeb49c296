"""What is said of copies in which somebody is erased. Called by privacy."""

from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil.cli import table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.privacy.in_copies import Treated

OFF_SITE = "Copies elsewhere still hold the text: bring one here and run `counterfoil privacy erase --backup FILE`."
NONE = "There is no copy there."


def show(screen: Screen, found: "list[Treated]", *, is_plan: bool) -> None:
    """A line for each copy, those that were left alone last, with the reason."""
    done = "to be erased in" if is_plan else "erased in"
    words = {"erased": done, "clean": "needs nothing", "left": "LEFT ALONE"}
    for one in sorted(found, key=lambda each: (each.state == "left", each.file)):
        rows = f", {table.count(sum(one.rows.values()), 'row')}" if one.rows else ""
        why = f": {table.harmless(one.reason)}" if one.reason else ""
        screen.line(f"{words[one.state]:>15}  {table.harmless(one.file)}{rows}{why}")
    if not found:
        screen.line(NONE)
    if not is_plan:
        screen.line(OFF_SITE)


def needs_a_person(found: "list[Treated]") -> bool:
    """Whether there is a copy that still holds what it held."""
    return any(one.reason is not None for one in found)


def value(found: "list[Treated] | None") -> Any:
    """For --json; None: copies were not asked for."""
    return None if found is None else msgspec.to_builtins(found)
