"""Any interleaving of faults, kills, suspends and restores ends with each record in Xero once, or named."""

import os
import time
from pathlib import Path

import pytest

from tests.durability.histories import History
from tests.posting.workbench import Workbench
from tests.sandbox_process import SandboxProcess

SEEDS = (3, 110, 606, 5005)  # the last two found a document that was frozen without its customer
CHANGING = ((321004, "reissue"),)  # the soak's first history has updates
FAULTS = 10_000 if "SOAK" in os.environ else 20  # the proof's size (design §6); `make test` plays one history or two
SOAK_S = float(os.environ.get("SOAK_S", "14400"))  # the proof ends here, whatever it has reached, and says so
FIRST = int(os.environ.get("SOAK_SEED", "100004"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_history_ends_with_each_record_once_or_named(bench: Workbench, seed: int) -> None:
    """The ledger holds each good record once, whatever happened on the way."""
    History(bench, seed, on_change="hold").play()


@pytest.mark.parametrize(("seed", "on_change"), CHANGING)
def test_a_random_history_of_changing_records_ends_with_the_last_content_or_named(
    bench: Workbench, seed: int, on_change: str
) -> None:
    """Records change and runs are taken back on the way: never a mixture, never two documents, nothing undone again."""
    History(bench, seed, on_change=on_change).play()


@pytest.mark.soak
def test_faults_in_long_histories(
    sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Longer histories, most of them of changing records, one seed after another, until 10,000 faults, kills, suspends and restores were survived."""
    began, faults, seed = time.monotonic(), 0, FIRST
    while faults < FAULTS and time.monotonic() - began < SOAK_S:
        history = History(fresh(sandbox, tmp_path_factory.mktemp("history")), seed, steps=10)
        history.play()
        faults, seed = faults + history.faults, seed + 1
    with capsys.disabled():
        print(f"\n{seed - FIRST} histories from seed {FIRST}, {faults} faults: 0 duplicates, 0 lost, 0 elsewhere")  # noqa: T201 - the proof's numbers are what a soak is for
    assert faults >= FAULTS, f"time was up after {faults} faults"


def fresh(sandbox: SandboxProcess, folder: Path) -> Workbench:
    """An empty sandbox and a new installation."""
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    return Workbench(folder, sandbox)
