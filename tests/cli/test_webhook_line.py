"""What `status` says of Xero's webhooks in its one line."""

import datetime

from counterfoil.app import syncing
from counterfoil.app.standing import Standing
from counterfoil.cli import service_lines
from counterfoil.store.inbox_counts import LAG_S, Heard, Lag

AT = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


def heard(**changes):
    nothing = Lag((0,) * len(LAG_S), 0, 0)
    good = {
        "outcomes": {}, "last": {}, "events": 0, "unread": 0, "seen": 0, "unseen": 0, "arrived": nothing,
        "settled": nothing, "failing_since": None, "waiting": 0,
    }  # fmt: skip
    return Heard(**(good | changes))


def test_it_counts_events_and_says_how_late_they_came():
    """How many, when the last one was taken, how soon, and what is still to be looked at."""
    arrived = Lag((90, 6, 3, *(0,) * (len(LAG_S) - 3)), 100, 120)
    line = service_lines._webhooks(heard(events=1_234, last={"stored": AT}, arrived=arrived, waiting=2))
    assert line == (
        "Xero's webhooks: 1,234 events, last 2026-11-22 09:00 UTC, 95 % within 2 s of their write; 2 categories to be looked at"
    )


def test_it_says_since_when_nothing_was_taken():
    """Before anything else is believed."""
    assert service_lines._webhooks(heard(failing_since=AT)) == (
        "Xero's webhooks: 0 events; NOTHING TAKEN since 2026-11-22 09:00 UTC"
    )


def told(**changes):
    """The lines of `status` about the service."""
    lines = []

    class Screen:
        line = staticmethod(lines.append)

    service_lines.show(
        Screen(), Standing(connected=True, entities=(), flows=(), problems=0, audit=(), next="", **changes)
    )
    return lines


def test_events_of_which_nothing_is_kept_come_with_what_to_type():
    """They stayed "to be looked at" for ever, and nothing said why."""
    [_line, hint] = told(webhooks=heard(waiting=6))
    assert "`counterfoil sync` begins it" in hint
    kept = syncing.Lag("acme-uk", 2, 1, AT)
    assert len(told(webhooks=heard(waiting=6), mirror=(kept,))) == len(told(webhooks=heard())) == 1
