"""/readyz: what keeps this process from doing its work, as a list of reasons; none: it is ready.

Called by application. Reads our own tables in one short transaction, makes no call, and is asked at most every KEPT_S by
however many ask. A reason names entities by the user's own keys, and nobody.
"""

import asyncio
import datetime
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.service.health import Health
from counterfoil.store import gauges

KEPT_S: Final = 2.0
DATABASE_S: Final = 5.0  # a database that takes longer is as good as away
SWEEP_OLD: Final = datetime.timedelta(minutes=3)  # sweeps come every half minute


class Reason(msgspec.Struct, frozen=True):
    """Why this process is not ready. `code` is one of a few words; `about`: an entity, or a kind of work."""

    code: str
    message: str
    about: str | None = None


class Readiness:
    """Whether one installation's service is ready."""

    def __init__(self, books: Any, health: Callable[[], Health | None]) -> None:
        self._books = books
        self._health = health
        self._kept: tuple[Reason, ...] = ()
        self._until_s: float | None = None
        self._lock = asyncio.Lock()

    async def reasons(self) -> tuple[Reason, ...]:
        """Everything that is in the way now; of KEPT_S ago at most."""
        async with self._lock:
            now_s = self._books.clock.elapsed_s()
            if self._until_s is None or now_s >= self._until_s:
                self._kept = (*await self._surroundings(), *self._runtime())
                self._until_s = self._books.clock.elapsed_s() + KEPT_S
            return self._kept

    async def _surroundings(self) -> list[Reason]:
        """The database, the key and the consents."""
        client_id = self._books.settings.xero.client_id
        try:
            async with asyncio.timeout(DATABASE_S):
                unreached = await self._books.database.read(lambda conn: gauges.unreached(conn, client_id))
                await self._books.access.vault.ready(self._books.database)
        except TimeoutError:
            return [Reason("database", "The database does not answer.")]
        except errors.MasterKeyError:
            return [Reason("key", "The master key is not there, or not the one that this database needs.")]
        except errors.StoreError:
            return [Reason("database", "The database cannot be used.")]
        return [Reason("consent", "No usable consent reaches its organisation.", entity) for entity in unreached]

    def _runtime(self) -> list[Reason]:
        """Whether work is carried out."""
        health = self._health()
        if health is None:
            return [Reason("runtime", "No work is carried out yet.")]
        found = [] if health.ready else [Reason("runtime", "It begins or ends: no new work is carried out.")]
        oldest = self._books.clock.now() - SWEEP_OLD
        late = sorted(kind for kind, at in health.sweeps.items() if at < oldest)
        return found + [Reason("sweep", "Open work was not looked for lately.", kind) for kind in late]
