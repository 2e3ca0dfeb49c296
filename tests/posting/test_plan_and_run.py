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
    before, customers = totals(bench), contacts(bench)
    plan: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    asked = bench.sandbox.requests()[-1]["n"]
    assert totals(bench) == before, "a plan writes nothing"
    report = bench.run()
    assert plan.contacts == contacts(bench) - customers
    assert plan.calls == len(bench.writes(asked, path="/api.xro/2.0/"))
    assert report.records == plan.records == len(source)
    assert (report.posted, report.adopted, report.unchanged) == (plan.count("+"), plan.count("⇄"), plan.count("="))
    assert (report.held, report.rejected) == (plan.count("!"), plan.count("×"))
    made = {key: amount - before.get(key, Decimal(0)) for key, amount in totals(bench).items()}
    predicted = {(entity, currency): amount for entity, of in plan.totals.items() for currency, amount in of.items()}
    assert {key: amount for key, amount in made.items() if amount} == predicted


def test_a_plan_of_what_is_done_makes_no_customer(bench: Workbench) -> None:
    """Nor does one of what is refused or was skipped: only customers of what is sent are made, each entity's by itself."""
    refused = sale(2, external_id="order\u200b-2")
    bench.write([sale(1), refused, sale(3, currency="XYZ"), sale(8, entity="acme-au")])
    first: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert (first.contacts, first.calls) == (2, 4)
    bench.run()
    assert (contacts(bench), len(bench.writes(path="/api.xro/2.0/"))) == (2, 4)
    second: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert (second.contacts, second.calls) == (0, 0)


def test_a_plan_counts_the_calls_for_payments(bench: Workbench) -> None:
    """Each is a request of its own kind, after its sale; payments of sales that wait are not sent."""
    paid = [{"date": "2026-11-03", "amount": f"{n}.00", "account_code": "090", "external_id": f"p{n}"} for n in (1, 2)]
    bench.write([sale(n, payments=paid) for n in range(40)] + [sale(50, payments=paid, currency="XYZ")])
    plan: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert bench.run().posted == 40
    assert plan.calls == 4 == len(bench.writes(path="/api.xro/2.0/")), "customers, sales, twice payments"


def contacts(bench: Workbench) -> int:
    """How many customers of ours stand in all ledgers."""
    all_of_them = (one for n in (1, 2, 3) for one in bench.sandbox.ledger(bench.sandbox.tenant(n))["Contacts"])
    return sum(bool(one.get("ContactNumber")) for one in all_of_them)


def totals(bench: Workbench) -> dict[tuple[str, str], Decimal]:
    """(entity, currency) → what stands in its ledger."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for number, entity in enumerate(ENTITIES, 1):
        for document in bench.living(number):
            found[entity, document["CurrencyCode"]] += Decimal(str(document["Total"]))
    return dict(found)
