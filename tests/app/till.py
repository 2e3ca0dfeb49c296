"""An installation whose flow maps rows: what the tests of mapped flows share.

The flow reads a small shop's export: one row per line of an order, the order's own columns on its first row.
"""

import asyncio
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from counterfoil.app.reports import PlanReport, RunReport
from counterfoil.app.wishes import FixReport, Wish
from tests.posting import workbench
from tests.posting.workbench import Workbench

COLUMNS = ("Order", "Email", "Customer", "Placed", "Total", "Item", "Qty", "Price", "VAT")
Row = Sequence[str]
OWN = 'accounts = {{ sales = "200" }}\ntaxes = {{ standard = "OUTPUT2", zero = "ZERORATEDOUTPUT" }}\n[entities.acme-au]'
HEAD = workbench.CONFIG.partition("[flows.shop]")[0].replace("[entities.acme-au]", OWN)
FLOW = """
[flows.shop]
id = "shop"
kind = "sales_invoices"
entity = "acme-uk"
source = { csv = "orders.csv" }
group_by = "{Order}"
[flows.shop.read]
date = "%d/%m/%Y"
[flows.shop.map]
external_id = "{Order}"
contact = { external_id = "=lower(head.Email)", name = "{Customer}", email = "{Email}" }
date = "{Placed}"
currency = "GBP"
[[flows.shop.line]]
description = "{Item}"
quantity = "{Qty}"
unit_amount = "{Price}"
account = "sales"
tax = { lookup = "vat", key = "{VAT}" }
[flows.shop.check]
total = "{Total}"
[lookups.vat]
rows = { "S" = "standard", "Z" = "zero" }
"""
DAILY = FLOW.replace('group_by = "{Order}"', 'group_by = "{Order}"\npost = "daily"').replace(
    '{ external_id = "=lower(head.Email)", name = "{Customer}", email = "{Email}" }',
    '{ external_id = "till", name = "Till takings" }',
)


def order(name: str, total: str, *lines: Row, placed: str = "02/11/2026", customer: str = "") -> list[Row]:
    """The rows of an order; of each line its quantity, price and VAT code."""
    head = (name, f"{customer or name}@post.example", customer or f"Customer {name}", placed, total)
    rows = []
    for n, (quantity, price, vat) in enumerate(lines):
        own = head if n == 0 else (name, "", "", "", "")
        rows.append((*own, f"Thing {n}", quantity, price, vat))
    return rows


def small(name: str, vat: str = "S", **changes: str) -> list[Row]:
    """An order of one line, GBP 10.00 and its tax."""
    return order(name, "12.00" if vat == "S" else "10.00", ("1", "10.00", vat), **changes)


def text(rows: Iterable[Row], columns: Row = COLUMNS) -> str:
    """A CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([columns, *rows])
    return out.getvalue()


class Till(Workbench):
    """The workbench with a mapped flow."""

    flow_text = FLOW
    zone = ""  # of acme-uk, as the configuration says it

    def write_config(self) -> Path:
        """Write counterfoil.toml."""
        path = self.folder / "counterfoil.toml"
        times = "\n".join(f"{name} = {value}" for name, value in self.posting.items())
        ready = self.sandbox.ready
        head = HEAD.format(client_id=ready["client_id"], url=ready["url"], store=self.store, posting=times)
        if self.zone:
            head = head.replace("[entities.acme-uk]\n", f'[entities.acme-uk]\ntimezone = "{self.zone}"\n')
        path.write_text(head + self.flow_text)
        return path

    def write_rows(self, *orders: Iterable[Row], columns: Row = COLUMNS, name: str = "orders.csv") -> Path:
        """Write the export."""
        path = self.folder / name
        path.write_text(text([row for one in orders for row in one], columns))
        return path

    def do(self, work: Callable[[Any], Any]) -> Any:
        """Carry one operation of the library out."""
        return asyncio.run(self.use(work))

    def run_rows(self, *orders: Iterable[Row], **options: Any) -> RunReport:
        """`counterfoil run shop` on these orders."""
        self.write_rows(*orders, **options)
        return self.run()

    def plan(self) -> PlanReport:
        """`counterfoil plan shop`."""
        report: PlanReport = self.do(lambda books: books.plan("shop"))
        return report

    def problems(self) -> list[Any]:
        """The open problems."""
        found: list[Any] = self.do(lambda books: books.problems())
        return found

    def fix(self, n: int, **wish: Any) -> FixReport:
        """`counterfoil problems fix N`."""
        report: FixReport = self.do(lambda books: books.fix(n, Wish(**wish)))
        return report

    def retry(self, n: int) -> int:
        """`counterfoil problems retry N`."""
        planned: int = self.do(lambda books: books.retry(n))
        return planned

    def totals(self, number: int = 1) -> dict[str, str]:
        """Number → total of the living invoices in the sandbox's ledger."""
        return {one["InvoiceNumber"]: f"{float(one['Total']):.2f}" for one in self.living(number)}
