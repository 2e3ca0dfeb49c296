"""Which readings of the unknown are played now: those the sandbox was started with, or what a control has set since.

Called by everything that behaves one way or another; a state file keeps what was set.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from counterfoil.sandbox.options import Options
from counterfoil.sandbox.tables import Table
from counterfoil.sandbox.unknowns.catalogue import ALL, Unknown

_BY_NAME: Final = {unknown.name: unknown for unknown in ALL}
_KEY: Final = "unknowns"


class Unknowns:
    """The choices of one world. `table`: where what was set is kept; without one nothing can be set."""

    def __init__(self, options: Options, table: Table | None = None) -> None:
        self._start = {unknown.name: _started(unknown, options) for unknown in ALL}
        self._table = table

    def plays(self, name: str, choice: str) -> bool:
        """Whether this reading is the one that is played. Raises KeyError for a reading that the catalogue lacks."""
        if choice not in _BY_NAME[name].choices:
            raise KeyError(choice)
        return self.chosen(name) == choice

    def chosen(self, name: str) -> str:
        """The reading that is played."""
        was_set = None if self._table is None else self._table.get(_KEY)
        if was_set is not None and name in was_set:
            return str(was_set[name])
        return self._start[name]

    @property
    def broad_scopes_end(self) -> date:
        """The day from which broad scopes are dead: also one that only the command line named."""
        return date.fromisoformat(self.chosen("broad-scopes-end"))

    def choose(self, given: Mapping[str, Any]) -> None:
        """Play these readings; null: what it was started with. Raises ValueError, and then nothing is changed."""
        for name, choice in given.items():
            if name not in _BY_NAME:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(_BY_NAME)}")
            if choice is not None and (not isinstance(choice, str) or choice not in _BY_NAME[name].choices):
                raise ValueError(f"{name} is one of {', '.join(_BY_NAME[name].choices)}")
        if self._table is not None:
            before = self._table.get(_KEY) or {}
            self._table.put(_KEY, {key: value for key, value in {**before, **given}.items() if value is not None})

    def listed(self) -> list[dict[str, Any]]:
        """Every switch: what is not known, where the facts say so, its readings, the safer one and the one played."""
        return [
            {
                "name": unknown.name,
                "unknown": unknown.what,
                "facts": unknown.facts,
                "choices": dict(unknown.choices),
                "safer": unknown.safer,
                "chosen": self.chosen(unknown.name),
                "option": f"--{unknown.option.replace('_', '-')}" if unknown.option else None,
            }
            for unknown in ALL
        ]


def _started(unknown: Unknown, options: Options) -> str:
    if not unknown.option:
        return unknown.safer
    value = getattr(options, unknown.option)
    if isinstance(value, date):
        return value.isoformat()
    return next(choice for choice, stands_for in unknown.values.items() if stands_for == value)
