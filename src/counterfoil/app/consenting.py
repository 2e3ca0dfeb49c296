"""Consents that are asked for on the service's page: who asked, until the browser comes back with the answer.

Called by service. The steps and their checks are access/consent's, as for `counterfoil connect`; what is different is
who listens, and that several may ask at once. What was asked is kept in this process's memory: when the service is
started anew meanwhile, the answer is a stranger's, and the person begins again.
"""

import asyncio
import contextlib
import datetime
import hmac
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access import consent
from counterfoil.access.consent import Question
from counterfoil.app import connecting, needs
from counterfoil.app.connecting import Finished

PENDING_MAX: Final = 20  # questions that are open at once; the oldest is forgotten for another
PENDING: Final = datetime.timedelta(minutes=15)  # to log in at Xero, with a second factor; its code lives five minutes


GONE: Final = (
    "The answer belongs to another attempt to connect: that was answered already, its answer came too late, or the "
    "service was restarted since. Nothing was stored."
)


class _Open(msgspec.Struct, frozen=True):
    asked: Question
    browser: str
    entity: str | None
    until: datetime.datetime


class Consents:
    """The questions that are open. `redirect_uri`: where Xero sends the browser, which has to lead to the service."""

    def __init__(self, books: Any, redirect_uri: str) -> None:
        self._books = books
        self._redirect_uri = redirect_uri
        self._open: dict[str, _Open] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def begin(self, browser: str, entity: str | None = None) -> str:
        """The address of Xero's page for a new question. `browser`: the one that asks, and alone may answer.

        `entity`: is bound on the way. Two calls, none of a tenant's. Raises ConfigurationError (no such entity),
        MasterKeyError, StoreError, XeroUnavailable, Unclear.
        """
        if entity is not None:
            connecting.known(self._books, entity)
        access = self._books.access.consent
        asked: Question = await access.ask(tuple(one.scope for one in needs.asked(self._books)))
        now = self._books.clock.now()
        for state in list(self._open)[: -PENDING_MAX + 1]:
            await self._unanswered(state, "overtaken")
        self._open[asked.state] = _Open(asked, browser, entity, now + PENDING)
        task = asyncio.create_task(self._until_late(asked.state))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        url: str = access.page(asked, self._redirect_uri)
        return url

    async def finish(self, query: dict[str, str], browser: str) -> Finished:
        """Take the answer that a browser brings from Xero: once, for its own question, in time.

        Calls as access/consent.redeem and connecting.finished say. Raises NoConsent, ConfigurationError, MasterKeyError,
        StoreError, XeroUnavailable, Unclear.
        """
        found = self._open.get(query.get("state", ""))
        if found is None:
            raise errors.NoConsent(GONE, remedy=consent.AGAIN)
        if not hmac.compare_digest(found.browser.encode(), browser.encode()):
            raise errors.NoConsent(consent.FOREIGN, remedy=consent.AGAIN)
        del self._open[found.asked.state]  # before anything else: an answer is used once
        access = self._books.access.consent
        async with access.on_record():
            if found.until <= self._books.clock.now():
                raise errors.NoConsent("The answer came too late.", remedy=consent.AGAIN, why="late")
            done = await access.redeem(found.asked, self._redirect_uri, consent.code_of(query, found.asked))
        return await connecting.finished(self._books, done, found.entity)

    async def end(self) -> None:
        """The service stops: what is open is lost with it, and on record."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        for state in list(self._open):
            await self._unanswered(state, "stopped")

    async def _until_late(self, state: str) -> None:
        await self._books.clock.sleep(PENDING.total_seconds())
        await self._unanswered(state, "unanswered")

    async def _unanswered(self, state: str, why: str) -> None:
        """A question that nobody answered goes into the audit log, once."""
        if self._open.pop(state, None) is None:
            return
        with contextlib.suppress(errors.NoConsent, errors.Stop):  # no database: whoever needs it says so
            async with self._books.access.consent.on_record():
                raise errors.NoConsent("Nobody answered the question.", remedy=consent.AGAIN, why=why)

    async def by_itself(self, entity: str | None = None) -> Finished:
        """A custom connection asks for its own token: no page of Xero's is needed. Raises as access/custom does."""
        if entity is not None:
            connecting.known(self._books, entity)
        done = await self._books.access.custom.connect(tuple(one.scope for one in needs.asked(self._books)))
        return await connecting.finished(self._books, done, entity)
