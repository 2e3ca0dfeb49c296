"""The API behind the real server: what only a socket shows."""

import asyncio
import contextlib

from counterfoil import service
from counterfoil.service import listening
from counterfoil.service.api import gate
from tests.service import conftest as serving
from tests.service.visitor import ask, raw


@contextlib.asynccontextmanager
async def door(house):
    """The whole service of a house."""
    async with service.open_door(house.books, host="127.0.0.1", port=0, health=serving.health) as opened:
        yield opened


async def test_a_key_over_a_socket(house):
    """GET, HEAD without a body, another path left to the pages, and no key at all."""
    key = f"Bearer {await house.key()}"
    async with door(house) as opened:
        got = await ask(opened.port, path="/v1/entities", Authorization=key)
        head = await ask(opened.port, "HEAD", "/v1/entities", Authorization=key)
        schema = await ask(opened.port, path="/schema")
        nobody = await ask(opened.port, path="/v1/entities")
        page = await ask(opened.port, path="/v1x", Accept="text/html")
    assert (got.status, len(got.json["entities"])) == (200, 3)
    assert (head.status, head.headers["content-length"], head.body) == (200, str(len(got.body)), b"")
    assert (schema.status, schema.json["openapi"][:3], nobody.status) == (200, "3.1", 401)
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_a_body_that_comes_too_slowly_or_never_ends(house, monkeypatch):
    """Is told so and cut off, whether it says its length or not; the next request is served."""
    monkeypatch.setattr(gate, "BODY_S", 0.05)
    monkeypatch.setattr(gate, "BODY_BYTES_MAX", 1_000)
    key = await house.key("admin")
    async with door(house) as opened:
        head = (
            f"POST /v1/entities HTTP/1.1\r\nHost: localhost:{opened.port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\n"
        )
        slow = await raw(opened.port, f"{head}Content-Length: 10\r\n\r\n{{".encode())
        endless = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"200\r\n" + b" " * 512 + b"\r\n"
        large = await raw(opened.port, endless + b"200\r\n" + b" " * 512 + b"\r\n")
        well = await ask(opened.port, path="/v1/status", Authorization=f"Bearer {key}")
    assert (slow.status, slow.json["code"], slow.headers["connection"]) == (408, "too-slow", "close")
    assert (large.status, large.json["code"]) == (413, "too-large")
    assert well.status == 200


async def test_the_service_ends_while_programs_wait(house):
    """They are answered, and nobody keeps it from ending: no time limit of the server's is needed."""
    key = f"Bearer {await house.key()}"
    async with contextlib.AsyncExitStack() as stack:
        opened = await stack.enter_async_context(door(house))
        waits = asyncio.create_task(ask(opened.port, path="/v1/changes?wait=30", Authorization=key))
        while not any(task.get_name() == "changes" for task in asyncio.all_tasks()):
            await house.books.database.read(lambda conn: conn)
        began_s = house.books.clock.elapsed_s()
        await stack.aclose()
        answer = await waits
        assert house.books.clock.elapsed_s() - began_s < listening.END_S
    assert (answer.status, answer.json) == (200, {"changes": [], "next": "0", "more": False})
