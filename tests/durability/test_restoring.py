"""A copy from before 500 postings of invoices, credit notes and payments is put back: the ledger is the judge.

`make soak` has all of them, `make test` a tenth: fewer would fit into one request.
"""

import asyncio
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from counterfoil.app import backups
from tests.posting.workbench import Workbench, sale

SOAK = "SOAK" in os.environ
BEFORE = 20 if SOAK else 5
DOCUMENTS = 400 if SOAK else 60
POSTINGS = 500 if SOAK else 70  # at least, after the copy, with payments


def records(count: int) -> list[dict[str, Any]]:
    """Every fourth is below zero; of the others every third is paid, some of them twice."""
    return [_record(n) for n in range(count)]


def _record(n: int) -> dict[str, Any]:
    if n % 4 == 3:
        line = {
            "description": "Return",
            "quantity": "1",
            "unit_amount": "-21.00",
            "account_code": "200",
            "tax_type": "OUTPUT2",
        }
        return sale(n, lines=[line], due_date=None)
    paid = [{"external_id": "p1", "date": "2026-11-03", "amount": "20.00", "account": "Business Bank Account"}]
    if n % 2:
        paid.append({"external_id": "p2", "date": "2026-11-04", "amount": "5.20", "account": "Business Bank Account"})
    return sale(n, payments=paid) if n % 3 == 0 else sale(n)


def ledger(bench: Workbench) -> tuple[Counter[str], Counter[str], Counter[tuple[str, Decimal]]]:
    """How often each number, and each payment of an invoice, stands in Xero."""
    books = bench.sandbox.ledger(bench.sandbox.tenant(1))
    invoices = Counter(one["InvoiceNumber"] for one in books["Invoices"] if one["Status"] not in ("VOIDED", "DELETED"))
    notes = Counter(
        one["CreditNoteNumber"] for one in books["CreditNotes"] if one["Status"] not in ("VOIDED", "DELETED")
    )
    payments = Counter(
        (one["Invoice"]["InvoiceID"], Decimal(str(one["Amount"])))
        for one in books["Payments"]
        if one["Status"] != "DELETED"
    )
    return invoices, notes, payments


def postings(found: tuple[Counter[Any], ...]) -> int:
    """How many there are in all."""
    return sum(sum(one.values()) for one in found)


@pytest.mark.soak
@pytest.mark.parametrize("sentinel", ["kept", "lost"])
def test_a_copy_from_before_500_postings_makes_none_of_them_twice(bench: Workbench, sentinel: str) -> None:
    """Invoices, credit notes and payments: as many as there are records, each once, whether the sentinel survived or not."""
    bench.configure(flow='negative = "credit_note"')
    file = Path(bench.folder / "before.backup")
    bench.run(records(BEFORE))
    before = postings(ledger(bench))
    asyncio.run(bench.use(lambda books: backups.backup(books, file)))
    assert bench.run(records(DOCUMENTS)).exit_code == 0
    expected = ledger(bench)
    assert postings(expected) - before >= POSTINGS
    if sentinel == "lost":
        (bench.folder / "counterfoil.db.sentinel").unlink()
    asyncio.run(backups.restore(bench.write_config(), None, file, over_newer=True))
    report = bench.run()
    if report.planned or report.uncertain:
        report = bench.finish()
    assert ledger(bench) == expected
    assert {1} == {*expected[0].values(), *expected[1].values(), *expected[2].values()}
    assert report.exit_code == 0
