"""Whatever happened to a person's documents: exported whole, erased whole, posted once."""

import asyncio
import random

import pytest

from counterfoil.app.privacy import erasing, exporting
from tests.app.privacy import planted
from tests.app.privacy.planted import theirs
from tests.posting.workbench import sale


def happens(bench, dice, tenant, records, contact_id):
    """One thing that a source, Xero or a bookkeeper does."""
    invoices = [one for one in bench.living() if one["Contact"]["ContactID"] == contact_id]
    what = dice.choice(["sales", "theirs", "rename", "note", "bill", "credit", "void", "sync", "full", "refused"])
    if what in ("sales", "theirs", "refused"):
        n = 100 + len(records)
        bad = {"expected_total": "1.00"} if what == "refused" else {}
        records.append((sale(n) if what == "sales" else theirs(n)) | bad)
        bench.run(records)
    elif what == "rename":
        bench.sandbox.edit(tenant, contact_id, Name=f"Zelda Quixotl {dice.random()}", FirstName="Zelda")
    elif what == "note" and invoices:
        bench.sandbox.edit(tenant, dice.choice(invoices)["InvoiceID"], Reference=f"Mumblecore {dice.random()}")
    elif what in ("bill", "credit"):
        line = {"Description": "harpsichord strings", "Quantity": 1, "UnitAmount": 5, "AccountCode": "200"}
        made = {
            "Contact": {"ContactID": contact_id},
            "Date": "2026-11-05",
            "DueDate": "2026-11-30",
            "LineItems": [line],
        }
        kind = {"Type": "ACCPAY"} if what == "bill" else {"Type": "ACCRECCREDIT"}
        bench.sandbox.make(tenant, "Invoices" if what == "bill" else "CreditNotes", made | kind)
    elif what == "void" and invoices:
        bench.sandbox.edit(tenant, invoices[0]["InvoiceID"], Status="VOIDED")
    else:
        planted.synced(bench, full=what == "full")
    bench.sandbox.advance(dice.randrange(1, 5))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_history(bench, seed):
    """Before: all words are in the export. After: none in any file, none comes back, and the same source posts nothing more."""
    dice, records = random.Random(seed), [sale(1), theirs(2)]
    assert bench.run(records).posted == 2
    tenant = bench.sandbox.tenant(1)
    (contact_id,) = {
        one["ContactID"] for one in bench.sandbox.ledger(tenant)["Contacts"] if one.get("Name") == planted.NAME
    }
    for _ in range(12):
        happens(bench, dice, tenant, records, contact_id)
    planted.synced(bench)
    out = bench.folder / "privacy-all.json"
    asyncio.run(bench.use(lambda books: exporting.export(books, contact_id, None, out)))
    assert [word for word in planted.WORDS if word.lower() not in out.read_text().lower()] == []
    asyncio.run(bench.use(lambda books: erasing.erase(books, contact_id, None)))
    assert planted.found(bench) == set()
    made = len(bench.invoices())
    again = bench.run(records)
    assert again.posted == again.updated == again.adopted == 0
    planted.synced(bench, full=True)
    assert planted.found(bench) == set()
    assert len(bench.invoices()) == made
    assert max(bench.marks().values()) == 1
