"""POST /webhooks/xero: 200 only for what is durable, 401 for what is not signed, and bounds for everything else."""

import asyncio
import contextlib
import os

import pytest

from counterfoil import errors, open_books, service
from counterfoil.runtime.clock import SystemClock
from counterfoil.service import xero_door
from counterfoil.store import inbox, inbox_counts, inbox_marking, schema
from counterfoil.store.database import Database
from counterfoil.webhooks import inbox as writer
from counterfoil.webhooks.hearing import Hearing
from counterfoil.webhooks.inbox import Inbox
from tests.cli.office import Office
from tests.service.conftest import health
from tests.service.visitor import ask, raw
from tests.webhooks.sender import INTENT, KEY, TENANT, body, event, signature
from tests.webhooks.test_signature import forged

PATH = xero_door.PATH
KEYS = (KEY.encode(),)


class Asked:
    """A door without a socket: what the framework's server would give and take."""

    def __init__(self, door):
        self.door = door

    async def __call__(self, *parts, method="POST", headers=(), gone=False):
        """One request whose body comes in these parts; → (status, headers), None when it got no answer."""
        events = [{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]]
        last = {"type": "http.disconnect"} if gone else {"type": "http.request", "body": parts[-1], "more_body": False}
        events.append(last)
        sent = []

        async def receive():
            if not events:
                await asyncio.Event().wait()
            return events.pop(0)

        async def send(message):
            sent.append(message)

        await self.door({"type": "http", "method": method, "path": PATH, "headers": list(headers)}, receive, send)
        if not sent:
            return None
        assert b"".join(one.get("body", b"") for one in sent) == b""
        return sent[0]["status"], dict(sent[0]["headers"])


def signed(whole, key=KEY):
    return ((b"x-xero-signature", signature(whole, key).encode()),)


@pytest.fixture
async def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", SystemClock())
    await found.open()
    yield found
    await found.close()


@contextlib.asynccontextmanager
async def opened(database, wake=None):
    """A door over a database; gives (how to ask it, its hearing)."""
    hearing = Hearing(SystemClock())
    box = Inbox(database, hearing, wake)
    async with box.opened():
        yield Asked(xero_door.XeroDoor(lambda: KEYS, box, hearing, SystemClock())), hearing


async def kept(database):
    """The bodies that are on disk, as another reader of the file sees them."""
    other = Database(str(database.url), SystemClock())
    await other.open()
    rows = await other.read(lambda conn: conn.execute(schema.inbox_deliveries.select()).all())
    await other.close()
    return sorted(row.body for row in rows)


async def test_a_delivery_is_on_disk_when_it_is_answered_with_200(database):
    """Byte for byte as it came, with its mark; and who keeps the mirror is woken after that."""
    woken, both = [], asyncio.Event()

    async def wake(key):
        woken.append((key, len(await kept(database))))
        if len(woken) == 2:
            both.set()

    whole = body(event("a-1"), event("b-1", category="CONTACT"))
    async with opened(database, wake) as (ask_door, _hearing):
        status, headers = await ask_door(whole, headers=signed(whole))
        assert await kept(database) == [whole]
        await asyncio.wait_for(both.wait(), 60)
    assert (status, headers) == (200, {b"content-length": b"0", b"cache-control": b"no-store"})
    assert woken == [(f"{TENANT}/CONTACT", 1), (f"{TENANT}/INVOICE", 1)]


async def test_an_intent_to_receive_passes_also_while_the_database_is_away(database):
    """A rightly signed empty list has nothing to be kept, and nothing is."""
    async with opened(database) as (ask_door, _hearing):

        async def refuse(_work):
            raise errors.StoreError("away", remedy="")

        database_run, database.run = database.run, refuse
        assert (await ask_door(INTENT, headers=signed(INTENT)))[0] == 200
        whole = body(event())
        status, headers = await ask_door(whole, headers=signed(whole))
        assert (status, headers[b"retry-after"]) == (503, b"30")
        database.run = database_run
        assert (await ask_door(whole, headers=signed(whole)))[0] == 200
    assert await kept(database) == [whole]


async def test_what_is_not_signed_is_401_and_nothing_of_it_is_kept(database):
    """A missing, an empty, a garbled, a doubled, an altered signature, and a body that a proxy wrote anew."""
    whole = body(event())
    right = signed(whole)
    wrong = [
        (whole, ()), (whole, ((b"x-xero-signature", b""),)), (whole, ((b"x-xero-signature", b"\xff\x00"),)),
        (whole, (*right, *right)), (whole, signed(whole, "other")), (whole + b" ", right), (whole.replace(b": ", b":"), right),
        (b"", right), (INTENT, right), (whole, ((b"x-xero-signature", right[0][1][:-1]),)),
    ]  # fmt: skip
    async with opened(database) as (ask_door, _hearing):
        for sent, headers in wrong:
            assert (await ask_door(sent, headers=headers))[0] == 401
        for sent, given in forged(300, 2):
            assert (await ask_door(sent, headers=((b"x-xero-signature", given.encode()),)))[0] == 401
    assert await kept(database) == []
    assert await database.read(inbox.waiting) == []


async def test_without_a_key_nobody_is_let_in(database):
    """Not even who signs with an empty one."""
    hearing = Hearing(SystemClock())
    box = Inbox(database, hearing)
    async with box.opened():
        ask_door = Asked(xero_door.XeroDoor(lambda: (), box, hearing, SystemClock()))
        assert (await ask_door(INTENT, headers=signed(INTENT, "")))[0] == 401


async def test_a_broken_payload_with_a_right_signature_is_kept_and_taken(database):
    """Xero would send it for a day and then switch the webhook off: it is told to a person instead."""
    whole = b'{"events":[{"resourceId":'
    async with opened(database) as (ask_door, hearing):
        assert (await ask_door(whole, headers=signed(whole)))[0] == 200
        await hearing.write(database)
    heard = await database.read(inbox_counts.heard)
    assert (await kept(database), heard.unread, heard.events) == ([whole], 1, 0)


async def test_too_large_and_too_slow_and_gone(database, monkeypatch):
    """Announced or not; whoever goes before the end gets no answer and counts for nothing."""
    monkeypatch.setattr(xero_door, "BODY_BYTES_MAX", 1_000)
    monkeypatch.setattr(xero_door, "BODY_S", 0.01)
    large = b"x" * 1_001
    async with opened(database) as (ask_door, hearing):
        assert (await ask_door(large, headers=signed(large)))[0] == 413
        assert (await ask_door(*[b"x"] * 1_001, headers=signed(large)))[0] == 413
        assert (await ask_door(b"", headers=((b"content-length", b"1001"), *signed(large))))[0] == 413
        assert (await ask_door(b"", headers=((b"content-length", b"-1"),)))[0] == 401
        assert await ask_door(INTENT[:20], b"", headers=signed(INTENT), gone=True) is None

        async def never():
            await asyncio.Event().wait()

        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": PATH, "headers": list(signed(INTENT))}
        await ask_door.door(scope, never, send)
        assert sent[0]["status"] == 408
        assert ask_door.door._bytes == 0
        await hearing.write(database)
    heard = await database.read(inbox_counts.heard)
    found = {name: count for name, count in heard.outcomes.items() if count}
    assert (found, await kept(database)) == ({"large": 3, "slow": 1, "strange": 1}, [])


async def test_what_does_not_fit_into_memory_is_refused_and_comes_again(database, monkeypatch):
    """The bytes of all bodies together have a bound, and so has the queue; both are free again afterwards."""
    monkeypatch.setattr(xero_door, "BYTES_MAX", 600)
    monkeypatch.setattr(xero_door, "SMALL_BYTES", 200)
    whole = body(event())
    assert 300 < len(whole) < 600
    go_on = asyncio.Event()
    run = database.run

    async def slow(work):
        await go_on.wait()
        return await run(work)

    async with opened(database) as (ask_door, _hearing):
        database.run = slow
        first = asyncio.create_task(ask_door(whole, headers=signed(whole)))
        await asyncio.sleep(0)
        other = body(event())
        assert (await ask_door(other, headers=signed(other)))[0] == 503
        assert (await ask_door(INTENT, headers=signed(INTENT)))[0] == 200  # a small one passes beside large ones
        go_on.set()
        assert (await first)[0] == 200
        assert (await ask_door(other, headers=signed(other)))[0] == 200
    assert await kept(database) == sorted([whole, other])


async def test_the_queue_is_bounded_and_a_slow_disk_is_no_200(database, monkeypatch):
    """Full: at once; later than Xero waits: come again. It may be on disk all the same, and then the second is the same one."""
    monkeypatch.setattr(writer, "WAITING_MAX", 1)
    monkeypatch.setattr(writer, "ANSWER_S", 0.05)
    go_on = asyncio.Event()
    run = database.run

    async def stuck(work):
        await go_on.wait()
        return await run(work)

    bodies = [body(event()) for _ in range(3)]
    async with opened(database) as (ask_door, hearing):
        database.run = stuck
        tasks = [asyncio.create_task(ask_door(one, headers=signed(one))) for one in bodies]
        assert [(await one)[0] for one in tasks] == [503, 503, 503]
        monkeypatch.setattr(writer, "WAITING_MAX", 10)
        monkeypatch.setattr(writer, "ANSWER_S", 60)
        go_on.set()
        assert (await ask_door(bodies[0], headers=signed(bodies[0])))[0] == 200
        database.run = run
        await hearing.write(database)
    heard = await database.read(inbox_counts.heard)
    assert heard.outcomes["full"] + heard.outcomes["late"] == 3
    assert bodies[0] in await kept(database)


async def test_many_deliveries_share_a_transaction(database):
    """A hundred at once are on disk after a few commits."""
    commits = 0
    run = database.run

    async def counted(work):
        nonlocal commits
        commits += 1
        return await run(work)

    bodies = [body(event()) for _ in range(100)]
    async with opened(database) as (ask_door, _hearing):
        database.run = counted
        answers = await asyncio.gather(*(ask_door(one, headers=signed(one)) for one in bodies))
    assert {status for status, _headers in answers} == {200}
    assert (await kept(database) == sorted(bodies), commits <= 3) == (True, True)


async def test_one_that_cannot_be_written_does_not_keep_the_others_out(database, monkeypatch):
    """Whatever nobody foresaw in one delivery is refused alone."""
    put = inbox_marking.put

    def picky(conn, deliveries):
        if any(b"poison" in one.body for one in deliveries):
            raise ValueError("nobody foresaw this")
        return put(conn, deliveries)

    monkeypatch.setattr(inbox_marking, "put", picky)
    bodies = [body(event()), body(event("poison")), body(event())]
    async with opened(database) as (ask_door, _hearing):
        answers = await asyncio.gather(*(ask_door(one, headers=signed(one)) for one in bodies))
    assert [status for status, _headers in answers] == [200, 503, 200]
    assert await kept(database) == sorted([bodies[0], bodies[2]])


@pytest.fixture
def office(tmp_path):
    """Configured, with two webhook keys; nobody has consented, no sandbox runs."""
    made = Office(tmp_path)
    made.write()
    made.key()
    path = tmp_path / "counterfoil.toml"
    path.write_text(
        path.read_text().replace("[xero]\n", f'[xero]\nwebhook_keys = ["{KEY}"]\nwebhook_key = "new-key"\n')
    )
    return made


async def test_through_the_real_door(office):
    """Any Host, with or without a final slash: status and nothing else, no cookie; only POST; either key."""
    async with (
        open_books(office.folder / "counterfoil.toml") as books,
        service.open_door(books, host="127.0.0.1", port=0, health=health) as door,
    ):
        whole = body(event())
        for given, path, key, host in (
            (whole, PATH, KEY, "localhost"), (INTENT, PATH + "/", "new-key", "hooks.example.com"),
            (body(event()), PATH + "?from=xero", KEY, "10.0.0.7:8321"),
        ):  # fmt: skip
            answer = await ask(door.port, "POST", path, given, x_xero_signature=signature(given, key), Host=host)
            assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
            assert "set-cookie" not in answer.headers
        for given, key in ((whole, "old-key"), (whole, "")):
            answer = await ask(door.port, "POST", PATH, given, x_xero_signature=signature(given, key))
            assert (answer.status, answer.body) == (401, b"")
        answer = await ask(door.port, "POST", PATH, whole)
        assert (answer.status, answer.body) == (401, b"")
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = await ask(door.port, method, PATH)
            assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "POST")
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(whole), whole)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        answer = await raw(door.port, f"{head}x-xero-signature: {signature(whole)}\r\n\r\n".encode() + chunked)
        assert (answer.status, answer.body) == (200, b"")
        answer = await ask(door.port, "POST", PATH, Content_Length=str(3 << 20), x_xero_signature=signature(whole))
        assert (answer.status, answer.body) == (413, b"")
        assert len(await kept(books.database)) == 2


@pytest.mark.soak
async def test_forgeries_through_the_real_door_write_nothing(office):
    """A hundred thousand, in `make test` 300: every one is 401 without a body; the good one among them is taken."""
    count = 100_000 if "SOAK" in os.environ else 300
    async with (
        open_books(office.folder / "counterfoil.toml") as books,
        service.open_door(books, host="127.0.0.1", port=0, health=health) as door,
    ):
        good = body(event())
        for n, (whole, given) in enumerate(forged(count, 3)):
            answer = await ask(door.port, "POST", PATH, whole, x_xero_signature=given)
            assert (answer.status, answer.body) == (401, b"")
            if n == 150:
                assert (await ask(door.port, "POST", PATH, good, x_xero_signature=signature(good))).status == 200
        assert await kept(books.database) == [good]
