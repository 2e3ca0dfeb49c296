"""`counterfoil api-keys`: a key is shown once, goes by its prefix, and is refused with what to do."""

import re

import pytest

from tests.cli.office import Office


@pytest.fixture
def office(tmp_path):
    """Two companies and a master key; no Xero anywhere."""
    made = Office(tmp_path)
    made.write()
    made.key()
    return made


def test_a_key_from_its_making_to_its_end(office):
    """Made, listed without its secret, revoked by its prefix or by itself, once."""
    made = office("api-keys", "create", "the till", "--rights", "write", "--entity", "acme-uk", "--expires", "90d")
    assert made.code == 0
    key = made.out.splitlines()[0]
    prefix = re.fullmatch(r"cf_([a-z2-7]{8})_[a-z2-7]{52}", key)[1]
    listed = office("api-keys")
    assert key not in listed.out
    for shown in (prefix, "the till", "write", "acme-uk", "usable", "never"):
        assert shown in listed.out
    assert f"API key {prefix} (the till) opens nothing any more." in office("api-keys", "revoke", key).out
    again = office("api-keys", "revoke", prefix)
    assert (again.code, "was revoked before" in again.err) == (2, True)
    assert [(one["state"], one["last_used_at"]) for one in office("api-keys", "list", "--json").value] == [
        ("revoked", None)
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("x", "--rights", "all"), "read: ask"),
        (("x", "--rights", "read", "--entity", "acme-u"), "acme-uk"),
        (("x", "--rights", "read", "--expires", "yesterday"), "90d"),
        (("x", "--rights", "read", "--expires", "2020-01-01"), "past"),
        ((" ", "--rights", "read"), "Say which program"),
        (("x\ny\x1b[2J", "--rights", "read"), "Say which program"),
    ],
)
def test_what_is_no_key_is_refused(office, words, says):
    """Exit 2, with what to do; nothing was made."""
    ended = office("api-keys", "create", *words)
    assert ended.code == 2
    assert says in ended.err
    assert office("api-keys", "--json").value == []
