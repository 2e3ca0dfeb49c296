"""The demo's judge: the file of sales against the sandbox's own ledgers, without a look into our tables.

Called by acts and by tests. Pure but for reading the file. What counts as bad is what the sample says is bad; each bad
sale has to be named as a problem with its cause.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from counterfoil.cli.sample import bad, goods, orders

Sale = dict[str, Any]
Invoice = dict[str, Any]
GONE = ("VOIDED", "DELETED")


class Row(NamedTuple):
    """One entity and currency: the file and the ledger side by side."""

    entity: str
    currency: str
    records: int
    source: Decimal
    invoices: int
    ledger: Decimal
    duplicates: int

    @property
    def agrees(self) -> bool:
        """True when each sale is there once, to the cent."""
        return (self.records, self.source, self.duplicates) == (self.invoices, self.ledger, 0)


def good_sales(path: Path) -> list[Sale]:
    """The sales of the file that can be posted."""
    wrong = {one.external_id for one in bad.BAD}
    found = []
    for line in path.read_bytes().splitlines():
        try:
            sale = json.loads(line)
        except ValueError:
            continue  # one of the dozen
        if sale["external_id"] not in wrong:
            found.append(sale)
    return found


def good_orders(path: Path) -> list[Sale]:
    """The orders of the web shop's export that can be posted, as sales: number, entity, currency and the shop's total."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Total"]]
    return [
        {
            "external_id": row["Name"].replace("#", "web-"),
            "number": row["Name"].replace("#", "WEB-"),
            "entity": goods.COMPANIES[0].key,
            "currency": row["Currency"],
            "expected_total": row["Total"],
        }
        for row in rows
        if row["Name"] != orders.WRONG_TOTAL
    ]


def table(sales: Iterable[Sale], ledgers: Mapping[str, Sequence[Invoice]]) -> list[Row]:
    """The proof: per entity and currency. `ledgers`: entity → the invoices of its organisation."""
    source: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    there: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    twice: dict[tuple[str, str], int] = defaultdict(int)
    base = {company.key: company.currency for company in goods.COMPANIES}
    for sale in sales:
        source[sale["entity"], sale.get("currency", base[sale["entity"]])].append(Decimal(sale["expected_total"]))
    for entity, invoices in ledgers.items():
        seen = set()
        for invoice in _living(invoices):
            key = entity, invoice["CurrencyCode"]
            there[key].append(Decimal(invoice["Total"]))
            twice[key] += invoice["InvoiceNumber"] in seen
            seen.add(invoice["InvoiceNumber"])
    return [
        Row(
            *key,
            len(source[key]),
            sum(source[key], Decimal(0)),
            len(there[key]),
            sum(there[key], Decimal(0)),
            twice[key],
        )
        for key in sorted(source.keys() | there.keys())
    ]


def faults(sales: Iterable[Sale], ledgers: Mapping[str, Sequence[Invoice]]) -> list[str]:
    """Everything that is not as it should be: each good sale once, in its own ledger, to the cent; nothing else."""
    found = []
    at: dict[tuple[str, str], list[Invoice]] = defaultdict(list)
    for entity, invoices in ledgers.items():
        for invoice in _living(invoices):
            at[entity, invoice["InvoiceNumber"]].append(invoice)
    for sale in sales:
        mine = at.pop((sale["entity"], sale["number"]), [])
        name = f"{sale['external_id']} ({sale['number']})"
        if len(mine) != 1:
            found.append(f"{name} stands {len(mine)} times in the ledger of {sale['entity']}")
        elif Decimal(mine[0]["Total"]) != Decimal(sale["expected_total"]):
            found.append(f"{name} is {mine[0]['Total']} in the ledger, {sale['expected_total']} in the file")
    found += [f"{number} stands in the ledger of {entity}, and no good sale has it" for entity, number in at]
    return found


def unnamed(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The bad sales that no problem names with its cause. `records`: the values of `problems --json`."""
    causes = {(one["external_id"], one["cause"].partition(":")[0]) for one in records if one["remedy"]}
    return [
        f"{one.external_id} ({one.what}) is not named as {one.cause}"
        for one in bad.BAD
        if (one.external_id, one.cause) not in causes and (None, one.cause) not in causes
    ]


def _living(invoices: Iterable[Invoice]) -> list[Invoice]:
    return [invoice for invoice in invoices if invoice["Type"] == "ACCREC" and invoice["Status"] not in GONE]
