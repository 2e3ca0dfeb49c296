"""POST /webhooks/xero: Xero's deliveries, answered with a status and nothing else (facts §6.5).

Called by guard, which leaves this path to it whole: whoever calls is known by the signature, so that no Host header, cookie or
session matters, and the framework never sees the body. 200: durable, or an intent to receive; 401: not signed with our keys;
405, 408 (too slow), 413 (too large); 503 with Retry-After: it cannot be kept now, and Xero sends it again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from counterfoil.model.ports import Clock
from counterfoil.store import inbox_counts
from counterfoil.webhooks import payload, signature
from counterfoil.webhooks.hearing import Hearing
from counterfoil.webhooks.inbox import Inbox

PATH: Final = "/webhooks/xero"
BODY_BYTES_MAX: Final = 2 << 20  # an event is some 400 bytes: thousands of them; Xero names no limit
BODY_S: Final = 5.0  # Xero itself waits no longer for the answer
SMALL_BYTES: Final = 64 << 10  # what every connection may bring whatever the others do: a usual delivery is far smaller
BYTES_MAX: Final = 32 << 20  # of all bodies that are being received or wait, but for that
RETRY_AFTER_S: Final = 30
STATUS: Final = {
    "stored": 200, "intent": 200, "forged": 401, "strange": 401, "slow": 408, "large": 413, "full": 503,
    "database": 503, "late": 503,
}  # fmt: skip
READ_WHOLE: Final = ("stored", "intent", "forged")  # the connection may serve again

_log = logging.getLogger("counterfoil.webhooks")


class XeroDoor:
    """The door of one process. `keys()`: those of now, of which any may have signed; none: nothing is let in."""

    def __init__(self, keys: Callable[[], Sequence[bytes]], inbox: Inbox, hearing: Hearing, clock: Clock) -> None:
        self._keys = keys
        self._inbox = inbox
        self._hearing = hearing
        self._clock = clock
        self._bytes = 0  # of bodies that are here and not yet answered

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            await _answer(send, 405, (b"allow", b"POST"), (b"connection", b"close"))
            return
        try:
            outcome = await self._outcome(scope, receive)
        except Exception:  # noqa: BLE001 - the last place before the wire: it is never taken when nobody knows
            _log.exception("a webhook failed")
            outcome = "database"
        if outcome is None:
            return  # who sent it has gone
        self._hearing.ended(outcome)
        status = STATUS[outcome]
        more = [(b"retry-after", str(RETRY_AFTER_S).encode())] if status == 503 else []
        if outcome not in READ_WHOLE:
            more.append((b"connection", b"close"))
        await _answer(send, status, *more)

    async def _outcome(self, scope: Any, receive: Any) -> str | None:
        """How a POST ends; None: its sender has gone before its end."""
        given = [bytes(value) for name, value in scope["headers"] if name == signature.HEADER.encode()]
        length = next((bytes(value) for name, value in scope["headers"] if name == b"content-length"), b"")
        if length and (not length.isdigit() or int(length) > BODY_BYTES_MAX):
            return "large" if len(given) == 1 else "strange"
        parts: list[bytes] = []
        try:
            why = await self._receive(receive, parts)
            if why == "gone":
                return None
            if why:
                return why if len(given) == 1 else "strange"
            return await self._judge(b"".join(parts), given)
        finally:
            self._bytes -= sum(map(len, parts))

    async def _receive(self, receive: Any, parts: list[bytes]) -> str:
        """Fill `parts` with the body; → "" or why it was not read to its end."""
        size, more = 0, True
        try:
            async with asyncio.timeout(BODY_S):
                while more:
                    event = await receive()
                    if event["type"] != "http.request":
                        return "gone"
                    part = event.get("body", b"")
                    size += len(part)
                    if size > BODY_BYTES_MAX:
                        return "large"
                    if size > SMALL_BYTES and self._bytes + len(part) > BYTES_MAX:
                        return "full"
                    parts.append(part)
                    self._bytes += len(part)
                    more = event.get("more_body", False)
        except TimeoutError:
            return "slow"
        return ""

    async def _judge(self, body: bytes, given: Sequence[bytes]) -> str:
        """Of a whole body."""
        if len(given) != 1 or not signature.is_right(self._keys(), body, given[0]):
            is_xeros = payload.looks_like_xeros(body) or any(len(one) == signature.LENGTH for one in given)
            return inbox_counts.FAILED[0] if is_xeros else inbox_counts.STRANGE
        delivery = payload.read(body, self._clock.now())
        if payload.is_intent(delivery):
            return inbox_counts.INTENT  # nothing to be durable: it passes while the database is away, too
        return await self._inbox.take(delivery)


async def _answer(send: Any, status: int, *more: tuple[bytes, bytes]) -> None:
    """A status without a body."""
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
