"""Whatever stands where an id token should, or its keys: refused in words of ours, never an accident of a library."""

import base64
import contextlib
import datetime
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from counterfoil import errors
from counterfoil.access import id_token
from counterfoil.access.id_token import Issuer
from counterfoil.xero.identity import App

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
KEY = RSAKey.generate_key(2048, {"kid": "k", "use": "sig", "alg": "RS256"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
APP = App("app-1")
GOOD = {
    "iss": "https://id", "aud": "app-1", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 300, "nonce": "n",
    "xero_userid": "u",
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def asked(token, *, keys=JWKS, ahead_s=0):
    now = NOW + datetime.timedelta(seconds=ahead_s)
    return id_token.user_of(token, "access", Issuer("https://id", keys), APP, "n", now)


def signed(claims, head=None):
    return jwt.encode({"alg": "RS256", "kid": "k"} | (head or {}), claims, KEY)


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_good_one():
    """Names its user; so does one for a list of audiences that is ours alone, and one without a key id."""
    assert asked(signed(GOOD)) == "u"
    assert asked(signed(GOOD | {"aud": ["app-1"]})) == "u"
    assert asked(signed(GOOD | {"aud": ["app-1", "app-2"], "azp": "app-1"})) == "u"


@pytest.mark.parametrize(("ahead_s", "good"), [(0, True), (359, True), (361, False), (-59, True), (-61, False)])
def test_its_life_by_the_issuers_clock(ahead_s, good):
    """Five minutes, and a minute of leeway at both ends."""
    if good:
        assert asked(signed(GOOD), ahead_s=ahead_s) == "u"
    else:
        with pytest.raises(errors.NoConsent, match="or the clock of this machine is wrong"):
            asked(signed(GOOD), ahead_s=ahead_s)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*GOOD, "azp", "at_hash", "sub"]), JSON, min_size=1))
def test_any_claims_that_are_well_signed(claims):
    """Are believed only as far as they are right: a user comes out, or a refusal."""
    changed = GOOD | claims
    ours = changed["aud"] if isinstance(changed["aud"], list) else [changed["aud"]]
    with contextlib.suppress(errors.NoConsent):  # the only way to fail
        assert asked(signed(changed)) == changed["xero_userid"]
        assert (changed["iss"], "app-1" in ours) == ("https://id", True)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5u", "zip"]), JSON),
    st.text(max_size=30),
)
def test_any_head_and_any_signature(head, signature):
    """What we did not sign is refused, whatever its head asks for."""
    token = f"{encoded({'alg': 'RS256', 'kid': 'k'} | head)}.{encoded(GOOD)}.{signature}"
    with pytest.raises(errors.NoConsent, match="cannot be believed"):
        asked(token)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        JSON | st.fixed_dictionaries({"kty": st.just("RSA")}, optional={"n": JSON, "e": JSON, "kid": JSON, "use": JSON})
    )
)
def test_any_keys(keys):
    """Keys that are none are no reason to believe anything."""
    with pytest.raises(errors.NoConsent, match="cannot be believed"):
        asked(signed(GOOD), keys={"keys": keys})


@pytest.mark.parametrize("deep", ["[" * 5_000, '{"a":' * 2_000, "\xff", "...", "e30.e30", "e30.e30.", ".."])
def test_deep_and_broken_ones(deep):
    """Nesting without end, and what is no token at all."""
    raw = base64.urlsafe_b64encode(deep.encode()).decode() if deep[0] in "[{" else deep
    for token in (raw, f"{raw}.e30.x", f"e30.{raw}.x"):
        with pytest.raises(errors.NoConsent, match="cannot be believed"):
            asked(token)
