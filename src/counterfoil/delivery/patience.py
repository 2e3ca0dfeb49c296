"""How long a change waits that did not arrive, and when it is given up: decisions as values. Pure.

Called by carrying. The pauses are Standard Webhooks': eight tries over 28 hours, each pause a little longer by chance, so that what
failed together does not come back together.
"""

import datetime
from typing import Final

S: Final = 1
MINUTE: Final = 60
HOUR: Final = 3_600
PAUSES_S: Final = (5 * S, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR)
TRIES_MAX: Final = len(PAUSES_S) + 1
LIFE: Final = datetime.timedelta(
    hours=28
)  # of a change whose target is down all the while, however often it was its turn
JITTER: Final = 0.05  # of a pause, added at most
RETRY_AFTER_MAX_S: Final = 6 * HOUR  # what a target asks for beyond this is not believed
RESTS_S: Final = (
    5 * S,
    30 * S,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
)  # of a whole feed whose target is down; then the last


def pause(tries: int, chance: float, retry_after_s: float | None = None) -> datetime.timedelta | None:
    """How long a change waits that failed for the `tries`-th time; None: it is a dead letter. `chance`: from 0 to 1.

    At least as long as its target asked for, within RETRY_AFTER_MAX_S.
    """
    if tries >= TRIES_MAX:
        return None
    seconds = PAUSES_S[tries - 1] * (1 + JITTER * chance)
    return datetime.timedelta(seconds=max(seconds, _asked(retry_after_s)))


def rest(failures: int, retry_after_s: float | None = None) -> datetime.timedelta:
    """How long nothing is tried at a target that was down `failures` times in a row (from 1)."""
    seconds = RESTS_S[min(failures, len(RESTS_S)) - 1]
    return datetime.timedelta(seconds=max(seconds, _asked(retry_after_s)))


def _asked(retry_after_s: float | None) -> float:
    return min(retry_after_s or 0.0, RETRY_AFTER_MAX_S)
