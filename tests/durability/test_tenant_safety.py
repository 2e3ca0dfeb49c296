"""No document of an entity is ever in another entity's books: bindings, swaps, resets, renames, disconnects under load."""

import os
from pathlib import Path

import pytest

from counterfoil.access import key_file
from tests import sandbox_process
from tests.durability.tenant_histories import History
from tests.sandbox_process import SandboxProcess

HISTORIES = 150 if "SOAK" in os.environ else 3
STEPS = 4
FIRST = int(os.environ.get("SOAK_SEED", "5307"))


@pytest.fixture(scope="module")
def ledgers() -> SandboxProcess:
    """Five organisations, all of which a consent reaches."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "5") as process:
        yield process


@pytest.mark.soak
def test_no_document_in_another_entitys_books(
    ledgers: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each history is judged from the ledgers after every step; what did not arrive is named."""
    arrived = 0
    for seed in range(FIRST, FIRST + HISTORIES):
        history = History(_fresh(ledgers, tmp_path_factory.mktemp("tenants")), ledgers, seed, STEPS)
        history.play()
        arrived += history.arrived
    with capsys.disabled():
        print(f"\n{HISTORIES} histories from seed {FIRST}, {arrived} documents: 0 in another entity's books")  # noqa: T201 - the proof's numbers are what a soak is for
    assert arrived >= HISTORIES * STEPS, "histories in which next to nothing arrives prove nothing"


def _fresh(sandbox: SandboxProcess, folder: Path) -> Path:
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    key_file.new(folder / "counterfoil.key")
    return folder
