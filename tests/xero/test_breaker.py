"""The breaker against a slow, obvious model: a list of everything that happened."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from counterfoil.xero import breaker
from counterfoil.xero.breaker import OFFLINE, SECOND, STEPS, TRIPS_AT, Breaker

LEASE = 60 * SECOND


class Model:
    """What happened, in order; every question is answered by reading all of it."""

    def __init__(self):
        self.events = []  # (instant, "ok" | "failed" | "offline")
        self.opened = []  # (instant, until) since the newest success
        self.trying = None  # (since, until)

    def is_open(self, now):
        """Whether nobody may ask."""
        return bool(self.opened) and now < max(until for _, until in self.opened)

    def may_try(self, now):
        """Open for long enough, and nobody tries."""
        return bool(self.opened) and not self.is_open(now) and not (self.trying and now < self.trying[1])

    def row(self, now):
        """Failures in a row, none of them followed by a success or by ten quiet minutes."""
        found, at = 0, now
        for when, what in reversed(self.events):
            if what == "ok" or at - when >= breaker.STALE:
                break
            found, at = found + 1, when
        return found


class Life(RuleBasedStateMachine):
    """Calls of any processes to one API, which fails as it likes."""

    def __init__(self):
        super().__init__()
        self.real, self.model, self.now = Breaker(), Model(), 1_000 * SECOND
        self.running = []  # ids of the calls in flight: True for the one that tries

    @rule(passed=st.integers(0, 400 * SECOND))
    def time_passes(self, passed):
        """Up to some minutes."""
        self.now += passed

    @rule(times=st.integers(1, 8))
    def calls_begin(self, times):
        """All that may."""
        for _ in range(times):
            free = not self.model.opened
            one = self.model.may_try(self.now)
            assert (free or one) == (breaker.waits(self.real, self.now) is None)
            if not (free or one):
                return
            breaker.began(self.real, self.now, LEASE)
            if one:
                self.model.trying = (self.now, self.now + LEASE)
            self.running.append(one)

    @rule(what=st.sampled_from(["ok", "failed", "failed", "failed", "offline"]), jitter=st.floats(0, 1))
    def one_is_answered(self, what, jitter):
        """The oldest."""
        if not self.running:
            return
        self.running.pop(0)
        if what == "ok":
            breaker.succeeded(self.real)
            self.model.opened, self.model.trying = [], None
        else:
            was_open, tried = self.model.is_open(self.now), bool(self.model.opened)
            breaker.failed(self.real, self.now, offline=what == "offline", jitter=jitter)
            row = self.model.row(self.now) + 1
            if what == "offline" or (not was_open and (tried or row >= TRIPS_AT)):
                length = OFFLINE if what == "offline" else min(OFFLINE, OFFLINE // STEPS * 2 ** len(self.model.opened))
                self.model.opened.append((self.now, self.now + length + round(length * jitter / 10)))
                self.model.trying = None
        self.model.events.append((self.now, what))

    @rule()
    def one_is_lost(self):
        """It ended, and nobody knows how."""
        if self.running:
            self.running.pop(0)
            breaker.unanswered(self.real)
            self.model.trying = None

    @invariant()
    def both_wait_for_the_same(self):
        """Whoever asks hears what the model says, and until when."""
        open_until = max((until for _, until in self.model.opened), default=None)
        expected = None
        if self.model.is_open(self.now):
            expected = open_until
        elif self.model.opened and not self.model.may_try(self.now):
            expected = self.model.trying[1]
        assert expected == breaker.waits(self.real, self.now)

    @invariant()
    def nobody_waits_for_ever(self):
        """Five minutes, and the tenth that spreads those who come back."""
        until = breaker.waits(self.real, self.now)
        assert until is None or until - self.now <= OFFLINE * 1.1


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase


def test_an_offline_organisation_is_left_alone_for_five_minutes():
    """One answer is enough, and what comes back is spread."""
    one, other = Breaker(), Breaker()
    breaker.failed(one, SECOND, offline=True, jitter=0.0)
    breaker.failed(other, SECOND, offline=True, jitter=1.0)
    assert breaker.waits(one, SECOND) == 301 * SECOND
    assert breaker.waits(other, SECOND) == 331 * SECOND
    assert breaker.waits(one, 301 * SECOND) is None


def test_retry_after_of_a_503_is_kept_up_to_five_minutes():
    """Xero may ask for longer than our first pause."""
    one = Breaker()
    for n in range(TRIPS_AT):
        breaker.failed(one, n, offline=False, jitter=0.0, wait=60 * SECOND)
    assert breaker.waits(one, SECOND) == TRIPS_AT - 1 + 60 * SECOND
