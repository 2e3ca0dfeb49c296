import base64
import datetime
import json
import urllib.parse

import pytest

from counterfoil import errors
from counterfoil.xero import identity
from counterfoil.xero.answers import Answer
from counterfoil.xero.identity import App

WEB, PKCE = App("id:1", "s/ecret"), App("id:1")


def answer(status, body):
    return Answer(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def form(request):
    return dict(urllib.parse.parse_qsl(request.body.decode()))


def test_the_challenge_of_the_standard():
    """RFC 7636's own example."""
    assert (
        identity.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_the_consent_page():
    """Everything that Xero needs, percent-encoded; spaces are %20."""
    url = identity.authorize_url(
        "https://login.xero.com/",
        "c",
        redirect_uri="http://localhost:1/cb",
        scopes=("openid", "a.b"),
        state="s&",
        verifier="v" * 43,
        nonce="n/1",
    )
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    assert (parts.netloc, parts.path) == ("login.xero.com", "/identity/connect/authorize")
    assert query == {
        "response_type": "code",
        "client_id": "c",
        "redirect_uri": "http://localhost:1/cb",
        "scope": "openid a.b",
        "state": "s&",
        "nonce": "n/1",
        "code_challenge": identity.challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    assert "openid%20a.b" in url


def test_a_secret_goes_into_the_header_and_a_pkce_app_into_the_form():
    """Basic authorisation with both parts encoded, or client_id in the body."""
    web, pkce = identity.refresh(WEB, "r"), identity.refresh(PKCE, "r")
    kind, _, pair = web.headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(pair)) == ("Basic", b"id%3A1:s%2Fecret")
    assert form(web) == {"grant_type": "refresh_token", "refresh_token": "r"}
    assert ("Authorization" in pkce.headers, form(pkce)["client_id"]) == (False, "id:1")


def test_exchanging_a_code():
    """The code with its redirect and verifier."""
    request = identity.exchange(PKCE, "c", redirect_uri="http://localhost:1/cb", verifier="v")
    assert form(request) == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "http://localhost:1/cb",
        "code_verifier": "v",
        "client_id": "id:1",
    }
    assert (request.method, request.host, request.path) == ("POST", "identity", "/connect/token")


def test_connections_and_their_end():
    """By event when asked, and ended by the connection's own id."""
    assert identity.connections("t").path == "/connections"
    assert identity.connections("t", event_id="e 1").path == "/connections?authEventId=e+1"
    ended = identity.disconnect("t", "a/b")
    assert (ended.method, ended.path, ended.headers["Authorization"]) == ("DELETE", "/connections/a%2Fb", "Bearer t")


ERRORS = {
    "invalid_grant": ({"error": "invalid_grant"}, 400, errors.NoConsent),
    "invalid_client": ({"error": "invalid_client"}, 400, errors.ConfigurationError),
    "invalid_client 401": ({"error": "invalid_client"}, 401, errors.ConfigurationError),
    "unauthorized_client": ({"error": "unauthorized_client", "error_description": "x"}, 400, errors.ConfigurationError),
    "invalid_scope": ({"error": "invalid_scope"}, 400, errors.ConfigurationError),
    "unsupported": ({"error": "unsupported_grant_type"}, 400, errors.ConfigurationError),
    "malformed": ({"error": "invalid_request"}, 400, errors.ConfigurationError),
    "429": (b"", 429, errors.RateLimited),
    "500": (b"", 500, errors.XeroUnavailable),
    "503": (b"down", 503, errors.XeroUnavailable),
    "500 that says invalid_grant": ({"error": "invalid_grant"}, 500, errors.XeroUnavailable),
    "cut": (b'{"access_token": "secret', 200, errors.Unclear),
    "empty": (b"", 200, errors.Unclear),
    "no refresh token": ({"access_token": "secret", "expires_in": 1800}, 200, errors.Unclear),
    "wrong kind": ({"access_token": "secret", "expires_in": "soon", "refresh_token": "secret"}, 200, errors.Unclear),
}


@pytest.mark.parametrize(("body", "status", "kind"), ERRORS.values(), ids=ERRORS)
def test_what_the_token_endpoint_may_say(body, status, kind):
    """Each error has its class; only invalid_grant of a 4xx is a lost consent; no token is in any word."""
    with pytest.raises(kind) as caught:
        identity.tokens_of(answer(status, body), WEB)
    assert (type(caught.value), "secret" in f"{caught.value!r} {caught.value.facts} {caught.value.__context__!r}") == (
        kind,
        False,
    )


def test_tokens():
    """What Xero sends, and nothing of it in a repr."""
    body = {
        "access_token": "secret",
        "expires_in": 1800,
        "refresh_token": "secret",
        "token_type": "Bearer",
        "scope": "a b",
        "id_token": "x",
    }
    found = identity.tokens_of(answer(200, body), WEB)
    assert (found.access_token, found.expires_in, found.refresh_token, found.scope) == ("secret", 1800, "secret", "a b")
    shown = f"{found!r} {WEB!r} {identity.refresh(WEB, 'secret')!r}"
    assert ("secret" in shown, "s/ecret" in shown) == (False, False)


def test_connections():
    """Naive dates with seven decimals are UTC; other tenant types and unknown keys are no mistake."""
    row = {
        "id": "c",
        "authEventId": "e",
        "tenantId": "t",
        "tenantType": "PRACTICE",
        "tenantName": None,
        "createdDateUtc": "2019-12-07T18:46:19.5165400",
        "updatedDateUtc": "2019-12-07T18:46:19.5187890",
        "new": 1,
    }
    found = identity.connections_of(answer(200, [row]))[0]
    assert (found.tenant_id, found.tenant_type, found.tenant_name) == ("t", "PRACTICE", None)
    assert found.created_date_utc == datetime.datetime(2019, 12, 7, 18, 46, 19, 516540, tzinfo=datetime.UTC)


@pytest.mark.parametrize("body", [b"{}", b"[{}]", b"[", b"", b'[{"id": 1}]'])
def test_connections_that_cannot_be_read(body):
    """An odd list is unclear, never an empty one."""
    with pytest.raises(errors.Unclear):
        identity.connections_of(answer(200, body))


def jwt(claims):
    return ".".join(["e30", base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), "sig"])


def test_claims():
    """Whose token it is, and of which consent."""
    claims = identity.claims_of(jwt({"xero_userid": "u", "authentication_event_id": "e", "scope": ["a"]}))
    assert (claims.xero_userid, claims.authentication_event_id) == ("u", "e")
    assert identity.claims_of(jwt({"xero_userid": "u"})).authentication_event_id is None


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "e30.é.x", jwt({}), jwt([]), jwt({"xero_userid": 5})])
def test_a_token_without_a_user(token):
    """Anything else is unclear, without a traceback and without the token."""
    with pytest.raises(errors.Unclear) as caught:
        identity.claims_of(token)
    assert not token or token not in str(caught.value)


DEEP = [b"[" * 200_000, b'{"a":' * 200_000, b'{"error":' + b"[" * 200_000]


@pytest.mark.parametrize("body", DEEP, ids=["lists", "objects", "an error"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_an_answer_nested_beyond_all_measure(body, status):
    """It is one that cannot be read, whoever reads it; never a crash."""
    for read in (lambda one: identity.tokens_of(one, WEB), identity.discovered, identity.connections_of):
        with pytest.raises(errors.CounterfoilError):
            read(answer(status, body))
    payload = base64.urlsafe_b64encode(b'{"a":' + body).decode()
    with pytest.raises(errors.Unclear):
        identity.claims_of(f"x.{payload}.y")


@pytest.mark.parametrize(("said", "kept"), [(10**14, 86_400), (-5, 0), (1_800, 1_800)])
def test_a_life_that_no_token_has(said, kept):
    """The refresh token beside it is worth keeping: what is said of the life is bounded, not refused."""
    body = {"access_token": "a", "expires_in": said, "refresh_token": "r"}
    assert identity.tokens_of(answer(200, body), WEB).expires_in == kept
