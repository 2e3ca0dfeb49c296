"""`counterfoil serve` that has nothing to do: twenty organisations, each with a flow that looks at its file every minute.

CPU over half a minute from the kernel's account of the process, once every flow has run and posted; memory at its end.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import sandbox_process
from tests.bench import firm, processes, sales, table
from tests.bench.firm import Firm
from tests.bench.table import Row
from tests.sandbox_process import SandboxProcess

TENANTS = 20
IDLE_S = 30.0
SETTLED_S = 3.0  # after the last flow ended
PATIENCE_S = 120.0


def rows(folder: Path) -> Iterator[Row]:
    """Of one core, and of memory."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", str(TENANTS)) as xero:
        here = Firm(folder, xero, config=_config(xero))
        for n, told in enumerate(xero.ready["organisations"]):
            (folder / f"sales-{n}.jsonl").write_text(json.dumps(_sale(n, told["country"])) + "\n")
        process = subprocess.Popen(
            [firm.COUNTERFOIL, "serve"], cwd=folder, env=processes.surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )  # fmt: skip
        try:
            _settle(here)
            began_s, used_s = time.perf_counter(), processes.cpu_s(process.pid)
            time.sleep(IDLE_S)
            share = (processes.cpu_s(process.pid) - used_s) / (time.perf_counter() - began_s)
            resident_mb = processes.resident_mb(process.pid)
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait()
    what = f"idle serve, {TENANTS} organisations"
    yield table.at_most(f"{what}: of one core", 100 * share, 2, "%", f"over {IDLE_S:.0f} s, each flow looks once")
    yield table.at_most(f"{what}: memory", resident_mb, 150, "MB")


def _settle(here: Firm) -> None:
    """Wait until every organisation has its invoice and no flow runs."""
    told: dict[str, Any] = {}
    for _ in range(round(PATIENCE_S)):
        time.sleep(1)
        told = json.loads(here("status", "--json").out)
        posted = all(one["postings"] == {"posted": 1} for one in told["entities"])
        if posted and not any(one["running"] for one in told["schedules"]):
            time.sleep(SETTLED_S)
            return
    raise AssertionError(f"not every flow came to its end: {told}")


def _sale(n: int, country: str) -> dict[str, Any]:
    """One that an organisation of this country takes."""
    tax = "EXEMPTOUTPUT" if country == "AU" else "NONE"
    line = {"description": "Widgets", "quantity": "2", "unit_amount": "10.50", "account_code": "200", "tax_type": tax}
    return sales.sale(0) | {"entity": f"firm-{n}", "status": "DRAFT", "lines": [line]}


def _config(xero: SandboxProcess) -> str:
    text = firm.CONFIG.partition("[entities.acme-uk]")[0] + '[service]\nlisten = "127.0.0.1:0"\n'
    for n, told in enumerate(xero.ready["organisations"]):
        text += (
            f'[entities.firm-{n}]\norganisation = {json.dumps(told["name"])}\n[flows.shop-{n}]\nid = "shop-{n}"\nkind = "sales_invoices"\n'
            f'entity = "firm-{n}"\nevery = "60s"\nsource = {{{{ jsonl = "sales-{n}.jsonl" }}}}\n'
        )
    return text
