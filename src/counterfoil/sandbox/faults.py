"""Faults: what can go wrong between a client and Xero, played on request (the contract's list and a few more).

Registered by `control`, taken by `door` when a request arrives. Each is played `count` times, with a probability from
its own seed, on requests that match its method, path prefix and tenant.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

BEFORE_PROCESSING: Final = {
    "reset": "the connection is dropped before anything is processed",
    "500_before": "500, nothing processed",
    "503": "503, plain text: temporarily unavailable",
    "503_offline": "503, plain text: The Organisation is offline",
    "429_minute": "429 of the minute limit, with Retry-After (delay_s, default 26)",
    "429_day": "429 of the day limit, with Retry-After (delay_s, default 66975)",
    "429_concurrent": "429 of the concurrent limit, without Retry-After",
    "429_appminute": "429 of the app's minute limit, without Retry-After",
    "401_expired": "401 TokenExpired although the token is good",
    "403": "403 AuthenticationUnsuccessful although the tenant is connected",
    "disconnected": "a person disconnects the organisation in Xero just then: 403 until the next consent",
    "412": "412, a condition of a request header was not met",
    "slow": "processed only after delay_s",
    "stale_read": "GETs answer from the state before the last write, or, with delay_s, before all writes of that time",
}
AFTER_PROCESSING: Final = {
    "lost_answer": "processed, then the connection is dropped without an answer",
    "token_lost": "the same for the token endpoint: the grant has moved on, nobody was told",
    "500_after": "processed, then 500 is answered (and kept for the idempotency key)",
    "slow_answer": "processed at once, answered after delay_s",
    "truncated": "the answer breaks off half way, with its full Content-Length announced",
    "truncated_json": "the answer is cut half way but its Content-Length agrees",
    "bad_gzip": "the answer says gzip and is not",
    "reordered": "elements of the answer to a write are swapped",
    "one_short": "one element of the answer to a write is missing",
    "text_answer": "200 with an HTML page instead of JSON, as a proxy gives",
}
WEBHOOK: Final = {
    "webhook_duplicated": "a delivery comes twice",
    "webhook_reordered": "two or more events come one by one, the newest first; a single one waits for a second",
    "webhook_delayed": "nothing is delivered for delay_s (default 60)",
    "webhook_forged": "before the delivery comes a made-up one with an almost right signature",
    "webhook_dropped": "the events of a delivery never come",
}
KNOWN: Final = {**BEFORE_PROCESSING, **AFTER_PROCESSING, **WEBHOOK}
TOKEN_PATH: Final = "/connect/token"  # noqa: S105 - a path
COUNT_UNBOUNDED: Final = 1_000_000_000


@dataclass(slots=True)
class Fault:
    """One registered fault. `left` counts down; `path` is a prefix, case ignored; None matches everything."""

    id: int
    kind: str
    method: str | None
    path: str | None
    tenant: str | None
    left: int
    probability: float
    delay_s: float | None
    dice: random.Random = field(repr=False)

    def matches(self, method: str, path: str, tenant: str | None) -> bool:
        """Whether this request may be hit."""
        if self.kind in WEBHOOK:
            return False
        if self.method is not None and self.method != method:
            return False
        if self.kind == "stale_read" and method != "GET":
            return False
        if self.kind in {"reordered", "one_short"} and method not in {"PUT", "POST"}:
            return False
        if self.path is not None and not path.lower().startswith(self.path.lower()):
            return False
        return self.tenant is None or (tenant or "").lower() == self.tenant.lower()


class Faults:
    """The registered faults, oldest first; a request is hit by one at most."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last = 0

    def add(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        tenant: str | None = None,
        count: int = 1,
        probability: float = 1.0,
        seed: int = 0,
        delay_s: float | None = None,
    ) -> int:
        """Register one; returns its id. `token_lost` without a path is for the token endpoint."""
        self._last += 1
        if kind == "token_lost" and path is None:
            path = TOKEN_PATH
        fault = Fault(
            self._last,
            kind,
            None if method is None else method.upper(),
            path,
            tenant,
            count,
            probability,
            delay_s,
            random.Random(seed),
        )
        self._faults.append(fault)
        return fault.id

    def take(self, method: str, path: str, tenant: str | None) -> Fault | None:
        """The fault that hits this request, counted down; None: the request is spared."""
        for fault in self._faults:
            if fault.matches(method, path, tenant) and fault.dice.random() < fault.probability:
                return self._spent(fault)
        return None

    def take_webhook(self, url: str, tenants: set[str], events: int) -> Fault | None:
        """The fault that hits this delivery; one whose kind is `webhook_held`: wait for more events."""
        path = urlsplit(url).path
        for fault in self._faults:
            if fault.kind not in WEBHOOK or (fault.path is not None and not path.startswith(fault.path)):
                continue
            if fault.tenant is not None and fault.tenant.lower() not in tenants:
                continue
            if fault.kind == "webhook_reordered" and events == 1:
                return replace(fault, kind="webhook_held")
            if fault.dice.random() < fault.probability:
                return self._spent(fault)
        return None

    def _spent(self, fault: Fault) -> Fault:
        fault.left -= 1
        if fault.left <= 0:
            self._faults.remove(fault)
        return fault

    def waiting(self) -> list[Fault]:
        """Those that are still to be played, oldest first."""
        return list(self._faults)

    def clear(self, id: int | None = None) -> int:
        """Forget one or all; returns how many."""
        kept = [] if id is None else [fault for fault in self._faults if fault.id != id]
        forgotten = len(self._faults) - len(kept)
        self._faults = kept
        return forgotten
