"""100,000 records imported: the peak of our process's memory."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench import firm, sales, table
from tests.bench.firm import Firm
from tests.bench.table import Row

COUNT = 100_000
LIMIT_MB = 200


def rows(folder: Path) -> Iterator[Row]:
    """The peak resident memory of `counterfoil run`."""
    with firm.sandbox() as xero:
        here = Firm(folder, xero)
        sales.write(folder / "sales.jsonl", COUNT)
        cost, report = here.run()
        note = (
            f"{report['api_calls']:,} calls, {report['egress_bytes'] / 1e6:,.0f} MB from Xero, {cost.cpu_s:.0f} s CPU"
        )
        yield table.at_most("100,000 records: peak memory", cost.peak_mb, LIMIT_MB, "MB", note)
