"""Bytes to Xero and back: the only importer of the HTTP library.

Called by client, identity and access's probe. One session; nothing is ever sent twice by it, no redirect is followed,
no cookie kept. Every failure of the library becomes one of our errors, without a URL's query, a header or a body in
its words: those hold secrets.

What is certain: a request whose first byte never left is `XeroUnavailable(sent=False)`; any other failure is `Unclear`.
What is not: a process that is stopped between the last look at the clock and the system call sends that one piece late
(docs/promises say so).
"""

import socket
import struct
from collections.abc import Mapping
from typing import Final

import aiohttp
import yarl
from aiohttp import abc, http_exceptions, payload

from counterfoil import errors
from counterfoil.model.hidden import HiddenBytes, HiddenText
from counterfoil.model.ports import Clock
from counterfoil.xero import packing
from counterfoil.xero.answers import Answer
from counterfoil.xero.metering import Meter
from counterfoil.xero.tally import Tally
from counterfoil.xero.xero_time import XeroTime

PIECE_BYTES: Final = 64 * 1024  # the clock is looked at before each
FIRST_BYTE_S: Final = 5.0  # the longest from the caller's start to the first byte (design §3.1)
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024  # compressed or not; a full page of 1,000 invoices is about 5 MB
CONNECTIONS_MAX: Final = 1000  # pacing allows five per tenant; this only guards the process
KEEPALIVE_S: Final = 10.0  # short: a connection that Xero dropped while idle costs a write a look
USER_AGENT: Final = "counterfoil/0.1"
KEPT_HEADERS: Final = (
    "Xero-Correlation-Id",
    "Retry-After",
    "X-Rate-Limit-Problem",
    "X-MinLimit-Remaining",
    "X-DayLimit-Remaining",
    "X-AppMinLimit-Remaining",
    "Date",
)
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what the kernel still holds is dropped, not sent late

# All that the library may raise at us; a test walks its exception classes. OSError includes TimeoutError.
LIBRARY_FAILURES: Final = (
    aiohttp.ClientError,
    aiohttp.WSMessageTypeError,
    http_exceptions.HttpProcessingError,
    http_exceptions.BadHttpMessage,
    OSError,
    EOFError,
    ValueError,
)
# Those of them that can only be raised before a connection stood.
BEFORE_CONNECTING: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.ServerFingerprintMismatch,
)


class _TooLate(Exception):
    """A piece would have left after its deadline."""


class _Unreadable(Exception):
    """The answer is complete for HTTP and still no use: its words say why."""


class Count:
    """Calls made and body bytes received over the wire for one tenant ("" for the identity server)."""

    __slots__ = ("bytes_in", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self.bytes_in = 0


class _Body(payload.Payload):
    """A body that leaves piece by piece, each only while its deadline has not passed."""

    _autoclose = True  # nothing to close

    def __init__(self, value: bytes, content_type: str, clock: Clock, first_by_s: float, last_by_s: float) -> None:
        super().__init__(value, content_type=content_type)
        self._size = len(value)
        self._clock = clock
        self._first_by_s = first_by_s
        self._last_by_s = last_by_s
        self.began = False
        self.too_late = False
        self.writer: abc.AbstractStreamWriter | None = None

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Asked for by the library's interface; nothing here decodes a request."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: abc.AbstractStreamWriter) -> None:
        """Hand over the pieces; the library lets the headers leave with the first one, not before."""
        self.writer = writer
        view = memoryview(self._value)
        for at in range(0, max(len(view), 1), PIECE_BYTES):
            if self._clock.elapsed_s() > (self._last_by_s if at else self._first_by_s):
                self.too_late = True
                raise _TooLate
            self.began = True
            await writer.write(view[at : at + PIECE_BYTES])
            await writer.drain()

    def abort(self) -> None:
        """Drop the connection at once, with whatever of the body has not left this machine."""
        transport = getattr(self.writer, "transport", None)
        if transport is None:
            return
        plug = transport.get_extra_info("socket")
        if plug is not None and plug.fileno() >= 0:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()


class Transport:
    """One HTTP session to one Xero. `counts`: per tenant; the URLs are those of the configuration, without a slash.

    `time`: Xero's own, as the answers tell it. `meter`: keeps what every call came to; None: nobody does.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        api_url: str = "https://api.xero.com",
        identity_url: str = "https://identity.xero.com",
        login_url: str = "https://login.xero.com",
        meter: Meter | None = None,
    ) -> None:
        self.clock = clock
        self.api_url = api_url.rstrip("/")
        self.identity_url = identity_url.rstrip("/")
        self.login_url = login_url.rstrip("/")
        self.counts: dict[str, Count] = {}
        self.time = XeroTime(clock)
        self.meter = meter
        self.tally = Tally()
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        timeout_s: float = 60.0,
        started_s: float | None = None,
        tenant_id: str = "",
        lane: str = "",
    ) -> Answer:
        """Send once and read the whole answer, whatever its status.

        `url`: already percent-encoded. `lane`: for the meter. `started_s`: on Clock.elapsed_s(), when the caller committed itself to this
        attempt (None: now); the first byte leaves within min(FIRST_BYTE_S, timeout_s) of it, the last and the answer
        within `timeout_s`, else the connection is aborted. Costs one call. Raises XeroUnavailable(sent=False) when
        nothing left this machine, Unclear for everything else that is not a complete, readable answer.
        """
        # Tokens and secrets stand in them; an error that is raised below shows no more of them than an ellipsis.
        headers = {name: HiddenText(value) for name, value in headers.items()}
        body = None if body is None else HiddenBytes(body)
        now_s = self.clock.elapsed_s()
        start_s = now_s if started_s is None else started_s
        first_by_s = start_s + min(FIRST_BYTE_S, timeout_s)
        if body is not None and now_s > first_by_s:
            raise errors.Unclear(f"{_name(method, url)} was not begun in time; nothing was sent.")
        content_type = headers.get("Content-Type", "application/json")
        sent = None if body is None else _Body(body, content_type, self.clock, first_by_s, start_s + timeout_s)
        limit = aiohttp.ClientTimeout(
            total=max(start_s + timeout_s - now_s, 0.001), connect=max(first_by_s - now_s, 0.001)
        )
        self._count(tenant_id).calls += 1
        answer: Answer | None = None
        left = True
        try:
            async with self._open().request(
                method, yarl.URL(url, encoded=True), headers=headers, data=sent, timeout=limit, allow_redirects=False
            ) as response:
                self.time.learn(response.headers.get("Date"), now_s, self.clock.elapsed_s())
                raw = await _read(response)
                self._count(tenant_id).bytes_in += len(raw)
                answer = _answer(response, raw)
                return answer
        except _Unreadable as cause:
            raise errors.Unclear(f"Xero's answer to {_name(method, url)} cannot be used: {cause}.") from None
        except LIBRARY_FAILURES as cause:
            problem = failure(cause, _name(method, url), sent)
            left = isinstance(problem, errors.Unclear)
            # `from None`: the library's exceptions carry our headers, and so the token.
            raise problem from None
        finally:
            if sent is not None and answer is None:
                sent.abort()
            if left:
                said = (None, None) if answer is None else (answer.status, answer.header("x-rate-limit-problem"))
                self.tally.count(*said)
            if self.meter is not None and left:
                came = (None, 0, 0) if answer is None else (answer.status, len(answer.body), answer.bytes_in)
                self.meter.count(tenant_id, lane, method, url, *came)

    def _count(self, tenant_id: str) -> Count:
        return self.counts.setdefault(tenant_id, Count())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEPALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            )
            # The library repeats PUT, GET and DELETE by itself when a kept connection drops; there is no public switch.
            self._session._retry_connection = False  # noqa: SLF001 - see above; a test watches it
        return self._session

    async def close(self) -> None:
        """Close every connection, and write what was counted."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        if self.meter is not None:
            await self.meter.close()


def failure(cause: BaseException, what: str, body: _Body | None = None) -> errors.CounterfoilError:
    """The error of ours for a failure of the library while doing `what`; says nothing but the failure's kind.

    With a body, whether it had begun to leave decides; without one, whether the failure can only come before
    connecting.
    """
    kind = type(cause).__name__
    if body is not None and body.too_late:
        return errors.Unclear(f"{what} was not sent in time; the connection was dropped.")
    if isinstance(cause, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return errors.ConfigurationError(f"{what}: this is no address.", remedy="Check the URLs under [xero].")
    never_left = isinstance(cause, BEFORE_CONNECTING) if body is None else not body.began
    if never_left:
        return errors.XeroUnavailable(f"Xero cannot be reached for {what}: {_reason(cause)} ({kind}).", sent=False)
    return errors.Unclear(f"The answer to {what} was lost ({kind}).")


def _reason(cause: BaseException) -> str:
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return "the name is not known"
    if isinstance(cause, aiohttp.ClientSSLError):
        return "no secure connection"
    if isinstance(cause, ConnectionRefusedError) or getattr(cause, "errno", None) == 111:
        return "nothing listens there"
    return "no connection"


def _name(method: str, url: str) -> str:
    """The request for people: no query, since it may hold names."""
    return f"{method} {url.partition('?')[0]}"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            response.close()
            raise _Unreadable(f"it is longer than {ANSWER_BYTES_MAX} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _answer(response: aiohttp.ClientResponse, raw: bytes) -> Answer:
    headers = response.headers
    try:
        body = packing.unpacked(raw, headers.get("Content-Encoding", ""), ANSWER_BYTES_MAX)
    except packing.BadPackingError as cause:
        raise _Unreadable(str(cause)) from None
    framed = "Content-Length" in headers or "chunked" in headers.get("Transfer-Encoding", "").lower()
    if not framed and response.status not in {204, 304} and not body.rstrip().endswith((b"}", b"]")):
        # Ended by closing the connection, which is how a broken one ends too; a whole JSON text proves itself later.
        raise _Unreadable("its end is missing")
    kept = {name.lower(): value for name in KEPT_HEADERS if (value := headers.get(name)) is not None}
    return Answer(
        status=response.status,
        body=body,
        content_type=headers.get("Content-Type", ""),
        headers=kept,
        bytes_in=len(raw),
        packed=raw if body is not raw else None,
    )
