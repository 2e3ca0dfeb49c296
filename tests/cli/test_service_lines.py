"""What `status` says of the service: how far a source is read, and how an import stands."""

import datetime

from counterfoil.app.progress import Progress
from counterfoil.app.serving.health import Read
from counterfoil.cli import service_lines

AT = datetime.datetime(2026, 11, 2, 9, 30, tzinfo=datetime.UTC)


def test_how_far_a_source_is_read():
    """Records and a percentage; after a restart, how many were planned before it; of no known size no percentage."""
    whole = "shop is being read since 09:30:00 UTC: 45,300 records planned"
    said = service_lines.reads("shop", Read(1, 45_300, 41, AT, 21_000))
    assert said == f"{whole} (21,000 of them before a restart), 41 % of the source read"
    assert service_lines.reads("shop", Read(1, 45_300, None, AT)) == whole


def test_what_is_left_while_a_source_is_read():
    """Rate, budget, lane, window and time; and that it is the time of what is planned so far."""
    one = Progress(
        entity="acme-uk", left=4_000, flows=("shop",), lane="bulk", window="22:00-06:00", per_minute=2_900, calls_left=80,
        day_left=4_500, waits_until=None, why=None, seconds_left=83, reading=("shop",),
    )  # fmt: skip
    assert service_lines._under_way(one) == (
        "acme-uk: 4,000 still to be sent, 80 calls of 4,500 that are left today, 2,900 a minute, lane bulk, "
        "window 22:00-06:00; about 83 s to go, and more while shop is read"
    )
