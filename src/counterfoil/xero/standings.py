"""Where an organisation's limits stand, as values: for people and meters.

Called by pacing, read by app/budgets. Pure.
"""

import datetime

import msgspec


class Wait(msgspec.Struct, frozen=True):
    """Why calls wait. `api`: "" for all of an organisation's."""

    api: str
    why: str
    until: datetime.datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's limits now; None: nobody knows (yet)."""

    minute_used: int
    minute_limit: int
    slots_used: int
    slots_limit: int
    day_left: int | None
    day_limit: int
    day_resets_at: datetime.datetime | None
    day_runs_out_at: datetime.datetime | None
    rapid_until: datetime.datetime | None = None
    waits: tuple[Wait, ...] = ()
