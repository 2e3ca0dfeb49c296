"""Xero's hosts: that they belong together, who they say they are, what time they have, and where the browser comes back."""

import datetime
import email.utils
import json

import msgspec
import pytest

from counterfoil import errors, settings
from counterfoil.app.doctor import hosts, organisations
from counterfoil.app.doctor.patient import HostAnswer, Organised, Patient
from counterfoil.model import tiers
from counterfoil.model.organisation import Action
from counterfoil.xero.answers import Answer

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
XERO = {
    "login_url": "https://login.xero.com",
    "identity_url": "https://identity.xero.com",
    "api_url": "https://api.xero.com",
}
DISCOVERY = {
    "issuer": "https://identity.xero.com",
    "authorization_endpoint": "https://login.xero.com/identity/connect/authorize",
    "token_endpoint": "https://identity.xero.com/connect/token",
}


@pytest.fixture
def patient(tmp_path):
    """A configuration with some keys of [xero] changed, and hosts that answered."""

    def made(**keys):
        lines = "".join(f'{name} = "{value}"\n' for name, value in keys.items())
        path = tmp_path / "counterfoil.toml"
        path.write_text(f'[xero]\nclient_id = "app"\n{lines}')
        found = Patient(path=path, env=None, clock=None, offline=False)
        found.settings = settings.load(path)
        return found

    return made


def answered(url, *, ahead_s=0, took_s=0, status=200, body=b"{}", error=None):
    """A host that answered at NOW, its clock so far ahead."""
    theirs = email.utils.format_datetime(NOW + datetime.timedelta(seconds=ahead_s), usegmt=True)
    answer = None if error else Answer(status=status, body=body, headers={"date": theirs})
    return HostAnswer(url, NOW - datetime.timedelta(seconds=took_s), NOW, answer, error)


def codes(found):
    """Level and code of each finding."""
    return [(one.level, one.code) for one in found]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, [("ok", "ok")]),
        (dict.fromkeys(XERO, "http://localhost:8320"), [("ok", "ok")]),
        ({"api_url": "http://localhost:8320"}, [("problem", "mixed")]),
        ({"login_url": "http://127.0.0.1:8320", "identity_url": "http://127.0.0.1:8320"}, [("problem", "mixed")]),
        ({"api_url": "https://identity.xero.com"}, [("problem", "swapped")]),
        ({"api_url": "https://api.xero.com.evil.example"}, [("problem", "mixed")]),
        ({"identity_url": "http://identity.xero.com"}, [("problem", "http")]),
        (dict.fromkeys(XERO, "http://10.0.0.7:8320"), [("problem", "http")] * 3),
        (dict.fromkeys(XERO, "https://sandbox.example"), [("ok", "ok")]),
    ],
)
async def test_addresses_belong_together(patient, keys, expected):
    """Xero's three, or all three another's; nothing secret without encryption but on this machine."""
    assert codes(await hosts.addresses(patient(**keys))) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"redirect_uri": "http://localhost:8321/oauth/callback"}, ("ok", "ok")),
        ({"redirect_uri": "http://127.0.0.1:8321/oauth/callback"}, ("problem", "refused")),
        ({"redirect_uri": "http://books.example/callback"}, ("problem", "refused")),
        ({"redirect_uri": "http://localhost:0/oauth/callback"}, ("problem", "port")),
        ({"redirect_uri": "https://books.example/callback"}, ("warning", "elsewhere")),
        (dict.fromkeys(XERO, "http://localhost:8320") | {"redirect_uri": "http://127.0.0.1:0/x"}, ("ok", "ok")),
    ],
)
async def test_redirect_uris(patient, keys, expected):
    """As Xero takes them: https, or http://localhost, with the one port that is registered."""
    found = await hosts.redirect_uri(patient(**keys))
    assert codes(found) == [expected]
    if expected == ("ok", "ok"):
        assert keys["redirect_uri"] in found[0].message


@pytest.mark.parametrize(
    ("ahead_s", "took_s", "expected", "skew"),
    [
        (0, 0, ("ok", "ok"), 0),
        (-1, 0, ("ok", "ok"), 0),
        (-8, 20, ("ok", "ok"), 0),
        (20, 0, ("ok", "ok"), 20),
        (90, 0, ("warning", "skew"), 90),
        (-90, 0, ("warning", "skew"), -89),
        (400, 10, ("problem", "skew"), 401),
        (-7200, 0, ("problem", "skew"), -7199),
    ],
)
async def test_clocks(patient, ahead_s, took_s, expected, skew):
    """To the second that a header can say, however long the answer took."""
    one = patient()
    one.hosts = {"api_url": answered("https://api.xero.com", ahead_s=ahead_s, took_s=took_s)}
    (found,) = await hosts.clock(one)
    assert ((found.level, found.code), found.facts["skew_s"]) == (expected, skew)


async def test_no_clock_at_all(patient):
    """No host answered, or none said its time."""
    one = patient()
    lost = errors.XeroUnavailable("no connection", sent=False)
    one.hosts = {
        "api_url": answered("https://api.xero.com", error=lost),
        "login_url": HostAnswer("https://login.xero.com", NOW, NOW, Answer(status=200, headers={"date": "soon"})),
    }
    assert codes(await hosts.clock(one)) == [("warning", "unknown")]


async def test_hosts_that_are_silent_or_ill(patient):
    """One finding per host, not per address; a 5xx is Xero's own state."""
    lost = errors.XeroUnavailable("no connection", sent=False)
    one = patient(**dict.fromkeys(XERO, "http://localhost:8320"))
    one.hosts = {name: answered("http://localhost:8320/x", error=lost) for name in XERO}
    assert codes(await hosts.reachable(one)) == [("problem", "silent")]
    one = patient()
    one.hosts = {name: answered(url, error=lost) for name, url in XERO.items()}
    assert codes(await hosts.reachable(one)) == [("problem", "silent")] * 3
    one.hosts = {"api_url": answered("https://api.xero.com/connections", status=503)}
    assert codes(await hosts.reachable(one)) == [("warning", "ill")]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({}, 0),
        ({"issuer": "https://identity.evil.example"}, 1),
        ({"authorization_endpoint": "https://login.evil.example/authorize"}, 1),
        ({"token_endpoint": None}, 1),
        ({"issuer": "http://[", "token_endpoint": 5}, 2),
    ],
)
async def test_who_the_identity_server_says_it_is(patient, said, wrong):
    """Its own name, and where it sends browsers and codes, are the configuration's."""
    one = patient()
    body = json.dumps(DISCOVERY | said).encode()
    one.hosts = {"identity_url": answered("https://identity.xero.com/.well-known", body=body)}
    assert codes(await hosts.reachable(one)) == ([("problem", "another")] * wrong or [("ok", "ok")])


async def test_a_sandbox_by_another_name_is_the_same(patient):
    """127.0.0.1 and localhost are one host."""
    one = patient(**dict.fromkeys(XERO, "http://127.0.0.1:8320"))
    body = json.dumps(dict.fromkeys(DISCOVERY, "http://localhost:8320/x")).encode()
    one.hosts = {"identity_url": answered("http://127.0.0.1:8320/.well-known", body=body)}
    assert codes(await hosts.reachable(one)) == [("ok", "ok")]


async def test_an_advisers_consent_is_named(patient):
    """Xero would let its writes through the lock date."""
    one = patient()
    action = Action(name=organisations.THROUGH_LOCKS, status="ALLOWED")
    one.organisations = {"acme-uk": Organised(actions=(action,)), "acme-au": Organised()}
    (found,) = await organisations.adviser(one)
    assert (found.level, found.code, found.subject) == ("warning", "writes-through-locks", "acme-uk")
    one.organisations = {"acme-au": Organised()}
    assert codes(await organisations.adviser(one)) == [("ok", "ok")]


def test_every_tier_of_the_configuration_has_its_cap():
    """What it includes and costs stands in one table."""
    declared = msgspec.inspect.type_info(settings.XeroSettings)
    (field,) = [field for field in declared.fields if field.name == "tier"]
    assert set(field.type.type.values) == {one.name for one in tiers.TIERS}
