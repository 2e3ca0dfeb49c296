"""What answers teach: somebody else's calls, each kind of 429, Rapid Sync, failures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.xero import budget, lessons
from counterfoil.xero.lessons import Taught
from counterfoil.xero.places import MINUTE, SECOND, App, Limits, Tenant

START = 1_000 * SECOND
HOUR = 3_600 * SECOND


class Desk:
    """One tenant and the app."""

    def __init__(self, **limits):
        self.limits, self.app, self.tenant = Limits(burst=60, minute_kept=(0,) * 5, **limits), App(), Tenant()

    def ask(self, now, call="x", rank=0):
        """What the budget says."""
        return budget.ask(self.limits, self.app, self.tenant, rank, call, now)

    def end(self, now, call="x"):
        """The call ended."""
        budget.answered(self.limits, self.app, self.tenant, call, now)

    def learn(self, now, status=200, **said):
        """An answer."""
        lessons.learn(self.limits, self.app, self.tenant, Taught(status, **said), now)


def test_a_place_that_came_back_while_the_call_ran_is_no_strangers_call():
    """The header was written before: it agrees with what was taken when the call began."""
    desk = Desk(minute=3)
    for n in range(3):
        assert desk.ask(START + n * SECOND, str(n)).retry is None
        if n < 2:
            desk.end(START + n * SECOND, str(n))
    late = START + MINUTE  # the first place comes back
    desk.learn(late, minute_left=0, call="2")
    desk.end(late, "2")
    assert desk.ask(late, "3").retry is None


def test_what_strangers_took_is_kept_from_us_once():
    """Two answers tell of the same five calls; afterwards five places less are ours, not ten."""
    desk = Desk()
    desk.ask(START, "a")
    desk.ask(START, "b")
    desk.learn(START + SECOND, minute_left=53, call="b")
    desk.learn(START + SECOND, minute_left=54, call="a")
    assert budget.used(desk.tenant, START + SECOND) == 7


def test_the_header_of_a_call_that_began_in_another_minute_says_nothing():
    """Its answer took more than a minute: what it speaks of is over."""
    desk = Desk()
    desk.ask(START, "slow")
    desk.learn(START + MINUTE, minute_left=0, app_left=0, call="slow")
    assert budget.used(desk.tenant, START + MINUTE) == 1
    assert desk.app.taken == 1


@given(
    took=st.lists(st.integers(0, 5 * SECOND), min_size=1, max_size=40),
    counted=st.floats(0, 1),
    offset=st.integers(0, MINUTE),
    rolling=st.booleans(),
)
@settings(deadline=None)
def test_alone_we_never_think_that_somebody_else_calls(took, counted, offset, rolling):
    """Whenever between start and answer Xero counted a call, fixed windows or rolling: its headers cost us no place."""
    desk, now, at_xero = Desk(minute=8), START, []
    for n, length in enumerate(took):
        while True:
            verdict = desk.ask(now, str(n))
            if verdict.retry is None:
                break
            now = verdict.retry
        counted_at = now + round(length * counted)
        since = counted_at - MINUTE if rolling else (counted_at + offset) // MINUTE * MINUTE - offset - 1
        at_xero.append(counted_at)
        left = 8 - sum(at > since for at in at_xero)
        assert left >= 0
        now += length
        desk.learn(now, minute_left=left, call=str(n))
        desk.end(now, str(n))
        assert budget.used(desk.tenant, now) <= n + 1
        assert desk.tenant.begun == n + 1


@pytest.mark.parametrize(
    ("said", "waits_s"),
    [
        ({"problem": "minute", "wait": 26 * SECOND}, 26),
        ({"problem": "minute"}, 60),
        ({"wait": 7 * SECOND}, 7),
        ({"problem": "concurrent", "pause": 2 * SECOND}, 2),
        ({"problem": "appminute"}, 60),
        ({"problem": "appminute", "wait": 9 * SECOND}, 9),
        ({"pause": 3 * SECOND}, 3),
    ],
)
def test_each_kind_of_429_stops_for_its_own_time(said, waits_s):
    """With Retry-After as long as it says, without a minute, or the jittered back-off of too many at once."""
    desk = Desk()
    desk.learn(START, 429, **said)
    assert desk.ask(START).retry == START + waits_s * SECOND
    assert desk.ask(START + waits_s * SECOND).retry is None


def test_rapid_sync_lifts_the_minute_and_the_day_and_nothing_else():
    """Five at once and the app's minute stay; when it is over the last minute's calls count."""
    desk = Desk(slots_kept=(0,) * 5)
    desk.tenant.day.left, desk.tenant.day.due = 10, 10**9
    desk.tenant.rapid = START + 1_800 * SECOND
    for n in range(300):
        assert desk.ask(START + n * SECOND // 10, str(n), rank=4).retry is None
        desk.end(START + n * SECOND // 10, str(n))
    assert desk.tenant.day.left == 10
    for n in range(5):
        assert desk.ask(START + HOUR // 4, f"at once {n}").retry is None
    assert desk.ask(START + HOUR // 4).retry is not None
    desk.tenant.calls.clear()
    over = START + 1_800 * SECOND
    for n in range(70):
        desk.tenant.rapid = over
        assert desk.ask(over - 70 * SECOND // 10 + n * SECOND // 10, str(n)).retry is None
        desk.end(over - 70 * SECOND // 10 + n * SECOND // 10, str(n))
    assert desk.ask(over).retry is not None
    assert desk.ask(over + MINUTE).retry is None


def test_a_429_of_the_minute_ends_rapid_sync():
    """The connection was not as new as we thought."""
    desk = Desk()
    desk.tenant.rapid = START + HOUR
    desk.learn(START, 429, problem="minute", wait=SECOND)
    assert not desk.tenant.rapid


def test_failures_of_one_organisation_stop_nobody_else():
    """Each tenant and API has its own breaker; refusals are no failures, and one success forgets them all."""
    desk = Desk()
    for n in range(5):
        desk.ask(START + n, str(n))
        desk.learn(START + n, 500, call=str(n))
        desk.end(START + n, str(n))
    assert desk.ask(START + 9).why == "down"
    other = Tenant()
    assert budget.ask(desk.limits, desk.app, other, 0, "y", START + 9).retry is None
    assert budget.ask(desk.limits, desk.app, desk.tenant, 0, "z", START + 9, api="files").retry is None
    later = desk.ask(START + 9).retry
    assert desk.ask(later, "probe").retry is None
    assert desk.ask(later, "second").retry > later, "one call tries"
    desk.learn(later + 1, 400, call="probe")
    desk.end(later + 1, "probe")
    assert desk.ask(later + 2, "third").retry is None
    assert not desk.tenant.breakers


def test_a_post_to_what_cannot_be_posted_is_no_failure():
    """501 is a refusal."""
    desk = Desk()
    for n in range(9):
        desk.learn(START + n, 501)
    assert desk.ask(START + 10).retry is None
