"""`plan` predicts what `run` does, to the cent: the plan beside the run's report and the sandbox's ledger."""

import asyncio
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.app.reports import PlanReport
from tests.posting.workbench import ENTITIES, Workbench, sale

CURRENCIES = {"acme-uk": "GBP", "acme-au": "AUD", "acme-nl": "EUR"}
SPOILED = (
    {"lines": []}, {"expected_total": "1.00"}, {"date": "never"}, {"entity": "nobody"}, {"currency": "XAF"},
    {"contact": {"external_id": "x", "name": "Taken Name"}},
)  # fmt: skip


def records(dice: random.Random, count: int) -> list[dict[str, Any] | str]:
    """Random sales, some of them spoiled, some twice, some contradicting."""
    found: list[dict[str, Any] | str] = []
    for n in range(count):
        record = sale(n, entity=dice.choice(ENTITIES))
        for line in record["lines"]:
            line["quantity"] = str(dice.randint(1, 9) / Decimal(4))
            line["unit_amount"] = f"{dice.randint(1, 99999) / Decimal(1000)}"
            if dice.random() < 0.3:
                line["discount_rate"] = str(dice.randint(1, 50))
        record["amounts"] = dice.choice(("exclusive", "inclusive"))
        record["status"] = dice.choice(("DRAFT", "AUTHORISED"))
        if dice.random() < 0.15:
            record |= dice.choice(SPOILED)
        found.append(record)
        if dice.random() < 0.1:
            found.append(record if dice.random() < 0.5 else record | {"reference": "otherwise"})
        if dice.random() < 0.05:
            found.append("{broken")
    return found


@pytest.mark.parametrize("seed", range(4))
def test_plan_predicts_what_run_does_to_the_cent(bench: Workbench, seed: int) -> None:
    """Counts, totals per entity and currency, and the calls for documents: as planned, so done."""
    dice = random.Random(seed)
    tenant = bench.sandbox.tenant(1)
    bench.sandbox.make(tenant, "Contacts", {"Name": "TAKEN name"})
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}
    taken = {"Type": "ACCREC", "Status": "DRAFT", "InvoiceNumber": "SHOP-acme-uk-3", "Contact": {"Name": "A stranger"}}
    bench.sandbox.make(tenant, "Invoices", taken | {"Date": "2026-11-01", "LineItems": [line]})
    source = records(dice, 60)
    bench.run(source[:10])
    bench.write(source)
    before = totals(bench)
    plan: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert totals(bench) == before, "a plan writes nothing"
    report = bench.run()
    assert report.records == plan.records == len(source)
    assert (report.posted, report.adopted, report.unchanged) == (plan.count("+"), plan.count("⇄"), plan.count("="))
    assert (report.held, report.rejected) == (plan.count("!"), plan.count("×"))
    made = {key: amount - before.get(key, Decimal(0)) for key, amount in totals(bench).items()}
    predicted = {(entity, currency): amount for entity, of in plan.totals.items() for currency, amount in of.items()}
    assert {key: amount for key, amount in made.items() if amount} == predicted


def totals(bench: Workbench) -> dict[tuple[str, str], Decimal]:
    """(entity, currency) → what stands in its ledger."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for number, entity in enumerate(ENTITIES, 1):
        for document in bench.living(number):
            found[entity, document["CurrencyCode"]] += Decimal(str(document["Total"]))
    return dict(found)
