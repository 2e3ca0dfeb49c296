"""One organisation's calls of a day: what is left, when it begins anew, how long it lasts, who has to slow down. Pure.

Called by budget, inside its transaction. Xero's day has 1,000 calls on Starter and 5,000 on other tiers and begins anew at a moment
of each organisation's own (facts §2.1): seen when the remainder rises, or said by a 429's Retry-After. That moment is kept on the
wall clock (`wall`, whole seconds), which goes on while the machine is off; everything else on the shared clock (`now`, microseconds),
which never jumps. A wall clock that is wrong costs a call or a wait, never a limit: headers set it right.
"""

import math
from typing import Final

import msgspec

SECOND: Final = 1_000_000
DAY_S: Final = 86_400
HOUR_S: Final = 3_600
PROBE: Final = 900 * SECOND  # how often a lane that may not touch the rest asks all the same, to hear what is left
PROBE_PHASED: Final = 4 * PROBE  # the same when the moment at which the day begins anew is known
RISE: Final = 0.02  # of a day's calls: a remainder that rises by more is a new day
RISE_MIN: Final = (
    5  # one that rises by more than this to nearly all of a day's calls is one too; anything else corrects us
)
SPARE: Final = 0.3  # of a day's calls: while a lower lane has more than this to itself it need not slow down
PATIENCE: Final = (
    90 * SECOND
)  # a lane that has to slow down waits so long for its turn; longer is told as a used-up day
LOWER: Final = 3  # lanes from this one on (sync, bulk) slow down for those above
SEEN_MIN_S: Final = (600.0, 6.0 * HOUR_S)  # the shortest time over which a pace of an hour, of a day, is reckoned
SPANS_S: Final = (float(HOUR_S), float(DAY_S))


class Pace(msgspec.Struct, array_like=True):
    """Calls begun, older ones counting less and less: over an hour and over a day, for the lanes above LOWER, sync, bulk."""

    calls: list[list[float]] = msgspec.field(default_factory=lambda: [[0.0] * 3, [0.0] * 3])
    seen_s: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])  # over how long, fading in the same way
    at: int = 0


class Day(msgspec.Struct, array_like=True):
    """`left` None: nobody has told us since it began anew. It does so between `low` and `due`, and every 24 hours from there."""

    left: int | None = None
    heard: int = 0  # when it was told
    since: int = 0  # when this day was first heard of: what began before tells of another day
    heard_wall: int = 0
    low: int = 0  # 0: only that it is over by `due` is known
    due: int = 0  # 0: not even that
    blocked: int = 0  # used up until then
    probe: int = 0
    pace: Pace = msgspec.field(default_factory=Pace)


def is_phased(day: Day) -> bool:
    """Whether the moment at which it begins anew is known to the hour."""
    return day.low > 0 and day.due - day.low <= HOUR_S


def settle(day: Day, now: int, wall: int) -> None:
    """Begin a new day when its time has come, on either clock."""
    if day.heard_wall > wall:  # the wall clock was put back
        day.heard_wall = wall
        day.due = min(day.due, wall + DAY_S)
        day.low = min(day.low, day.due)
    is_over = 0 < day.due <= wall or 0 < day.blocked <= now
    if not is_over:
        return
    day.left, day.blocked, day.probe, day.since = None, 0, 0, now
    if 0 < day.due <= wall:
        _move_on(day, wall)


def used(day: Day, rank: int, now: int) -> None:
    """A call of lane `rank` began."""
    if day.left is not None:
        day.left = max(0, day.left - 1)
    _fade(day.pace, now)
    for calls in day.pace.calls:
        calls[_group(rank)] += 1


def told(day: Day, left: int, others: int, most: int, began: int, now: int, wall: int) -> None:
    """An answer's header, of a call that began at `began`; `others` run that Xero may not have counted yet."""
    if began < day.since:
        return
    ours, risen = max(0, left - others), False
    if day.left is not None:
        rise = left - day.left
        risen = rise > RISE * most or (rise > RISE_MIN and left > (1 - RISE) * most)
        if not risen and began < day.heard:
            ours = min(ours, day.left)  # answers overtake one another
    if risen:
        _learn_phase(day, day.heard_wall, wall)
        day.since, day.blocked, day.probe = began, 0, 0
    day.left, day.heard, day.heard_wall = ours, now, wall
    if not day.due:
        day.due = wall + DAY_S
    if left == 0:
        day.blocked = now + min(PROBE_PHASED if is_phased(day) else PROBE, max(SECOND, (day.due - wall) * SECOND))


def used_up(day: Day, wait: int | None, now: int, wall: int) -> None:
    """A 429 for the day; `wait`: its Retry-After."""
    day.left, day.heard, day.heard_wall = 0, now, wall
    if wait is None:
        day.blocked = now + PROBE
        return
    day.blocked = now + wait
    day.due = wall + -(-wait // SECOND)
    day.low = day.due - 1


class Held(msgspec.Struct, frozen=True):
    """A lane has to wait until `until`. `told`: so long that the caller is told, instead of waiting."""

    until: int
    told: bool


def held(day: Day, rank: int, kept: int, most: int, last: int, now: int, wall: int) -> Held | None:
    """Whether lane `rank` has to wait for the day; None: it may go. `last`: its newest start; `kept`: what it leaves.

    Call after `settle`. A lane that may not touch the rest asks now and then all the same.
    """
    if day.blocked > now:
        return Held(min(day.blocked, now + max(1, day.due - wall) * SECOND) if day.due else day.blocked, told=True)
    if day.left is None:
        return None
    rest = day.left - kept
    if rest <= 0:
        if day.probe <= now:
            day.probe = now + (PROBE_PHASED if is_phased(day) else PROBE)
            return None
        return Held(now + max(1, day.due - wall) * SECOND if is_phased(day) else day.probe, told=True)
    if rank < LOWER:
        return None
    until = last + spacing(day, rank, rest, most, now, wall)
    return Held(until, until - now > PATIENCE) if until > now else None


def spacing(day: Day, rank: int, rest: int, most: int, now: int, wall: int) -> int:
    """Microseconds between two calls of a lower lane, so that what the lanes above will need is left to them.

    Nothing while there is plenty; then more and more; what is its own is spread over the time until the day begins anew.
    """
    left_s = time_left_s(day, wall)
    own = rest - expected(day.pace, _group(rank), left_s, now)
    spare = SPARE * most
    if own >= spare:
        return 0
    if own < 1:
        return PROBE
    return min(PROBE, round(left_s / own * (1 - own / spare) * SECOND))


def time_left_s(day: Day, wall: int) -> int:
    """Until the day begins anew at the latest."""
    return max(1, day.due - wall) if day.due else DAY_S


def expected(pace: Pace, groups: int, ahead_s: float, now: int) -> float:
    """Calls that the first `groups` groups of lanes will make: as in the last hour for an hour, then as in the last day."""
    hour, day = rates(pace, now)
    first_s = min(ahead_s, float(HOUR_S))
    return sum(hour[:groups]) * first_s + sum(day[:groups]) * (ahead_s - first_s)


def rates(pace: Pace, now: int) -> tuple[list[float], list[float]]:
    """Calls a second of each group, over the last hour and over the last day."""
    faded = msgspec.structs.replace(pace, calls=[list(one) for one in pace.calls], seen_s=list(pace.seen_s))
    _fade(faded, now)
    hour, day = (
        [calls / max(seen_s, least_s) for calls in each]
        for each, seen_s, least_s in zip(faded.calls, faded.seen_s, SEEN_MIN_S, strict=True)
    )
    return hour, day


def runs_out_in_s(day: Day, now: int, wall: int) -> int | None:
    """Seconds until the day is used up at the pace of all lanes; None: it lasts, or nobody knows."""
    if day.left is None:
        return None
    if day.left == 0:
        return 0
    hour, whole = (sum(one) for one in rates(day.pace, now))
    in_first = hour * HOUR_S
    if in_first >= day.left:
        seconds = day.left / hour
    elif whole > 0:
        seconds = HOUR_S + (day.left - in_first) / whole
    else:
        return None
    return math.ceil(seconds) if seconds < time_left_s(day, wall) else None


def _group(rank: int) -> int:
    return max(0, rank - LOWER + 1)


def _fade(pace: Pace, now: int) -> None:
    """Let time pass: what was counted counts less."""
    if not pace.at:
        pace.at = now
    passed_s = max(0, now - pace.at) / SECOND
    if passed_s <= 0:
        return
    for n, span_s in enumerate(SPANS_S):
        kept = math.exp(-passed_s / span_s)
        pace.calls[n] = [one * kept for one in pace.calls[n]]
        pace.seen_s[n] = pace.seen_s[n] * kept + span_s * (1 - kept)
    pace.at = now


def _learn_phase(day: Day, after: int, by: int) -> None:
    """A new day began after `after` and by `by`: keep what agrees with what is known, else take this."""
    if day.low:
        back = -((day.due - by) // DAY_S) * DAY_S  # whole days, so that both speak of the same new day
        for shift in (back, back - DAY_S):
            low, due = max(day.low + shift, after), min(day.due + shift, by)
            if low < due:
                day.low, day.due = low, due
                _move_on(day, by)
                return
    day.low, day.due = max(after, by - DAY_S), by
    _move_on(day, by)


def _move_on(day: Day, wall: int) -> None:
    """To the next time at which it begins anew."""
    if not day.low:
        day.due = 0
        return
    days = (wall - day.due) // DAY_S + 1
    day.due += days * DAY_S
    day.low += days * DAY_S
