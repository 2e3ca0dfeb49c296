"""Who runs this process."""

import socket

from counterfoil.access import actors
from counterfoil.model.actor import Actor


def test_who_we_are(monkeypatch):
    """The actor is user@host, whatever the environment says of the user."""
    expected = actors.of_this_process()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "the-boss")
    assert actors.of_this_process() == expected
    assert str(expected).endswith(f"@{socket.gethostname()}")
    assert "the-boss" not in str(expected)


def test_a_user_without_a_name(monkeypatch):
    """A container's user id is said as a number."""
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_001)
    assert str(actors.of_this_process()).startswith("uid-4000000001@")


def test_who_else_may_act():
    """Schedules, keys and console users say what they are."""
    assert [str(Actor(kind, "shop")) for kind in ("schedule", "api-key", "console")] == [
        "schedule:shop",
        "api-key:shop",
        "console:shop",
    ]
