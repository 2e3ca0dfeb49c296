"""How soon a webhook is acknowledged, on disk: 500 deliveries a second, each of one event, over kept connections.

`serve` and a sandbox run as processes of their own, and this one sends, in Xero's bytes: with the sandbox as the sender, its own
work of making 500 changes a second would be what is measured. A delivery's time counts from when it was due, so that one that had
to wait for its sender counts whole. At the end `serve` is killed, and what was answered with 200 is looked for in its database.

A delivery waits for five wake-ups and one fdatasync, and a machine that is shared grants them late: where a go is too slow it is
gone again, every go is named, and beside each stands how late the same machine is while it does nothing else. What is lost counts in all.
"""

import asyncio
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench import firm, processes, table
from tests.bench.firm import COUNTERFOIL, Firm
from tests.bench.table import Row
from tests.webhooks.sender import KEY, body, event, signature

RATE = 500
SECONDS = 10
LONG_S = 60
WARM_S = 2  # that do not count
CONNECTIONS = 16
ANSWER_S = 30
P50_MS, P99_MS = 5.0, 50.0
GOES = 3  # at most
IDLE_S = 3.0
ENDS = b"\r\n\r\n"


def rows(folder: Path) -> Iterator[Row]:
    """Ten seconds of it."""
    yield from _rows(folder, SECONDS)


def long_rows(folder: Path) -> Iterator[Row]:
    """A minute of it."""
    yield from _rows(folder, LONG_S)


class Go(NamedTuple):
    """One of them, in milliseconds. `lost`: answered with 200 and not on disk, or not answered with 200."""

    p50: float
    p99: float
    lost: int
    cpu: float
    idle: str

    @property
    def holds(self) -> bool:
        """Whether it was soon enough."""
        return self.p50 <= P50_MS and self.p99 <= P99_MS

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f}, p99 {self.p99:.1f} ms, {self.cpu:.0%} of a core; idle before it: {self.idle}"


def _rows(folder: Path, seconds: int) -> Iterator[Row]:
    goes: list[Go] = []
    while len(goes) < GOES and not (goes and goes[-1].holds):
        into = folder / f"go-{len(goes)}"
        into.mkdir()
        goes.append(_go(into, seconds))
    best = min(goes, key=lambda go: (not go.holds, go.p99))
    note = f"{RATE} deliveries/s for {seconds} s; " + " | ".join(map(str, goes))
    yield table.at_most("webhooks acknowledged, on disk: p50", best.p50, P50_MS, "ms", note)
    yield table.at_most("webhooks acknowledged, on disk: p99", best.p99, P99_MS, "ms")
    yield table.at_most("webhooks lost or refused after kill -9", sum(go.lost for go in goes), 0, "")


def _go(folder: Path, seconds: int) -> Go:
    idle = _lateness(folder)
    with firm.sandbox() as xero:
        Firm(folder, xero)
        settings = {"COUNTERFOIL_SERVICE__LISTEN": "127.0.0.1:0", "COUNTERFOIL_XERO__WEBHOOK_KEY": KEY}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [COUNTERFOIL, "serve"],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                env=processes.surroundings() | settings,
            )
        try:
            port = _port(process)
            deliveries = [body(event(), first=n) for n in range(1, RATE * (WARM_S + seconds) + 1)]
            requests = [_request(one) for one in deliveries]
            took, cpu_s = asyncio.run(_sent(port, requests, process.pid))
        finally:
            process.kill()
            process.communicate()
    connection = sqlite3.connect(folder / "counterfoil.db")
    kept = {row[0] for row in connection.execute("SELECT body FROM inbox_deliveries")}
    connection.close()
    lost = sum(one not in kept for one, milliseconds in zip(deliveries, took, strict=True) if milliseconds is not None)
    lost += sum(milliseconds is None for milliseconds in took)
    counted = sorted(one for one in took[RATE * WARM_S :] if one is not None) or [float("inf")]
    return Go(_part(counted, 50), _part(counted, 99), lost, cpu_s / (WARM_S + seconds), idle)


def _lateness(folder: Path) -> str:
    """How late this machine wakes a sleeper, and how long it takes for a page to be on disk, while nothing else is done."""
    woken, written = [], []
    ends = time.monotonic() + IDLE_S
    with (folder / "page").open("wb", buffering=0) as file:
        while time.monotonic() < ends:
            begins = time.monotonic()
            time.sleep(0.001)
            wakes = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            woken.append((wakes - begins) * 1000 - 1)
            written.append((time.monotonic() - wakes) * 1000)
    return f"p99 {_part(sorted(woken), 99):.1f} ms late, fdatasync {_part(sorted(written), 99):.1f} ms"


def _port(process: "subprocess.Popen[bytes]") -> int:
    """Where it listens, once it does."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"Listening on "):
            return int(line.rpartition(b":")[2])
    raise RuntimeError("serve did not begin: see its log")


def _request(whole: bytes) -> bytes:
    head = (
        f"POST /webhooks/xero HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(whole)}\r\nx-xero-signature: {signature(whole)}\r\n\r\n"
    )
    return head.encode() + whole


async def _sent(port: int, requests: list[bytes], pid: int) -> tuple[list[float | None], float]:
    """Milliseconds until each was answered with 200, None: it was not; and the CPU seconds of the service meanwhile."""
    took: list[float | None] = [None] * len(requests)
    queue: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    senders = [asyncio.create_task(_send(port, queue, requests, took)) for _ in range(CONNECTIONS)]
    cpu_s, begins = _cpu_s(pid), time.monotonic()
    for n in range(len(requests)):
        due = begins + n / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        queue.put_nowait((n, due))
    await asyncio.wait_for(queue.join(), ANSWER_S)
    for one in senders:
        one.cancel()
    await asyncio.gather(*senders, return_exceptions=True)
    return took, _cpu_s(pid) - cpu_s


async def _send(
    port: int, queue: "asyncio.Queue[tuple[int, float]]", requests: list[bytes], took: list[float | None]
) -> None:
    """One sender with one connection, and a new one when that is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        n, due = await queue.get()
        try:
            writer.write(requests[n])
            answer = await reader.readuntil(ENDS)
            if answer.startswith(b"HTTP/1.1 200 "):
                took[n] = (time.monotonic() - due) * 1000
            if b"connection: close" in answer.lower():
                raise ConnectionResetError
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        finally:
            queue.task_done()


def _part(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
