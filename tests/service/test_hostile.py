"""Whatever is sent, no answer is 500, nothing of ours is shown, and the next visitor is served."""

import asyncio
import random
import time
import urllib.parse

import pytest

from counterfoil.service import connection, guard
from counterfoil.store import grants
from tests.service.conftest import serving
from tests.service.visitor import Browser, ask, fields, path_of, raw

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "X")
PATHS = (
    "/",
    "/connect",
    "/connected",
    "/oauth/callback",
    "/p/aaaaaaaaaaaaaaaa",
    "/p/",
    "/metrics",
    "/readyz",
    "/healthz",
    "/style.css",
    "//evil.example/connect",
    "/connect/",
    "/%2e%2e/",
    "/connect%00",
    "/p/%F0%9F%92%A9",
    "/\xe9",
)
QUERIES = (
    "",
    "?",
    "?entity=",
    "?entity=%00",
    "?token=",
    "?token=x&token=y",
    "?state=&code=&error=",
    "?state=%ff%fe",
    "?" + "a=b&" * 50,
    "?code=" + "x" * 5_000,
    "?iss=javascript:alert(1)&state=s&code=c",
)
HEADERS = (
    "Cookie: counterfoil_browser=x; counterfoil_key=%00", "Cookie: ;;;===;", "Cookie: " + "a=b; " * 300, "Accept: text/html", "Accept: */*;q=\xff",
    "Origin: null", "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x",
    "Content-Type: application/json", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil.example", "Sec-Fetch-Site: none",
    "Transfer-Encoding: chunked", "Upgrade: websocket\r\nConnection: Upgrade", "Range: bytes=0-", "Expect: 100-continue", "X-Odd: \x01",
)  # fmt: skip
BODIES = (
    b"",
    b"key=x",
    b"key=%ff&entity=%00",
    b"--x\r\nContent-Disposition: form-data; name=key\r\n\r\nx\r\n--x--",
    b"{",
    b"\xff\xfe\x00",
    b"5\r\nkey=x\r\n0\r\n\r\n",
    b"a=b&" * 100,
)


def asked_for_connections(sandbox):
    """Come back when somebody asked Xero for them: the code is used up by then."""
    while not any(one["path"].startswith("/connections") for one in sandbox.requests()):
        time.sleep(0.02)


@pytest.mark.parametrize("seed", range(4))
async def test_requests_of_no_sense(office, seed, caplog, monkeypatch):
    """Random methods, paths, queries, headers and bodies: each gets an answer that it was worth, or none."""
    # Many promise more than they send, and would be waited for ten times as long.
    monkeypatch.setattr(guard, "BODY_S", 1.0)
    monkeypatch.setattr(connection, "HEAD_S", 1.0)
    dice = random.Random(seed)
    async with serving(office) as (_books, door):
        for _ in range(120):
            body = dice.choice(BODIES)
            head = [
                f"{dice.choice(METHODS)} {dice.choice(PATHS)}{dice.choice(QUERIES)} HTTP/1.1",
                f"Host: localhost:{door.port}",
                "Connection: close",
            ]
            head += dice.sample(HEADERS, dice.randrange(4))
            if not any(line.startswith(("Transfer-Encoding", "Expect")) for line in head):
                head.append(f"Content-Length: {len(body)}")
            sent = "\r\n".join([*head, "", ""]).encode("latin-1") + body
            answer = await raw(door.port, sent)
            assert answer.status in {0, 100, 200, 303, 400, 403, 404, 405, 408, 413, 421}, (sent, answer)
            assert "evil.example" not in answer.headers.get("location", ""), sent
        assert (await ask(door.port, path="/healthz")).status == 200
    assert "a request failed" not in caplog.text


async def test_many_at_once(firm):
    """Fifty visitors of every path at the same time are all answered."""
    async with serving(firm) as (_books, door):
        paths = ["/healthz", "/readyz", "/metrics", "/connect", "/p/aaaaaaaaaaaaaaaa"] * 10
        answers = await asyncio.gather(*(ask(door.port, path=path) for path in paths))
    assert {one.status for one in answers} == {200, 404}


async def test_the_same_answer_twice_at_once_is_taken_once(office, sandbox):
    """One of the two is the one; there is one consent."""
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        to_xero = await browser.begin()
        reply = await asyncio.to_thread(sandbox.request, "GET", path_of(to_xero.headers["location"]))
        back = path_of(reply.headers["Location"])
        both = await asyncio.gather(browser.open(back), browser.open(back))
        assert sorted(one.status for one in both) == [303, 400]
        assert len(await books.database.read(lambda conn: grants.usable(conn, books.settings.xero.client_id))) == 1


async def test_a_consent_that_is_being_stored_is_finished_when_the_service_ends(office, sandbox):
    """The code is used up: what it gave is not lost by a stop, nor by a browser that went away."""
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        to_xero = await browser.begin()
        reply = await asyncio.to_thread(sandbox.request, "GET", path_of(to_xero.headers["location"]))
        back = path_of(reply.headers["Location"])
        sandbox.fault("slow", path="/connections", delay_s=1.0)
        cookie = f"counterfoil_browser={browser.cookies['counterfoil_browser']}"
        _reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(f"GET {back} HTTP/1.1\r\nHost: localhost:{door.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.to_thread(asked_for_connections, sandbox)
        writer.close()
    async with serving(office) as (books, _door):
        assert len(await books.database.read(lambda conn: grants.usable(conn, books.settings.xero.client_id))) == 1
        assert len(await books.known_connections()) > 0


async def test_xero_away_is_told_and_nothing_is_lost(office, sandbox):
    """The page says what is so; the next attempt connects."""
    async with serving(office) as (_books, door):
        browser = Browser(door.port)
        page = await browser.open("/connect")
        sandbox.fault("503", path="/.well-known", count=1)
        away = await browser.send("/connect", fields(page))
        assert (away.status, "did not foresee" in away.text) == (503, False)
        again = await browser.send("/connect", fields(page))
        assert urllib.parse.urlsplit(again.headers["location"]).path == "/identity/connect/authorize"
