"""Xero's names of time zones: each means a zone that exists, and what is not known is None."""

import datetime
import zoneinfo

import pytest

from counterfoil.model import time_zones
from tests.conformance import published


@pytest.mark.parametrize("name", time_zones.IANA)
def test_each_name_means_a_zone_that_exists(name):
    """And that has an offset on any day."""
    found = time_zones.zone(name)
    assert isinstance(found, zoneinfo.ZoneInfo)
    assert found.utcoffset(datetime.datetime(2026, 7, 1)) is not None


@pytest.mark.parametrize(
    ("name", "january", "july"),
    [
        ("GMTSTANDARDTIME", 0, 1),
        ("AUSEASTERNSTANDARDTIME", 11, 10),
        ("WEUROPESTANDARDTIME", 1, 2),
        ("NEWZEALANDSTANDARDTIME", 13, 12),
        ("EASTERNSTANDARDTIME", -5, -4),
        ("USMOUNTAINSTANDARDTIME", -7, -7),
        ("UTC+12", 12, 12),
        ("UTC02", -2, -2),
        ("DATELINESTANDARDTIME", -12, -12),
    ],
)
def test_a_zone_is_the_one_that_its_name_means(name, january, july):
    """Offsets in winter and in summer, in hours."""
    zone = time_zones.zone(name)
    hours = [
        datetime.datetime(2026, month, 15, tzinfo=zone).utcoffset() / datetime.timedelta(hours=1) for month in (1, 7)
    ]
    assert hours == [january, july]


@pytest.mark.parametrize("name", ["", "MARSSTANDARDTIME", "Europe/London"])
def test_a_name_that_is_not_known_is_none(name):
    """Xero adds names; whoever asks then says what to write."""
    assert time_zones.zone(name) is None


def test_every_published_name_is_known():
    """The published enum of time zones has no name that we do not read."""
    enum = published.kept()["TimeZone"]["values"]
    assert [name for name in enum if time_zones.zone(name) is None] == []
    assert len(enum) == 141
