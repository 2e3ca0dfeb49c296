"""Any interleaving of outages and kills ends with each part payment made once, and each credit note allocated once."""

import time

import pytest

from tests.durability.paying_histories import PayingHistory
from tests.durability.test_random_histories import FAULTS, FIRST, SOAK_S, fresh
from tests.posting.workbench import Workbench
from tests.sandbox_process import SandboxProcess

PAYING = ((2, False), (3, True))  # each was red, several times over, while looks shared what they had read


@pytest.mark.parametrize(("seed", "reissue"), PAYING)
def test_a_random_history_of_payments_and_allocations_makes_each_once(
    bench: Workbench, seed: int, reissue: bool
) -> None:
    """Answers to many requests are lost at once: looks that shared what they read made part payments twice."""
    PayingHistory(bench, seed, steps=1, reissue=reissue).play()


@pytest.mark.soak
def test_payments_and_allocations_in_long_histories(
    sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """One seed after another, each with an outage that many requests fall into, until as many faults were survived."""
    began, faults, seed = time.monotonic(), 0, FIRST
    while faults < FAULTS and time.monotonic() - began < SOAK_S:
        history = PayingHistory(fresh(sandbox, tmp_path_factory.mktemp("paying")), seed)
        history.play()
        faults, seed = faults + history.faults, seed + 1
    with capsys.disabled():
        print(f"\n{seed - FIRST} histories of payments from seed {FIRST}, {faults} faults: none twice, none lost")  # noqa: T201 - the proof's numbers are what a soak is for
    assert faults >= FAULTS, f"time was up after {faults} faults"
