"""The real clock: wall time in UTC, and one that never jumps and counts suspend.

Called by app (and by tests that need real time). Implements model.ports.Clock.
"""

import asyncio
import datetime
import time


class SystemClock:
    """This machine's time. `elapsed_s` is CLOCK_BOOTTIME: a laptop that slept knows it on waking."""

    def now(self) -> datetime.datetime:
        """The present instant, aware, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def elapsed_s(self) -> float:
        """Seconds since the machine started, suspend included; only differences mean anything."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        """Wait; may return late, never early."""
        await asyncio.sleep(max(seconds, 0.0))
