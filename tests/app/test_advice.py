"""What would save calls or money is said only when the numbers carry it, worst first, at most three."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.app import advice
from counterfoil.app.advice import FlowRuns, Numbers, Reading


def said(**numbers):
    return [one.text for one in advice.recommend(Numbers(day_limit=5_000, **numbers))]


def test_a_flow_that_runs_every_minute_and_finds_nothing():
    """Its interval is named, and what it cost."""
    (text,) = said(flows=(FlowRuns("shop", 1_440, 1_400, 4_200),))
    assert text == ('1,400 of 1,440 runs of shop in a day found nothing and cost 4,200 calls: every = "15m" would do.')


@pytest.mark.parametrize(
    "runs",
    [
        FlowRuns("shop", 47, 47, 4_000),  # not often
        FlowRuns("shop", 1_440, 1_200, 4_000),  # finds something often enough
        FlowRuns("shop", 1_440, 1_440, 200),  # costs next to nothing
    ],
)
def test_a_flow_that_is_well_as_it_is(runs):
    """Seldom, useful or cheap runs are nobody's business."""
    assert said(flows=(runs,)) == []


def test_a_flow_that_runs_every_ten_minutes_is_sent_to_the_hour():
    """The proposal is more than twice what is."""
    (text,) = said(flows=(FlowRuns("shop", 144, 144, 432),))
    assert 'every = "1h"' in text


def test_polling_of_one_resource():
    """From a tenth of the day on; the settings have their own sentence."""
    readings = (
        Reading("acme-uk", "Contacts", 1_900),
        Reading("acme-uk", "Invoices", 499),
        Reading("b", "Accounts", 900),
    )
    texts = said(readings=readings)
    assert texts[0].startswith("38 % of acme-uk's day goes to asking what changed in Contacts (1,900 calls)")
    assert texts[1].startswith("b's Accounts are read 900 times a day, 18 % of it")
    assert len(texts) == 2


def test_hourly_settings_are_no_waste():
    """24 reads a day of each are what keeping them an hour comes to."""
    assert said(readings=tuple(Reading("a", name, 24) for name in advice.SETTINGS)) == []


def test_a_day_that_is_nearly_used_up_and_refusals():
    """Both say how many."""
    texts = said(days=(("a", 3_999), ("b", 4_000)), calls=7_999, refused=80)
    assert [text.split()[0] for text in texts] == ["b", "Xero"]
    assert said(calls=100, refused=9) == []
    assert said(calls=10_000, refused=99) == []


def test_a_cheaper_tier_after_a_week():
    """Two days of little use are no reason to tell anybody to go down."""
    plus = {
        "tier": "plus", "fits": "core", "tier_price_at_end": Decimal("245.00"), "fits_price": Decimal("35.00"),
    }  # fmt: skip
    assert said(**plus, days_counted=7) == [
        "Tier core is enough: this month would cost 35.00 AUD instead of 245.00.",
    ]
    assert said(**plus, days_counted=6) == []


def test_a_tier_that_is_too_small():
    """Starter's day of 1,000 calls is passed."""
    starter = {"tier": "starter", "fits": "core", "tier_price_at_end": Decimal(0), "fits_price": Decimal(35)}
    assert said(**starter, days_counted=8) == ["The use of this app is more than tier starter allows: core fits."]


def test_connections_near_the_cap():
    """From four fifths on."""
    assert said(connections=39, connections_max=50) == []
    assert said(connections=40, connections_max=50)[0].startswith("40 of the 50 connections of tier core are used")
    assert said(connections=40_000, connections_max=None) == []


def test_nothing_known_nothing_said():
    """A new installation gets no advice."""
    assert said() == []


@given(st.lists(st.integers(0, 20_000), min_size=8, max_size=8), st.integers(0, 60))
def test_at_most_three_and_the_worst_first(calls, connections):
    """Whatever the numbers are; the same numbers always give the same words."""
    numbers = Numbers(
        day_limit=5_000, calls=calls[0] + 1, refused=min(calls[1], calls[0] + 1), days=(("a", calls[2]),),
        readings=tuple(itertools.starmap(Reading, [("a", "Contacts", calls[3]), ("a", "Accounts", calls[4])])),
        flows=(FlowRuns("shop", calls[5], min(calls[5], calls[6]), calls[7]),), connections=connections,
        connections_max=50,
    )  # fmt: skip
    found = advice.recommend(numbers)
    assert len(found) <= advice.MOST
    assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
    assert found == advice.recommend(numbers)
