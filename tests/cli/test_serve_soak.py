"""`serve` for half an hour (`make test`: half a minute) while Xero fails, loses and delays answers: nothing lost, memory flat."""

import os
import statistics
import time

import psutil
import pytest

from tests import sandbox_process
from tests.cli.office import sale
from tests.cli.test_serve import FLOW, numbers, stopped, until

SOAK = "SOAK" in os.environ
MINUTES = 30 if SOAK else 0.6
EACH_MINUTE = 120  # sales that are new when the flow runs again
SAMPLE_S = 2.0
SETTLED = 0.2  # of the time: what was imported and cached by then is the service's own size
GROWTH_MAX_MIB = 12.0  # of the median of the last samples over those just after it had settled
FAULTS = {
    "lost_answer": 0.05, "reset": 0.02, "500_after": 0.02, "500_before": 0.02, "503": 0.01, "truncated": 0.02,
    "429_concurrent": 0.02, "slow": 0.05,
}  # fmt: skip

pytestmark = pytest.mark.soak


@pytest.fixture
def sandbox():
    """A sandbox of its own: its ledger is counted."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


def test_serve_under_faults_loses_nothing_and_does_not_grow(office, sandbox):
    """Every sale that was written by the end stands in the ledger once, whatever answers said; no sample shows a leak."""
    office.open_for_business()
    office.write(flows=FLOW)
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("[posting]\n", "[posting]\nbatch = 5\nsecond_look_s = 0.5\n"))
    for seed, (fault, probability) in enumerate(FAULTS.items()):
        sandbox.fault(fault, path="/api.xro/", count=1_000_000, probability=probability, seed=seed, delay_s=0.5)
    sales = [sale(n) for n in range(1, EACH_MINUTE + 1)]
    office.records(*sales)
    process = office.start("serve", "--json")
    watched, sizes, written = psutil.Process(process.pid), [], 0
    end = time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        sizes.append(watched.memory_info().rss / 2**20)
        minute = int((time.monotonic() - end) / 60 + MINUTES)
        if minute > written and end - time.monotonic() > 60:
            written = minute
            sales += [sale(n) for n in range(len(sales) + 1, len(sales) + EACH_MINUTE + 1)]
            office.records(*sales)
        time.sleep(SAMPLE_S)
    sandbox.clear_faults()
    expected = sorted(f"order-{n}" for n in range(1, len(sales) + 1))
    until(lambda: numbers(sandbox) == expected, process)
    code, _out, err, _took_s = stopped(process)
    assert code == 0, err
    quarter = max(1, len(sizes) // 4)
    settled = sizes[int(len(sizes) * SETTLED) :]
    growth = statistics.median(settled[-quarter:]) - statistics.median(settled[:quarter])
    assert growth <= GROWTH_MAX_MIB, [round(one) for one in sizes]
