"""A custom connection: asks for itself, without a user and without a browser.

Called by app for `connect` when the app is a custom connection. Its tokens have no refresh token: they are asked for
anew under the same lease (tokens). It reaches one organisation, which its page at Xero names. xero-facts §1.2.
"""

import msgspec

from counterfoil import errors
from counterfoil.access.granting import NOBODY, Consented, Granting, recorded
from counterfoil.xero import identity, scopes
from counterfoil.xero.identity import TokenSet


class CustomConnection(Granting):
    """Asks for and stores the one grant of a custom connection."""

    @recorded
    async def connect(self, asked: tuple[str, ...]) -> Consented:
        """Ask for a token with these scopes, store the grant, see which organisation it reaches.

        One that was given wider scopes (also the broad ones of an old one) is asked for those that cover `asked`. Costs
        two to four calls; repeating it is harmless. Raises ConfigurationError (secret, scopes, or not authorised), NotConnected (it
        reaches no organisation), XeroUnavailable, Unclear.
        """
        await self._vault.ready(self._database)
        asked_s = self._database.clock.elapsed_s()
        fresh = await self._token(asked)
        done = await self.keep(fresh, NOBODY, self._transport.time.at(asked_s), None)
        if not done.reached:
            raise errors.NotConnected(
                "The custom connection reaches no organisation.",
                remedy=f"Choose one on its page at {identity.PORTAL} and have it authorised.",
            )
        return done

    async def _token(self, asked: tuple[str, ...]) -> TokenSet:
        """A token with `asked`; where that was not given to the letter, with the narrowest of what was that covers it."""
        try:
            return await self._asked(asked)
        except errors.ConfigurationError as refused:
            if refused.facts.get("oauth") != "invalid_scope":
                raise
        chosen, missing = scopes.out_of((await self._asked(())).scope.split(), asked)
        if missing:
            raise errors.ConfigurationError(
                f"The custom connection was not given {' '.join(missing)}.",
                remedy=f"Add that at {identity.PORTAL} and have it authorised again; `counterfoil connect --explain` "
                "says what each scope is for.",
                scopes=missing,
            )
        return await self._asked(chosen)

    async def _asked(self, asked: tuple[str, ...]) -> TokenSet:
        answer = await identity.perform(self._transport, identity.by_secret(self._app, asked))
        fresh = identity.tokens_of(answer, self._app)
        return fresh if fresh.scope else msgspec.structs.replace(fresh, scope=" ".join(asked))
