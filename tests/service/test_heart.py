"""The heartbeat: signs of life while the service is ready, silence when it is not, and one notice when nobody takes them."""

import asyncio
import contextlib

import pytest

from counterfoil.delivery import heartbeat
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.service import heart
from counterfoil.service.heart import Heart
from counterfoil.service.readiness import Readiness
from counterfoil.store import notices
from tests.service.conftest import health, serving

PATH = "/ping/heartbeat-canary-Qq77"


class Watcher:
    """Somebody who expects signs of life; `status` is what it answers, None: it never does."""

    def __init__(self):
        self.status, self.got = 200, []
        self.came = asyncio.Event()
        self.writers = []

    async def answer(self, reader, writer):
        """One request."""
        self.writers.append(writer)
        self.got.append((await reader.readuntil(b"\r\n\r\n")).decode())
        self.came.set()
        if self.status is not None:
            writer.write(
                f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode()
            )
            await writer.drain()
            writer.close()

    async def hang_up(self):
        """Whoever still waits for an answer gets none; a connection that is forgotten here is some later test's warning."""
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(OSError):  # the other side may have gone first
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def watching():
    """A watcher; gives (it, its address)."""
    watcher = Watcher()
    server = await asyncio.start_server(watcher.answer, "127.0.0.1", 0)
    try:
        yield watcher, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}"
    finally:
        server.close()
        await watcher.hang_up()


def expects(office, url):
    """The office's configuration names the address."""
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text() + f'[service]\nheartbeat_url = "{url}"\n')


async def test_it_beats_while_the_service_is_ready(firm):
    """By itself, as soon as the door is open; with nothing in it but who sends."""
    async with watching() as (watcher, url):
        expects(firm, url)
        async with serving(firm):
            await asyncio.wait_for(watcher.came.wait(), 30)
    assert watcher.got[0].startswith(f"GET {PATH} HTTP/1.1")
    assert "counterfoil" in watcher.got[0]


async def test_it_is_silent_when_the_service_is_not_ready(firm):
    """That is what it is for."""
    async with watching() as (watcher, url):
        expects(firm, url)
        async with serving(firm, state=lambda: health(ready=False)) as (books, _door):
            assert await Heart(books, Readiness(books, lambda: health(ready=False))).once() is False
    assert watcher.got == []


async def test_that_nobody_takes_it_is_told_once_and_so_is_the_end(firm, capsys):
    """After three failures in a row, with what to check and without the address; then when it is taken again."""
    async with watching() as (watcher, url):
        expects(firm, url)
        async with serving(firm, state=lambda: None) as (books, _door):
            beats, seen = Heart(books, Readiness(books, health)), []
            for status in (500, 500, 500, 500, 200, 200):
                watcher.status = status
                taken = await beats.once()
                standing = await books.database.read(lambda conn: notices.standing(conn, heart.KIND))
                seen.append((taken, len(standing)))
                if standing:
                    assert PATH not in f"{standing[0].message}{standing[0].remedy}{standing[0].link}"
                    assert (standing[0].times, "500" in standing[0].message) == (1, True)
    assert seen == [(False, 0), (False, 0), (False, 1), (False, 1), (True, 0), (True, 0)]
    assert "canary" not in capsys.readouterr().err


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_anything_but_yes_is_a_failure(status):
    """A redirect is not followed."""
    async with watching() as (watcher, url):
        watcher.status = status
        with pytest.raises(NotDelivered, match=str(status)):
            await heartbeat.beat(url)
        assert len(watcher.got) == 1


async def test_who_does_not_answer_is_waited_for_a_while_only():
    """Nor is who is not there."""
    async with watching() as (watcher, url):
        watcher.status = None
        with pytest.raises(NotDelivered, match="no answer"):
            await heartbeat.beat(url, within_s=0.3)
    with pytest.raises(NotDelivered, match="cannot be reached") as caught:
        await heartbeat.beat(url)
    assert PATH not in str(caught.value)


async def test_an_unsafe_address_is_a_mistake_in_the_configuration(office):
    """Anybody between could read it, and stop it."""
    expects(office, "http://hc.example/ping/canary")
    ended = await asyncio.to_thread(office.process, "config", "check", "--json")
    assert (ended.code, "heartbeat_url" in ended.out, "canary" in ended.out) == (2, True, False)
