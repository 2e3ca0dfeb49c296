"""One sandbox per module, emptied before each test; a fresh installation per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.posting import workbench
from tests.posting.workbench import Workbench
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with workbench.start() as process:
        yield process


@pytest.fixture
def bench(sandbox: SandboxProcess, tmp_path: Path) -> Workbench:
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Workbench(tmp_path, sandbox)
