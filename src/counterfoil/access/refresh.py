"""One refresh of one grant, under a lease that is committed already.

Called by tokens. A refresh token works once, and its answer may be lost: the same old token is asked with again, which Xero
honours for another 30 minutes; new tokens are stored before they are used; an answer that came too late is kept as a
spare; a dead token is not the end while a spare works. While an answer is in doubt the grant's row says so, even after we
are gone, and the next process repairs that first. What failed is asked again after a wait that all processes share
(store/refresh_waits), then by one call at a time. xero-facts §1.4, §1.5, design §3.3.
"""

import asyncio
import datetime
import functools
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import losing, reach, silence
from counterfoil.access.vault import Vault
from counterfoil.model.hidden import HiddenText
from counterfoil.store import grants, refresh_waits
from counterfoil.store.database import Database
from counterfoil.store.grants import Connection, Grant
from counterfoil.xero import identity
from counterfoil.xero.identity import App, TokenSet
from counterfoil.xero.transport import Transport

LEASE_S: Final = 2 * identity.TOKEN_TIMEOUT_S  # longer than one try may take
TRIES: Final = 3  # of one refresh whose answer is lost, within one call
BACKOFF_S: Final = 0.5
GRACE: Final = datetime.timedelta(minutes=30)
REFRESH_TOKEN_LIFE: Final = datetime.timedelta(days=60)
CONNECT: Final = "Run `counterfoil connect`."
OVERTAKEN: Final = "Another process took the refresh of the consent over."


def sealed(vault: Vault, conn: Connection, grant_id: str, tokens: TokenSet) -> bytes:
    """A token set as the database keeps it, for storing in this very transaction. Raises MasterKeyError."""
    return vault.seal(conn, msgspec.json.encode(tokens), "grant", grant_id)


def opened(vault: Vault, grant_id: str, secret: bytes) -> TokenSet:
    """The token set again. Raises MasterKeyError."""
    return msgspec.json.decode(vault.open(secret, "grant", grant_id), type=TokenSet)


def in_doubt(grant: Grant, now: datetime.datetime) -> bool:
    """Whether a refresh was begun that nobody carries on: its answer may have been lost. `now`: the database's."""
    return grant.refresh_owner is not None and grant.refresh_until is not None and grant.refresh_until <= now


class Stored(msgspec.Struct, frozen=True):
    """A fresh token. `grant`: the row that holds it now; None: another process was faster, ours is only a spare."""

    token: HiddenText
    grant: Grant | None

    def __repr__(self) -> str:
        return "<Stored>"


class Refresh:
    """Use once. `begin` prolongs the lease; False: it is lost. `tries`: of one refresh token, while answers are lost."""

    def __init__(
        self, database: Database, vault: Vault, transport: Transport, app: App, owner: str, grant: Grant,
        begin: Callable[[Grant], Awaitable[bool]], tries: int = TRIES,
    ) -> None:  # fmt: skip
        self._database = database
        self._vault = vault
        self._transport = transport
        self._app = app
        self._owner = owner
        self._grant = grant
        self._begin = begin
        self._tries = tries
        self._doubt = grant.refresh_owner is not None  # whoever began before us may have been answered

    async def carry_out(self) -> Stored:
        """Refresh; try what is left before calling the consent lost. Raises as GrantTokens.access_token."""
        try:
            try:
                return await self._tried(opened(self._vault, self._grant.id, self._grant.secret))
            except errors.NoConsent as refused:
                return await self._last_resort(refused)
        except (errors.CounterfoilError, asyncio.CancelledError) as problem:
            wait_s = await self._database.run(functools.partial(self._let_go, problem=problem))
            if isinstance(problem, errors.RunAgain):
                # Said as what it is to the caller: whatever it wanted to send has not left.
                raise errors.XeroUnavailable(
                    f"The consent could not be refreshed: {problem}", sent=False, retry_after_s=wait_s
                ) from None
            raise

    def _let_go(self, conn: Connection, problem: BaseException) -> float | None:
        """Give the lease back; in doubt it stays as one that has run out, for the next process to repair.

        → how long nobody asks, when there was no answer.
        """
        now = self._database.now(conn)
        grants.release(conn, self._grant.id, owner=self._owner, doubt_since=now if self._doubt else None)
        if isinstance(problem, errors.RunAgain):
            if problem.facts.get("overtaken"):
                return problem.retry_after_s
            wait = refresh_waits.failed(conn, self._grant.id, now, problem.message, problem.retry_after_s)
            silence.failed(conn, wait, now)
            return (wait.until - now).total_seconds()
        if isinstance(problem, errors.Reconnect | errors.FixInput):  # a refusal is an answer
            silence.answered(conn, self._grant.id, now)
        return None

    async def _tried(self, tokens: TokenSet) -> Stored:
        """Ask with one refresh token until there is an answer; the same token again after a lost one."""
        for n in range(1, self._tries + 1):
            try:
                return await self._asked(tokens)
            except errors.RunAgain:
                if n == self._tries:
                    raise
            await self._database.clock.sleep(BACKOFF_S * n)
            if not await self._begin(self._grant):
                break
        raise errors.XeroUnavailable(OVERTAKEN, sent=False, overtaken=True)

    async def _asked(self, tokens: TokenSet) -> Stored:
        asked_s = self._database.clock.elapsed_s()
        doubt, self._doubt = self._doubt, True
        try:
            request = identity.renewal(self._app, tokens, self._grant.scopes)
            answer = await identity.perform(self._transport, request)
        except errors.XeroUnavailable as problem:
            self._doubt = doubt or problem.sent
            raise
        if 400 <= answer.status < 500:
            self._doubt = doubt  # refused: nothing moved on
        fresh = identity.tokens_of(answer, self._app)
        if self._app.is_custom:
            await reach.still_the_same(self._database, self._transport, self._grant.id, fresh.access_token)
        since = self._transport.time.at(asked_s)
        return await self._database.run(lambda conn: self._stored(conn, fresh, since))

    def _stored(self, conn: Connection, fresh: TokenSet, since: datetime.datetime) -> Stored:
        """Put the new tokens over the generation that they were made from, or keep them as a spare."""
        now, old = self._database.now(conn), self._grant
        secret = sealed(self._vault, conn, old.id, fresh)
        stored = grants.finish_refresh(
            conn,
            old.id,
            old.generation,
            owner=self._owner,
            secret=secret,
            scopes=fresh.scope or old.scopes,
            expires_at=since + datetime.timedelta(seconds=fresh.expires_in),
            refreshed_at=since,
            spare_until=now + GRACE,
        )
        silence.answered(conn, old.id, now)
        if not stored:  # another process was faster; this token is good all the same, and kept as a spare
            grants.keep_spare(conn, old.id, secret, until=now + REFRESH_TOKEN_LIFE)
        return Stored(HiddenText(fresh.access_token), grants.get(conn, old.id) if stored else None)

    async def _last_resort(self, refused: errors.NoConsent) -> Stored:
        """The stored refresh token is dead: try the spare, then look whether somebody else moved on, then it is lost."""
        grant = self._grant
        now = await self._database.read(self._database.now)
        if grant.spare is not None and grant.spare_until is not None and grant.spare_until > now:
            try:
                return await self._tried(opened(self._vault, grant.id, grant.spare))
            except errors.NoConsent:
                pass  # as dead as the other
        why = refused.message

        def lose(conn: Connection) -> bool:
            lost = grants.lose(conn, grant.id, grant.generation, owner=self._owner, why=why)
            if lost:
                losing.tell(conn, grant.id, why, self._database.now(conn), self._app.public_url)
            return lost

        if await self._database.run(lose):
            raise refused
        raise errors.XeroUnavailable(OVERTAKEN, sent=False, overtaken=True)
