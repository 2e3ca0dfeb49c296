"""Counts what is called and drawn, beside every call and never in its way.

Called by transport, once for each call, with what the call came to. Counting is adding to a row in memory (microseconds);
the rows are written to the database together, WRITE_S after the first that is not written yet, and when the transport
closes. So a killed process loses at most WRITE_S of counting, and no posting ever depends on it.

What Xero meters (xero-facts §2.4): the data that is drawn from it, by month; GET Organisation is free. Whether answers to
writes count, and whether compressed or not, is not known: both are kept apart (store/usage).
"""

import asyncio
import contextlib
import datetime
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from counterfoil import errors
from counterfoil.runtime import keeping
from counterfoil.store import usage
from counterfoil.store.database import Connection, Database
from counterfoil.store.usage import Drawn

WRITE_S: Final = 15.0  # what a killed process may have counted and not written
FREE: Final = "Organisation"  # reading it is no egress
TOO_MANY: Final = 429
# …/api.xro/2.0/Invoices/<id>?…, …/connect/token, …/connections/<id>: nothing of it names a document or a person
_RESOURCE: Final = re.compile(r"https?://[^/]+/(?:api\.xro/2\.0/|(?:identity/)?connect/)?([A-Za-z.-]{1,40})")
_FLOW: ContextVar[str] = ContextVar("counterfoil_flow", default="")

Key = tuple[datetime.date, str, str, str, str]


@contextlib.contextmanager
def working_for(flow_id: str) -> Iterator[None]:
    """Calls made inside, also by tasks that are started inside, are this flow's."""
    before = _FLOW.set(flow_id)
    try:
        yield
    finally:
        _FLOW.reset(before)


class _Sums:
    """One row that is not written yet."""

    __slots__ = ("calls", "failed", "read_bytes", "refused", "wire_bytes", "write_bytes")

    def __init__(self) -> None:
        self.calls = self.refused = self.failed = self.read_bytes = self.write_bytes = self.wire_bytes = 0


class Meter:
    """Counts the calls of one process. Used from one event loop."""

    def __init__(self, database: Database, *, write_s: float = WRITE_S) -> None:
        self._database = database
        self._write_s = write_s
        self._rows: dict[Key, _Sums] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._tidied: datetime.date | None = None

    def count(
        self, tenant_id: str, lane: str, method: str, url: str, status: int | None, unpacked: int, packed: int
    ) -> None:
        """A call ended: with this status and an answer of so many bytes, or (None) without a whole answer."""
        flow_id = _FLOW.get() if tenant_id else ""  # a consent serves all flows
        key = (self._database.clock.now().date(), tenant_id, flow_id, lane, resource_of(url))
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Sums()
        row.calls += 1
        row.wire_bytes += packed
        if method == "GET":
            row.read_bytes += unpacked
        else:
            row.write_bytes += unpacked
        if status is None or status >= 500:
            row.failed += 1
        elif status == TOO_MANY:
            row.refused += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._write_s, self._due)

    async def write(self) -> None:
        """Write what is counted. Raises StoreError; what could not be written is kept for the next time."""
        if not self._rows:
            return
        rows, self._rows = self._rows, {}
        today = self._database.clock.now().date()
        written = [Drawn(*key, *_values(row)) for key, row in rows.items()]

        def work(connection: Connection) -> None:
            usage.add(connection, written)
            if self._tidied != today:
                usage.forget(connection, today)

        try:
            await self._database.run(work)
        except Exception:
            self._take_back(rows)
            raise
        self._tidied = today

    async def close(self) -> None:
        """Write the rest. A database that cannot be written loses it: whoever worked with that was told already."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        with contextlib.suppress(errors.StoreError):
            await self.write()

    def _due(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._try_to_write())

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except errors.StoreError:
            return  # kept; the next call brings the next try
        except Exception:  # noqa: BLE001 - told and counted; likewise
            keeping.failed("the metering of calls")

    def _take_back(self, rows: dict[Key, _Sums]) -> None:
        for key, row in rows.items():
            kept = self._rows.setdefault(key, _Sums())
            for name in _Sums.__slots__:
                setattr(kept, name, getattr(kept, name) + getattr(row, name))


def resource_of(url: str) -> str:
    """What a call is about: "Invoices", "token", "connections"; "" for anything else."""
    found = _RESOURCE.match(url)
    return found[1] if found else ""


def _values(row: _Sums) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in usage.SUMS)
