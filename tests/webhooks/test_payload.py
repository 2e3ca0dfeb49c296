"""A delivery's events, as far as they can be read; nothing in a delivery is fatal."""

import datetime
import json

import pytest

from counterfoil.webhooks import payload
from tests.webhooks.sender import INTENT, TENANT, body, event

NOW = datetime.datetime(2026, 11, 22, 9, 0, 5, tzinfo=datetime.UTC)
ID = "7d3e0a90-0000-4000-8000-000000000001"


def read(whole):
    return payload.read(whole, NOW)


def test_an_event_says_where_and_when():
    """Xero's times have no zone and are UTC; ids are compared in small letters, categories in capitals."""
    (found,) = read(body(event(ID.upper(), tenant=TENANT.upper(), category="CreditNote"))).events
    assert (found.tenant_id, found.resource_id, found.category) == (TENANT, ID, "CREDITNOTE")
    assert found.at == datetime.datetime(2026, 11, 22, 9, 0, 0, 123_000, tzinfo=datetime.UTC)


def test_an_empty_list_is_an_intent_to_receive():
    """Nothing is to be kept of it."""
    assert payload.is_intent(read(INTENT))
    assert not payload.is_intent(read(body(event())))


@pytest.mark.parametrize(
    "whole",
    [b"", b"{", b"[]", b"null", b"{}", b'{"events":7}', b'{"events":null}', b"\xff\xfe", b'{"events":' + b"[" * 5_000,
     b'{"events":[{"tenantId":"\\ud800"}]}'],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_payload_is_kept_as_unread(whole):
    """Rightly signed or not: it is not an intent to receive, and its bytes are there."""
    found = read(whole)
    assert (found.body, found.unread, found.events) == (whole, 1, ())
    assert not payload.is_intent(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenantId": None}, {"tenantId": "\0"}, {"resourceId": ""}, {"resourceId": 7}, {"eventCategory": "x" * 41},
        {"tenantId": "../etc"}, {"eventCategory": "ÉVÉNEMENT"},
    ],
    ids=str,
)  # fmt: skip
def test_an_event_that_does_not_say_what_it_is_about_is_unread_and_the_others_are_read(wrong):
    """One event of Xero's that we cannot place does not cost its neighbours."""
    whole = json.dumps({"events": [event(ID), event() | wrong, 7]}).encode()
    found = read(whole)
    assert ([one.resource_id for one in found.events], found.unread) == ([ID], 2)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00",
        None,
        "0001-01-01T00:00:00+14:00",
        1_795_338_000,
        1e300,
        [],
        {"a": 1},
        True,
    ],
)
def test_an_event_without_a_time_is_as_new_as_its_receipt(at):
    """So that the mirror is asked for it all the same."""
    (found,) = read(body(event(ID, at=at))).events
    assert found.at == NOW


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999", "2016-11-19", "2036-11-25"])
def test_an_event_s_time_that_is_far_from_its_receipt_is_none(at):
    """The first would be settled by whatever is held, the last by nothing ever; both would spoil the lags that are measured."""
    (found,) = read(body(event(ID, at=at))).events
    assert found.at == NOW


def test_an_event_of_a_clock_that_is_weeks_away_keeps_its_time():
    """Xero's clock is the one that stamps are compared with, whatever ours says."""
    (found,) = read(body(event(ID, at="2026-12-24T09:00:00"))).events
    assert found.at == datetime.datetime(2026, 12, 24, 9, tzinfo=datetime.UTC)


def test_times_may_have_a_zone_and_more_digits():
    """A stricter Xero is read as well."""
    for text in ("2026-11-22T10:00:00.1230000+01:00", "2026-11-22T09:00:00.123Z"):
        (found,) = read(body(event(at=text))).events
        assert found.at == datetime.datetime(2026, 11, 22, 9, 0, 0, 123_000, tzinfo=datetime.UTC)


def test_what_was_signed_badly_is_told_from_noise_by_its_form():
    """A proxy that drops the header is worth an alarm, a scanner is not."""
    assert payload.looks_like_xeros(INTENT)
    assert not payload.looks_like_xeros(b"user=admin&password=admin")
