"""The disk fills up at every write of the service and of `sync`: said without a traceback, nothing that was acknowledged is lost.

The service plans, posts, mirrors, takes in webhooks and gives signs of life meanwhile. With room again it goes on by itself;
the judges are the sandbox's ledger, its answers to what Xero sent, and a mirror that holds what a person did there.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
import sqlalchemy as sa

from counterfoil import errors, service
from counterfoil.app import syncing
from counterfoil.app.serving import Serving, looking_again
from counterfoil.service import heart
from counterfoil.store import gauges, mirrored, schema
from tests.app.serving.office import QUICK, At
from tests.app.serving.test_looking_again import instant
from tests.durability.disks import PAGE
from tests.durability.full_disk import MOST, SOAK, Firm, firm, names_it, rounds
from tests.posting.test_surroundings import pragma
from tests.service.test_heart import watching
from tests.service.visitor import ask
from tests.webhooks.sender import KEY, body, event, signature

__all__ = ["firm"]
pytestmark = pytest.mark.soak

FLOW: Final = 'entity = "acme-uk"\nevery = "1h"\n[mirror]\nresources = ["Contacts"]\n'
A_WHILE_S, OFTEN = 5.0, 12  # what is not so by then waits for a later time on the service's clock
TAKEN, AGAIN = 200, 503  # all that the door may answer to what is signed


class Letters:
    """What Xero sends: each letter again and again until it is taken, as Xero does; `taken` are those answered with 200."""

    def __init__(self, port: int, *bodies: bytes) -> None:
        self.port = port
        self.bodies = bodies
        self.taken: list[bytes] = []

    async def send(self) -> None:
        """Until all are taken."""
        left = list(self.bodies)
        while left:
            one = left.pop(0)
            answer = await ask(self.port, "POST", "/webhooks/xero", one, X_Xero_Signature=signature(one))
            assert answer.status in (TAKEN, AGAIN)
            if answer.status == TAKEN:
                self.taken.append(one)
            else:
                left.append(one)
                await asyncio.sleep(0.05)


@pytest.fixture
def busy(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> Firm:
    """It also mirrors, and takes in what Xero sends."""
    monkeypatch.setenv("COUNTERFOIL_XERO__WEBHOOK_KEY", KEY)
    monkeypatch.setattr(heart, "EVERY_S", 0.2)
    monkeypatch.setattr(gauges, "unreached", lambda *_: [])  # the tokens come from the test: no consent is stored
    firm.configure(flow=FLOW)
    return firm


async def test_serving(busy: Firm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It says so and lives on, or says so and ends at its very start; with room again it goes on, or begins, and all is there."""
    async with watching() as (watcher, url):
        monkeypatch.setenv("COUNTERFOIL_SERVICE__HEARTBEAT_URL", url)
        for pages in rounds(0, 12):
            assert pages < MOST
            busy.more()
            busy.clock.forward(hours=2)
            watcher.got.clear()
            quiet = await served(busy, pages, watcher.got)
            assert "Traceback" not in capsys.readouterr().err
            await asyncio.to_thread(busy.whole)
            if quiet and SOAK:
                print(f"\nserve: through with {pages} pages")  # noqa: T201 - the proof's numbers are what a soak is for
                break


async def served(firm: Firm, pages: int | None, beats: list[str]) -> bool:
    """A service that meets the full disk (None: there is room); → whether nothing went wrong."""
    firm.told.clear()
    tenant = firm.sandbox.tenant(1)
    (made,) = firm.sandbox.make(tenant, "Contacts", {"Name": f"By hand {firm.made}/{pages}"})
    contact = event(made["ContactID"], tenant=tenant, category="CONTACT", at=f"{instant(made['UpdatedDateUTC']):%FT%T}")
    books = await firm.books()
    if pages is not None:
        await pragma(books, "PRAGMA wal_checkpoint(TRUNCATE)")  # the room in an old one would not be the disk's
        await firm.disk.bound(books)
        firm.disk.fill(pages * PAGE)
    ended: BaseException | None = None
    try:
        async with at_work(firm, books, body(contact), *(body(event(tenant=tenant)) for _ in range(20))) as (
            at,
            letters,
        ):
            await at.until(lambda: any(one.bad for one in firm.told) or len(firm.living()) == firm.made)
            await firm.disk.unbound(books)

            async def held() -> bool:
                found = await at.read(lambda conn: mirrored.stamps(conn, tenant, "Contacts", [made["ContactID"]]))
                return bool(found)

            await later(firm, at, lambda: len(firm.living()) == firm.made)
            await later(firm, at, held)
            await later(firm, at, lambda: len(letters.taken) == len(letters.bodies))
            await later(firm, at, lambda: at.service.health().failures == {})
            await later(firm, at, lambda: beats)
    except errors.StoreError as error:
        ended = error
    finally:
        firm.disk.free()
    bad = [one.said for one in firm.told if one.bad] + ([str(ended)] if ended else [])
    await books.close()
    assert not bad or (pages is not None and any(map(names_it, bad))), bad
    if ended is not None:
        await served(firm, None, beats)
    return not bad


async def later(firm: Firm, at: At, condition: Callable[[], Any]) -> None:
    """It becomes so, at some time: what failed is tried again after a minute, the copy is due after fifteen."""
    for _ in range(OFTEN):
        firm.clock.forward(minutes=20)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(A_WHILE_S):
                await at.until(condition)
                return
    raise AssertionError(firm.told)


@contextlib.asynccontextmanager
async def at_work(firm: Firm, books: Any, *bodies: bytes) -> AsyncIterator[tuple[At, Letters]]:
    """The service with its door and Xero's letters to it, until all of it has ended; what it acknowledged is on disk then."""
    stopping, opened = asyncio.Event(), asyncio.Event()
    working = Serving(books, firm.told.append, pace=QUICK)
    letters = Letters(0, *bodies)

    async def wake(key: str) -> None:
        await working.wake(looking_again.KIND, key)

    @contextlib.asynccontextmanager
    async def door() -> AsyncIterator[None]:
        async with service.open_door(books, host="127.0.0.1", port=0, health=working.health, wake=wake) as found:
            letters.port = found.port
            opened.set()
            async with asyncio.TaskGroup() as beside:
                sending = beside.create_task(letters.send())
                yield
                sending.cancel()

    task = asyncio.create_task(working.run(stopping, door()))
    at = At(books, working, task, stopping)
    try:
        await at.until(opened.is_set)
        yield at, letters
    finally:
        firm.disk.free()
        stopping.set()
        await asyncio.gather(task, return_exceptions=True)
        await kept(books, letters.taken)
    task.result()


async def kept(books: Any, bodies: list[bytes]) -> None:
    """What was answered with 200 is there."""
    rows = await books.database.read(lambda conn: conn.execute(schema.inbox_deliveries.select()).all())
    assert {hashlib.sha256(one).digest() for one in bodies} <= {bytes(row.digest) for row in rows}


def test_syncing(busy: Firm) -> None:
    """A first load, and a catch-up: each gets through at some time, and with room again the copy is the ledger."""
    tenant, fits = busy.sandbox.tenant(1), set()
    made = busy.sandbox.make(tenant, "Contacts", *({"Name": f"Contact {n}"} for n in range(20)))

    async def everything(books: Any) -> Any:
        return await syncing.sync(books, "acme-uk", "Contacts")

    for pages in rounds(0, 12):
        assert pages < MOST
        for is_first in (True, False):
            if is_first:
                asyncio.run(busy.use(forgotten))
            for one in made:
                busy.sandbox.edit(tenant, one["ContactID"], FirstName=f"{pages} {is_first}")
            if busy.attempt(pages, everything):
                fits.add(is_first)
            assert asyncio.run(busy.use(everything)).exit_code == 0
            told = {one["ContactID"]: instant(one["UpdatedDateUTC"]) for one in busy.sandbox.ledger(tenant)["Contacts"]}
            assert told == asyncio.run(busy.use(lambda books: books.database.read(stamps)))
        if fits == {True, False} and SOAK:
            print(f"\nsync: through with {pages} pages")  # noqa: T201 - the proof's numbers are what a soak is for
            return


def stamps(conn: Any) -> dict[str, Any]:
    """The copy's contacts: when each was changed."""
    copy = schema.mirrored.c
    there = sa.select(copy.document_id, copy.stamp).where(copy.resource == "Contacts", copy.deleted_at.is_(None))
    return {row.document_id: row.stamp for row in conn.execute(there)}


async def forgotten(books: Any) -> None:
    """The copy is as before its first load."""

    def work(conn: Any) -> None:
        for table in (schema.mirrored, schema.readings):
            conn.execute(table.delete())

    await books.database.run(work)
