"""A visitor of the service: raw requests, and a browser's manners with cookies and forms. Standard library only."""

import asyncio
import json
import re
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit


class Answer(NamedTuple):
    """An answer; header names in small letters, of one that comes twice the values joined by a line break."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def ask(port: int, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own; headers by keyword, `_` for `-`."""
    given = {"Host": f"localhost:{port}", "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        given.setdefault("Content-Length", str(len(body)))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return await raw(port, head.encode() + b"\r\n" + body)


async def raw(port: int, sent: bytes) -> Answer:
    """Whatever bytes; the answer until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        head, _, rest = (await asyncio.wait_for(reader.read(), 60)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        headers[name.lower()] = f"{headers[name.lower()]}\n{value}" if name.lower() in headers else value
    return Answer(int(lines[0].split()[1]) if lines[0] else 0, headers, rest)


class Browser:
    """Keeps cookies of one name, and follows no redirect by itself."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port, self.headers = port, headers
        self.cookies: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request as a browser sends it."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Accept": "text/html", "Cookie": cookie} | self.headers | headers
        answer = await ask(self.port, method, path, body, **sent)
        for one in answer.headers.get("set-cookie", "").split("\n"):
            name, separator, value = one.partition(";")[0].partition("=")
            if separator:
                self.cookies[name] = value
        return answer

    async def open(self, path: str, **headers: str) -> Answer:
        """A page."""
        return await self.ask("GET", path, **headers)

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """A form."""
        kind = {"Content_Type": "application/x-www-form-urlencoded", "Origin": f"http://localhost:{self.port}"}
        return await self.ask("POST", path, urlencode(fields).encode(), **kind | headers)

    async def begin(self, entity: str | None = None) -> Answer:
        """Open /connect and press its button."""
        page = await self.open("/connect" + (f"?entity={entity}" if entity else ""))
        return await self.send("/connect", fields(page))


def fields(page: Answer) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def path_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
