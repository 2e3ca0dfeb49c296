"""Mapped flows: what a row costs, a large export planned, and a shop's day planned again.

The row is measured in this process, in CPU time; it has the sample export's 25 columns, and its mapping 8 plain columns,
3 expressions and a lookup. The plans are whole processes of a firm on a sandbox.
"""

import datetime
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from counterfoil import flows, mapping, settings
from counterfoil.cli.sample import orders
from counterfoil.mapping import MappedRecord
from counterfoil.model.sheet import SheetRow
from tests.bench import firm, table
from tests.bench.firm import Firm
from tests.bench.processes import Cost
from tests.bench.table import Row

ROWS = 20_000
LIMIT_US = 150
LARGE_ROWS = 100_000
LARGE_ORDERS = 66_000
LARGE_LIMIT_S = 40
LARGE_LIMIT_MB = 200
DAY_LIMIT_S = 2
TODAY = datetime.date(2026, 11, 2)
FLOW = """
[flows.web]
id = "web"
kind = "sales_invoices"
entity = "acme-uk"
source = { csv = "orders.csv" }
group_by = "{Name}"
[flows.web.read]
date = "%Y-%m-%d %H:%M:%S %z"
[flows.web.map]
external_id = "=replace(head.Name, '#', 'web-')"
number = "=replace(head.Name, '#', 'WEB-')"
contact = { external_id = "=lower(head.Email)", name = "{Billing name}", email = "{Email}" }
date = "{Created at}"
currency = "{Currency}"
reference = "{Discount code}"
[[flows.web.line]]
description = "{Item name}"
quantity = "{Item quantity}"
unit_amount = "{Item price}"
account_code = "200"
tax = { lookup = "vat", key = "{Item VAT}" }
[lookups.vat]
rows = { "VAT 20%" = "20% (VAT on Income)", "VAT 5%" = "5% (VAT on Income)", "VAT 0%" = "Zero Rated Income", "Zero rated (print)" = "Zero Rated Income" }
"""


def rows(folder: Path) -> Iterator[Row]:
    """The three numbers."""
    with firm.sandbox() as xero:
        here = Firm(folder, xero)
        with (folder / "counterfoil.toml").open("a") as file:
            file.write(FLOW)
        yield table.at_most("map a row of 25 columns", _row_us(folder), LIMIT_US, "µs", f"CPU, mean of {ROWS:,}")
        (folder / "orders.csv").write_text(orders.text(TODAY))
        _plan(here)  # a cold one reads the ledger
        seconds, _cost, value = _plan(here)
        yield table.at_most("plan 400 orders again", seconds, DAY_LIMIT_S, "s", _noted(value))
        (folder / "orders.csv").write_text(orders.text(TODAY, count=LARGE_ORDERS, rows=LARGE_ROWS))
        seconds, cost, value = _plan(here)
        note = f"{_noted(value)}, {cost.cpu_s:.0f} s CPU"
        yield table.at_most(f"plan {LARGE_ROWS:,} rows", seconds, LARGE_LIMIT_S, "s", note)
        yield table.at_most(f"plan {LARGE_ROWS:,} rows: peak memory", cost.peak_mb, LARGE_LIMIT_MB, "MB")


def _row_us(folder: Path) -> float:
    """The mean of records of one row each."""
    loaded = settings.load(folder / "counterfoil.toml", environ={})
    flow = settings.compile_flows(loaded, flows.kinds())["web"]
    mapper = mapping.compile_flow(flow, flows.kind(flow.kind).record)
    assert isinstance(mapper, mapping.Mapper), mapper
    exported = orders.orders(TODAY, count=ROWS, rows=ROWS)
    given = [SheetRow(f"orders.csv:{n}", _whole(order[0]), "0" * 64) for n, order in enumerate(exported, 2)]
    started = time.process_time()
    for row in given:
        made = mapper.record((row,), datetime.UTC)
        assert isinstance(made, MappedRecord), made
    return (time.process_time() - started) / ROWS * 1e6


def _whole(row: dict[str, str]) -> dict[str, str]:
    return {name: row.get(name, "") for name in orders.COLUMNS}


def _plan(here: Firm) -> tuple[float, Cost, dict[str, Any]]:
    """`counterfoil plan web`: how long a person waits, what it cost, what it said."""
    started = time.monotonic()
    cost = here("plan", "web", "--json")
    seconds = time.monotonic() - started
    assert cost.code == 0, f"exit {cost.code}: {cost.err[-2000:]}"
    value: dict[str, Any] = json.loads(cost.out)
    assert value["refused"] == 0, value["refused"]
    return seconds, cost, value


def _noted(value: dict[str, Any]) -> str:
    return f"{value['records']:,} records, {value['create']:,} to be created"
