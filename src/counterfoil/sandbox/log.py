"""The request log: what came in, what went out, which fault was played.

Written by `door` once for each request outside /_sandbox/, read by the control answers and the pages. Bounded: the
oldest rows fall out.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ROWS_MAX = 200_000


@dataclass(slots=True)
class RequestRow:
    """One request. `status` None: no answer was sent; `path` includes the query; `fault` names what was played."""

    n: int
    at: datetime
    method: str
    path: str
    tenant: str | None
    status: int | None
    idempotency_key: str | None
    bytes_in: int
    bytes_out: int
    fault: str | None

    def wire(self) -> dict[str, Any]:
        """As GET /_sandbox/requests shows it."""
        return {
            "n": self.n,
            "at": self.at.isoformat(timespec="milliseconds"),
            "method": self.method,
            "path": self.path,
            "tenant": self.tenant,
            "status": self.status,
            "idempotency_key": self.idempotency_key,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "fault": self.fault,
        }


class RequestLog:
    """The last `ROWS_MAX` requests, numbered from 1 in order of arrival."""

    def __init__(self) -> None:
        self.rows: deque[RequestRow] = deque(maxlen=ROWS_MAX)
        self._last = 0

    def open(self, *, at: datetime, method: str, path: str, tenant: str | None, key: str | None) -> RequestRow:
        """A row for a request that has just arrived; the caller fills in the rest as it becomes known."""
        self._last += 1
        row = RequestRow(self._last, at, method, path, tenant, None, key, 0, 0, None)
        self.rows.append(row)
        return row

    def after(self, n: int) -> list[RequestRow]:
        """Rows with a number above n, oldest first."""
        newest: list[RequestRow] = []
        for row in reversed(self.rows):
            if row.n <= n:
                break
            newest.append(row)
        return newest[::-1]
