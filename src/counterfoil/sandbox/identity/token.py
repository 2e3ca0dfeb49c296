"""The token endpoint, revocation and the discovery document (facts 1.1, 1.4, 1.5).

Called by `server`'s routes. A refresh gives a new refresh token; the one it replaces works for another 30 minutes.
"""

import base64
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.apps import App
from counterfoil.sandbox.identity import authorize, scopes
from counterfoil.sandbox.identity.issuing import Issued
from counterfoil.sandbox.identity.keys import Signer
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World

PATH = "/connect/token"
REVOCATION_PATH = "/connect/revocation"
DISCOVERY_PATH = "/.well-known/openid-configuration"

ID_TOKEN_LIFE_S = 300
REFRESH_LIFE_S = 60 * 86_400
GRACE_S = 30 * 60
FIELDS_MAX = 100
_NOT_STORED = {"Cache-Control": "no-store, no-cache, max-age=0", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class _Client:
    app: App
    authenticated: bool


class Tokens:
    """The endpoint over one world; `issuer` is the sandbox's own origin."""

    def __init__(self, world: World, signer: Signer, issuer: str) -> None:
        self._world = world
        self._signer = signer
        self._issuer = issuer
        self._issued = Issued(world, signer, issuer)

    def token(self, headers: dict[str, str], body: str) -> Answer:
        """POST /connect/token, for every grant type."""
        form = _form(body)
        kind = form.get("grant_type")
        if kind is None:
            _refuse("invalid_request")
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            "client_credentials": self._by_secret,
        }
        client = self._client(headers, form)
        if kind not in grants:
            _refuse("unsupported_grant_type")
        return grants[kind](client, form)

    def revoke(self, headers: dict[str, str], body: str) -> Answer:
        """POST /connect/revocation: the grant ends and all of that user's connections go. An unknown token is fine."""
        form = _form(body)
        client = self._client(headers, form)
        if not form.get("token"):
            _refuse("invalid_request")
        row = self._world.refresh_tokens.get(form["token"])
        if row is not None and row["client_id"] == client.app.client_id:
            for mine in self._world.refresh_tokens.find("grant", row["grant"]):
                self._world.refresh_tokens.drop(mine["token"])
            user_id = row["grant"].partition("/")[2]
            for connection in self._world.connections.find("owner", (client.app.client_id, user_id)):
                self._world.connections.drop(connection["id"])
            self._world.grants.drop(row["grant"])
        return Answer(200)

    def discovery(self) -> Answer:
        """GET the discovery document."""
        at = self._issuer
        document = {
            "issuer": at,
            "jwks_uri": at + self._world.unknowns.chosen("jwks-path"),
            "authorization_endpoint": at + authorize.PATH,
            "token_endpoint": at + PATH,
            "revocation_endpoint": at + REVOCATION_PATH,
            "scopes_supported": sorted(scopes.IDENTITY | scopes.GRANULAR | scopes.WITHOUT_TENANT),
            "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
        }
        return Answer(200, wire.compact(document), "application/json")

    def jwks(self) -> Answer:
        """GET the signing key."""
        return Answer(200, wire.compact(self._signer.jwks), "application/json")

    def _client(self, headers: dict[str, str], form: dict[str, str]) -> _Client:
        """The app that calls: Basic header or body; a PKCE app has only an id."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
        header = headers.get("authorization", "")
        if header[:6].lower() == "basic ":
            try:
                client_id, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
            except ValueError:
                _refuse("invalid_client")
            client_id, secret = unquote(client_id), unquote(secret)
        app = self._world.apps.get(client_id)
        if app is None:
            _refuse("unauthorized_client")
        if app.secret is not None and secret != app.secret:
            _refuse("invalid_client")
        return _Client(app, app.secret is not None)

    def _by_code(self, client: _Client, form: dict[str, str]) -> Answer:
        world = self._world
        if not form.get("code"):
            _refuse("invalid_request")
        code = world.codes.get(form["code"])
        if client.app.kind == "custom":
            _refuse("unauthorized_client")
        if code is None or code["client_id"] != client.app.client_id:
            _refuse("invalid_grant")
        world.codes.drop(form["code"])  # single use, also when what follows is wrong
        late = world.clock.seconds() * 1000 > code["expires_ms"]
        if late or code["redirect_uri"] != form.get("redirect_uri"):
            _refuse("invalid_grant")
        if not authorize.is_proved(code["challenge"], form.get("code_verifier", "")):
            _refuse("invalid_grant")
        if code["grant"] not in world.grants.rows:
            _refuse("invalid_grant")
        return _tokens(self._issued.for_grant(code["grant"], code["event_id"], code.get("nonce")))

    def _by_refresh(self, client: _Client, form: dict[str, str]) -> Answer:
        world = self._world
        if not form.get("refresh_token"):
            _refuse("invalid_request")
        row = world.refresh_tokens.get(form["refresh_token"])
        now_ms = int(world.clock.seconds() * 1000)
        if row is None or row["client_id"] != client.app.client_id or _is_dead(row, now_ms):
            _refuse("invalid_grant")
        for other in world.refresh_tokens.find("grant", row["grant"]):
            if _is_dead(other, now_ms):
                world.refresh_tokens.drop(other["token"])
        if row["replaced_ms"] is None:
            world.refresh_tokens.put(row["token"], {**row, "replaced_ms": now_ms})
        return _tokens(self._issued.for_grant(row["grant"], row["event_id"]))

    def _by_secret(self, client: _Client, form: dict[str, str]) -> Answer:
        """client_credentials: a custom connection's scopes, else those that concern no tenant."""
        if not client.authenticated:
            _refuse("unauthorized_client")
        asked = form.get("scope", "").split()
        if client.app.kind == "custom":
            asked = self._of_custom(client.app, asked)
        asked = asked or ["app.connections"]
        if client.app.kind != "custom" and not scopes.WITHOUT_TENANT.issuperset(asked):
            _refuse("invalid_scope")
        return _tokens(self._issued.for_app(client.app.client_id, asked))

    def _of_custom(self, app: App, asked: list[str]) -> list[str]:
        """What a custom connection gets: what it asks, if it was given that; asking nothing, all it was given."""
        if self._world.books_of_custom(app.client_id) is None:
            _refuse("unauthorized_client")
        broad = self._world.has_broad_scopes()
        if scopes.unassigned(asked, app, broad=broad):
            _refuse("invalid_scope")
        return asked or scopes.assigned(app, broad=broad)


def _is_dead(row: Row, now_ms: int) -> bool:
    replaced = row["replaced_ms"]
    return bool(now_ms > row["expires_ms"] or (replaced is not None and now_ms > replaced + GRACE_S * 1000))


def _form(body: str) -> dict[str, str]:
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        _refuse("invalid_request")
    return {name: values[0] for name, values in fields.items()}


def _tokens(body: dict[str, Any]) -> Answer:
    return Answer(200, wire.compact(body), wire.JSON, dict(_NOT_STORED))


def _refuse(error: str) -> NoReturn:
    raise Refusal(Answer(400, wire.compact({"error": error}), wire.JSON, dict(_NOT_STORED)))
