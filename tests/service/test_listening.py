"""What the wire may bring to the service itself: too much, too slowly, or many at once; and that it ends in time."""

import asyncio
import time

from counterfoil.service import connection, guard, listening
from tests.service.conftest import serving
from tests.service.visitor import ask, raw


async def test_large_requests_are_refused_before_they_are_read(office):
    """By what they announce, by what they send, and a head that never ends."""
    async with serving(office) as (_books, door):
        told = await ask(door.port, "POST", "/connect", b"x", Content_Length="99999999")
        chunk = b"%x\r\n%s\r\n" % (guard.BODY_BYTES_MAX + 1, b"x" * (guard.BODY_BYTES_MAX + 1))
        head = f"POST /connect HTTP/1.1\r\nHost: localhost:{door.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        sent = await raw(door.port, head + chunk + b"0\r\n\r\n")
        long = await raw(door.port, b"GET / HTTP/1.1\r\nX: " + b"x" * (connection.HEAD_BYTES_MAX + 70_000))
        assert [told.status, sent.status, long.status] == [413, 403, 400] or sent.status == 413
        assert (await ask(door.port, path="/healthz")).status == 200


async def test_what_is_no_http_is_told_as_the_api_promises(office):
    """A refusal is a problem document, also of a request that the API never saw; it was a line of text."""
    async with serving(office) as (_books, door):
        for sent in (
            b"GET /v1/status HTTP/1.1\r\n\r\n",
            b"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        ):
            answer = await raw(door.port, sent)
            assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
            assert (answer.json["status"], answer.json["code"]) == (400, "bad-request")
            assert answer.headers["content-length"] == str(len(answer.body))


async def test_what_is_no_http_gets_no_more_than_400(office):
    """Noise, a TLS greeting, a request from the future."""
    async with serving(office) as (_books, door):
        for noise in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
            b"hello\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
        ):
            assert (await raw(door.port, noise)).status in (400, 421)


async def test_slow_clients_are_cut_off(office, monkeypatch):
    """One that says nothing, one that never ends its head, one that never sends its body; the others are answered."""
    monkeypatch.setattr(connection, "HEAD_S", 0.3)
    monkeypatch.setattr(guard, "BODY_S", 0.3)
    async with serving(office) as (_books, door):
        head = f"POST /healthz HTTP/1.1\r\nHost: localhost:{door.port}\r\n"
        beginnings = (b"", head.encode(), b"GET / HTTP/1.1\r\nHost: localhost")
        answers = await asyncio.gather(*(raw(door.port, one) for one in beginnings), return_exceptions=True)
        assert all(isinstance(one, ConnectionError) or one.status == 0 for one in answers)
        page = f"POST /connect HTTP/1.1\r\nHost: localhost:{door.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
        assert (await raw(door.port, page.encode())).status == 408
        assert (await ask(door.port, path="/healthz")).status == 200


async def test_connections_that_say_nothing_make_room_for_one_that_does(office, monkeypatch):
    """However many idle: whoever asks is answered, and the one that idled for longest is gone."""
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 3)
    async with serving(office) as (_books, door):
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(3)]
        assert (await ask(door.port, path="/healthz")).status == 200
        assert await asyncio.wait_for(ended(held[0][0]), 60)
        for _reader, writer in held:
            writer.close()


async def ended(reader):
    """Whether the other side ended a connection."""
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_too_many_connections_are_cut_off(office, monkeypatch):
    """Those that are being answered are, the next one is not, and when they are gone there is room again."""
    from counterfoil.app import connecting

    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 3)
    whole, asked, go_on = connecting.whose, asyncio.Semaphore(0), asyncio.Event()

    async def slow(books):
        asked.release()
        await go_on.wait()
        return await whole(books)

    monkeypatch.setattr(connecting, "whose", slow)
    async with serving(office) as (_books, door):
        slow_ones = [asyncio.create_task(ask(door.port, path="/connect", Accept="text/html")) for _ in range(3)]
        for _ in slow_ones:
            await asked.acquire()
        assert await cut_off(door.port)
        go_on.set()
        assert [one.status for one in await asyncio.gather(*slow_ones)] == [200] * 3
        assert (await ask(door.port, path="/healthz")).status == 200


async def cut_off(port):
    """Whether a request gets no answer at all."""
    try:
        return (await ask(port, path="/healthz")).status == 0
    except ConnectionError:
        return True


async def test_it_ends_in_time_with_clients_that_hang_on(office):
    """Connections that idle or are half said do not keep it."""
    async with serving(office) as (_books, door):
        hanging = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(5)]
        hanging[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: loc")
        await asyncio.sleep(0)
        began = time.monotonic()
    assert time.monotonic() - began < listening.END_S * 2 + 2
    for _reader, writer in hanging:
        writer.close()
