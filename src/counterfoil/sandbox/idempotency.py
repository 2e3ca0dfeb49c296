"""Idempotency keys (facts 3.5): an answer is kept for six minutes from the first call and given again, errors too.

Called by `door` for POST, PUT and PATCH, after the limits. What Xero does with a second request while the first still
runs is not known: a switch chooses.
"""

import asyncio
import base64
import hashlib
import itertools
import zlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World

KEY_MAX = 128
METHODS = frozenset({"POST", "PUT", "PATCH"})


class _Running(NamedTuple):
    fingerprint: str
    answer: "asyncio.Future[Answer]"


class Idempotency:
    """The kept answers of all apps, in the world's table, and the requests that still run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: dict[str, _Running] = {}

    async def once(self, client_id: str, key: str, fingerprint: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """The kept answer of this key, or that of `work`, which is then kept.

        The key of another request gets 400. `work` must do its own commit; what it raises is not kept.
        """
        if len(key) > KEY_MAX:
            return _clash(f"Idempotency Key: {key} is longer than {KEY_MAX} characters.")
        name = f"{client_id}/{key}"
        now_ms = int(self._world.clock.seconds() * 1000)
        self._forget_old(now_ms)
        kept = self._world.kept_answers.get(name)
        if kept is not None and not self._is_old(kept, now_ms):
            return _restored(kept) if kept["fingerprint"] == fingerprint else self._used(key)
        running = self._running.get(name)
        if running is not None:
            return await self._beside(running, key, fingerprint, work)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._running[name] = _Running(fingerprint, future)
        try:
            answer = await work()
            self._world.kept_answers.put(name, _kept(answer, fingerprint, now_ms))
            future.set_result(answer)
            return answer
        finally:
            del self._running[name]
            future.cancel()

    async def _beside(
        self, running: _Running, key: str, fingerprint: str, work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """A second request while the first runs."""
        if running.fingerprint != fingerprint:
            return self._used(key)
        unknowns = self._world.unknowns
        if unknowns.plays("idempotency-in-flight", "refuse"):
            return _clash(f"Idempotency Key: {key} is used by a request that is still in progress.")
        if unknowns.plays("idempotency-in-flight", "wait"):
            return await asyncio.shield(running.answer)
        return await work()

    def _used(self, key: str) -> Answer:
        """400; where the sentence stands is not known (facts 11.7)."""
        message = f"Idempotency Key: {key} is used with a different request."
        if self._world.unknowns.plays("idempotency-mismatch", "elements"):
            return answers.validation([{"ValidationErrors": [{"Message": message}]}])
        return _clash(message)

    def _forget_old(self, now_ms: int) -> None:
        """Drop from the oldest on what is too old; the order is that of storing, close enough to that of arrival."""
        table = self._world.kept_answers
        old = list(itertools.takewhile(lambda name: self._is_old(table.rows[name], now_ms), table.rows))
        for name in old:
            table.drop(name)

    def _is_old(self, row: Row, now_ms: int) -> bool:
        return bool(now_ms - row["at_ms"] >= self._world.options.idempotency_ttl_s * 1000)


def fingerprint(method: str, path_and_query: str, tenant_id: str, body: bytes) -> str:
    """What makes two requests the same."""
    digest = hashlib.sha256(f"{method} {path_and_query} {tenant_id}\n".encode())
    digest.update(body)
    return digest.hexdigest()


def _kept(answer: Answer, fingerprint: str, at_ms: int) -> Row:
    return {
        "fingerprint": fingerprint,
        "at_ms": at_ms,
        "status": answer.status,
        "content_type": answer.content_type,
        "headers": dict(answer.headers),
        "plural": answer.plural,
        "body": base64.b64encode(zlib.compress(answer.body, 1)).decode(),
    }


def _restored(row: Row) -> Answer:
    body = zlib.decompress(base64.b64decode(row["body"]))
    return Answer(row["status"], body, row["content_type"], dict(row["headers"]), row["plural"])


def _clash(message: str) -> Answer:
    return answers.error(10, "ValidationException", message)
