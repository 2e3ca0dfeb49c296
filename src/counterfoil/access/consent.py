"""Consent: from a URL in the user's browser to a stored grant and the list of what it reaches.

Called by cli (`counterfoil connect`) and testing. OAuth 2.0 code flow with PKCE (RFC 7636), with a client secret when
the app has one. Scopes are handed in: the least that the configured flows need. xero-facts §1.3-§1.7
(https://developer.xero.com/documentation/guides/oauth2/pkce-flow, read 2026-11).
"""

import asyncio
import datetime
import hmac
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import callback, connections, losing, page, tokens
from counterfoil.access.audit import NO_ENTITY, AuditLog
from counterfoil.access.vault import Vault
from counterfoil.store import bindings, grants
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected, Grant
from counterfoil.xero import identity
from counterfoil.xero.identity import App, Connection, TokenSet
from counterfoil.xero.transport import Transport

WAIT_S: Final = 300.0
SIGN_IN: Final = ("openid", "profile", "email", "offline_access")
AGAIN: Final = "Run `counterfoil connect` again."


class Consented(msgspec.Struct, frozen=True):
    """What came of a consent. `fresh`: the tenants of this very consent; `reached`: all that the user ever allowed."""

    grant_id: str
    scopes: tuple[str, ...]
    reached: tuple[Connected, ...]
    fresh: tuple[Connected, ...]


class Consent:
    """Asks for and stores one user's consent."""

    def __init__(self, database: Database, vault: Vault, audit: AuditLog, transport: Transport, app: App) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._transport = transport
        self._app = app

    async def connect(
        self,
        redirect_uri: str,
        scopes: tuple[str, ...],
        show: Callable[[str], None],
        *,
        wait_s: float = WAIT_S,
    ) -> Consented:
        """Show the URL, wait for the browser to come back, store the grant, list what it reaches.

        `scopes`: beyond SIGN_IN, which is always asked for. `show(url)`: prints it, opens a browser. `wait_s`: how long
        to listen on `redirect_uri`. Costs four calls, none of them counted by a tenant. Asking twice is harmless: the
        same user's grant is replaced. Raises NoConsent (cancelled, foreign answer, nobody came), ConfigurationError
        (redirect_uri, port, client, scope), XeroUnavailable, Unclear.
        """
        await self._vault.ready(self._database)  # before a person is troubled: what they give has to be sealed
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        asked = (*SIGN_IN, *(scope for scope in scopes if scope not in SIGN_IN))
        at = callback.address(redirect_uri)
        came: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        shown: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

        async def answer(query: callback.Query) -> tuple[int, str]:
            if came.done():
                return 410, page.failed("This answer was used already.", AGAIN)
            try:
                came.set_result(_code(query, state))
            except errors.CounterfoilError as problem:
                came.set_exception(problem)
            return await shown

        async with callback.listening(at, answer) as port:
            uri = at.uri(port) if at.port == 0 else redirect_uri
            try:
                show(self._url(uri, asked, state, verifier))
                consented = await self._finish(await _in_time(came, wait_s), uri, verifier)
                names = tuple(dict.fromkeys(one.name for one in consented.fresh or consented.reached))
                shown.set_result((200, page.connected(names)))
            except errors.CounterfoilError as problem:
                shown.set_result((400, page.failed(problem.message, problem.remedy)))
                raise
            finally:
                shown.cancel()  # interrupted: nobody waits for the page any more
        return consented

    def _url(self, redirect_uri: str, scopes: tuple[str, ...], state: str, verifier: str) -> str:
        return identity.authorize_url(
            self._transport.login_url,
            self._app.client_id,
            redirect_uri=redirect_uri,
            scopes=scopes,
            state=state,
            verifier=verifier,
        )

    async def _finish(self, code: str, redirect_uri: str, verifier: str) -> Consented:
        asked_s = self._database.clock.elapsed_s()
        request = identity.exchange(self._app, code, redirect_uri=redirect_uri, verifier=verifier)
        fresh = identity.tokens_of(await identity.perform(self._transport, request))
        claims = identity.claims_of(fresh.access_token)
        grant = await self._stored(fresh, claims.xero_userid, self._transport.time.at(asked_s))
        reached = await self._connections(fresh.access_token, None)
        event = claims.authentication_event_id
        newly = await self._connections(fresh.access_token, event) if event else ()
        now = self._database.clock.now()
        rows = [connections.row(grant.id, one, now) for one in reached]
        await self._database.run(lambda conn: self._reaches(conn, grant.id, rows))
        return Consented(
            grant_id=grant.id,
            scopes=tuple(fresh.scope.split()),
            reached=tuple(rows),
            fresh=tuple(connections.row(grant.id, one, now) for one in newly),
        )

    def _reaches(self, conn: grants.Connection, grant_id: str, rows: list[Connected]) -> None:
        """Store what the grant reaches; bindings whose own consent is lost go on with this one."""
        grants.replace_connections(conn, grant_id, rows)
        for entity in bindings.regrant(conn, grant_id, [row.tenant_id for row in rows]):
            self._audit.append(conn, entity, "regranted", {"grant": grant_id})
        losing.over(conn, grant_id, self._database.now(conn))

    async def _connections(self, token: str, event_id: str | None) -> tuple[Connection, ...]:
        answer = await identity.perform(self._transport, identity.connections(token, event_id=event_id))
        return identity.connections_of(answer)

    async def _stored(self, fresh: TokenSet, xero_userid: str, asked_at: datetime.datetime) -> Grant:
        """Store the grant before anything is done with it: a code works once. `asked_at`: by Xero's clock."""

        def store(conn: grants.Connection) -> Grant:
            old = grants.find_for_update(conn, self._app.client_id, xero_userid)
            grant_id = secrets.token_hex(16) if old is None else old.id
            grant = Grant(
                id=grant_id,
                client_id=self._app.client_id,
                xero_userid=xero_userid,
                scopes=fresh.scope,
                generation=1 if old is None else old.generation + 1,
                secret=tokens.sealed(self._vault, conn, grant_id, fresh),
                spare=None,
                spare_until=None,
                expires_at=asked_at + datetime.timedelta(seconds=fresh.expires_in),
                refreshed_at=asked_at,
                refresh_owner=None,
                refresh_until=None,
                lost=None,
            )
            grants.put(conn, grant)
            self._audit.append(conn, NO_ENTITY, "consented", {"grant": grant_id, "scopes": fresh.scope})
            return grant

        return await self._database.run(store)


def _code(query: callback.Query, state: str) -> str:
    """The code of a callback. Raises what its error means, or NoConsent when it is not the answer to our question."""
    if not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
        raise errors.NoConsent(
            "The answer belongs to another attempt to connect (its state is not ours).", remedy=AGAIN
        )
    said = query.get("error")
    if said == "access_denied":
        raise errors.NoConsent("The consent was cancelled on Xero's page.", remedy=f"{AGAIN} Then press Allow access.")
    if said is not None:
        raise errors.ConfigurationError(
            f"Xero's consent page says {said[:60]}.",
            remedy="Check [xero] client_id and the scopes of the app at developer.xero.com.",
        )
    code = query.get("code")
    if not code:
        raise errors.NoConsent("Xero's answer holds no code.", remedy=AGAIN)
    return code


async def _in_time(came: asyncio.Future[str], wait_s: float) -> str:
    try:
        async with asyncio.timeout(wait_s):
            return await came
    except TimeoutError:
        raise errors.NoConsent(f"Nobody consented within {wait_s / 60:g} minutes.", remedy=AGAIN) from None
