"""What the wire may bring: no HTTP, too much of it, too slowly, or much at once; and that what is asked rightly is answered."""

import asyncio
import contextlib
import time

import pytest

from counterfoil.service import guard, listening
from tests.service.conftest import serving
from tests.service.visitor import ask, raw

HEAD = b"GET /%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
TWO_READS = 600_000  # more than asyncio reads at once: what begins in a read is not counted before the next
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


class Echo:
    """An application that answers with the path, the names of the headers and the body; `go_on`: not before."""

    def __init__(self):
        self.paths = []
        self.asked = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, scope, receive, send):
        """Answer one request."""
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] != "http.request":
                return
            body, more = body + event["body"], event["more_body"]
        self.paths.append(scope["path"])
        self.asked.release()
        await self.go_on.wait()
        said = b" ".join((scope["path"].encode(), *sorted(name for name, _value in scope["headers"]), body))
        headers = [(b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})


@contextlib.asynccontextmanager
async def echoing():
    """Gives (the application, its port)."""
    app, sockets = Echo(), listening.bound("127.0.0.1", 0)
    port = listening.port_of(sockets)
    async with listening.serving(app, sockets):
        yield app, port


async def test_requests_sent_at_once_are_answered_in_their_order():
    """Though the second came while the first was answered, and the third in the same packet."""
    async with echoing() as (app, port):
        sent = b"".join(HEAD % (n, b"") for n in range(30)) + HEAD % (30, b"Connection: close\r\n")
        answer = await raw(port, sent)
        assert app.paths == [f"/{n}" for n in range(31)]
        assert answer.body.count(b"HTTP/1.1 200 OK") == 30


async def test_one_that_waited_behind_another_has_its_own_time(monkeypatch):
    """The time for a head is not counted while a whole one is answered: its sender was cut off."""
    monkeypatch.setattr(listening, "HEAD_S", 0.2)
    async with echoing() as (app, port):
        app.go_on.clear()
        both = asyncio.create_task(raw(port, HEAD % (1, b"") + HEAD % (2, b"Connection: close\r\n")))
        await app.asked.acquire()
        app.go_on.set()
        await app.asked.acquire()
        app.go_on.clear()
        await asyncio.sleep(0.5)
        app.go_on.set()
        assert (await both).body.count(b"HTTP/1.1 200 OK") == 1, "the second one's"


async def test_too_many_at_once_on_one_connection_are_cut_off(monkeypatch):
    """Each costs memory while it waits; the next connection is served."""
    monkeypatch.setattr(listening, "PIPELINED_MAX", 5)
    async with echoing() as (app, port):
        app.go_on.clear()
        with contextlib.suppress(ConnectionError):
            assert (await raw(port, b"".join(HEAD % (n, b"") for n in range(200)))).status == 0
        app.go_on.set()
        assert (await ask(port, path="/next")).status == 200
        assert len(app.paths) <= 2


async def test_a_request_is_answered_whatever_follows_it():
    """It was whole; what comes behind it ends the connection afterwards."""
    async with echoing() as (app, port):
        app.go_on.clear()
        answer = asyncio.create_task(raw(port, HEAD % (1, b"") + b"no http at all\r\n\r\n"))
        await app.asked.acquire()
        app.go_on.set()
        assert (await answer).status == 200


async def test_what_follows_a_body_is_no_header():
    """Else a signature or a key could come after what it is for was judged."""
    async with echoing() as (_app, port):
        answer = await raw(port, CHUNKED + b"3\r\nabc\r\n0\r\nX-Xero-Signature: late\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"/echo connection host transfer-encoding abc")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * listening.HEAD_BYTES_MAX + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * listening.HEAD_BYTES_MAX,
        b"\r\n" * listening.HEAD_BYTES_MAX,
        CHUNKED + b"3;" + b"x" * TWO_READS,
        CHUNKED + b"0\r\nX: " + b"x" * TWO_READS,
        CHUNKED + b"0\r\n" + b"X: x\r\n" * TWO_READS,
        CHUNKED + b"xyz\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
    ],
    ids=lambda sent: repr(sent[-60:]),
)
async def test_what_rfc_9112_forbids_and_what_never_ends_reaches_no_application(sent):
    """An ancient or nameless request, a head or what stands around a body without end, two lengths, white space that smuggles."""
    async with echoing() as (app, port):
        with contextlib.suppress(ConnectionError):  # it was told while it still sent
            assert (await raw(port, sent)).status == 400
        assert app.paths == []
        assert (await ask(port, path="/next")).status == 200


async def test_a_body_in_many_small_parts_is_no_head_without_end():
    """Its bytes mean something."""
    async with echoing() as (_app, port):
        whole = listening.HEAD_BYTES_MAX * 2
        answer = await raw(port, CHUNKED + b"1\r\nx\r\n" * whole + b"0\r\n\r\n")
        assert (answer.status, answer.body.endswith(b" " + b"x" * whole)) == (200, True)


async def test_a_request_that_asks_for_another_protocol_is_answered_in_this_one():
    """As curl asks for HTTP/2 on an open connection; the next one on it, too."""
    async with echoing() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD % (1, b"Connection: Upgrade\r\nUpgrade: h2c\r\n"))
        assert b"200 OK" in await reader.readuntil(b"/1 connection host upgrade ")
        writer.write(HEAD % (2, b""))
        assert b"200 OK" in await reader.readuntil(b"/2 host ")
        writer.close()
        assert app.paths == ["/1", "/2"]


async def test_large_requests_are_refused_before_they_are_read(office):
    """By what they announce, by what they send, and a head that never ends."""
    async with serving(office) as (_books, door):
        told = await ask(door.port, "POST", "/connect", b"x", Content_Length="99999999")
        chunk = b"%x\r\n%s\r\n" % (guard.BODY_BYTES_MAX + 1, b"x" * (guard.BODY_BYTES_MAX + 1))
        head = f"POST /connect HTTP/1.1\r\nHost: localhost:{door.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        sent = await raw(door.port, head + chunk + b"0\r\n\r\n")
        long = await raw(door.port, b"GET / HTTP/1.1\r\nX: " + b"x" * (listening.HEAD_BYTES_MAX + 70_000))
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
    monkeypatch.setattr(listening, "HEAD_S", 0.3)
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
    monkeypatch.setattr(listening, "CONNECTIONS_MAX", 3)
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

    monkeypatch.setattr(listening, "CONNECTIONS_MAX", 3)
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
