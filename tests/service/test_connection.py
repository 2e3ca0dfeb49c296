"""What the wire may bring: no HTTP, too much of it, too slowly, or much at once; and that what is asked rightly is answered."""

import asyncio
import contextlib
import socket

import pytest

from counterfoil.service import connection, listening
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
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
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
    monkeypatch.setattr(connection, "PIPELINED_MAX", 5)
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
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * connection.HEAD_BYTES_MAX + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * connection.HEAD_BYTES_MAX,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * connection.HEADERS_MAX + b"\r\n",
        b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n" * connection.HEAD_BYTES_MAX,
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
        whole = connection.HEAD_BYTES_MAX * 2
        answer = await raw(port, CHUNKED + b"1\r\nx\r\n" * whole + b"0\r\n\r\n")
        assert (answer.status, answer.body.endswith(b" " + b"x" * whole)) == (200, True)


async def test_a_request_that_asks_for_another_protocol_is_answered_in_this_one():
    """As curl asks for HTTP/2 on an open connection; the next one on it, too."""
    async with echoing() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD % (1, b"Connection: Upgrade\r\nUpgrade: h2c\r\n"))
        assert b"200 OK" in await reader.readuntil(b"/1 connection host ")
        writer.write(HEAD % (2, b""))
        assert b"200 OK" in await reader.readuntil(b"/2 host ")
        writer.close()
        assert app.paths == ["/1", "/2"]


UPGRADE = b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"


@pytest.mark.parametrize(("version", "closing"), [(b"1", b"Connection: close\r\n"), (b"0", b"")])
@pytest.mark.parametrize("size", [1, 600_000], ids=["byte by byte", "at once"])
async def test_what_follows_a_head_that_asks_for_another_protocol_is_its_body(size, version, closing):
    """As Java's client asks with every first request: the body was lost, and read as a request of its own."""
    inner = HEAD % (9, b"")
    sent = (
        b"POST /1 HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (UPGRADE, len(inner), inner)
        + b"POST /2 HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (UPGRADE, len(inner), inner)
        + b"POST /3 HTTP/1.%b\r\n%b%bContent-Length: 3\r\n\r\nabc" % (version, UPGRADE, closing)
    )
    async with echoing() as (app, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for n in range(0, len(sent), size):
            writer.write(sent[n : n + size])
            await asyncio.sleep(0)
        answers = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        assert app.paths == ["/1", "/2", "/3"]
        assert (answers.count(b"HTTP/1.1 200 OK"), answers.count(inner), answers[-4:]) == (3, 2, b" abc")


async def test_whole_requests_are_answered_though_the_body_of_the_next_one_is_none():
    """The first one was carried out and got the answer that was meant for the third."""
    bad = b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    for whole in (1, 2):
        async with echoing() as (app, port):
            app.go_on.clear()
            told = asyncio.create_task(raw(port, b"".join(HEAD % (n, b"") for n in range(whole)) + bad))
            await app.asked.acquire()
            app.go_on.set()
            answer = await told
            assert (answer.status, answer.body.count(b"HTTP/1.1 200 OK")) == (200, whole - 1)
            assert b"400" not in answer.body
            assert app.paths == [f"/{n}" for n in range(whole)]


async def test_an_answer_that_was_begun_is_not_ended_with_another_one():
    """A chunk that is none came while it was answered already; 400 stood where the rest of the answer belongs."""
    begun = asyncio.Event()

    async def app(_scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"500")]})
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    sockets = listening.bound("127.0.0.1", 0)
    async with listening.serving(app, sockets):
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port_of(sockets))
        writer.write(CHUNKED)
        await begun.wait()
        writer.write(b"xyz\r\n")
        assert (await asyncio.wait_for(reader.read(), 60)).count(b"HTTP/1.1 ") == 1
        writer.close()


async def test_noise_behind_a_request_is_said_once_in_the_log(caplog):
    """However much of it comes while that one is answered."""
    async with echoing() as (app, port):
        app.go_on.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD % (1, b""))
        await app.asked.acquire()
        for _ in range(20):
            writer.write(b"\0 noise \r\n")
            await asyncio.sleep(0.01)
        app.go_on.set()
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 60)
        writer.close()
    assert [one.message for one in caplog.records].count("Invalid HTTP request received.") == 1


async def test_who_asks_and_does_not_read_is_cut_off(monkeypatch):
    """It was thought of as being answered, for ever: as many as may be at once, and nobody else was let in any more."""
    monkeypatch.setattr(connection, "HEAD_S", 0.5)
    async with echoing() as (app, port):
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.setblocking(False)
            await asyncio.get_running_loop().sock_connect(lazy, ("127.0.0.1", port))
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(ask_on(lazy), 20)
        assert len(app.paths) > 100
        assert (await ask(port, path="/next")).status == 200


async def ask_on(lazy):
    """One request after the other, until the other side ends it."""
    sent = HEAD.replace(b"/%d", b"/" + b"x" * 8_000) % b""
    while True:
        await asyncio.get_running_loop().sock_sendall(lazy, sent)
        await asyncio.sleep(0)


async def test_a_slow_reader_gets_all_of_a_large_answer():
    """As long as it reads."""
    whole = b"x" * (8 << 20)

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(whole))]})
        for n in range(0, len(whole), 1 << 20):
            await send({"type": "http.response.body", "body": whole[n : n + (1 << 20)], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sockets = listening.bound("127.0.0.1", 0)
    async with listening.serving(app, sockets):
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port_of(sockets), limit=1 << 16)
        writer.write(HEAD % (1, b"Connection: close\r\n"))
        got = b""
        while part := await asyncio.wait_for(reader.read(1 << 18), 60):
            got += part
            await asyncio.sleep(0.005)
        writer.close()
        assert got.endswith(b"\r\n\r\n" + whole)


async def test_who_waits_for_an_answer_and_goes_is_missed_though_another_request_waits_behind():
    """Only the last one that came was told; the one that is answered waited on for nobody."""
    gone, asked = asyncio.Event(), asyncio.Event()

    async def app(_scope, receive, _send):
        asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    sockets = listening.bound("127.0.0.1", 0)
    async with listening.serving(app, sockets):
        _reader, writer = await asyncio.open_connection("127.0.0.1", listening.port_of(sockets))
        writer.write(HEAD % (1, b"") + HEAD % (2, b""))
        await asked.wait()
        writer.transport.abort()
        await asyncio.wait_for(gone.wait(), 5)
