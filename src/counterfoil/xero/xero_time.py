"""Xero's own time, as its answers' Date headers tell it: this machine's clock may be wrong by minutes.

Called by transport (which lets it learn) and access/tokens (a token expires by Xero's clock, not by ours). Once an answer
has come, time is counted on a clock that never jumps, so that a wall clock set right or wrong meanwhile changes nothing.
Date has whole seconds (RFC 9110 §6.6.1); with the way there and back the result is good to a second or two.
"""

import datetime
import email.utils
from typing import Final

from counterfoil.model.ports import Clock

ROUND_TRIP_MAX_S: Final = 10.0  # of an answer that tells the time well enough
HALF_S: Final = 0.5  # Date is cut to the second: on average so much is missing


class XeroTime:
    """The time at Xero; this machine's until the first answer. `offset_s`: how far ours is behind; None: not known yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: tuple[datetime.datetime, float] | None = None  # Xero's time, and elapsed_s at that instant

    def now(self) -> datetime.datetime:
        """The present instant at Xero, aware, in UTC."""
        return self.at(self._clock.elapsed_s())

    def at(self, elapsed_s: float) -> datetime.datetime:
        """Xero's time at an instant of Clock.elapsed_s()."""
        if self._known is None:
            return self._clock.now() - datetime.timedelta(seconds=self._clock.elapsed_s() - elapsed_s)
        time, then_s = self._known
        return time + datetime.timedelta(seconds=elapsed_s - then_s)

    @property
    def offset_s(self) -> float | None:
        """Seconds to add to this machine's clock to have Xero's time; None before the first answer."""
        return None if self._known is None else (self.now() - self._clock.now()).total_seconds()

    def learn(self, date: str | None, sent_s: float, came_s: float) -> None:
        """Take an answer's Date header; a slow answer, or one without it, teaches nothing."""
        if date is None or came_s - sent_s > ROUND_TRIP_MAX_S:
            return
        try:
            told = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return
        if told.tzinfo is not None:
            when = told.astimezone(datetime.UTC) + datetime.timedelta(seconds=HALF_S)
            self._known = (when, (sent_s + came_s) / 2)
