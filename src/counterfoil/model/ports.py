"""The ports: what the layers ask of the outside, as Protocols.

Implemented by runtime/ (Clock), access/ (Tokens) and xero/pacing (Permits); built once in app.py and by tests.
"""

import datetime
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Clock(Protocol):
    """Time, passed in so that a run is a seed."""

    def now(self) -> datetime.datetime:
        """The present instant, aware, in UTC."""
        ...

    def elapsed_s(self) -> float:
        """Seconds on a clock that never jumps and counts suspend (CLOCK_BOOTTIME); only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; may return late, never early."""
        ...


class Tokens(Protocol):
    """Fresh access tokens of the grant behind a binding."""

    async def access_token(self, grant_id: str, *, rejected: str | None = None) -> str:
        """A token with time left. `rejected`: one that Xero just called expired, so that it is refreshed once.

        Raises NoConsent when the consent is lost, XeroUnavailable when the identity server cannot be reached.
        """
        ...


class Permits(Protocol):
    """Xero's limits turned into waiting."""

    def call(self, tenant_id: str, lane: str) -> AbstractAsyncContextManager[str]:
        """Wait for a place in the minute, the slots and the day; hold the slot while inside. → the place, for `learn`.

        Raises RateLimited("day") when the day is used up for this lane, WindowClosed for bulk work outside its hours,
        OrganisationOffline and XeroUnavailable (`sent` False) while Xero fails.
        """
        ...

    def learn(
        self,
        tenant_id: str,
        headers: Callable[[str], str | None],
        status: int,
        *,
        place: str = "",
        offline: bool = False,
    ) -> None:
        """Correct the budgets from an answer's headers (facts §2.2); a 429 stops the tenant until Retry-After.

        `place`: as `call` gave it; `offline`: Xero says that the organisation is (503).
        """
        ...
