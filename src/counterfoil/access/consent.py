"""Consent: from a URL in the user's browser to a stored grant and the list of what it reaches.

Called by app (`counterfoil connect`; for the service's page, which listens by itself) and testing. OAuth 2.0 code flow
with PKCE (RFC 7636), with a client secret when the app has one; the id token says who consented (id_token). Scopes are
handed in: the least that the configured flows need. xero-facts §1.3-§1.7
(https://developer.xero.com/documentation/guides/oauth2/pkce-flow, read 2026-11).
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import callback, id_token, page
from counterfoil.access.granting import Consented, Granting, recorded
from counterfoil.access.id_token import Issuer
from counterfoil.xero import identity
from counterfoil.xero import scopes as scope_rules

WAIT_S: Final = 300.0
SIGN_IN: Final = scope_rules.SIGN_IN
AGAIN: Final = "Run `counterfoil connect` again."
FOREIGN: Final = "The answer belongs to another attempt to connect: its state is not ours."
OPEN_OURS: Final = "Open the address that `counterfoil connect` shows now."


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One consent that was asked for. `state`, `verifier` and `nonce` are secrets of it: kept in memory, or sealed.

    `by`: who has to sign the answer. One answer to it is enough: whoever keeps it forgets it then.
    """

    state: str
    verifier: str
    nonce: str
    scopes: tuple[str, ...]
    by: Issuer

    def __repr__(self) -> str:
        return "<Question>"


class Consent(Granting):
    """Asks for and stores one user's consent."""

    @recorded
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
        to listen on `redirect_uri`. Costs five calls, none of them counted by a tenant. Asking twice is harmless: the
        same user's grant is replaced. An answer with another state is refused, and the right one waited for. Raises
        NoConsent (cancelled, another server's answer, an id token that cannot be believed, nobody came), ConfigurationError (redirect_uri, port, client, scope), XeroUnavailable, Unclear.
        """
        asked = await self.ask(scopes)
        at = callback.address(redirect_uri)
        came: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        shown: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

        async def answer(query: callback.Query) -> tuple[int, str]:
            if came.done():
                return 410, page.failed("This answer was used already.", AGAIN)
            if not is_ours(query, asked):  # any page that the browser shows can send one: it may not end ours
                return 400, page.failed(FOREIGN, OPEN_OURS)
            try:
                came.set_result(code_of(query, asked))
            except errors.CounterfoilError as problem:
                came.set_exception(problem)
            return await shown

        async with callback.listening(at, answer) as port:
            uri = at.uri(port) if at.port == 0 else redirect_uri
            try:
                show(self.page(asked, uri))
                consented = await self.redeem(asked, uri, await _in_time(came, wait_s))
                names = tuple(dict.fromkeys(one.name for one in consented.fresh or consented.reached))
                shown.set_result((200, page.connected(names)))
            except errors.CounterfoilError as problem:
                shown.set_result((400, page.failed(problem.message, problem.remedy or AGAIN)))
                raise
            finally:
                shown.cancel()  # interrupted: nobody waits for the page any more
        return consented

    async def ask(self, scopes: tuple[str, ...]) -> Question:
        """Get ready to ask: the key is there, the identity server names its keys. Two calls, none of a tenant's.

        Raises MasterKeyError, StoreError, ConfigurationError, XeroUnavailable, Unclear.
        """
        await self._vault.ready(self._database)  # before a person is troubled: what they give has to be sealed
        by = await id_token.issuer(self._transport)
        state, verifier, nonce = (secrets.token_urlsafe(size) for size in (32, 64, 32))
        every = (*SIGN_IN, *(scope for scope in scopes if scope not in SIGN_IN))
        return Question(state=state, verifier=verifier, nonce=nonce, scopes=every, by=by)

    def page(self, asked: Question, redirect_uri: str) -> str:
        """The address of Xero's page where the question is answered; the answer comes to `redirect_uri`."""
        return identity.authorize_url(
            self._transport.login_url,
            self._app.client_id,
            redirect_uri=redirect_uri,
            scopes=asked.scopes,
            state=asked.state,
            verifier=asked.verifier,
            nonce=asked.nonce,
        )

    async def redeem(self, asked: Question, redirect_uri: str, code: str) -> Consented:
        """The code becomes tokens, once; who consented is checked before anything is stored. Three calls.

        `redirect_uri`: the very one that `page` was given. Raises NoConsent, ConfigurationError, XeroUnavailable, Unclear.
        """
        asked_s = self._database.clock.elapsed_s()
        request = identity.exchange(self._app, code, redirect_uri=redirect_uri, verifier=asked.verifier)
        answer = await identity.perform(self._transport, request)
        fresh, token = identity.granted_of(answer, self._app)
        now = self._transport.time.now()
        user = id_token.user_of(token, fresh.access_token, asked.by, self._app, asked.nonce, now)
        claims = identity.claims_of(fresh.access_token)
        if claims.xero_userid != user:
            raise errors.NoConsent("Xero's two tokens name two users. Nothing was stored.", remedy=AGAIN, why="users")
        return await self.keep(fresh, user, self._transport.time.at(asked_s), claims.authentication_event_id)


def is_ours(query: callback.Query, asked: Question) -> bool:
    """Whether a callback answers this question."""
    return hmac.compare_digest(query.get("state", "").encode(), asked.state.encode())


def code_of(query: callback.Query, asked: Question) -> str:
    """The code of a callback that is ours. Raises what its error means.

    A server that names itself (RFC 9207) has to be the one that we asked.
    """
    if not is_ours(query, asked):
        raise errors.NoConsent(FOREIGN, remedy=AGAIN, why="foreign")
    if query.get("iss", asked.by.name) != asked.by.name:
        raise errors.NoConsent(
            "The answer comes from another server than the one that was asked.", remedy=AGAIN, why="foreign"
        )
    said = query.get("error")
    if said == "access_denied":
        raise errors.NoConsent(
            "The consent was cancelled on Xero's page.", remedy=f"{AGAIN} Then press Allow access.", why="cancelled"
        )
    if said is not None:
        raise errors.ConfigurationError(
            f"Xero's consent page says {said[:60]}.",
            remedy="Check [xero] client_id and the scopes of the app at developer.xero.com.",
            why="refused",
        )
    code = query.get("code")
    if not code:
        raise errors.NoConsent("Xero's answer holds no code.", remedy=AGAIN, why="no-code")
    return code


async def _in_time(came: asyncio.Future[str], wait_s: float) -> str:
    try:
        async with asyncio.timeout(wait_s):
            return await came
    except TimeoutError:
        raise errors.NoConsent(
            f"Nobody consented within {wait_s / 60:g} minutes.", remedy=AGAIN, why="nobody-came"
        ) from None
