"""Xero's identity server: consent URL, tokens, connections. Requests and answers as values, without I/O.

Called by access (consent, tokens, connections) and probe; `perform` carries a request out. Disconnecting is
DELETE /connections/{id}; there is no revocation here on purpose: it would cut all of a user's connections.
https://developer.xero.com/documentation/guides/oauth2/auth-flow (read 2026-11), xero-facts §1.1-§1.6.
"""

import base64
import hashlib
import urllib.parse
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.model import record
from counterfoil.model.hidden import HiddenBytes, HiddenText
from counterfoil.model.record import Part, Stamp
from counterfoil.xero import answers
from counterfoil.xero.answers import Answer
from counterfoil.xero.transport import Transport

TOKEN_TIMEOUT_S: Final = 20.0
FORM: Final = "application/x-www-form-urlencoded"
CONNECT: Final = "Run `counterfoil connect`."
PORTAL: Final = "https://developer.xero.com/app/manage"
THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class App(msgspec.Struct, frozen=True):
    """Our registration at Xero. `client_secret` None: a PKCE app, which has none.

    `is_custom`: a custom connection, which asks for itself: no user, no refresh token, one organisation (facts §1.2).
    `public_url`: under which our own pages are, where a person can let the app in again; None: there is no such page.
    """

    client_id: str
    client_secret: str | None = None
    is_custom: bool = False
    public_url: str | None = None

    def __repr__(self) -> str:
        return f"<App {self.client_id}>"


class Request(msgspec.Struct, frozen=True):
    """One request to make. `host` is "identity" or "api"."""

    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


class TokenSet(msgspec.Struct, frozen=True):
    """What the token endpoint gives. `expires_in`: seconds of life of the access token.

    `refresh_token`: "" for a custom connection. The id token, which holds a person's name, is not among what is kept.
    """

    access_token: str
    expires_in: int
    refresh_token: str = ""
    scope: str = ""

    def __repr__(self) -> str:
        return f"<TokenSet for {self.expires_in} s>"


class Claims(msgspec.Struct, frozen=True):
    """What an access token says of itself; not verified: it came from the token endpoint itself."""

    xero_userid: str
    authentication_event_id: str | None = None


class Discovered(msgspec.Struct, frozen=True):
    """What the identity server says of itself: who signs its tokens, and where the keys are."""

    issuer: str
    jwks_uri: str


class Connection(Part, frozen=True, kw_only=True, gc=False, rename="camel"):
    """One tenant that one user's consent lets our app into."""

    id: str
    tenant_id: str
    tenant_type: str
    tenant_name: str | None = None
    auth_event_id: str | None = None
    created_date_utc: Stamp | None = None
    updated_date_utc: Stamp | None = None


def challenge(verifier: str) -> str:
    """The PKCE challenge (S256) of a verifier of 43-128 characters."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def authorize_url(
    login_url: str, client_id: str, *, redirect_uri: str, scopes: tuple[str, ...], state: str, verifier: str, nonce: str
) -> str:
    """The page where a user consents. The code that it sends to `redirect_uri` lives five minutes and works once.

    `nonce`: comes back in the id token, which so belongs to this consent and no other.
    """
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    encoded = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    return f"{login_url.rstrip('/')}/identity/connect/authorize?{encoded}"


def exchange(app: App, code: str, *, redirect_uri: str, verifier: str) -> Request:
    """Turn a code into tokens."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    return _token_request(app, form)


def refresh(app: App, refresh_token: str) -> Request:
    """Turn a refresh token into new tokens; the old one works for 30 minutes more (facts §1.4)."""
    return _token_request(app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def by_secret(app: App, scopes: tuple[str, ...]) -> Request:
    """A custom connection's token: for itself, with scopes that its page at Xero gave it (facts §1.2); none: with all."""
    asked = {"scope": " ".join(scopes)} if scopes else {}
    return _token_request(app, {"grant_type": "client_credentials", **asked})


def renewal(app: App, tokens: TokenSet, scopes: str) -> Request:
    """What gives the next access token: the refresh token, or for a custom connection the same question again."""
    return by_secret(app, tuple(scopes.split())) if app.is_custom else refresh(app, tokens.refresh_token)


def discovery() -> Request:
    """Where the identity server's keys are (facts §1.1)."""
    return Request("GET", "identity", "/.well-known/openid-configuration", {"Accept": "application/json"})


def keys(found: Discovered, identity_url: str) -> Request:
    """The keys that sign id tokens. Raises ConfigurationError when they are not the identity server's own."""
    home, there = origin(identity_url), urllib.parse.urlsplit(found.jwks_uri)
    if origin(found.issuer) != home or origin(found.jwks_uri) != home or there.query or there.fragment:
        raise errors.ConfigurationError(
            f"The identity server at {identity_url} speaks for {found.issuer[:100]}.",
            remedy="Check [xero] identity_url.",
        )
    path = there.path.removeprefix(urllib.parse.urlsplit(identity_url).path.rstrip("/"))
    return Request("GET", "identity", path, {"Accept": "application/json"})


def origin(url: str) -> tuple[str, str, int | None]:
    """(scheme, host, port) of an address; this machine's names are one. An address that cannot be read is no origin."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = "localhost" if parts.hostname in THIS_MACHINE else parts.hostname or ""
        return parts.scheme, host, parts.port
    except ValueError:
        return "", "", None


def connections(access_token: str, *, event_id: str | None = None) -> Request:
    """What the token's user ever let us into; with `event_id` (see Claims) only the tenants of that consent."""
    query = f"?{urllib.parse.urlencode({'authEventId': event_id})}" if event_id else ""
    return Request("GET", "api", f"/connections{query}", _bearer(access_token))


def disconnect(access_token: str, connection_id: str) -> Request:
    """End one connection: its own id, not the tenant's."""
    path = f"/connections/{urllib.parse.quote(connection_id, safe='')}"
    return Request("DELETE", "api", path, _bearer(access_token))


def _bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": HiddenText(f"Bearer {access_token}"), "Accept": "application/json"}


def _token_request(app: App, form: dict[str, str]) -> Request:
    headers = {"Content-Type": FORM, "Accept": "application/json"}
    if app.client_secret is None:
        form = form | {"client_id": app.client_id}
    else:
        pair = f"{urllib.parse.quote(app.client_id, safe='')}:{urllib.parse.quote(app.client_secret, safe='')}"
        headers["Authorization"] = HiddenText(f"Basic {base64.b64encode(pair.encode()).decode()}")
    return Request("POST", "identity", "/connect/token", headers, HiddenBytes(urllib.parse.urlencode(form).encode()))


async def perform(transport: Transport, request: Request) -> Answer:
    """Carry out one request, once. Raises XeroUnavailable(sent=False) or Unclear (facts §1.4: a lost token answer)."""
    base = transport.identity_url if request.host == "identity" else transport.api_url
    return await transport.send(
        request.method, base + request.path, request.headers, request.body, timeout_s=TOKEN_TIMEOUT_S
    )


class _Granted(TokenSet, frozen=True):
    id_token: str = ""


def granted_of(answer: Answer, app: App) -> tuple[TokenSet, str]:
    """The tokens of an answer, and its id token ("" when it has none). Raises as `tokens_of`."""
    if answer.status != 200:
        raise token_error(answer, app)
    try:
        found = msgspec.json.decode(answer.body, type=_Granted)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        if found.access_token and (found.refresh_token or app.is_custom):
            kept = TokenSet(found.access_token, found.expires_in, found.refresh_token, found.scope)
            return kept, HiddenText(found.id_token)
    # msgspec's words would name values: say nothing of the body.
    raise errors.Unclear("The token endpoint's answer cannot be read, or has no refresh token (offline_access).")


def tokens_of(answer: Answer, app: App) -> TokenSet:
    """The tokens of an answer. Raises NoConsent with fact oauth="invalid_grant", ConfigurationError, RunAgain's."""
    return granted_of(answer, app)[0]


_REMEDIES: Final = {
    "invalid_client": "The client secret is missing or wrong: check [xero] client_id and client_secret.",
    "unauthorized_client": "Xero does not know this client_id, or it may not use these scopes: check [xero] client_id.",
    "invalid_scope": "The app may not ask for one of these scopes: check its page at developer.xero.com.",
}
_CUSTOM_REMEDIES: Final = {
    "invalid_scope": f"Give it the scopes that `counterfoil connect --explain` shows, at {PORTAL}.",
}
NOT_ACTIVE: Final = (
    f"After a change of its scopes or its organisation at {PORTAL} the organisation's user has to authorise it again, by "
    "the link in Xero's e-mail; then run the same command again. If there was none: check [xero] client_id."
)


def token_error(answer: Answer, app: App) -> errors.CounterfoilError:
    """The error that an answer of the token endpoint means (facts §1.5)."""
    said = answers.first_text(answers.problem_of(answer), "error")
    if 400 <= answer.status < 500 and said == "invalid_grant":
        return errors.NoConsent("Xero no longer accepts this consent.", remedy=CONNECT, oauth=said)
    if 400 <= answer.status < 500 and said == "unauthorized_client" and app.is_custom:
        return errors.NotConnected("The custom connection is not active.", remedy=NOT_ACTIVE, oauth=said)
    if 400 <= answer.status < 500 and said:
        remedies = _REMEDIES | _CUSTOM_REMEDIES if app.is_custom else _REMEDIES
        remedy = remedies.get(said, "Check [xero] client_id, client_secret and redirect_uri.")
        return errors.ConfigurationError(f"Xero's token endpoint says {said[:60]}.", remedy=remedy, oauth=said)
    return answers.explain(answer) or errors.Unclear(f"The token endpoint answered {answer.status}.")


def discovered(answer: Answer) -> Discovered:
    """What the identity server says of itself. Raises what its status means, Unclear when it cannot be read."""
    problem = answers.explain(answer)
    if problem is not None:
        raise problem
    try:
        return msgspec.json.decode(answer.body, type=Discovered)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise errors.Unclear("The identity server's description of itself cannot be read.") from None


def connections_of(answer: Answer) -> tuple[Connection, ...]:
    """The connections of an answer, in Xero's order. Raises what its status means, Unclear when it cannot be read."""
    problem = answers.explain(answer)
    if problem is not None:
        raise problem
    try:
        found: tuple[Connection, ...] = record.decoder(tuple[Connection, ...]).decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise errors.Unclear("Xero's list of connections cannot be read.") from None
    return found


def claims_of(access_token: str) -> Claims:
    """The claims of an access token. Raises Unclear when it is no JWT with a user in it."""
    access_token = HiddenText(access_token)
    claims = _claims(access_token)
    if claims is None:
        raise errors.Unclear("The access token does not say whose it is.")
    return claims


def _claims(access_token: str) -> Claims | None:
    """They, or None: what is raised must not have parts of a token among its locals."""
    parts = access_token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Claims)
    except (IndexError, ValueError, msgspec.DecodeError):
        return None
