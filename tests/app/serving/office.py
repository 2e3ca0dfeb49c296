"""An installation and its service in this process, with a clock that can be put forward: what the tests of serving share."""

import asyncio
import contextlib
import datetime
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from counterfoil import settings
from counterfoil.app.serving import Serving
from counterfoil.app.serving.shift import Told
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.runtime.clock import SystemClock
from counterfoil.runtime.port import Pace
from counterfoil.store import bindings
from tests.posting.workbench import ENTITIES, Workbench, WorkbenchBooks

QUICK = Pace(sweep_s=0.1, grace_s=5.0, backoff_s=0.2, alive_s=0.3)
PATIENCE_S = 60.0


class Movable(SystemClock):
    """The real clock, put forward by `forward`; short waits of the product's own pass as they are."""

    def __init__(self) -> None:
        self.offset = datetime.timedelta()

    def now(self) -> datetime.datetime:
        """The present instant here."""
        return super().now() + self.offset

    def elapsed_s(self) -> float:
        """The clock that never jumps, here put forward too."""
        return super().elapsed_s() + self.offset.total_seconds()

    def forward(self, **span: float) -> None:
        """So much later."""
        self.offset += datetime.timedelta(**span)


class Served(Workbench):
    """The workbench; `serving` runs its service while the block lasts."""

    zone = "GMTSTANDARDTIME"  # what Xero calls the clock of every organisation

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.clock = Movable()
        self.told: list[Told] = []

    async def books(self) -> WorkbenchBooks:
        """Opened and bound, on the movable clock."""
        books = WorkbenchBooks(settings.load(self.write_config()), self.clock, lambda _point: None)
        books.token = self.token

        def bind(connection: Any) -> None:
            for entity, told in zip(ENTITIES, self.sandbox.ready["organisations"], strict=False):
                mark = Fingerprint(
                    told["tenant_id"], told["name"], told["short_code"], told["base_currency"], told["country"]
                )
                if bindings.get(connection, entity) is None:
                    bound = Binding(entity, told["tenant_id"], "grant", mark, self.zone)
                    bindings.put(connection, bound, now=self.clock.now())

        try:
            await books.open()
            await books.database.run(bind)
        except BaseException:
            await books.close()
            raise
        return books

    @contextlib.asynccontextmanager
    async def serving(
        self, pace: Pace = QUICK, taken: Callable[[settings.Settings], None] = lambda _settings: None
    ) -> AsyncIterator["At"]:
        """The service at work."""
        books = await self.books()
        stopping = asyncio.Event()
        service = Serving(books, self.told.append, pace=pace, taken=taken)
        task = asyncio.create_task(service.run(stopping))
        try:
            yield At(books, service, task, stopping)
        finally:
            stopping.set()
            await task
            await books.close()

    def numbers(self, number: int = 1) -> list[str]:
        """The invoices in the sandbox's ledger, sorted."""
        return sorted(one["InvoiceNumber"] for one in self.living(number))

    def said(self, what: str, bad: bool | None = None) -> list[str]:
        """What was told of a kind of work."""
        return [one.said for one in self.told if one.what == what and bad in (None, one.bad)]

    def posts(self) -> int:
        """How many requests reached Xero."""
        return len(self.sandbox.requests())

    def sales(self, *records: dict[str, Any]) -> None:
        """The source, written at once as a whole."""
        beside = self.folder / "sales.part"
        beside.write_text("".join(json.dumps(one) + "\n" for one in records))
        beside.replace(self.folder / "sales.jsonl")


class At:
    """A service at work."""

    def __init__(
        self, books: WorkbenchBooks, service: Serving, task: "asyncio.Task[Any]", stopping: asyncio.Event
    ) -> None:
        self.books = books
        self.service = service
        self.task = task
        self.stopping = stopping

    async def read(self, work: Callable[[Any], Any]) -> Any:
        """Ask the database."""
        return await self.books.database.read(work)

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until something is so; `condition` may be a coroutine function."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = condition()
                if inspect.isawaitable(found):
                    found = await found
                if found:
                    return found
                if self.task.done():
                    self.task.result()  # raises what ended it
                    raise AssertionError("the service ended")
                await asyncio.sleep(0.05)
