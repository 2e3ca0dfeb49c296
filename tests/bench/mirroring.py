"""The mirror: a first load of two years, calls and documents a CPU second beside an xero-python loop; a catch-up with nothing new.

A second is one that the reader's process used on a processor (tests/bench/sandbox says why): the sandbox sends from another.
Both read the same pages of a thousand; theirs only turns invoices into models and keeps nothing.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests import sandbox_process
from tests.bench import processes, table
from tests.bench.sandbox import DOCUMENTS, MONTH, MONTHS, _stored
from tests.bench.table import Row

ROOT = Path(__file__).parents[2]
OPTIONS = ("--auto-consent", "--no-limits", "--access-token-ttl-s", "36000", "--organisations", "1")
IDLE_BYTES = 2048


def rows(folder: Path) -> Iterator[Row]:
    """Calls and speed of a first load, theirs, and what an idle catch-up costs."""
    from counterfoil.mirror import described
    from counterfoil.xero import scopes

    past = ("--history", str(MONTHS), "--history-documents", str(MONTH))
    with sandbox_process.start(*OPTIONS, *past) as xero:
        least = scopes.least(scopes.reads(name, "mirror") for name in described.NAMES)
        consent = xero.connect(" ".join((*scopes.SIGN_IN, *least)))
        stored = sum(_stored(xero, plural) for plural in DOCUMENTS)
        task = {
            "url": xero.url,
            "token": consent["access_token"],
            "tenant": xero.tenant(1),
            "store": str(folder / "mirror.db"),
        }
        task |= {"client_id": xero.ready["client_id"], "client_secret": xero.ready["client_secret"]}
        first = _told("first", task)
        xero.advance(3600)
        _told("again", task)
        idle = _told("again", task)
        theirs = _told("theirs", task | {"token": consent})
    calls, documents, cpu_s, wall_s = (first[name] for name in ("calls", "documents", "cpu_s", "wall_s"))
    assert stored <= documents
    note = f"{documents:,} documents of {len(described.NAMES)} resources"
    yield table.at_most("mirror: calls of a first load", calls, documents / 900 + 40, "", note)
    theirs_rate = theirs["documents"] / theirs["cpu_s"]
    note = f"{documents / wall_s:,.0f} a second on the clock; xero-python, models alone: {theirs_rate:,.0f} a CPU s"
    yield table.at_least("mirror: documents of a first load", documents / cpu_s, 4_000, "a CPU s", note)
    yield table.at_most("mirror: calls of each resource when nothing changed", idle["calls_max"], 1, "")
    yield table.at_most(
        "mirror: bytes of such a call", idle["bytes_max"], IDLE_BYTES, "bytes", "where Xero knows since"
    )


def _told(what: str, task: dict[str, Any]) -> dict[str, Any]:
    cost = processes.run([sys.executable, "-m", "tests.bench.mirroring", what], ROOT, json.dumps(task))
    assert cost.code == 0, cost.err
    told: dict[str, Any] = json.loads(cost.out)
    return told


async def _ours(task: dict[str, Any], *, first: bool) -> dict[str, Any]:
    from counterfoil.app import kept_changes
    from counterfoil.mirror import described
    from counterfoil.mirror.mirroring import Mirror
    from counterfoil.model.binding import Binding, Fingerprint
    from counterfoil.posting import identity
    from counterfoil.runtime.clock import SystemClock
    from counterfoil.store.database import Database
    from counterfoil.store.limits import InFile
    from counterfoil.xero.client import XeroClient
    from counterfoil.xero.pacing import Pacer, limits_of
    from counterfoil.xero.transport import Transport
    from tests.bench.calling import _Token

    clock = SystemClock()
    transport = Transport(clock, api_url=task["url"])
    pacer = Pacer(clock, InFile(Path(task["store"]).with_suffix(".limits"), clock), limits=limits_of(100_000, 60.0))
    database = Database(f"sqlite:///{task['store']}", clock)
    await database.open()
    tenant = task["tenant"]
    binding = Binding(tenant, tenant, "grant", Fingerprint(tenant, tenant, "!1", "GBP", "GB"))
    client = XeroClient(binding, transport, _Token(task["token"]), pacer)
    mirror = Mirror(database, identity.find_marker, kept_changes.recorder(SimpleNamespace(feeds={})))
    told = {"calls": 0, "documents": 0, "calls_max": 0, "bytes_max": 0}
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for one in described.ALL:
        before = _counts(transport)
        caught = await mirror.catch_up(client, one.name)
        calls, received = (now - was for now, was in zip(_counts(transport), before, strict=True))
        told["calls"] += calls
        told["documents"] += caught.created
        if one.since and not first:
            told["calls_max"] = max(told["calls_max"], calls)
            told["bytes_max"] = max(told["bytes_max"], received)
    told["wall_s"] = time.perf_counter() - started_s
    told["cpu_s"] = time.process_time() - cpu_s
    await pacer.close()
    await transport.close()
    await database.close()
    return told


def _counts(transport: Any) -> tuple[int, int]:
    found = transport.counts.values()
    return sum(count.calls for count in found), sum(count.bytes_in for count in found)


def _theirs(task: dict[str, Any]) -> dict[str, Any]:
    from tests.bench.theirs import Script

    script = Script(task | {"path": "", "batch": 1})
    started_s, documents, page = time.process_time(), 0, 1
    while True:
        found = script.api.get_invoices(task["tenant"], page=page, page_size=1000).invoices
        documents += len(found)
        page += 1
        if len(found) < 1000:
            return {"documents": documents, "cpu_s": time.process_time() - started_s}


def main() -> None:
    """Do what argv names with the task of stdin; print how it went."""
    task = json.loads(sys.stdin.read())
    what = sys.argv[1]
    told = _theirs(task) if what == "theirs" else asyncio.run(_ours(task, first=what == "first"))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
