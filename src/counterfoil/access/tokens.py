"""Fresh access tokens, refreshed by one process at a time: implements model.ports.Tokens.

Called by app (builds it), client and probe. A refresh token works once, and its answer may be lost: so a refresh is
one lease and one generation per grant over all processes. The lease is committed before the call; the new tokens are
stored before they are used; a lost answer is asked for again with the same old token, which Xero honours for another 30
minutes; an answer that came too late is kept as a spare. xero-facts §1.4, §1.5, design §3.3
(https://developer.xero.com/documentation/guides/oauth2/token-types, read 2026-11).
"""

import asyncio
import datetime
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import reach
from counterfoil.access.vault import Vault
from counterfoil.store import grants
from counterfoil.store.database import Database
from counterfoil.store.grants import Grant
from counterfoil.xero import identity
from counterfoil.xero.identity import App, TokenSet
from counterfoil.xero.transport import Transport

FRESH_S: Final = 120.0  # a token with less than this left is refreshed before use …
FRESH_SHARE: Final = 4  # … or than this part of its life, whichever is shorter: the sandbox's may live for seconds
USABLE_S: Final = 10.0  # with more than this it still serves while another process refreshes
LEASE_S: Final = 2 * identity.TOKEN_TIMEOUT_S  # longer than one try may take
TRIES: Final = 3  # of one refresh whose answer is lost, within one call
BACKOFF_S: Final = 0.5
POLL_S: Final = 0.1  # how often a waiter looks whether the other process is done
WAIT_MAX_S: Final = 120.0
GRACE: Final = datetime.timedelta(minutes=30)
REFRESH_TOKEN_LIFE: Final = datetime.timedelta(days=60)
CONNECT: Final = "Run `counterfoil connect`."
NOBODY: Final = "Nobody has connected this app to Xero yet."


def sealed(vault: Vault, grant_id: str, tokens: TokenSet) -> bytes:
    """A token set as the database keeps it."""
    return vault.seal(msgspec.json.encode(tokens), "grant", grant_id)


def opened(vault: Vault, grant_id: str, secret: bytes) -> TokenSet:
    """The token set again. Raises MasterKeyError."""
    return msgspec.json.decode(vault.open(secret, "grant", grant_id), type=TokenSet)


class GrantTokens:
    """Tokens of every grant of one app. `owner`: unique to this process. Safe to share between tasks."""

    def __init__(
        self, database: Database, vault: Vault, transport: Transport, app: App, *, owner: str, lease_s: float = LEASE_S
    ) -> None:
        self._database = database
        self._vault = vault
        self._transport = transport
        self._app = app
        self._owner = owner
        self._lease = datetime.timedelta(seconds=lease_s)
        self._locks: dict[str, asyncio.Lock] = {}
        self._kept: dict[str, tuple[str, datetime.datetime]] = {}

    async def access_token(self, grant_id: str, *, rejected: str | None = None) -> str:
        """A token with time left; `rejected`: one that Xero just called expired.

        Refreshes when less than two minutes remain, at most once for any number of callers and processes. Raises
        NoConsent (lost for good, or never given), XeroUnavailable with `sent` False (the identity server cannot be
        reached, its answers are lost, or another process refreshes for too long), ConfigurationError, MasterKeyError.
        """
        kept = self._kept.get(grant_id)
        if kept is not None and kept[0] != rejected and self._left_s(kept[1]) > 0:
            return kept[0]
        async with self._locks.setdefault(grant_id, asyncio.Lock()):
            return await self._fresh(grant_id, rejected)

    def _left_s(self, until: datetime.datetime) -> float:
        return (until - self._database.clock.now()).total_seconds()

    async def _fresh(self, grant_id: str, rejected: str | None) -> str:
        clock = self._database.clock
        give_up_s = clock.elapsed_s() + WAIT_MAX_S
        while True:
            grant = await self._database.read(lambda conn: grants.get(conn, grant_id))
            if grant is None:
                raise errors.NoConsent(NOBODY, remedy=CONNECT)
            if grant.lost is not None:
                raise errors.NoConsent(grant.lost, remedy=CONNECT)
            token = opened(self._vault, grant_id, grant.secret).access_token
            if token != rejected and self._left_s(_fresh_until(grant.refreshed_at, grant.expires_at)) > 0:
                return self._keep(grant_id, token, grant.refreshed_at, grant.expires_at)
            if await self._begin(grant):
                return await self._refresh(grant)
            if token != rejected and self._left_s(grant.expires_at) > USABLE_S:
                return token
            if clock.elapsed_s() > give_up_s:
                raise errors.XeroUnavailable(
                    "Another process has been refreshing the consent for too long.", sent=False
                )
            await clock.sleep(POLL_S)

    def _keep(self, grant_id: str, token: str, since: datetime.datetime, expires_at: datetime.datetime) -> str:
        """Remember a token while it is fresh, so that not every call asks the database."""
        self._kept[grant_id] = (token, _fresh_until(since, expires_at))
        return token

    async def _begin(self, grant: Grant) -> bool:
        """Take the lease, or prolong ours; committed before anything is sent."""

        def begin(conn: grants.Connection) -> bool:
            now = self._database.now(conn)
            return grants.begin_refresh(
                conn, grant.id, grant.generation, owner=self._owner, now=now, until=now + self._lease
            )

        return await self._database.run(begin)

    async def _refresh(self, grant: Grant) -> str:
        """Refresh under the lease; try what is left before calling the consent lost."""
        current = opened(self._vault, grant.id, grant.secret)
        try:
            try:
                return await self._tried(grant, current)
            except errors.NoConsent as refused:
                return await self._last_resort(grant, refused)
        except errors.CounterfoilError as problem:
            await self._database.run(lambda conn: grants.release(conn, grant.id, owner=self._owner))
            if isinstance(problem, errors.RunAgain):
                # Said as what it is to the caller: whatever it wanted to send has not left.
                raise errors.XeroUnavailable(
                    f"The consent could not be refreshed: {problem}", sent=False, retry_after_s=problem.retry_after_s
                ) from None
            raise

    async def _tried(self, grant: Grant, tokens: TokenSet) -> str:
        """Ask with one refresh token until there is an answer; the same token again after a lost one."""
        for n in range(1, TRIES + 1):
            try:
                return await self._asked(grant, tokens)
            except errors.RunAgain:
                if n == TRIES:
                    raise
            await self._database.clock.sleep(BACKOFF_S * n)
            if not await self._begin(grant):
                break
        raise errors.XeroUnavailable("Another process took the refresh of the consent over.", sent=False)

    async def _asked(self, grant: Grant, tokens: TokenSet) -> str:
        asked_at = self._database.clock.now()
        request = identity.renewal(self._app, tokens, grant.scopes)
        fresh = identity.tokens_of(await identity.perform(self._transport, request), self._app)
        if self._app.is_custom:
            await reach.still_the_same(self._database, self._transport, grant.id, fresh.access_token)
        return await self._store(grant, fresh, asked_at)

    async def _store(self, grant: Grant, fresh: TokenSet, asked_at: datetime.datetime) -> str:
        secret = sealed(self._vault, grant.id, fresh)
        expires_at = asked_at + datetime.timedelta(seconds=fresh.expires_in)

        def store(conn: grants.Connection) -> bool:
            now = self._database.now(conn)
            stored = grants.finish_refresh(
                conn,
                grant.id,
                grant.generation,
                owner=self._owner,
                secret=secret,
                scopes=fresh.scope or grant.scopes,
                expires_at=expires_at,
                now=now,
                spare_until=now + GRACE,
            )
            if not stored:
                grants.keep_spare(conn, grant.id, secret, until=now + REFRESH_TOKEN_LIFE)
            return stored

        if await self._database.run(store):
            return self._keep(grant.id, fresh.access_token, asked_at, expires_at)
        return fresh.access_token  # another process was faster; this one is good all the same, and kept as a spare

    async def _last_resort(self, grant: Grant, refused: errors.NoConsent) -> str:
        """The stored refresh token is dead: try the spare, then look whether somebody else moved on, then it is lost."""
        spare_lives = grant.spare_until is not None and grant.spare_until > self._database.clock.now()
        if grant.spare is not None and spare_lives:
            try:
                return await self._tried(grant, opened(self._vault, grant.id, grant.spare))
            except errors.NoConsent:
                pass  # as dead as the other
        why = refused.message
        lost = await self._database.run(
            lambda conn: grants.lose(conn, grant.id, grant.generation, owner=self._owner, why=why)
        )
        self._kept.pop(grant.id, None)
        if lost:
            raise refused
        raise errors.XeroUnavailable("Another process took the refresh of the consent over.", sent=False)


def _fresh_until(since: datetime.datetime, expires_at: datetime.datetime) -> datetime.datetime:
    """From when on a token is refreshed before use."""
    return expires_at - min(datetime.timedelta(seconds=FRESH_S), (expires_at - since) / FRESH_SHARE)
