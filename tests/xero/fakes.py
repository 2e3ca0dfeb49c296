"""Stand-ins for the ports, and a server that speaks raw bytes so that it can break off anywhere."""

import asyncio
import contextlib
import datetime
import gzip
import json
import uuid

from counterfoil.model.binding import Binding, Fingerprint

START = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)
BINDING = Binding("acme-uk", "tenant-1", "grant-1", Fingerprint("tenant-1", "Acme UK Ltd", "!a1", "GBP", "GB"))


class FakeClock:
    """Time that moves only when somebody sleeps or a test says so."""

    def __init__(self):
        self.elapsed = 1000.0
        self.naps = []

    def now(self):
        """The made-up instant."""
        return START + datetime.timedelta(seconds=self.elapsed - 1000.0)

    def elapsed_s(self):
        """The made-up seconds."""
        return self.elapsed

    async def sleep(self, seconds):
        """Move on at once."""
        self.naps.append(seconds)
        self.elapsed += seconds
        await asyncio.sleep(0)


class FakeTokens:
    """Hands out token-1, token-2, … : the next one whenever the last was rejected."""

    def __init__(self):
        self.n = 1
        self.rejected = []

    async def access_token(self, grant_id, *, rejected=None):
        """The token of now."""
        if rejected is not None:
            self.rejected.append(rejected)
            self.n += 1
        return f"token-{self.n}"


class FreePermits:
    """No limits; remembers what it was told."""

    def __init__(self):
        self.calls = []
        self.learned = []

    @contextlib.asynccontextmanager
    async def call(self, tenant_id, lane):
        """No wait."""
        self.calls.append((tenant_id, lane))
        yield "place"

    def learn(self, tenant_id, headers, status, *, place="", offline=False):
        """Remembered."""
        self.learned.append((tenant_id, status, headers("X-MinLimit-Remaining")))


class Request:
    """One request as it arrived."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        self.body = body


class RawServer:
    """Answers each request with the next of `replies`: bytes, or None to drop the connection. The last one repeats.

    `keep`: leave the connection open after an answer. `stall`: read the head and nothing more.
    """

    def __init__(self, *replies, keep=True, stall=False):
        self.replies = list(replies)
        self.keep = keep
        self.stall = stall
        self.requests = []
        self.broken = asyncio.Event()  # a request did not arrive whole
        self.connections = 0
        self.arrived = asyncio.Event()  # the head of a request is here

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = Request(head, b"")
                self.requests.append(request)
                self.arrived.set()
                if self.stall:
                    await self.broken.wait()
                    return
                request.body = await reader.readexactly(int(request.headers.get("content-length", 0)))
                reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
                if reply is None:
                    writer.transport.abort()
                    return
                writer.write(reply)
                await writer.drain()
                if not self.keep:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self.broken.set()
        finally:
            with contextlib.suppress(ConnectionError):
                writer.close()


def reply(
    body=b"", status=200, *, content_type="application/json; charset=utf-8", zipped=False, length=None, **headers
):
    """A whole HTTP answer. `body` may be a dict; header names are written with underscores."""
    raw = json.dumps(body).encode() if isinstance(body, dict | list) else body
    raw = gzip.compress(raw) if zipped else raw
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw) if length is None else length}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += ["Content-Encoding: gzip"] if zipped else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


def envelope(plural, items, pagination=None):
    """Xero's envelope around `items`."""
    page = {} if pagination is None else {"pagination": pagination}
    head = {"Id": str(uuid.UUID(int=1)), "Status": "OK", "ProviderName": "Ours", "DateTimeUTC": "/Date(1789269376195)/"}
    return head | page | {plural: items}
