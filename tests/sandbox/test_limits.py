"""The four limits with a clock that only tests move."""

import pytest

from counterfoil.sandbox.answers import Refusal
from counterfoil.sandbox.limits import APP_MINUTE_MAX, Limits
from counterfoil.sandbox.options import Options


class StoppedClock:
    """A clock that only tests move."""

    def __init__(self):
        self.now_s = 1_800_000_000.0

    def seconds(self):
        """The time it was set to."""
        return self.now_s


def refused(limits, tenant="t1"):
    with pytest.raises(Refusal) as caught:
        limits.enter("app", tenant)
    return caught.value.answer


def test_a_sixth_call_in_progress_is_refused_without_retry_after():
    """Five calls may run at once; the sixth is an empty 429 concurrent and uses nothing up; a free slot lets it in."""
    limits = Limits(Options(), StoppedClock())
    for _ in range(5):
        limits.enter("app", "t1")
    answer = refused(limits)
    assert (answer.status, answer.body) == (429, b"")
    assert answer.headers["X-Rate-Limit-Problem"] == "concurrent"
    assert "Retry-After" not in answer.headers
    limits.leave("app", "t1")
    assert limits.enter("app", "t1")["X-MinLimit-Remaining"] == "54"


@pytest.mark.parametrize("rolling", [False, True])
def test_retry_after_is_long_enough_and_not_longer_than_the_window(rolling):
    """Waiting Retry-After always lets the next call in, whether windows are fixed or roll."""
    clock = StoppedClock()
    limits = Limits(Options(rolling_limits=rolling), clock)
    clock.now_s += 61
    for _ in range(60):
        limits.enter("app", "t1")
        limits.leave("app", "t1")
    wait_s = int(refused(limits).headers["Retry-After"])
    assert 1 <= wait_s <= 60
    clock.now_s += wait_s
    limits.enter("app", "t1")


def test_tenants_have_windows_of_their_own_that_begin_at_different_moments():
    """A full tenant leaves the others alone, and fixed windows do not all begin at the clock's minute."""
    clock = StoppedClock()
    limits = Limits(Options(), clock)
    waits = set()
    for number in range(8):
        tenant = f"t{number}"
        for _ in range(60):
            limits.enter("app", tenant)
            limits.leave("app", tenant)
        waits.add(refused(limits, tenant).headers["Retry-After"])
    assert len(waits) > 3


def test_an_app_has_ten_thousand_calls_a_minute_over_all_tenants():
    """The app's own minute is refused as appminute, without Retry-After."""
    limits = Limits(Options(), StoppedClock())
    for number in range(APP_MINUTE_MAX):
        tenant = f"t{number % 200}"
        limits.enter("app", tenant)
        limits.leave("app", tenant)
    answer = refused(limits, "fresh")
    assert answer.headers["X-Rate-Limit-Problem"] == "appminute"
    assert "Retry-After" not in answer.headers


def test_usage_says_what_is_left_and_in_progress():
    """For each app and tenant that called."""
    limits = Limits(Options(tier="starter"), StoppedClock())
    limits.enter("app", "t1")
    assert limits.usage() == [
        {
            "client_id": "app", "tenant_id": "t1", "minute_left": 59, "minute_max": 60, "day_left": 999, "day_max": 1000,
            "in_flight": 1,
        }
    ]  # fmt: skip


def test_without_limits_there_are_no_headers():
    """--no-limits counts nothing and says nothing."""
    limits = Limits(Options(no_limits=True), StoppedClock())
    assert [limits.enter("app", "t1") for _ in range(100)] == [{}] * 100
