"""10,000 new invoices with 2,000 new contacts: our calls and our CPU beside two scripts with xero-python.

Each program gets an empty sandbox of its own. Ours is the whole `counterfoil run`: checks, intents on disk, posting,
outcomes, and the proof that reads everything back. One by one is measured on 1,000 invoices and 200 contacts and scaled
(its start counted once); batches of 50 are measured whole.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import firm, processes, sales, table
from tests.bench.firm import Firm
from tests.bench.table import Row

COUNT = 10_000
ONE_BY_ONE = 1_000
BATCH = 50
REPEATS = 2
ROOT = Path(__file__).parents[2]


def rows(folder: Path) -> Iterator[Row]:
    """Calls, and CPU as a share of theirs. In turns, so that a busy minute strikes all alike; the mean of two (a third would take the bench over its nine minutes)."""
    ours: list[float] = []
    single: list[float] = []
    batched: list[float] = []
    calls = {"Invoices": 0, "Contacts": 0}
    _compile(folder / "first")
    for n in range(REPEATS):
        place = folder / str(n)
        place.mkdir()
        single.append(_theirs(sales.write(place / "single.jsonl", ONE_BY_ONE), 1, scale=COUNT // ONE_BY_ONE))
        cpu_s, calls = _ours(place)
        ours.append(cpu_s)
        batched.append(_theirs(sales.write(place / "batched.jsonl", COUNT), BATCH))
    mine, one, fifty = (statistics.median(found) for found in (ours, single, batched))
    note = f"ours {mine:.1f} s, theirs {{:.1f}} s"
    yield table.at_most("10,000 invoices: calls for the invoices", calls["Invoices"], 250, "")
    yield table.at_most("  with 2,000 contacts: calls for the contacts", calls["Contacts"], 45, "")
    yield table.at_most("  CPU ÷ xero-python, one by one", mine / one, 1 / 5, "", note.format(one))
    yield table.at_most("  CPU ÷ xero-python, batches of 50", mine / fifty, 1, "", note.format(fifty))


def _compile(place: Path) -> None:
    """One sale by each program, unmeasured: its bytecode is there from then on, as an installed program's is."""
    place.mkdir()
    _ours(place, 1)
    _theirs(place / "sales.jsonl", BATCH)


def _ours(place: Path, count: int = COUNT) -> tuple[float, dict[str, int]]:
    with firm.sandbox() as xero:
        here = Firm(place, xero)
        sales.write(place / "sales.jsonl", count)
        cost, _report = here.run()
        log = xero.requests()
        made = {name: sum(_is_write(one, name) for one in log) for name in ("Invoices", "Contacts")}
        ledger = xero.ledger(xero.tenant(1))
        assert len(ledger["Invoices"]) == count
        return cost.cpu_s, made


def _is_write(request: dict[str, Any], resource: str) -> bool:
    return request["method"] == "PUT" and request["path"].startswith(f"/api.xro/2.0/{resource}")


def _theirs(path: Path, batch: int, scale: int = 1) -> float:
    """CPU seconds of their script: its start, and `scale` times its work."""
    with firm.sandbox() as xero:
        task = {
            "url": xero.url,
            "token": xero.connect(),
            "client_id": xero.ready["client_id"],
            "client_secret": xero.ready["client_secret"],
            "tenant": xero.tenant(1),
            "path": str(path),
            "batch": batch,
        }
        cost = processes.run([sys.executable, "-m", "tests.bench.theirs"], ROOT, json.dumps(task))
        assert cost.code == 0, cost.err
        told = json.loads(cost.out)
        return float(told["start_cpu_s"] + scale * told["work_cpu_s"])
