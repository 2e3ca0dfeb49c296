"""The lines of `status` about Xero's limits: the day of each organisation, when it runs out, and what waits and until when.

Called by cli/status.
"""

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING

from counterfoil.cli import table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.budgets import TenantBudget


def show(screen: Screen, budgets: "Sequence[TenantBudget]") -> None:
    """One line for each organisation that was called lately, and one for each thing that waits."""
    for one in budgets:
        if one.day_left is not None or one.minute_used:
            screen.line(f"Xero's limits of {one.entity}: {_used(one)}")
        if one.without_hours:
            screen.line(
                f"Bulk work of {one.entity} keeps to no hours: its time zone is not known. "
                f'Write timezone = "Europe/London", or the like, into [entities.{one.entity}].'
            )
        for wait in one.waits:
            of_api = f" ({wait.api})" if wait.api else ""
            screen.line(f"Calls for {one.entity}{of_api} wait until {_time(wait.until)}: {table.harmless(wait.why)}.")


def _used(one: "TenantBudget") -> str:
    said = [f"{one.minute_used} of {one.minute_limit} this minute", f"{one.slots_used} of {one.slots_limit} at once"]
    if one.day_left is not None:
        new = f", anew by {_time(one.day_resets_at)}" if one.day_resets_at else ""
        said.append(f"{one.day_left:,} of {one.day_limit:,} left today{new}")
    if one.rapid_until is not None:
        said.append(f"Rapid Sync until {_time(one.rapid_until)}")
    if one.day_runs_out_at is not None and one.day_left:
        said.append(f"at this pace used up at {_time(one.day_runs_out_at)}")
    return "; ".join(said) + "."


def _time(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
