"""The sandbox's time and its source of ids: both are seeded or movable, so that a run can be repeated.

Called by everything that stamps, expires or names something. This is the only file of the sandbox that reads the
machine's clock.
"""

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

TOKEN_BYTES = 32


class Clock:
    """The machine's time plus what `POST /_sandbox/clock` added."""

    def __init__(self) -> None:
        self.advanced_s = 0.0
        self._stands_at_s: float | None = None

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.advanced_s if self._stands_at_s is None else self._stands_at_s

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Stand still at this moment for the length of the block, which must not await."""
        before, self._stands_at_s = self._stands_at_s, moment.timestamp()
        try:
            yield
        finally:
            self._stands_at_s = before

    def advance(self, seconds: float) -> None:
        """Move forward, never back."""
        self.advanced_s += timedelta(seconds=seconds).total_seconds()


class Ids:
    """GUIDs and tokens in a sequence fixed by the seed and the number of this start of a state file.

    `of` names a sequence of its own.
    """

    def __init__(self, seed: int, start: int = 0, of: str = "") -> None:
        self._prefix = f"{seed}/{start}/{of}"
        self._issued = 0

    def guid(self) -> str:
        """The next GUID."""
        self._issued += 1
        return guid_of(f"{self._prefix}{self._issued}")

    def token(self) -> str:
        """An opaque token. Not from the seed: a code or refresh token of another run must never be good in this one."""
        return secrets.token_urlsafe(TOKEN_BYTES)


def guid_of(text: str) -> str:
    """A GUID of version 4 that this text always gives."""
    digits = hashlib.sha256(text.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
