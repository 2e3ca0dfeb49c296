import asyncio
import inspect
import socket

import aiohttp
import pytest

from counterfoil import errors
from counterfoil.runtime.clock import SystemClock
from counterfoil.xero import transport
from counterfoil.xero.transport import Transport
from tests.xero.fakes import FakeClock, RawServer, reply

METHODS = ["GET", "PUT", "POST", "DELETE"]
SECRET = {"Authorization": "Bearer very-secret"}
BODY = b'{"Invoices":[]}'


@pytest.fixture
async def door():
    made = Transport(SystemClock())
    yield made
    await made.close()


def body_for(method):
    return None if method in {"GET", "DELETE"} else BODY


@pytest.mark.parametrize("method", METHODS)
async def test_a_dropped_first_connection_sees_one_request(door, method):
    """The library repeats nothing by itself when a new connection drops; the outcome is unclear."""
    async with RawServer(None) as server:
        with pytest.raises(errors.Unclear):
            await door.send(method, f"{server.url}/x", SECRET, body_for(method))
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", METHODS)
async def test_a_dropped_kept_connection_sees_one_request(door, method):
    """A connection that worked before and drops on its second request is not tried again on another one."""
    async with RawServer(reply(b"{}"), None) as server:
        await door.send("GET", f"{server.url}/first", SECRET)
        with pytest.raises(errors.Unclear):
            await door.send(method, f"{server.url}/x", SECRET, body_for(method))
        assert (len(server.requests), server.connections) == (2, 1)


async def test_nothing_listens(door):
    """A refused connection is XeroUnavailable and says that nothing was sent."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(errors.XeroUnavailable) as caught:
        await door.send("PUT", f"http://127.0.0.1:{port}/x", SECRET, BODY)
    assert (caught.value.sent, "nothing listens there" in str(caught.value)) == (False, True)


async def test_a_whole_answer(door):
    """Status, body, content type, correlation id and limits arrive; compressed bytes are what is counted."""
    sent = reply({"a": 1}, zipped=True, Xero_Correlation_Id="c-1", X_MinLimit_Remaining="59", Retry_After="26")
    async with RawServer(sent) as server:
        answer = await door.send("PUT", f"{server.url}/a%2Fb?x=1", SECRET, BODY, tenant_id="t")
        assert (answer.status, answer.body, answer.content_type) == (
            200,
            b'{"a": 1}',
            "application/json; charset=utf-8",
        )
        assert (answer.correlation_id, answer.header("X-MinLimit-Remaining"), answer.retry_after_s) == (
            "c-1",
            "59",
            26.0,
        )
        assert (door.counts["t"].calls, door.counts["t"].bytes_in) == (1, answer.bytes_in)
        assert answer.packed == sent.partition(b"\r\n\r\n")[2]
        assert answer.bytes_in == len(answer.packed)
        seen = server.requests[0]
        assert (seen.method, seen.target, seen.body) == ("PUT", "/a%2Fb?x=1", BODY)
        assert seen.headers["accept-encoding"] == "gzip"


async def test_no_redirect_is_followed(door):
    """A redirect comes back as the answer that it is."""
    async with RawServer(reply(b"", 302, Location="http://127.0.0.1:9/")) as server:
        answer = await door.send("PUT", f"{server.url}/x", SECRET, BODY)
        assert (answer.status, len(server.requests), answer.packed) == (302, 1, None)


BROKEN = {
    "shorter than its length": reply(b'{"a": 1}', length=100),
    "cut chunked": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
    "no length, text cut": b"HTTP/1.1 503 X\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe Organ",
    "no length, JSON cut": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"a": [1, ',
    "no length, empty": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "bad gzip": reply(b"no gzip at all", Content_Encoding="gzip"),
    "cut gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n"
    + reply({"a": list(range(99))}, zipped=True).partition(b"\r\n\r\n")[2][:20],
    "another packing": reply(b"xyz", Content_Encoding="br"),
    "no HTTP": b"SMTP ready\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("bytes_sent", BROKEN.values(), ids=BROKEN)
async def test_broken_answers_are_unclear(door, bytes_sent):
    """Whatever breaks off, or cannot be unpacked, is unclear for a write, and the token is in no word of it."""
    async with RawServer(bytes_sent, keep=False) as server:
        with pytest.raises(errors.Unclear) as caught:
            await door.send("PUT", f"{server.url}/x?secret=1", SECRET, BODY)
        assert len(server.requests) == 1
        assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.facts} {caught.value.__cause__!r}"


async def test_json_without_length_is_complete_when_it_is_whole(door):
    """An answer that ends by closing is taken when its JSON is whole."""
    whole = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"a": 1}\r\n'
    async with RawServer(whole, keep=False) as server:
        assert (await door.send("PUT", f"{server.url}/x", SECRET, BODY)).body == b'{"a": 1}\r\n'


async def test_an_answer_is_bounded(door, monkeypatch):
    """An answer beyond the bound is unclear, compressed or not."""
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 1000)
    for sent in (reply(b"x" * 2000), reply(b"x" * 2000, zipped=True)):
        async with RawServer(sent) as server:
            with pytest.raises(errors.Unclear):
                await door.send("GET", f"{server.url}/x", SECRET)


async def test_a_late_first_byte_never_leaves():
    """A start that lies more than five seconds back aborts the attempt before a byte is written."""
    clock = FakeClock()
    door = Transport(clock)
    async with RawServer(reply(b"{}")) as server:
        await door.send("PUT", f"{server.url}/x", SECRET, BODY, started_s=clock.elapsed - 4.9)
        with pytest.raises(errors.Unclear):
            await door.send("PUT", f"{server.url}/x", SECRET, BODY, started_s=clock.elapsed - 5.1)
        with pytest.raises(errors.Unclear):
            await door.send("PUT", f"{server.url}/x", SECRET, BODY, started_s=clock.elapsed - 2, timeout_s=1)
        assert len(server.requests) == 1
    await door.close()


async def test_a_late_piece_never_leaves():
    """When the timeout passes between two pieces the rest stays here and the connection is reset."""

    class JumpingClock(FakeClock):
        looks = 0

        def elapsed_s(self):
            self.looks += 1
            return self.elapsed + (100.0 if self.looks > 3 else 0.0)  # the entry, and two pieces

    door = Transport(JumpingClock())
    async with RawServer(reply(b"{}")) as server:
        with pytest.raises(errors.Unclear) as caught:
            await door.send("PUT", f"{server.url}/x", SECRET, b"x" * (10 * transport.PIECE_BYTES), timeout_s=60)
        await server.broken.wait()
        assert "not sent in time" in str(caught.value)
    await door.close()


async def test_a_server_that_does_not_read_is_given_up():
    """The timeout drops the connection with the bytes that still wait in it."""
    door = Transport(SystemClock())
    async with RawServer(stall=True) as server:
        with pytest.raises(errors.Unclear):
            await door.send("PUT", f"{server.url}/x", SECRET, b"x" * 20_000_000, timeout_s=0.2)
        server.broken.set()
    await door.close()


async def test_cancelling_aborts():
    """An interrupted send leaves no connection behind that goes on sending."""
    door = Transport(SystemClock())
    async with RawServer(stall=True) as server:
        task = asyncio.create_task(door.send("PUT", f"{server.url}/x", SECRET, b"x" * 20_000_000))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.broken.set()
    await door.close()


def library_exceptions():
    found = {c for _, c in inspect.getmembers(aiohttp.client_exceptions, inspect.isclass) if issubclass(c, Exception)}
    found |= {c for _, c in inspect.getmembers(aiohttp, inspect.isclass) if issubclass(c, Exception)}
    found |= {c for _, c in inspect.getmembers(aiohttp.http_exceptions, inspect.isclass) if issubclass(c, Exception)}
    # Raised by its server side and its websockets only; we use neither.
    elsewhere = {"WebSocketError", "WSCloseCode", "EofStream", "ContentDisposition"}
    return sorted(
        (c for c in found if c.__name__ not in elsewhere and not issubclass(c, Warning)), key=lambda c: c.__name__
    )


@pytest.mark.parametrize("kind", library_exceptions(), ids=lambda c: c.__name__)
def test_every_exception_of_the_library_is_mapped(kind):
    """Each class is caught, and becomes ours: never sent, unclear, or a wrong address."""
    assert issubclass(kind, transport.LIBRARY_FAILURES)
    cause = kind.__new__(kind)
    mapped = transport.failure(cause, "PUT http://x/y")
    if issubclass(kind, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        assert type(mapped) is errors.ConfigurationError
    elif issubclass(
        kind, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.ServerFingerprintMismatch
    ):
        assert (type(mapped), mapped.sent) == (errors.XeroUnavailable, False)
    else:
        assert type(mapped) is errors.Unclear


async def test_an_address_that_is_none(door):
    """A mistyped URL is a mistake of the configuration, not a lost answer."""
    with pytest.raises(errors.ConfigurationError):
        await door.send("PUT", "ftp://nowhere/x", SECRET, BODY)
