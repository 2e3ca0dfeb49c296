"""Consent, tokens, rotation, revocation and connections over HTTP."""

import base64
import json
import re
import urllib.parse

import pytest

from tests import sandbox_process
from tests.sandbox_process import REDIRECT_URI, SCOPES

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def authorize(sandbox, **changed):
    query = {
        "response_type": "code",
        "client_id": sandbox.ready["client_id"],
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPES,
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changed,
    }
    query = {name: value for name, value in query.items() if value is not None}
    return sandbox.request("GET", "/identity/connect/authorize?" + urllib.parse.urlencode(query))


def sent_back(reply):
    assert reply.status == 302, reply.body
    where = urllib.parse.urlsplit(reply.headers["Location"])
    return {name: values[0] for name, values in urllib.parse.parse_qs(where.query).items()}


def exchange(sandbox, code, **changed):
    form = {
        "grant_type": "authorization_code",
        "client_id": sandbox.ready["client_id"],
        "client_secret": sandbox.ready["client_secret"],
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        **changed,
    }
    return sandbox.form("/connect/token", {name: value for name, value in form.items() if value is not None})


def refresh(sandbox, token):
    secret = {"client_id": sandbox.ready["client_id"], "client_secret": sandbox.ready["client_secret"]}
    return sandbox.form("/connect/token", {"grant_type": "refresh_token", "refresh_token": token, **secret})


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def connections(sandbox, token, query=""):
    return sandbox.request("GET", f"/connections{query}", headers={"Authorization": f"Bearer {token}"}).json


def test_a_code_buys_tokens_once(sandbox):
    """A code with its PKCE verifier gives every token, and is refused the second time."""
    back = sent_back(authorize(sandbox))
    assert back["state"] == "xyz"
    first, second = exchange(sandbox, back["code"]), exchange(sandbox, back["code"])
    assert list(first.json) == ["id_token", "access_token", "expires_in", "token_type", "refresh_token", "scope"]
    assert (first.json["expires_in"], first.json["token_type"], first.json["scope"]) == (1800, "Bearer", SCOPES)
    assert (second.status, second.json) == (400, {"error": "invalid_grant"})


def test_the_tokens_carry_xeros_claims(sandbox):
    """authentication_event_id is in the access token, not in the id_token, and both are signed by the published key."""
    tokens = sandbox.connect()
    access, identity = claims(tokens["access_token"]), claims(tokens["id_token"])
    assert access.keys() == {
        "nbf", "exp", "iss", "aud", "client_id", "sub", "auth_time", "xero_userid", "global_session_id", "jti",
        "authentication_event_id", "scope",
    }  # fmt: skip
    assert access["scope"] == SCOPES.split()
    assert access["exp"] - access["nbf"] == 1800
    assert "authentication_event_id" not in identity
    assert identity["aud"] == sandbox.ready["client_id"]
    document = sandbox.get("/.well-known/openid-configuration")
    assert identity["iss"] == document["issuer"] == sandbox.url
    keys = sandbox.get(urllib.parse.urlsplit(document["jwks_uri"]).path)["keys"]
    head = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[0] + "=="))
    assert (head["alg"], head["kid"]) == ("RS256", keys[0]["kid"])


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9/other"}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"client_id": "unknown"}, "unauthorized_client"),
        ({"client_id": None}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
    ],
)
def test_the_token_endpoint_refuses(sandbox, changed, error):
    """Each mistake at the token endpoint has OAuth's own word for it."""
    code = sent_back(authorize(sandbox))["code"]
    reply = exchange(sandbox, **{"code": code, **changed})
    assert (reply.status, reply.json) == (400, {"error": error})


def test_a_code_dies_after_five_minutes(sandbox):
    """A code older than five minutes buys nothing."""
    code = sent_back(authorize(sandbox))["code"]
    sandbox.advance(301)
    assert exchange(sandbox, code).json == {"error": "invalid_grant"}


def test_a_secret_may_come_in_the_header(sandbox):
    """Client authentication by Basic header works as well as in the body."""
    code = sent_back(authorize(sandbox))["code"]
    secret = base64.b64encode(f"{sandbox.ready['client_id']}:{sandbox.ready['client_secret']}".encode()).decode()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
    reply = sandbox.request("POST", "/connect/token", urllib.parse.urlencode(form).encode(), headers)
    assert reply.status == 200


def test_a_public_app_needs_a_challenge_and_no_secret(sandbox):
    """The PKCE app connects without a secret, and not without a challenge."""
    assert "refresh_token" in sandbox.connect(public=True)
    public = sandbox.ready["public_client_id"]
    back = authorize(sandbox, client_id=public, code_challenge=None, code_challenge_method=None)
    assert sent_back(back) == {"error": "invalid_request", "state": "xyz"}


def test_a_refresh_rotates_and_the_old_token_lives_thirty_minutes_more(sandbox):
    """Every refresh gives a new refresh token; the one it replaced works for 30 minutes and then never again."""
    old = sandbox.connect()["refresh_token"]
    new = refresh(sandbox, old).json["refresh_token"]
    assert new != old
    sandbox.advance(29 * 60)
    assert refresh(sandbox, old).status == 200
    sandbox.advance(2 * 60)
    assert refresh(sandbox, old).json == {"error": "invalid_grant"}
    assert refresh(sandbox, new).status == 200


def test_an_unused_refresh_token_dies_after_sixty_days(sandbox):
    """Sixty days without a refresh end the grant."""
    token = sandbox.connect()["refresh_token"]
    sandbox.advance(60 * 86_400 + 1)
    assert refresh(sandbox, token).json == {"error": "invalid_grant"}


def test_without_offline_access_there_is_no_refresh_token(sandbox):
    """refresh_token comes only with offline_access, id_token only with openid."""
    assert list(sandbox.connect("accounting.settings")) == ["access_token", "expires_in", "token_type", "scope"]


def test_scopes_add_up_over_consents(sandbox):
    """A later consent widens the grant; nothing narrows it."""
    sandbox.connect("offline_access accounting.settings")
    assert sandbox.connect("accounting.contacts")["scope"] == "offline_access accounting.settings accounting.contacts"


def test_revocation_ends_the_grant_and_all_its_connections(sandbox):
    """Revoking answers 200 with an empty body; the refresh token is dead and the tenants answer 403."""
    tokens = sandbox.connect()
    secret = {"client_id": sandbox.ready["client_id"], "client_secret": sandbox.ready["client_secret"]}
    reply = sandbox.form("/connect/revocation", {"token": tokens["refresh_token"], **secret})
    assert (reply.status, reply.body) == (200, b"")
    assert refresh(sandbox, tokens["refresh_token"]).json == {"error": "invalid_grant"}
    assert connections(sandbox, tokens["access_token"]) == []
    assert sandbox.api("GET", "Organisation", tokens["access_token"], sandbox.tenant(1)).status == 403


@pytest.mark.parametrize("scope", ["accounting.transactions", "accounting.reports.balancesheets.read", "nonsense", ""])
def test_a_scope_that_the_app_may_not_ask_shows_a_page(sandbox, scope):
    """Broad scopes of old apps, typos and no scope at all end on Xero's error page, not at redirect_uri."""
    reply = authorize(sandbox, scope=scope)
    assert reply.status == 400
    assert b"Invalid scope for client" in reply.body
    assert b"unauthorized_client" in reply.body


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:8321/cb", "https://example.com/cb", "http://localhost:8321/#x", "", "x"]
)
def test_a_foreign_redirect_is_never_followed(sandbox, uri):
    """Only http://localhost redirects exist here; 127.0.0.1 is refused, as Xero does."""
    reply = authorize(sandbox, redirect_uri=uri)
    assert reply.status == 400
    assert "Location" not in reply.headers


def test_connections_have_exactly_xeros_keys(sandbox):
    """The list is a bare array with seven-digit naive dates, and no limit headers."""
    token = sandbox.connect()["access_token"]
    reply = sandbox.request("GET", "/Connections", headers={"Authorization": f"Bearer {token}"})
    assert not [name for name in reply.headers if name.startswith("X-")]
    rows = reply.json
    assert [row["tenantId"] for row in rows] == [sandbox.tenant(number) for number in (1, 2, 3, 4)]
    assert list(rows[0]) == [
        "id", "authEventId", "tenantId", "tenantType", "tenantName", "createdDateUtc", "updatedDateUtc",
    ]  # fmt: skip
    assert (rows[0]["tenantType"], rows[0]["tenantName"]) == ("ORGANISATION", "Fernhill Trading Ltd")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", rows[0]["createdDateUtc"])


def test_a_reconnected_tenant_keeps_its_id_and_moves_its_date(sandbox):
    """After DELETE the tenant is 403; connecting again keeps id and creation, and authEventId names the new consent."""
    first = sandbox.connect()["access_token"]
    bearer = {"Authorization": f"Bearer {first}"}
    before = connections(sandbox, first)[0]
    assert sandbox.request("DELETE", f"/connections/{before['id']}", headers=bearer).status == 204
    assert sandbox.request("DELETE", f"/connections/{before['id']}", headers=bearer).status == 404
    assert sandbox.api("GET", "Organisation", first, before["tenantId"]).status == 403
    assert before["id"] not in [row["id"] for row in connections(sandbox, first)]
    second = sandbox.connect()["access_token"]
    event_id = claims(second)["authentication_event_id"]
    after = connections(sandbox, second, f"?authEventId={event_id}")[0]
    assert (after["id"], after["createdDateUtc"]) == (before["id"], before["createdDateUtc"])
    assert after["updatedDateUtc"] > before["updatedDateUtc"]
    assert connections(sandbox, second, f"?authEventId={before['authEventId']}") == []


def test_two_users_have_connections_of_their_own(sandbox):
    """login_hint names another person, whose consent opens nothing to the first one's tokens."""
    alex, kim = sandbox.connect(), sandbox.connect(user="kim@example.com")
    assert claims(alex["access_token"])["xero_userid"] != claims(kim["access_token"])["xero_userid"]
    mine = {row["id"] for row in connections(sandbox, alex["access_token"])}
    theirs = {row["id"] for row in connections(sandbox, kim["access_token"])}
    assert mine.isdisjoint(theirs)


def test_an_app_by_itself_may_only_list_connections(sandbox):
    """client_credentials gives app.connections, which reaches no tenant; other scopes are invalid_scope."""
    secret = {"client_id": sandbox.ready["client_id"], "client_secret": sandbox.ready["client_secret"]}
    sandbox.connect()
    form = {"grant_type": "client_credentials", **secret}
    token = sandbox.form("/connect/token", {**form, "scope": "app.connections"}).json["access_token"]
    assert len(connections(sandbox, token)) == 4
    refused = sandbox.form("/connect/token", {**form, "scope": "accounting.settings"})
    assert refused.json == {"error": "invalid_scope"}


def test_the_consent_page_connects_what_was_chosen():
    """Without --auto-consent a page lists the organisations; allowing two connects these, cancelling says so."""
    with sandbox_process.start() as sandbox:
        page = authorize(sandbox).body.decode()
        for organisation in sandbox.ready["organisations"]:
            assert organisation["tenant_id"] in page
        consent = re.search(r'name="consent" value="([^"]+)"', page)[1]
        form = f"consent={consent}&decision=allow&tenant={sandbox.tenant(2)}&tenant={sandbox.tenant(3)}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = sandbox.request("POST", "/identity/consent", form.encode(), headers)
        token = exchange(sandbox, sent_back(reply)["code"]).json["access_token"]
        assert [row["tenantId"] for row in connections(sandbox, token)] == [sandbox.tenant(2), sandbox.tenant(3)]
        again = sandbox.request("POST", "/identity/consent", form.encode(), headers)
        assert again.status == 400
        consent = re.search(r'name="consent" value="([^"]+)"', authorize(sandbox).body.decode())[1]
        reply = sandbox.request("POST", "/identity/consent", f"consent={consent}&decision=cancel".encode(), headers)
        assert sent_back(reply) == {"error": "access_denied", "state": "xyz"}


def test_one_per_consent_connects_one_after_another():
    """With --one-per-consent each automatic consent adds the next organisation."""
    with sandbox_process.start("--auto-consent", "--one-per-consent", "--organisations", "2") as sandbox:
        seen = [len(connections(sandbox, sandbox.connect()["access_token"])) for _ in range(3)]
        assert seen == [1, 2, 2]
