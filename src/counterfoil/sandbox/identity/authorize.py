"""The consent: from the authorize request to a code at redirect_uri (facts 1.1, 1.3).

Called by `server`'s routes. Login is not played: `login_hint=` names the user by e-mail address. The page itself comes
from `pages`. A pending consent lives in memory only; its code is in a table.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.apps import App
from counterfoil.sandbox.identity import caps, redirects, scopes
from counterfoil.sandbox.people import ConsentRequest, User
from counterfoil.sandbox.world import DEFAULT_USER, World

PATH = "/identity/connect/authorize"
ACCEPT_PATH = "/identity/consent"
CODE_LIFE_S = 300.0
PENDING_MAX = 1_000
FIELDS_MAX = 1_000  # a consent names one tenant in each
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class _Pending:
    app: App
    user: User
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None
    one_only: bool


class Authorize:
    """The two steps. `page` renders a ConsentRequest as HTML, `refused` an error and its reason."""

    def __init__(self, world: World, page: Callable[[ConsentRequest], str], refused: Callable[[str, str], str]) -> None:
        self._world = world
        self._page = page
        self._refused = refused
        self._pending: dict[str, _Pending] = {}

    def ask(self, query: dict[str, str]) -> Answer:
        """GET authorize: the consent page, or with --auto-consent the redirect at once."""
        app = self._world.apps.get(query.get("client_id", ""))
        if app is None:
            return self._sorry("unauthorized_client", "Unknown client_id")
        if app.kind == "custom":
            return self._sorry("unauthorized_client", "A custom connection asks nobody: it uses client_credentials")
        redirect_uri = query.get("redirect_uri", "")
        if not redirects.is_allowed(app, redirect_uri):
            return self._sorry("unauthorized_client", "Invalid redirect_uri")
        state = query.get("state")
        if query.get("response_type") != "code":
            return _back(redirect_uri, error="unsupported_response_type", state=state)
        challenge = query.get("code_challenge")
        if (challenge is None and app.secret is None) or (
            challenge is not None
            and (query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge))
        ):
            return _back(redirect_uri, error="invalid_request", state=state)
        asked = query.get("scope", "").split()
        if not asked or scopes.unknown(asked, app, broad=self._world.has_broad_scopes(), classic=self._is_classic()):
            if self._world.unknowns.plays("refused-scope", "redirect"):
                return _back(redirect_uri, error="invalid_scope", state=state)
            return self._sorry("unauthorized_client", "Invalid scope for client")
        one_only = (
            not app.is_bulk
            or self._world.options.one_per_consent
            or "bulk_connect:false" in query.get("acr_values", "").split()
        )
        user = self._world.user(query.get("login_hint") or DEFAULT_USER)
        pending = _Pending(
            app, user, redirect_uri, tuple(dict.fromkeys(asked)), state, challenge, query.get("nonce"), one_only
        )
        if self._world.options.auto_consent:
            return self._allowed(pending, self._automatic(pending))
        return self._show(pending)

    def _is_classic(self) -> bool:
        return self._world.unknowns.plays("classic-expenses-scope", "granted")

    def decide(self, form: str) -> Answer:
        """POST from the page: `consent`, `decision`, `tenant`…"""
        try:
            fields = parse_qs(form, max_num_fields=FIELDS_MAX)
        except ValueError:
            fields = {}
        pending = self._pending.pop(fields.get("consent", [""])[0], None)
        if pending is None:
            return self._sorry("invalid_request", "This consent page is no longer open: start again")
        asked = map(self._world.books, fields.get("tenant", []))
        chosen = list(dict.fromkeys(books.tenant_id for books in asked if books is not None))
        if fields.get("decision", [""])[0] != "allow" or not chosen:
            if self._world.unknowns.plays("access-denied", "page"):
                return self._sorry("access_denied", "You have not let the app in")
            return _back(pending.redirect_uri, error="access_denied", state=pending.state)
        return self._allowed(pending, chosen[:1] if pending.one_only else chosen)

    def _allowed(self, pending: _Pending, tenants: list[str]) -> Answer:
        """Grant these, unless a cap on connections stands against one of them: then none is connected."""
        reasons = caps.blocked(self._world, pending.app, tenants)
        if not reasons:
            return self._grant(pending, tenants)
        if self._world.unknowns.plays("full-cap", "redirect"):
            return _back(pending.redirect_uri, error="access_denied", state=pending.state)
        return self._sorry("access_denied", next(iter(reasons.values())))

    def _sorry(self, error: str, reason: str) -> Answer:
        """What a person sees when there is nowhere safe to send them back to."""
        return Answer(400, self._refused(error, reason).encode(), wire.HTML)

    def _automatic(self, pending: _Pending) -> list[str]:
        """All organisations that can be connected; where only one may be chosen, the first that is not connected yet."""
        world = self._world
        tenants = [books.tenant_id for books in world.organisations()]
        app, user = pending.app.client_id, pending.user.user_id
        fresh = [tenant for tenant in tenants if world.connection_of(app, user, tenant) is None]
        wanted = (fresh or tenants) if pending.one_only else tenants
        reasons = caps.blocked(world, pending.app, wanted)
        chosen = [tenant for tenant in wanted if tenant not in reasons] or wanted
        return chosen[:1] if pending.one_only else chosen

    def _show(self, pending: _Pending) -> Answer:
        while len(self._pending) >= PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        consent_id = self._world.ids.token()
        self._pending[consent_id] = pending
        request = ConsentRequest(
            consent_id,
            ACCEPT_PATH,
            pending.app.name,
            pending.user,
            pending.scopes,
            tuple(self._world.organisations()),
            pending.one_only,
            self._blocked(pending),
        )
        return Answer(200, self._page(request).encode(), wire.HTML, {"X-Frame-Options": "DENY"})

    def _blocked(self, pending: _Pending) -> dict[str, str]:
        """Which organisations cannot be chosen, each looked at by itself."""
        reasons: dict[str, str] = {}
        for books in self._world.organisations():
            reasons |= caps.blocked(self._world, pending.app, [books.tenant_id])
        return reasons

    def _grant(self, pending: _Pending, tenants: list[str]) -> Answer:
        """Connect the tenants, widen the grant (scopes only ever add up) and hand out a code."""
        world = self._world
        event_id = world.ids.guid()
        for tenant in tenants:
            self._connect(pending, tenant, event_id)
        grant_id = f"{pending.app.client_id}/{pending.user.user_id}"
        grant = world.grants.get(grant_id) or {"scopes": [], "session": world.ids.guid()}
        world.grants.put(
            grant_id,
            {
                **grant,
                "client_id": pending.app.client_id,
                "email": pending.user.email,
                "scopes": list(dict.fromkeys([*grant["scopes"], *pending.scopes])),
                "auth_time": int(world.clock.seconds()),
            },
        )
        for old in [key for key, row in world.codes.rows.items() if row["expires_ms"] < world.clock.seconds() * 1000]:
            world.codes.drop(old)
        code = world.ids.token()
        world.codes.put(
            code,
            {
                "grant": grant_id,
                "client_id": pending.app.client_id,
                "redirect_uri": pending.redirect_uri,
                "challenge": pending.challenge,
                "nonce": pending.nonce,
                "event_id": event_id,
                "expires_ms": int((world.clock.seconds() + CODE_LIFE_S) * 1000),
            },
        )
        return _back(pending.redirect_uri, code=code, scope=" ".join(pending.scopes), state=pending.state)

    def _connect(self, pending: _Pending, tenant: str, event_id: str) -> None:
        """A new connection, or the old one moved on: it keeps its date of creation, and as far as we know its id (facts 10.4)."""
        world = self._world
        now = wire.seven_digits(world.clock.now())
        owner = (pending.app.client_id, pending.user.user_id)
        old = [row for row in world.connections.find("owner", owner) if row["tenant_id"] == tenant]
        row = old[0] if old else {"id": world.ids.guid(), "created": now}
        if old and world.unknowns.plays("reconnection", "new-id"):
            world.connections.drop(row["id"])
            row = {**row, "id": world.ids.guid()}
        world.connections.put(
            row["id"],
            {
                "id": row["id"],
                "client_id": owner[0],
                "user_id": owner[1],
                "tenant_id": tenant,
                "event_id": event_id,
                "created": row["created"],
                "updated": now,
                "connected_s": world.clock.seconds(),
                "disconnected": False,
            },
        )


def is_proved(challenge: str | None, verifier: str) -> bool:
    """Whether this PKCE verifier is the challenge's.

    A verifier without a challenge is refused: somebody took the challenge out of the authorize request on its way.
    """
    if challenge is None:
        return not verifier
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def _back(redirect_uri: str, **fields: str | None) -> Answer:
    """The redirect with what the client waits for."""
    query = urlencode({name: value for name, value in fields.items() if value is not None})
    joint = "&" if urlsplit(redirect_uri).query else "?"
    return Answer(302, b"", None, {"Location": f"{redirect_uri}{joint}{query}"})
