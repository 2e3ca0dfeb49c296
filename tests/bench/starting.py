"""`counterfoil --help`, the installed script: how long a person waits for it."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import firm, processes, table
from tests.bench.table import Row

REPEATS = 11
LIMIT_S = 0.2


def rows(folder: Path) -> Iterator[Row]:
    """The median on the wall clock: nothing else would be what a person waits for."""
    found = []
    for _ in range(REPEATS):
        started_s = time.perf_counter()
        cost = processes.run([firm.COUNTERFOIL, "--help"], folder)
        found.append(time.perf_counter() - started_s)
        assert cost.code == 0
    yield table.at_most("counterfoil --help", statistics.median(found), LIMIT_S, "s", f"median of {REPEATS}")
