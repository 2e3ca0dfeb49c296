import datetime

from counterfoil.runtime.clock import SystemClock


def test_now_is_aware_utc():
    """Instants are aware, in UTC."""
    now = SystemClock().now()
    assert now.utcoffset() == datetime.timedelta(0)
    assert abs(now - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=1)


async def test_elapsed_never_goes_back():
    """Each look is as late as the one before, and a sleep of nothing or less returns."""
    clock = SystemClock()
    first = clock.elapsed_s()
    await clock.sleep(-1)
    assert first <= clock.elapsed_s()
