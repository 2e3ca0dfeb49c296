"""Consents that are asked for on the service's page: who asked, until the browser comes back with the answer.

Called by service. The steps and their checks are access/consent's, as for `counterfoil connect`; what is different is
who listens, that several may ask at once, and that what was asked is kept sealed in the database: a service that is started anew
meanwhile, or another one beside it, takes the answer.
"""

import asyncio
import contextlib
import datetime
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access import consent
from counterfoil.access.consent import Question
from counterfoil.app import connecting, needs
from counterfoil.app.connecting import Finished
from counterfoil.store import questions
from counterfoil.store.database import Connection

PENDING_MAX: Final = 20  # questions that are open at once; the oldest is forgotten for another
PENDING: Final = datetime.timedelta(minutes=15)  # to log in at Xero, with a second factor; its code lives five minutes
KIND: Final = "question"  # of a sealed entry (store/secrets)
GONE: Final = (
    "The answer belongs to another attempt to connect: that was answered already, or its answer came too late. "
    "Nothing was stored."
)


class _Open(msgspec.Struct, frozen=True):
    asked: Question
    redirect_uri: str  # that the question named: its answer has to name the same
    browser: str
    entity: str | None
    until: datetime.datetime


class Consents:
    """The questions that are open. `redirect_uri`: where Xero sends the browser, which has to lead to the service."""

    def __init__(self, books: Any, redirect_uri: str) -> None:
        self._books = books
        self._redirect_uri = redirect_uri
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
        await self._forget(lambda conn: questions.late(conn, now), "unanswered")
        await self._forget(lambda conn: questions.oldest(conn, PENDING_MAX - 1), "overtaken")
        opened, key = _Open(asked, self._redirect_uri, browser, entity, now + PENDING), _key(asked.state)
        vault = self._books.access.vault

        def keep(conn: Connection) -> None:
            questions.put(conn, key, vault.seal(conn, msgspec.json.encode(opened), KIND, key), opened.until)

        await self._books.database.run(keep)
        task = asyncio.create_task(self._until_late(key))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        url: str = access.page(asked, self._redirect_uri)
        return url

    async def finish(self, query: dict[str, str], browser: str) -> Finished:
        """Take the answer that a browser brings from Xero: once, for its own question, in time.

        Calls as access/consent.redeem and connecting.finished say. Raises NoConsent, ConfigurationError, MasterKeyError,
        StoreError, XeroUnavailable, Unclear.
        """
        key, database = _key(query.get("state", "")), self._books.database
        sealed = await database.read(lambda conn: questions.get(conn, key))
        if sealed is None:
            raise errors.NoConsent(GONE, remedy=consent.AGAIN)
        found = msgspec.json.decode(self._books.access.vault.open(sealed, KIND, key), type=_Open)
        if not hmac.compare_digest(found.browser.encode(), browser.encode()):
            raise errors.NoConsent(consent.FOREIGN, remedy=consent.AGAIN)
        ours = await database.run(
            lambda conn: questions.drop(conn, key)
        )  # before anything else: an answer is used once
        if not ours:
            raise errors.NoConsent(GONE, remedy=consent.AGAIN)
        access = self._books.access.consent
        async with access.on_record():
            if found.until <= self._books.clock.now():
                raise errors.NoConsent("The answer came too late.", remedy=consent.AGAIN, why="late")
            done = await access.redeem(found.asked, found.redirect_uri, consent.code_of(query, found.asked))
        return await connecting.finished(self._books, done, found.entity)

    async def end(self) -> None:
        """The service stops: what is open waits for whoever serves next."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _until_late(self, key: str) -> None:
        await self._books.clock.sleep(PENDING.total_seconds())
        await self._forget(lambda _conn: [key], "unanswered")

    async def _forget(self, which: Callable[[Connection], list[str]], why: str) -> None:
        """Questions that nobody answered go into the audit log, each once, whoever finds them."""

        def work(conn: Connection) -> int:
            return sum(questions.drop(conn, key) for key in which(conn))

        with contextlib.suppress(errors.NoConsent, errors.Stop):  # no database: whoever needs it says so
            for _ in range(await self._books.database.run(work)):
                with contextlib.suppress(errors.NoConsent):
                    async with self._books.access.consent.on_record():
                        raise errors.NoConsent("Nobody answered the question.", remedy=consent.AGAIN, why=why)

    async def by_itself(self, entity: str | None = None) -> Finished:
        """A custom connection asks for its own token: no page of Xero's is needed. Raises as access/custom does."""
        if entity is not None:
            connecting.known(self._books, entity)
        done = await self._books.access.custom.connect(tuple(one.scope for one in needs.asked(self._books)))
        return await connecting.finished(self._books, done, entity)


def _key(state: str) -> str:
    """Under which a question is kept; nobody makes a state of it."""
    return hashlib.sha256(state.encode()).hexdigest()
