"""Who is calling, and may they: the three 401 and the 403 (facts 3.2, 9 "Auth").

Called by `door` before anything else happens to a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.identity import scopes as scope_rules
from counterfoil.sandbox.identity.keys import BadToken, Signer
from counterfoil.sandbox.world import World

WITHOUT_REPORTS = "without_reports"
_OF_REPORTS = frozenset({"Reports", "Journals", "ManualJournals"})


@dataclass(frozen=True, slots=True)
class Caller:
    """What an access token says. `user_id` None: an app by itself (client_credentials)."""

    client_id: str
    user_id: str | None
    scopes: list[str]


def authenticated(world: World, signer: Signer, headers: Mapping[str, str]) -> Caller:
    """The caller of a good, unexpired token; else Refusal with 401 TokenExpired or AuthenticationUnsuccessful."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    try:
        if kind.lower() != "bearer":
            raise BadToken
        claims = signer.read(token.strip())
    except BadToken:
        raise Refusal(unauthorized(world, "AuthenticationUnsuccessful")) from None
    if world.clock.seconds() >= claims["exp"]:
        raise Refusal(token_expired(world, claims["exp"]))
    return Caller(claims["client_id"], claims.get("xero_userid"), claims["scope"])


def allowed(world: World, caller: Caller, wanted: Sequence[str], *, writing: bool) -> None:
    """Refusal with 401 AuthorizationUnsuccessful unless the token's scopes suffice for any of `wanted`."""
    if not scope_rules.suffices(caller.scopes, wanted, writing=writing, broad=world.has_broad_scopes()):
        raise Refusal(unauthorized(world, "AuthorizationUnsuccessful"))


def tenant(world: World, caller: Caller, tenant_id: str | None) -> Books:
    """The books that the caller asks for and is connected to; else Refusal with 403.

    A custom connection has one organisation and need not name it.
    """
    app = world.apps.get(caller.client_id)
    if app is not None and app.kind == "custom" and caller.user_id is None:
        own = world.books_of_custom(caller.client_id)
        if own is None or (tenant_id and world.books(tenant_id) is not own):
            raise Refusal(forbidden(world))
        return own
    books = None if tenant_id is None else world.books(tenant_id)
    if books is None or caller.user_id is None:
        raise Refusal(forbidden(world))
    if world.connection_of(caller.client_id, caller.user_id, books.tenant_id) is None:
        raise Refusal(forbidden(world))
    return books


def permitted(world: World, caller: Caller, books: Books, plural: str) -> None:
    """Refusal with 403 for reports and journals if the user's role in the organisation has no reports (facts 1.7).

    Which Detail Xero sends is not known (facts 11.8): that of a missing scope, so that nobody takes it for a disconnection.
    """
    row = books.table("settings").get(WITHOUT_REPORTS)
    if row is None or caller.user_id is None or plural not in _OF_REPORTS:
        return
    if caller.user_id in {world.user(email).user_id for email in row["users"]}:
        raise Refusal(answers.problem(world, 403, "Forbidden", world.unknowns.chosen("role-refusal")))


def unauthorized(world: World, detail: str) -> Answer:
    """401 with one of Xero's three details."""
    return answers.problem(world, 401, "Unauthorized", detail)


def token_expired(world: World, exp: int) -> Answer:
    """401 that says when."""
    when = datetime.fromtimestamp(exp, UTC).strftime("%m/%d/%Y %H:%M:%S")
    return unauthorized(world, f"TokenExpired: token expired at {when}")


def forbidden(world: World) -> Answer:
    """403: not connected, disconnected, or no tenant named."""
    return answers.problem(world, 403, "Forbidden", "AuthenticationUnsuccessful")
