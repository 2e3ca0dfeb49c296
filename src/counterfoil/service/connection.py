"""One client's connection: uvicorn's protocol, and the bounds that its parser does not have.

Called by listening. Whoever says nothing, says it slowly, says no HTTP or does not read is cut off; what was asked rightly before
that is answered. RFC 9112.
"""

import asyncio
import functools
import math
from typing import Any, Final

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from counterfoil.service.api import problems

CONNECTIONS_MAX: Final = 200
HEAD_BYTES_MAX: Final = 16 * 1024
HEADERS_MAX: Final = 100  # each costs memory, however short it is
PIPELINED_MAX: Final = 100  # requests that wait behind the one that is being answered
HEAD_S: Final = 10.0  # for a request's head, between two requests on one connection, and to take in what was answered
NO_HTTP: Final = problems.Refusal(
    "bad-request", "This is no HTTP/1.1 request.", "Look at what stands between you and us."
)


class Connection(HttpToolsProtocol):
    """A connection that has a limited time for each head, of which there is a limited number.

    The parser itself has no bounds: it would take a head or a line between two chunks of any length.
    """

    _heads_end: asyncio.TimerHandle | None = None
    _takings_end: asyncio.TimerHandle | None = None  # while more is to be read there than fits between us
    _answered: Any = None  # the request that is being answered; `cycle` is the last one that came
    _is_over = False  # what came was no HTTP: where a next request would begin nobody knows
    _meaningless = 0  # bytes since the parser last made something of them
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """One more. Of too many the one goes that has said nothing whole for longest; this one, where all are being answered.

        Not so many for each address: behind a proxy, and on this machine, all come from one.
        """
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > CONNECTIONS_MAX:
            min((one for one in self.connections if isinstance(one, Connection)), key=Connection.patience).cut_off()

    def patience(self) -> float:
        """Until when it has time to ask; for ever while it is answered."""
        return math.inf if self._heads_end is None else self._heads_end.when()

    def cut_off(self) -> None:
        """It is on its way out: the next one too many finds another."""
        self._head_came()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._head_came()
        self._taken()
        super().connection_lost(exc)
        if self._answered is not None:  # uvicorn tells the last one that came
            self._answered.disconnected = True
            self._answered.message_event.set()

    def pause_writing(self) -> None:
        """It does not read as fast as it asks: it would wait for ever, and be thought of as being answered."""
        super().pause_writing()
        self._takings_end = self.loop.call_later(HEAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        self._taken()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """What comes must soon mean something, be it a head, a part of a body or an end."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._meaningless += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("")
        else:
            if self._meaningless > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.send_400_response("")

    def _parse(self, data: bytes) -> None:
        """Of a request that asks for another protocol the parser takes the head alone: what follows it were a request of its own.

        Java's client asks so with every first request, also with one that has a body. It is read again as one that does not ask.
        """
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(
                    self
                )  # of a request that is the last one, the other would take no more
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        first = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%b: %b" % (name, value) for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join((first, *lines, b"", b""))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers. What follows the body does not belong to what was judged already."""
        if self._in_head:
            if len(self.headers) == HEADERS_MAX:
                raise ValueError(NO_HTTP.message)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head has come in time; the body's time is the guard's."""
        self._in_head = False
        self._meaningless = 0
        if not self._is_http():
            raise ValueError(NO_HTTP.message)  # the parser ends with it, and that is answered with 400
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._head_came()
        if len(self.pipeline) > PIPELINED_MAX:
            self.cut_off()
            raise ValueError(NO_HTTP.message)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._meaningless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._meaningless = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next head's time begins, which is also the time to fetch this answer."""
        super().on_response_complete()
        if not self._is_answering():
            self._expect_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in place of which are ours
        """What is no HTTP is told so, and that is the end of the connection; what was asked before it is answered first."""
        self._is_over = True
        if self.pipeline and self.cycle.more_body:  # its body is none; those before it are whole
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._answered
        if self._is_answering() and not self.cycle.more_body:
            self.cycle.keep_alive = False
        elif not self.transport.is_closing():
            if not (self._is_answering() and self.cycle.response_started):  # else it would stand in the middle of that
                self.transport.write(_no_http())
            self.transport.close()
            self._expect_head()

    def _is_http(self) -> bool:
        """What RFC 9112 asks of a head and the parser does not, and its size; and nobody is connected through us."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _value in self.headers)
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        is_known = version == "1.0" or (version == "1.1" and hosts == 1)
        return is_known and size <= HEAD_BYTES_MAX and self.parser.get_method() != b"CONNECT"

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _expect_head(self) -> None:
        self._head_came()
        self._heads_end = self.loop.call_later(HEAD_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._heads_end is not None:
            self._heads_end.cancel()
            self._heads_end = None

    def _taken(self) -> None:
        if self._takings_end is not None:
            self._takings_end.cancel()
            self._takings_end = None


@functools.cache
def _no_http() -> bytes:
    """A problem document: only a program sends what is no HTTP, and which path it meant nobody can tell."""
    body = msgspec.json.encode(problems.of(NO_HTTP))
    return (
        f"HTTP/1.1 400 Bad Request\r\nContent-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n"
    ).encode() + body
