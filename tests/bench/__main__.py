"""Measure everything, print one table, exit 1 when a row is not as required.

Called by `make bench`. No network but loopback, every port ephemeral, every process of ours ended. Ratios count: the
machine may be slow or busy, so work is measured in CPU seconds (user + system), not on the wall clock.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import (
    decoding,
    following,
    idling,
    importing,
    mapping,
    memory,
    mirroring,
    pacing,
    polled,
    receiving,
    sandbox,
    starting,
)
from tests.bench.table import Row, printed

Measure = Callable[[Path], Iterable[Row]]
ALONE: tuple[Measure, ...] = (starting.rows, decoding.rows, importing.rows, mapping.rows, sandbox.rows)
# These count calls, or lie so far from what is required that a busy machine does not matter; memory takes longest and
# counts no time at all: two minutes of the nine.
BESIDE_MEMORY: tuple[Measure, ...] = (mirroring.rows, following.rows, polled.rows, idling.rows)


def main() -> int:
    """Run the measures; → the exit code. `--long`: webhooks for a minute, the pacing over ten on the real clock, some twenty in all."""
    if set(sys.argv[1:]) - {"--long"}:
        sys.stderr.write("usage: python -m tests.bench [--long]\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-") as folder:
        is_long = "--long" in sys.argv
        timed = (receiving.long_rows, pacing.long_rows) if is_long else (receiving.rows, pacing.rows)
        place = Path(folder)
        rows = [*_measured(place, ALONE), *_beside_memory(place), *_measured(place, timed)]
    sys.stdout.write(printed(rows))
    return 0 if all(row.ok for row in rows) else 1


def _beside_memory(folder: Path) -> list[Row]:
    with ThreadPoolExecutor(1) as executor:
        peak = executor.submit(lambda: list(_measured(folder, (memory.rows,))))
        others = list(_measured(folder, BESIDE_MEMORY))
        return [*peak.result(), *others]


def _measured(folder: Path, measures: Iterable[Measure]) -> Iterator[Row]:
    for measure in measures:
        name = measure.__module__.rpartition(".")[2]
        sys.stderr.write(f"measuring: {name}\n")
        place = folder / name
        place.mkdir()
        yield from measure(place)


if __name__ == "__main__":
    sys.exit(main())
