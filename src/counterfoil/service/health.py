"""What the service is told about the runtime that it stands beside.

Called by readiness and metrics. Whoever runs the work (app/serving) gives one on request; nothing here knows how it runs.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Protocol


class Schedule(Protocol):
    """When a flow last began by its schedule, and when it is to begin next; None: never yet, and not any more."""

    @property
    def flow(self) -> str:
        """The flow's table."""
        ...

    @property
    def last(self) -> datetime.datetime | None:
        """Its last start."""
        ...

    @property
    def next(self) -> datetime.datetime | None:
        """Its next one; in the past when it is late."""
        ...


class Health(Protocol):
    """The state of a runtime at one instant."""

    @property
    def started(self) -> datetime.datetime:
        """Since when it runs."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it carries out work: not while it begins or ends."""
        ...

    @property
    def in_flight(self) -> int:
        """How many pieces of work run now."""
        ...

    @property
    def sweeps(self) -> Mapping[str, datetime.datetime]:
        """When each kind of work was last looked for in the tables."""
        ...

    @property
    def failures(self) -> Mapping[str, int]:
        """How often each piece of work that fails has failed in a row, by "kind:key"."""
        ...

    @property
    def schedules(self) -> Sequence[Schedule]:
        """Of every flow that has one."""
        ...
