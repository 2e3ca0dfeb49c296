"""Waits that are too long to sit out, as errors that say until when.

Called by pacing. Pure.
"""

import datetime
from typing import Final

from counterfoil import errors
from counterfoil.runtime.windows import Window

LATER: Final = "Run the same command again then: nothing is lost, and what is planned is kept."


def too_long(why: str, left_s: float) -> errors.RunAgain:
    """The error of a wait that nobody sits out."""
    if why == "day":
        return errors.RateLimited("day", retry_after_s=left_s)
    if why == "offline":
        return errors.OrganisationOffline(
            f"Xero took this organisation offline; it is asked again in {errors.span(left_s)}.",
            remedy=LATER,
            sent=False,
            retry_after_s=left_s,
        )
    return errors.XeroUnavailable(
        f"Xero failed several times in a row; it is asked again in {errors.span(left_s)}.",
        remedy=LATER,
        sent=False,
        retry_after_s=left_s,
    )


def check_hours(window: Window | None, now: datetime.datetime) -> None:
    """Raises WindowClosed outside an organisation's hours for bulk work; None: there are none, it may always."""
    if window is not None and not window.is_open(now):
        opens = window.opens_at(now)
        raise errors.WindowClosed(
            f"The hours for bulk work in this organisation begin at {opens:%Y-%m-%d %H:%M} UTC.",
            remedy="Run the same command again then: nothing is lost. The hours are `bulk_window` in [pacing].",
            until=opens,
            retry_after_s=(opens - now).total_seconds(),
        )
