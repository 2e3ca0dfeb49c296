"""No interleaving of callers exceeds a limit of Xero's: a slow, obvious model counts every call in every window."""

import itertools
import random
from collections import defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from counterfoil.xero import budget, day, lessons, shares
from counterfoil.xero.lessons import Taught
from counterfoil.xero.places import MINUTE, SECOND, App, Limits, Tenant

START = 1_000 * SECOND


class Calls(RuleBasedStateMachine):
    """Callers of three tenants ask, are answered, die, come back late; every start and answer is written down."""

    @initialize(minute=st.integers(3, 12), slots=st.integers(1, 5), app=st.integers(5, 25), lease=st.integers(20, 200))
    def begin(self, minute, slots, app, lease):
        """Small limits, so that they matter."""
        self.limits = Limits(
            minute=minute,
            slots=slots,
            app_minute=app,
            burst=max(1, minute // 3),
            lease=lease * SECOND,
            minute_kept=(0, 0, 0, 1, 1),
            slots_kept=(0, 0, 0, 0, 1),
        )
        self.app = App()
        self.tenants = {name: Tenant() for name in "abc"}
        self.now, self.wall = START, 1_790_000_000
        self.running = []  # (tenant, id, started)
        self.dead = []
        self.log = defaultdict(list)  # tenant → [(started, answered or None)]
        self.n = 0

    @rule(tenant=st.sampled_from("abc"), rank=st.integers(0, 4), times=st.integers(1, 6))
    def asks(self, tenant, rank, times):
        """Somebody asks, some times in a row."""
        for _ in range(times):
            self.n += 1
            verdict = budget.ask(self.limits, self.app, self.tenants[tenant], rank, str(self.n), self.now, self.wall)
            if verdict.retry is None:
                self.the_lane_left_what_it_keeps(tenant, rank)
                self.running.append((tenant, str(self.n), self.now))
            else:
                assert verdict.retry > self.now

    def the_lane_left_what_it_keeps(self, tenant, rank):
        """Counted call by call: before this one, more places and slots were free than the lane leaves to those above."""
        lease, limits = self.limits.lease, self.limits
        open_calls = [at for name, _, at in (*self.running, *self.dead) if name == tenant and self.now < at + lease]
        ended = [min(end, at + lease) for at, end in self.log[tenant]]
        ended += [
            at + lease for name, _, at in (*self.running, *self.dead) if name == tenant and self.now >= at + lease
        ]
        taken = len(open_calls) + sum(self.now < end + MINUTE for end in ended)
        assert taken < max(1, limits.minute - limits.minute_kept[rank])
        assert len(open_calls) < max(1, limits.slots - limits.slots_kept[rank])

    @rule(by=st.integers(-100_000, 100_000))
    def the_wall_clock_jumps(self, by):
        """Back or forth, by up to a day and more: it has no say in this."""
        self.wall += by

    @rule(
        tenant=st.sampled_from("abc"),
        status=st.sampled_from([200, 200, 400, 429, 500, 503]),
        left=st.none() | st.integers(0, 60),
        day=st.none() | st.integers(0, 5_000),
        problem=st.sampled_from(["", "minute", "day", "concurrent", "appminute"]),
        wait=st.none() | st.integers(0, 90 * SECOND),
    )
    def something_is_learned(self, tenant, status, left, day, problem, wait):
        """True or not: it may stop us, and never lets us do more."""
        taught = Taught(
            status, minute_left=left, app_left=left, day_left=day, problem=problem, wait=wait, pause=SECOND, offline=status == 503
        )  # fmt: skip
        lessons.learn(self.limits, self.app, self.tenants[tenant], taught, self.now, self.wall)

    @rule(pick=st.randoms(use_true_random=False), took=st.integers(0, 3 * SECOND))
    def is_answered(self, pick, took):
        """One of the running calls comes back."""
        if self.running:
            self.now += took
            tenant, call, started = self.running.pop(pick.randrange(len(self.running)))
            budget.answered(self.limits, self.app, self.tenants[tenant], call, self.now)
            self.log[tenant].append((started, self.now))

    @rule(pick=st.randoms(use_true_random=False))
    def its_process_dies(self, pick):
        """Nobody will ever say how it ended."""
        if self.running:
            self.dead.append(self.running.pop(pick.randrange(len(self.running))))

    @rule(passed=st.integers(0, 90 * SECOND))
    def time_passes(self, passed):
        """Up to a minute and a half."""
        self.now += passed

    @rule()
    def the_states_are_kept_and_read_again(self):
        """Whoever takes the next turn is another process."""
        kept = msgspec.msgpack.encode(self.app)
        self.app = msgspec.msgpack.decode(kept, type=App)
        for name, tenant in self.tenants.items():
            self.tenants[name] = msgspec.msgpack.decode(msgspec.msgpack.encode(tenant), type=Tenant)

    @invariant()
    def no_minute_holds_more_than_the_limit(self):
        """Wherever between start and answer Xero counted, and wherever its window begins, also for calls that died."""
        if not hasattr(self, "limits"):
            return
        everything = []
        for name in "abc":
            # Xero has counted a call before its lease is over: no request runs longer (design §3.1).
            calls = [(started, min(ended, started + self.limits.lease)) for started, ended in self.log[name]]
            open_calls = [one for one in (*self.running, *self.dead) if one[0] == name]
            calls += [(started, min(self.now, started + self.limits.lease)) for _, _, started in open_calls]
            everything += calls
            assert most_in_a_minute(calls) <= self.limits.minute
        assert most_in_a_minute(everything) <= self.limits.app_minute

    @invariant()
    def no_more_run_at_once_than_there_are_slots(self):
        """The dead count until their lease is over: Xero may still be at work on them."""
        if not hasattr(self, "limits"):
            return
        for name in "abc":
            alive = [one for one in self.running if one[0] == name and self.now < one[2] + self.limits.lease]
            ghosts = sum(1 for t, _, started in self.dead if t == name and self.now < started + self.limits.lease)
            assert len(alive) + ghosts <= self.limits.slots


def most_in_a_minute(spans, window=MINUTE):
    """The most calls that any window can hold, whenever between start and answer each of them was counted."""
    return max((sum(start < end + window and other >= end for start, other in spans) for _, end in spans), default=0)


Calls.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCalls = Calls.TestCase


class Desk:
    """One tenant and the app, asked by hand."""

    def __init__(self, limits):
        self.limits, self.app, self.tenant = limits, App(), Tenant()

    def ask(self, rank, now, call="x"):
        """What the budget says."""
        return budget.ask(self.limits, self.app, self.tenant, rank, call, now)

    def call(self, rank, now):
        """True: it went, and was answered at once."""
        went = self.ask(rank, now, str(now)).retry is None
        if went:
            budget.answered(self.limits, self.app, self.tenant, str(now), now)
        return went


def test_a_lane_that_waits_is_not_passed_by_those_below_it():
    """Somebody at a screen gets the next place, however many of an import ask first, from whatever process."""
    desk = Desk(Limits(minute=2, burst=2, minute_kept=(0,) * 5))
    assert desk.call(4, START)
    assert desk.call(4, START + 50 * SECOND)
    assert not desk.call(1, START + MINUTE - SECOND)
    assert desk.call(4, START + MINUTE), "the import waited for ten seconds and takes its turn"
    again = START + 110 * SECOND
    assert not desk.call(1, again - SECOND)
    assert desk.call(4, again), "so it does here"
    assert not desk.call(1, START + 2 * MINUTE - SECOND)
    desk.tenant.turns[4] = START + 2 * MINUTE - SECOND
    assert not desk.call(4, START + 2 * MINUTE)
    assert desk.call(1, START + 2 * MINUTE)


def test_bulk_leaves_places_to_those_who_wait_at_a_screen():
    """Six of sixty places are theirs."""
    desk, now = Desk(Limits()), START
    while now < START + 59 * SECOND:
        desk.call(4, now)
        now += SECOND // 10
    assert 50 <= budget.used(desk.tenant, now) <= 54
    assert all(desk.call(1, now + n) for n in range(6))


@pytest.mark.parametrize(("burst", "longest"), [(20, 2), (Limits().burst, 5)])
def test_calls_are_spread_so_that_the_places_last_until_the_next_comes_back(burst, longest):
    """After the first burst nobody stands still for long, and next to all of the limit is used."""
    desk, now, starts = Desk(Limits(minute_kept=(0,) * 5, burst=burst)), START, []
    while now < START + 240 * SECOND:
        verdict = desk.ask(3, now, str(now))
        if verdict.retry is None:
            starts.append(now)
            budget.answered(desk.limits, desk.app, desk.tenant, str(now), now)
            now += 1
        else:
            now = verdict.retry
    gaps = [later - sooner for sooner, later in itertools.pairwise(starts)]
    assert max(gaps) <= longest * SECOND
    assert len([one for one in starts if one >= START + 60 * SECOND]) >= 0.97 * 180


def test_a_few_commands_in_a_row_do_not_wait():
    """Found in the demo: a person who typed three commands sat through pauses of ten seconds."""
    desk = Desk(Limits())
    assert all(desk.call(3, START + n) for n in range(40))


def test_a_call_whose_answer_never_came_keeps_its_slot_for_its_lease():
    """A killed process's call may still run at Xero."""
    desk = Desk(Limits(slots=1, slots_kept=(0,) * 5))
    assert desk.ask(0, START, "dead").retry is None
    assert desk.ask(0, START + desk.limits.lease - 1).retry is not None
    assert desk.ask(0, START + desk.limits.lease).retry is None
    assert budget.used(desk.tenant, START + desk.limits.lease) == 2


def test_the_rest_of_a_day_is_kept_for_looking():
    """An import stops while two hundred calls are left, a look may have the last; both hear when to ask again."""
    desk = Desk(Limits())
    lessons.learn(desk.limits, desk.app, desk.tenant, Taught(200, day_left=150), START)
    assert desk.call(4, START), "once it asks: the day may have begun anew"
    verdict = desk.ask(4, START + 1)
    assert (verdict.why, verdict.retry) == ("day", START + day.PROBE)
    assert desk.call(0, START + 1)


def test_equal_shares_end_when_the_apps_minute_is_no_longer_scarce():
    """Nobody is held back by a share that was reckoned in a busier time."""
    desk = Desk(Limits(minute_kept=(0,) * 5, burst=60))
    desk.app.level, desk.app.level_at = 2, START
    assert [desk.call(1, START + n) for n in range(3)] == [True, True, False]
    assert desk.call(1, START + budget.LEVEL_LIFE)


@given(demands=st.lists(st.integers(0, 60), max_size=300), app=st.integers(300, 12_000))
def test_tenants_share_a_scarce_app_limit_equally(demands, app):
    """All together stay within the app's limit, and nobody could have one more without somebody having one less."""
    level = shares.level(Limits(app_minute=app), demands)
    taken = [min(one, level) if level else one for one in demands]
    assert sum(taken) <= app
    if level:
        assert sum(demands) > app
        assert sum(min(one, level + 1) for one in demands) > app


@pytest.mark.parametrize("seed", range(3))
def test_all_tenants_get_nearly_the_same_under_the_apps_limit(seed):
    """Slowest to fastest at least nine tenths, when all want sixty a minute and the app has less."""
    dice = random.Random(seed)
    limits, app = Limits(app_minute=1_000), App()
    tenants = [Tenant() for _ in range(40)]
    counts = [0] * len(tenants)
    now, n = START, 0
    while now < START + 300 * SECOND:
        now += SECOND // 2
        for k in dice.sample(range(len(tenants)), len(tenants)):
            n += 1
            while budget.ask(limits, app, tenants[k], 1, str(n), now).retry is None:
                budget.answered(limits, app, tenants[k], str(n), now)
                counts[k] += now >= START + 120 * SECOND
                n += 1
        if app.taken > 0.8 * limits.app_minute:
            app.level = shares.level(limits, [shares.demand(limits, tenant, now) for tenant in tenants])
            app.level_at = now
    assert min(counts) / max(counts) >= 0.9
    assert sum(counts) / 3 >= 0.95 * limits.app_minute
