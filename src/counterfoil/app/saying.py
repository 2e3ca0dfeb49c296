"""What happens, said to whoever keeps a log: runs that begin and end, and what stops an entity.

Called by running. A line has its facts as fields; without a log (a command) nobody hears it. Which run and flow a task works
for is remembered for its lines, and for those of whatever it calls.
"""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from counterfoil import errors

_log: Final = logging.getLogger("counterfoil.runs")
logging.getLogger("counterfoil").addHandler(logging.NullHandler())  # else Python prints warnings that nobody listens to
_PRESENT: ContextVar[Mapping[str, Any] | None] = ContextVar("counterfoil_present", default=None)


def present() -> Mapping[str, Any]:
    """What this task works for: `run`, `flow`; empty when it works for none."""
    return _PRESENT.get() or {}


def began(run: int, command: str, flow: str | None) -> None:
    """A run began; lines of this task, and of those that it starts, are its own from here on."""
    _PRESENT.set({"run": run} | ({"flow": flow} if flow else {}))
    _log.info("run began", extra={"command": command})


def ended(run: int, counts: Mapping[str, int], problems: int, stops: Mapping[str, errors.CounterfoilError]) -> None:
    """A run ended, and with what; each entity that it had to stop at is a line of its own."""
    for entity, error in sorted(stops.items()):
        _log.warning("stopped", extra={"run": run, "entity": entity, "cause": error.code, "why": error.message})
    _log.info("run ended", extra={"run": run, "problems": problems, **{name: n for name, n in counts.items() if n}})
