"""Xero's paths that name no tenant: the identity server, the list of connections, the App Store.

Called by `door`. Faults, the log and the journal are the door's.
"""

from aiohttp import web

from counterfoil.sandbox import answers, app_store, gate, incoming
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.identity import authorize, connections, token
from counterfoil.sandbox.identity.authorize import Authorize
from counterfoil.sandbox.identity.keys import Signer
from counterfoil.sandbox.identity.token import Tokens
from counterfoil.sandbox.world import World


class WithoutTenant:
    """The handler over one world."""

    def __init__(self, world: World, signer: Signer, tokens: Tokens, consent: Authorize) -> None:
        self._world = world
        self._signer = signer
        self._tokens = tokens
        self._consent = consent

    def answered(self, request: web.Request, path: str, headers: dict[str, str], body: str) -> Answer:
        """The answer to this path (in lower case); Refusal for a token that is not good or not enough."""
        if path == "/connections" or path.startswith("/connections/"):
            return self._connections(request, path, headers)
        if path.startswith(app_store.PATH):
            caller = gate.authenticated(self._world, self._signer, headers)
            return app_store.answered(self._world, caller, request.method, path.removeprefix(app_store.PATH))
        match request.method, path:
            case "GET", authorize.PATH:
                return self._consent.ask(dict(request.query))
            case "POST", authorize.ACCEPT_PATH:
                return self._consent.decide(body)
            case "POST", token.PATH:
                return self._tokens.token(headers, body)
            case "POST", token.REVOCATION_PATH:
                return self._tokens.revoke(headers, body)
            case "GET", token.DISCOVERY_PATH:
                return self._tokens.discovery()
            case "GET", jwks_path if jwks_path == self._world.unknowns.chosen("jwks-path"):
                return self._tokens.jwks()
            case _:
                return answers.not_found()

    def _connections(self, request: web.Request, path: str, headers: dict[str, str]) -> Answer:
        caller = gate.authenticated(self._world, self._signer, headers)
        is_custom = self._world.books_of_custom(caller.client_id) is not None
        if caller.user_id is None and "app.connections" not in caller.scopes and not is_custom:
            raise Refusal(gate.unauthorized(self._world, "AuthorizationUnsuccessful"))
        connection_id = path.removeprefix("/connections").strip("/")
        if request.method == "GET" and not connection_id:
            return connections.listed(self._world, caller, incoming.query(request).get("autheventid"))
        if request.method == "DELETE" and connection_id:
            return connections.removed(self._world, caller, connection_id)
        return Answer(405)
