"""A custom connection: asks for itself, without a user and without a browser.

Called by app for `connect` when the app is a custom connection. Its tokens have no refresh token: they are asked for
anew under the same lease (tokens). It reaches one organisation, which its page at Xero names. xero-facts §1.2.
"""

import msgspec

from counterfoil import errors
from counterfoil.access.audit import AuditLog
from counterfoil.access.granting import NOBODY, Consented, Granting
from counterfoil.access.vault import Vault
from counterfoil.store.database import Database
from counterfoil.xero import identity, scopes
from counterfoil.xero.identity import App, TokenSet
from counterfoil.xero.transport import Transport


class CustomConnection:
    """Asks for and stores the one grant of a custom connection."""

    def __init__(self, database: Database, vault: Vault, audit: AuditLog, transport: Transport, app: App) -> None:
        self._database = database
        self._transport = transport
        self._app = app
        self._granting = Granting(database, vault, audit, transport, app)

    async def connect(self, asked: tuple[str, ...]) -> Consented:
        """Ask for a token with these scopes, store the grant, see which organisation it reaches.

        An old connection that was given broad scopes is asked for those that cover `asked`. Costs two to three calls;
        repeating it is harmless. Raises ConfigurationError (secret, scopes, or not authorised), NotConnected (it
        reaches no organisation), XeroUnavailable, Unclear.
        """
        asked_at = self._database.clock.now()
        fresh = await self._token(asked)
        done = await self._granting.keep(fresh, NOBODY, asked_at, None)
        if not done.reached:
            raise errors.NotConnected(
                "The custom connection reaches no organisation.",
                remedy=f"Choose one on its page at {identity.PORTAL} and have it authorised.",
            )
        return done

    async def _token(self, asked: tuple[str, ...]) -> TokenSet:
        try:
            return await self._asked(asked)
        except errors.ConfigurationError as refused:
            broad = scopes.broad_instead(asked)
            if refused.facts.get("oauth") != "invalid_scope" or broad == asked:
                raise
            try:
                return await self._asked(broad)
            except errors.ConfigurationError:
                raise refused from None

    async def _asked(self, asked: tuple[str, ...]) -> TokenSet:
        answer = await identity.perform(self._transport, identity.by_secret(self._app, asked))
        fresh = identity.tokens_of(answer, self._app)
        return fresh if fresh.scope else msgspec.structs.replace(fresh, scope=" ".join(asked))
