"""Fresh access tokens, refreshed by one process at a time: implements model.ports.Tokens.

Called by app (builds it), client, probe and background. This file decides whether a token still serves; access/refresh
carries one refresh out. A token expires by Xero's clock, which its answers tell (xero/xero_time). xero-facts §1.4, §1.5,
design §3.3 (https://developer.xero.com/documentation/guides/oauth2/token-types, read 2026-11).
"""

import asyncio
import datetime
from collections import Counter
from typing import Final

from counterfoil import errors
from counterfoil.access import refresh
from counterfoil.access.refresh import CONNECT, Refresh, in_doubt, opened, sealed
from counterfoil.access.vault import Vault
from counterfoil.model.hidden import HiddenText
from counterfoil.store import grants, refresh_waits
from counterfoil.store.database import Database
from counterfoil.store.grants import Grant
from counterfoil.store.refresh_waits import RefreshWait
from counterfoil.xero.identity import App
from counterfoil.xero.transport import Transport

__all__ = ["CONNECT", "GrantTokens", "opened", "sealed"]

FRESH_S: Final = 120.0  # a token with less than this left is refreshed before use …
FRESH_SHARE: Final = 4  # … or than this part of its life, whichever is shorter: the sandbox's may live for seconds
AHEAD_S: Final = 600.0  # the same in the background, so that no call waits for a refresh …
AHEAD_SHARE: Final = 3
USABLE_S: Final = 10.0  # with more than this it still serves while a refresh is under way or fails
AGAIN_S: Final = 30.0  # after a refresh that failed, while the token still serves
PATIENT_S: Final = 5.0  # a wait after a failure that is this short is waited for where a token is needed
POLL_S: Final = 0.1  # how often a waiter looks whether the other process is done
WAIT_MAX_S: Final = 120.0
OUTCOMES: Final = ("refreshed", "overtaken", "failed", "lost")
NOBODY: Final = "Nobody has connected this app to Xero yet."


class GrantTokens:
    """Tokens of every grant of one app. `owner`: unique to this process. Safe to share between tasks."""

    def __init__(
        self, database: Database, vault: Vault, transport: Transport, app: App, *, owner: str,
        lease_s: float = refresh.LEASE_S,
    ) -> None:  # fmt: skip
        self._database = database
        self._vault = vault
        self._transport = transport
        self._app = app
        self._owner = owner
        self._lease = datetime.timedelta(seconds=lease_s)
        self._locks: dict[str, asyncio.Lock] = {}
        self._kept: dict[str, tuple[HiddenText, datetime.datetime]] = {}
        self._pauses: dict[str, float] = {}
        self.outcomes: Counter[str] = Counter()  # of this process's refreshes, by OUTCOMES; for meters

    async def access_token(self, grant_id: str, *, rejected: str | None = None) -> str:
        """A token with time left; `rejected`: one that Xero just called expired.

        Refreshes when less than two minutes remain, at most once for any number of callers and processes. A token that
        still serves is given when its refresh fails. Raises NoConsent (lost for good, or never given), XeroUnavailable
        with `sent` False (the identity server cannot be reached, its answers are lost, or another process refreshes for
        too long), ConfigurationError, MasterKeyError.
        """
        rejected = None if rejected is None else HiddenText(rejected)
        kept = self._kept.get(grant_id)
        if kept is not None and kept[0] != rejected and self._left_s(kept[1]) > 0:
            return kept[0]
        async with self._locks.setdefault(grant_id, asyncio.Lock()):
            return await self._fresh(grant_id, rejected)

    async def ahead(self, grant_id: str, *, whatever: bool = False) -> bool:
        """Refresh before anybody needs it: when under ten minutes remain, or an answer is in doubt.

        `whatever`: however fresh it is (for grants that nobody uses). → whether it was refreshed by us; False also when
        another process is at it, or it failed a moment ago. Raises as `access_token`.
        """
        async with self._locks.setdefault(grant_id, asyncio.Lock()):
            grant = await self._grant(grant_id)
            due = whatever or self._left_s(_fresh_until(grant, AHEAD_S, AHEAD_SHARE)) <= 0
            if not (due or await self._in_doubt(grant)):
                return False
            wait, left_s = await self._waits(grant_id)
            if left_s > 0 or not await self._begin(grant):
                return False
            await self._refreshed(grant, wait)
            return True

    def _left_s(self, until: datetime.datetime) -> float:
        return (until - self._transport.time.now()).total_seconds()

    async def _grant(self, grant_id: str) -> Grant:
        """The grant as it is now. Raises NoConsent when there is none or it is lost."""
        grant = await self._database.read(lambda conn: grants.get(conn, grant_id))
        if grant is None:
            raise errors.NoConsent(NOBODY, remedy=CONNECT)
        if grant.lost is not None:
            raise errors.NoConsent(grant.lost, remedy=CONNECT)
        return grant

    async def _fresh(self, grant_id: str, rejected: str | None) -> str:
        clock = self._database.clock
        give_up_s = clock.elapsed_s() + WAIT_MAX_S
        while True:
            grant = await self._grant(grant_id)
            token = HiddenText(opened(self._vault, grant_id, grant.secret).access_token)
            left_s = 0.0 if token == rejected else self._left_s(grant.expires_at)
            is_fresh = token != rejected and self._left_s(_fresh_until(grant, FRESH_S, FRESH_SHARE)) > 0
            if is_fresh and not await self._in_doubt(grant):
                return self._keep(grant, token)
            if left_s > USABLE_S and self._pauses.get(grant_id, 0.0) > clock.elapsed_s():
                return token  # its refresh failed a moment ago
            wait, wait_s = await self._waits(grant_id)
            if wait is not None and wait_s > 0:
                if left_s > USABLE_S:
                    return token
                if wait_s > PATIENT_S:
                    raise errors.XeroUnavailable(_silent(wait, wait_s), sent=False, retry_after_s=wait_s)
                await clock.sleep(wait_s)
                continue
            if await self._begin(grant):
                try:
                    return await self._refreshed(grant, wait)
                except errors.XeroUnavailable:
                    if left_s <= USABLE_S:
                        raise
                    self._pauses[grant_id] = clock.elapsed_s() + AGAIN_S
                    return token
            if left_s > USABLE_S:
                return token
            if clock.elapsed_s() > give_up_s:
                raise errors.XeroUnavailable(
                    "Another process has been refreshing the consent for too long.", sent=False
                )
            await clock.sleep(POLL_S)

    async def _in_doubt(self, grant: Grant) -> bool:
        """An answer was lost and the half hour in which Xero repeats it is running: repairing that comes first."""
        if grant.refresh_owner is None:
            return False
        return in_doubt(grant, await self._database.read(self._database.now))

    async def _waits(self, grant_id: str) -> tuple[RefreshWait | None, float]:
        """What the last tries of any process met, if they had no answer; and for how long nobody asks from now on."""

        def look(conn: grants.Connection) -> tuple[RefreshWait | None, float]:
            wait = refresh_waits.get(conn, grant_id)
            return wait, 0.0 if wait is None else (wait.until - self._database.now(conn)).total_seconds()

        return await self._database.read(look)

    def _keep(self, grant: Grant, token: HiddenText) -> HiddenText:
        """Remember a token while it is fresh, so that not every call asks the database."""
        self._kept[grant.id] = (token, _fresh_until(grant, FRESH_S, FRESH_SHARE))
        return token

    async def _begin(self, grant: Grant) -> bool:
        """Take the lease, or prolong ours; committed before anything is sent. Raises MasterKeyError before it."""
        await self._vault.ready(self._database)

        def begin(conn: grants.Connection) -> bool:
            now = self._database.now(conn)
            return grants.begin_refresh(
                conn, grant.id, grant.generation, owner=self._owner, now=now, until=now + self._lease
            )

        return await self._database.run(begin)

    async def _refreshed(self, grant: Grant, wait: RefreshWait | None) -> HiddenText:
        """Refresh under the lease that we have. `wait`: the tries before had no answer, so that one call is enough to look."""
        tries = refresh.TRIES if wait is None else 1
        one = Refresh(self._database, self._vault, self._transport, self._app, self._owner, grant, self._begin, tries)
        try:
            stored = await one.carry_out()
        except errors.NoConsent:
            self.outcomes["lost"] += 1
            self._kept.pop(grant.id, None)
            raise
        except errors.CounterfoilError:
            self.outcomes["failed"] += 1
            raise
        self.outcomes["refreshed" if stored.grant is not None else "overtaken"] += 1
        if stored.grant is not None:
            return self._keep(stored.grant, stored.token)
        return stored.token


def _silent(wait: RefreshWait, wait_s: float) -> str:
    return f"Xero gave no fresh token, {wait.failures} times in a row: {wait.why} It is asked again in {errors.span(wait_s)}."


def _fresh_until(grant: Grant, margin_s: float, share: int) -> datetime.datetime:
    """From when on, by Xero's clock, a token is refreshed before use."""
    life = grant.expires_at - grant.refreshed_at
    return grant.expires_at - min(datetime.timedelta(seconds=margin_s), life / share)
