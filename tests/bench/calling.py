"""A process that calls as fast as it may: `python -m tests.bench.calling`, told on stdin what to do, telling on stdout how it went.

`how` says with what: "ours" is our client with the shared budgets, decoding every answer and, with `store`, keeping what it says; the
others are what people write today, each process for itself: "plain" is xero-python with a loop that waits for Retry-After,
"aiolimiter" and "pyrate" are those limiters over the same HTTP library, each process with its share of the sixty.
"""

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

SHARED_BY = 3  # processes: each of theirs has a third of the sixty
XERO_MINUTE = 60


class Task(msgspec.Struct, kw_only=True):
    """What to do. `tenants` with `width` callers each in `lane`; `rare_s`: beside them one interactive call so often."""

    how: str
    url: str
    token: str
    tenants: list[str]
    seconds: float
    width: int = 2
    lane: str = "sync"
    place: str = ""
    store: str = ""
    rare_s: float = 0.0
    window_s: float = 60.0


class Told(msgspec.Struct):
    """How it went: calls that were answered, what they cost, how long each rare call waited for its place."""

    calls: int = 0
    refused: int = 0
    cpu_s: float = 0.0
    waits_s: list[float] = []


class _Token:
    """The one token of a bench."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def access_token(self, grant_id: str, *, rejected: str | None = None) -> str:
        """It lasts for the whole bench."""
        assert rejected is None, grant_id
        return self._token


async def _ours(task: Task, told: Told) -> None:
    from counterfoil.mirror.catching_up import CatchUp
    from counterfoil.model.binding import Binding, Fingerprint
    from counterfoil.posting import identity
    from counterfoil.runtime.clock import SystemClock
    from counterfoil.store.database import Database
    from counterfoil.store.limits import InFile
    from counterfoil.xero.client import XeroClient
    from counterfoil.xero.pacing import Pacer
    from counterfoil.xero.places import SECOND, Limits
    from counterfoil.xero.resources import invoices
    from counterfoil.xero.transport import Transport

    clock = SystemClock()
    transport = Transport(clock, api_url=task.url)
    limits = Limits(window=round(task.window_s * SECOND))
    pacer = Pacer(clock, InFile(Path(task.place), clock), limits=limits)
    database = Database(f"sqlite:///{task.store}", clock) if task.store else None
    if database is not None:
        await database.open()
    kept = None if database is None else CatchUp(database, identity.find_marker)

    def client(tenant: str) -> XeroClient:
        binding = Binding(tenant, tenant, "grant", Fingerprint(tenant, tenant, "!1", "GBP", "GB"))
        return XeroClient(binding, transport, _Token(task.token), pacer)

    async def one(tenant: str) -> None:
        page = await invoices.page(clients[tenant], page=1, page_size=100, lane=task.lane)
        if kept is not None:
            await kept.keep(clients[tenant], "Invoices", page.items)
        told.calls += 1

    async def rare() -> None:
        await asyncio.sleep(task.rare_s)
        asked_s = time.monotonic()
        async with pacer.call(task.tenants[0], "interactive"):
            told.waits_s.append(time.monotonic() - asked_s)
            await asyncio.sleep(0.2 * task.window_s / XERO_MINUTE)

    clients = {tenant: client(tenant) for tenant in task.tenants}
    work = [one] * task.width
    await _for(task, work, [rare] if task.rare_s else [])
    await pacer.close()
    await transport.close()
    if database is not None:
        await database.close()


async def _limited(task: Task, told: Told) -> None:
    """One of the limiters around the HTTP library, waiting for Retry-After when Xero refuses all the same."""
    if task.how == "aiolimiter":
        from aiolimiter import AsyncLimiter

        limiter = AsyncLimiter(XERO_MINUTE / SHARED_BY, XERO_MINUTE)
        acquire: Callable[[], Awaitable[Any]] = limiter.acquire
    else:
        from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate

        bucket = Limiter(InMemoryBucket([Rate(XERO_MINUTE // SHARED_BY, Duration.MINUTE)]))

        async def acquire() -> None:
            while True:
                if await asyncio.to_thread(bucket.try_acquire, "xero", blocking=False):
                    return
                await asyncio.sleep(0.05)

    async with aiohttp.ClientSession() as session:

        async def one(tenant: str) -> None:
            await acquire()
            headers = {"Authorization": f"Bearer {task.token}", "Xero-Tenant-Id": tenant, "Accept": "application/json"}
            async with session.get(f"{task.url}/api.xro/2.0/Invoices?page=1", headers=headers) as answer:
                await answer.read()
                told.calls += answer.status == 200
                told.refused += answer.status == 429
                if answer.status == 429:
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

        await _for(task, [one] * task.width, [])


def _plain(task: Task, told: Told) -> None:
    """The script of the manuals: call, and when Xero refuses sleep for as long as it says."""
    from xero_python.accounting import AccountingApi
    from xero_python.api_client import ApiClient
    from xero_python.api_client.configuration import Configuration
    from xero_python.api_client.oauth2 import OAuth2Token
    from xero_python.exceptions import HTTPStatusException

    configuration = Configuration(oauth2_token=OAuth2Token("id", "secret"))
    client = ApiClient(
        configuration, oauth2_token_getter=lambda: {"access_token": task.token, "scope": [], "expires_in": 36_000, "token_type": "Bearer"},
        oauth2_token_saver=lambda _token: None,
    )  # fmt: skip
    configuration.oauth2_token.access_token = task.token
    api = AccountingApi(client, base_url=f"{task.url}/api.xro/2.0")
    ends = time.monotonic() + task.seconds

    def work() -> None:
        while time.monotonic() < ends:
            try:
                api.get_invoices(task.tenants[0], page=1)
                told.calls += 1
            except HTTPStatusException as refusal:
                if refusal.status != 429:
                    raise
                told.refused += 1
                time.sleep(min(float(refusal.headers.get("Retry-After", "1")), max(0.0, ends - time.monotonic())))

    threads = [threading.Thread(target=work) for _ in range(task.width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def _for(
    task: Task, work: list[Callable[[str], Awaitable[None]]], beside: list[Callable[[], Awaitable[None]]]
) -> None:
    """Do each of these over and over, for every tenant, until the time is up."""

    async def over_and_over(one: Callable[..., Awaitable[None]], *tenant: str) -> None:
        while True:
            await one(*tenant)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(task.seconds), asyncio.TaskGroup() as group:
            for tenant in task.tenants:
                for one in work:
                    group.create_task(over_and_over(one, tenant))
            for other in beside:
                group.create_task(over_and_over(other))


def main() -> None:
    """Do the work that stdin describes."""
    task, told = msgspec.json.decode(sys.stdin.buffer.read(), type=Task), Told()
    started_s = time.process_time()
    if task.how == "ours":
        asyncio.run(_ours(task, told))
    elif task.how == "plain":
        _plain(task, told)
    else:
        asyncio.run(_limited(task, told))
    told.cpu_s = time.process_time() - started_s
    sys.stdout.write(json.dumps(msgspec.to_builtins(told)))


if __name__ == "__main__":
    main()
