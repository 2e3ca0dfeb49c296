"""Consent, tokens and connections as an app meets them (facts 1.1 to 1.6)."""

import base64
import hashlib
import json
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token
from xero_python.exceptions import BadRequestException, NotFoundException
from xero_python.exceptions.http_status_exceptions import HTTPStatusException
from xero_python.identity import IdentityApi

from tests.conformance import foreign

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SEVEN_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}")


def part(token, index):
    """One decoded part of a JWT."""
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_token_set_has_exactly_xeros_keys(xero):
    """Code and secret give an access token of 30 minutes, a refresh token and an id_token."""
    token = foreign.consented(xero.ready)
    assert set(token) == {"access_token", "expires_in", "token_type", "scope", "refresh_token", "id_token"}
    assert (token["expires_in"], token["token_type"]) == (1800, "Bearer")
    assert token["scope"].split() == foreign.WITH_JOURNALS.split()


def test_no_refresh_token_and_no_id_token_without_their_scopes(xero):
    """offline_access gives the refresh token, openid the id_token."""
    token = foreign.consented(xero.ready, scope="accounting.settings", login_hint="eve@example.com")
    assert {"refresh_token", "id_token"}.isdisjoint(token)


def test_the_access_token_names_its_authentication_event(xero):
    """The claims of the access token, among them those that an app needs for /connections."""
    claims = part(xero.token["access_token"], 1)
    assert {"nbf", "exp", "iss", "aud", "client_id", "sub", "auth_time", "xero_userid", "jti"} <= set(claims)
    discovery = foreign.send(xero.url, "GET", "/.well-known/openid-configuration").json()
    assert claims["iss"] == discovery["issuer"]
    assert claims["client_id"] == xero.ready["client_id"]
    assert isinstance(claims["scope"], list)
    assert claims["authentication_event_id"]


def test_the_id_token_is_well_formed_and_signed_with_a_published_key(xero):
    """The discovery document leads to the key that the id_token's signature was made with."""
    token = foreign.consented(xero.ready)["id_token"]
    base = xero.ready["identity_url"]
    discovery = foreign.send(base, "GET", "/.well-known/openid-configuration").json()
    keys = foreign.send(base, "GET", "/" + discovery["jwks_uri"].split("/", 3)[3]).json()["keys"]
    key = next(key for key in keys if key["kid"] == part(token, 0)["kid"])
    signed, _, signature = token.rpartition(".")
    numbers = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "==")) for name in ("e", "n"))
    public = rsa.RSAPublicNumbers(*numbers).public_key()
    public.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    claims = part(token, 1)
    assert claims["aud"] == xero.ready["client_id"]
    assert claims["exp"] - claims["iat"] == 300
    assert {"at_hash", "sid", "sub", "xero_userid", "preferred_username", "email", "given_name"} <= set(claims)


def test_the_secret_may_come_in_a_header(xero):
    """Basic authentication is as good as the fields of the form."""
    code = foreign.returned(foreign.authorize(xero.ready))["code"]
    secret = f"{xero.ready['client_id']}:{xero.ready['client_secret']}"
    basic = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    reply = foreign.form(
        xero.url,
        "/connect/token",
        basic,
        grant_type="authorization_code",
        code=code,
        redirect_uri=foreign.REDIRECT_URI,
    )
    assert reply.status == 200


def pkce(ready, verifier, challenge=CHALLENGE):
    """A PKCE exchange; the challenge in the tests is that of RFC 7636."""
    back = foreign.authorize(
        ready, client_id=ready["public_client_id"], code_challenge=challenge, code_challenge_method="S256"
    )
    return foreign.form(
        ready["identity_url"],
        "/connect/token",
        grant_type="authorization_code",
        code=foreign.returned(back)["code"],
        redirect_uri=foreign.REDIRECT_URI,
        client_id=ready["public_client_id"],
        code_verifier=verifier,
    )


def test_a_public_app_proves_itself_with_its_verifier(xero):
    """PKCE: the right verifier gives tokens, another one invalid_grant."""
    assert base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=") == CHALLENGE
    assert pkce(xero.ready, VERIFIER).status == 200
    refused = pkce(xero.ready, VERIFIER[::-1])
    assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")


def test_a_public_app_refreshes_with_its_id_alone(xero):
    """PKCE apps have no secret."""
    token = pkce(xero.ready, VERIFIER).json()
    fields = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    reply = foreign.form(xero.url, "/connect/token", **fields, client_id=xero.ready["public_client_id"])
    assert reply.status == 200
    assert reply.json()["refresh_token"] != token["refresh_token"]


def test_the_state_comes_back_with_the_code(xero):
    """redirect_uri gets code and state."""
    back = foreign.returned(foreign.authorize(xero.ready, state="xyz"))
    assert back["state"] == "xyz"


def test_a_code_works_once(xero):
    """The second exchange of a code is invalid_grant."""
    code = foreign.returned(foreign.authorize(xero.ready))["code"]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": foreign.REDIRECT_URI,
        "client_id": xero.ready["client_id"],
        "client_secret": xero.ready["client_secret"],
    }
    first = foreign.form(xero.url, "/connect/token", **fields)
    second = foreign.form(xero.url, "/connect/token", **fields)
    assert (first.status, second.status, second.json()["error"]) == (200, 400, "invalid_grant")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "unknown", "redirect_uri": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_token_errors_are_oauth_json(xero, fields, error):
    """400 with an `error`, nothing of the Accounting API's shape."""
    client = {"client_id": xero.ready["client_id"], "client_secret": xero.ready["client_secret"]}
    reply = foreign.form(xero.url, "/connect/token", **{**client, **fields})
    assert (reply.status, reply.json()["error"]) == (400, error)


@pytest.mark.parametrize("redirect", ["http://127.0.0.1:8321/callback", "http://evil.example/callback"])
def test_a_foreign_redirect_is_refused_on_a_page(xero, redirect):
    """Nobody is sent to an address that is not the app's."""
    reply = foreign.authorize(xero.ready, redirect_uri=redirect)
    assert (reply.status, "location" in reply.headers) == (400, False)


def test_an_unknown_scope_is_refused_on_a_page(xero):
    """The person sees Xero's words."""
    reply = foreign.authorize(xero.ready, scope="accounting.transactions")
    assert reply.status == 400
    assert "Invalid scope for client" in reply.text
    assert reply.headers["content-type"].startswith("text/html")


def test_the_sdk_refreshes_and_the_old_token_has_its_grace(sandbox, xero):
    """Each refresh gives a new refresh token; the one before works for 30 minutes and then never again."""
    client = foreign.Foreign(xero.ready, login_hint="grace@example.com")
    old = client.token["refresh_token"]
    assert client.client.configuration.oauth2_token.refresh_token in {None, old}
    client.client.configuration.oauth2_token.update_token(**client.token)
    assert client.client.configuration.oauth2_token.refresh_access_token(client.client)
    assert client.token["refresh_token"] != old
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": old,
        "client_id": xero.ready["client_id"],
        "client_secret": xero.ready["client_secret"],
    }
    assert foreign.form(xero.url, "/connect/token", **fields).status == 200
    xero.control("POST", "clock", advance_s=1801)
    dead = foreign.form(xero.url, "/connect/token", **fields)
    assert (dead.status, dead.json()["error"]) == (400, "invalid_grant")
    xero.token = foreign.consented(xero.ready)


def test_connections_through_the_sdk(xero):
    """Every organisation of the consent, with its name and type."""
    connections = xero.identity.get_connections()
    assert {connection.tenant_id for connection in connections} >= set(xero.tenants.values())
    assert {connection.tenant_type for connection in connections} == {"ORGANISATION"}


def test_connections_filtered_by_the_event_of_the_token(xero):
    """authEventId leaves what this consent gave."""
    mine = foreign.Foreign(xero.ready, login_hint="fay@example.com")
    event = part(mine.token["access_token"], 1)["authentication_event_id"]
    assert len(mine.identity.get_connections(auth_event_id=event)) == len(xero.ready["organisations"])
    assert mine.identity.get_connections(auth_event_id="00000000-0000-0000-0000-000000000000") == []


def test_a_connection_has_exactly_xeros_keys(xero):
    """Raw: an array without envelope, naive dates of seven fractional digits."""
    reply = foreign.send(
        xero.url, "GET", "/connections", headers={"Authorization": f"Bearer {xero.token['access_token']}"}
    )
    first = reply.json()[0]
    keys = ["id", "authEventId", "tenantId", "tenantType", "tenantName", "createdDateUtc", "updatedDateUtc"]
    assert list(first) == keys
    assert SEVEN_DIGITS.fullmatch(first["createdDateUtc"])
    assert SEVEN_DIGITS.fullmatch(first["updatedDateUtc"])


def test_deleting_a_connection_ends_that_tenant_only(xero):
    """DELETE by the connection's id; the tenant then answers 403, the other goes on, the token still refreshes."""
    mine = foreign.Foreign(xero.ready, login_hint="dan@example.com")
    connection = next(each for each in mine.identity.get_connections() if each.tenant_id == mine.tenants["NL"])
    mine.identity.delete_connection(connection.id)
    with pytest.raises(HTTPStatusException) as refused:
        mine.api.get_organisations(mine.tenants["NL"])
    assert refused.value.status == 403
    assert mine.api.get_organisations(mine.tenants["NZ"]).organisations[0].country_code.value == "NZ"
    with pytest.raises(NotFoundException):
        mine.identity.delete_connection(connection.id)


def test_the_sdk_drives_a_custom_connection(xero):
    """get_client_credentials_token, then any call; nobody was asked."""
    kept = {}
    holder = OAuth2Token("5A4DB0C0FFEE40008320C0DEC0DE0003", xero.ready["client_secret"])
    client = ApiClient(
        Configuration(oauth2_token=holder), oauth2_token_getter=lambda: kept, oauth2_token_saver=kept.update
    )
    client.configuration.oauth2_token = holder
    client.get_client_credentials_token()
    assert kept["token_type"] == "Bearer"
    assert "refresh_token" not in kept
    api = AccountingApi(client, base_url=f"{xero.url}{foreign.API}")
    (organisation,) = api.get_organisations(xero.tenants["GB"]).organisations
    assert organisation.name == "Fernhill Trading Ltd"
    (connection,) = IdentityApi(client, base_url=xero.url).get_connections()
    assert connection.tenant_id == xero.tenants["GB"]
    with pytest.raises(HTTPStatusException) as refused:
        api.get_organisations(xero.tenants["NL"])
    assert refused.value.status == 403


def test_revocation_ends_every_connection_of_the_user(xero):
    """200 with nothing; the refresh token is dead and nothing is connected."""
    mine = foreign.Foreign(xero.ready, login_hint="rob@example.com")
    holder = mine.client.configuration.oauth2_token
    holder.update_token(**mine.token)
    old = mine.token["refresh_token"]
    reply = foreign.form(
        xero.url,
        "/connect/revocation",
        token=old,
        client_id=xero.ready["client_id"],
        client_secret=xero.ready["client_secret"],
    )
    assert (reply.status, reply.body) == (200, b"")
    holder.refresh_token = old
    with pytest.raises((BadRequestException, HTTPStatusException)) as refused:
        holder.refresh_access_token(mine.client)
    assert refused.value.status == 400
    again = foreign.Foreign(xero.ready, login_hint="rob@example.com")
    assert len(again.identity.get_connections()) == len(xero.ready["organisations"])
