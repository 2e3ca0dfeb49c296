"""Xero's prices, as its pages had them on the day that is named; and the cheapest tier for a use."""

from decimal import Decimal
from pathlib import Path

import pytest

from counterfoil.model import tiers
from counterfoil.model.tiers import BY_NAME, GIB

FACTS = Path(__file__).parents[3] / "shared" / "xero-facts.md"


@pytest.mark.parametrize(
    ("name", "drawn", "price"),
    [
        ("starter", 500 * GIB, "0.00"),
        ("core", 0, "35.00"),
        ("core", 10 * GIB, "35.00"),
        ("core", 11 * GIB, "37.40"),
        ("core", 10 * GIB + GIB // 2, "36.20"),
        ("plus", 60 * GIB, "269.00"),
        ("advanced", 250 * GIB, "1445.00"),
        ("enterprise", 1, None),
    ],
)
def test_what_a_month_costs(name, drawn, price):
    """The fee, and each GiB over what is included; Starter's egress is not counted."""
    assert BY_NAME[name].price(drawn) == (None if price is None else Decimal(price))


@pytest.mark.parametrize(
    ("connections", "calls", "drawn", "name"),
    [
        (5, 1_000, 900 * GIB, "starter"),
        (5, 1_001, 0, "core"),
        (6, 10, 0, "core"),
        (50, 5_000, 97 * GIB, "core"),
        (50, 5_000, 900 * GIB, "core"),  # the 40 GiB more of Plus are worth 96 AUD, its fee is 210 more
        (51, 10, 0, "plus"),
        (1_001, 10, 0, "advanced"),
        (10_001, 10, 0, "enterprise"),
        (3, 9_000, 0, "core"),  # more than any tier's day: as much as there is
    ],
)
def test_the_cheapest_tier_that_takes_it(connections, calls, drawn, name):
    """Connections are a hard cap, a day's calls too; what is over the included volume is paid for."""
    assert tiers.fitting(connections, calls, drawn).name == name


def test_the_prices_are_those_of_the_facts():
    """Read beside the checkout; absent there, the figures above still hold."""
    if not FACTS.exists():
        assert BY_NAME["core"].fee == 35
        return
    text = FACTS.read_text(encoding="utf-8")
    assert "| Monthly fee AUD | 0 | 35 | 245 | 1,445 | POA |" in text
    assert "| Max connections | 5 | 50 | 1,000 | 10,000 | no limit |" in text
    assert "| Egress included / month | n/a (unlimited) | 10 GB | 50 GB | 250 GB | POA |" in text
    assert [tier.fee for tier in tiers.TIERS] == [0, 35, 245, 1445, None]
    assert [tier.connections for tier in tiers.TIERS] == [5, 50, 1_000, 10_000, None]
    assert [tier.included_gib for tier in tiers.TIERS] == [None, 10, 50, 250, None]
