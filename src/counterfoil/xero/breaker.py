"""The circuit breaker of one organisation's one API: after failures in a row nobody asks for a while, then one call tries. Pure.

Called by budget, inside its transaction, so that all processes share it. Instants are microseconds of the shared clock.
"The Organisation is offline" opens it at once for five minutes, as Xero advises (facts §3.2); other 5xx after TRIPS_AT in a row, for
longer each time. Whoever comes first after that makes the one call that tries; its answer closes the breaker or opens it anew.
"""

from typing import Final

import msgspec

SECOND: Final = 1_000_000
TRIPS_AT: Final = 5  # failures in a row; a single GET is repeated twice before it is given up
OFFLINE: Final = 300 * SECOND  # and the longest pause after other failures
STEPS: Final = 15  # the first pause after other failures is a part of the longest: 20 s
STALE: Final = 600 * SECOND  # a failure so long ago is not in a row with one of now


class Breaker(msgspec.Struct, array_like=True):
    """`until` 0: closed. `offline`: Xero said so. `probe`: the call that tries counts until then; 0: none does."""

    failures: int = 0
    until: int = 0
    offline: bool = False
    probe: int = 0
    trips: int = 0
    failed: int = 0  # when the newest failure was heard


def waits(breaker: Breaker, now: int) -> int | None:
    """Until when nobody asks; None: calls go, or one may try."""
    if breaker.until > now:
        return breaker.until
    return breaker.probe if breaker.until and breaker.probe > now else None


def began(breaker: Breaker, now: int, lease: int) -> None:
    """A call began: if the breaker is to be tried, it is the one that tries, for its lease at most."""
    if breaker.until and breaker.until <= now:
        breaker.probe = now + lease


def succeeded(breaker: Breaker) -> None:
    """An answer that is none of these failures, a refusal too: the API is at work."""
    breaker.failures = breaker.until = breaker.probe = breaker.trips = breaker.failed = 0
    breaker.offline = False


def unanswered(breaker: Breaker) -> None:
    """The call that tried ended and nobody knows how: the next one tries."""
    breaker.probe = 0


def failed(
    breaker: Breaker, now: int, *, offline: bool, jitter: float, wait: int | None = None, longest: int = OFFLINE
) -> None:
    """A 5xx. `jitter`: 0 to 1, spreads those that come back; `wait`: what Xero asked for; `longest`: a pause."""
    in_a_row = now - breaker.failed < STALE
    breaker.failures = breaker.failures + 1 if in_a_row else 1
    breaker.failed = now
    tried = breaker.until != 0 and breaker.until <= now
    if breaker.until > now and not offline:
        return  # a call that began before it opened
    if not (offline or tried or breaker.failures >= TRIPS_AT):
        return
    length = longest if offline else min(longest, longest // STEPS * 2 ** min(breaker.trips, 10))
    length = max(length, min(wait or 0, longest))
    breaker.until = max(breaker.until, now + length + round(length * jitter / 10))
    breaker.offline = offline
    breaker.probe = 0
    breaker.trips += 1
