"""The demo's judge sees everything that could be wrong with a ledger."""

import datetime
from decimal import Decimal

import pytest

from counterfoil.cli.sample import bad, files, goods
from counterfoil.cli.show import judge

TODAY = datetime.date(2026, 11, 22)


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    """The good sales of the sample."""
    path = tmp_path_factory.mktemp("judge") / "sales.jsonl"
    path.write_bytes(b"\n".join(files.lines(TODAY)))
    return judge.good_sales(path)


@pytest.fixture
def ledgers(sales):
    """Ledgers in which everything is right."""
    base = {company.key: company.currency for company in goods.COMPANIES}
    found = {key: [] for key in base}
    for sale in sales:
        entity = sale["entity"]
        found[entity].append(
            {
                "Type": "ACCREC", "Status": "DRAFT", "InvoiceNumber": sale["number"],
                "CurrencyCode": sale.get("currency", base[entity]), "Total": Decimal(sale["expected_total"]),
            }
        )  # fmt: skip
    return found


def test_a_right_ledger_has_no_faults(sales, ledgers):
    """388 sales, every row of the table agrees."""
    assert len(sales) == 388
    assert judge.faults(sales, ledgers) == []
    assert all(row.agrees for row in judge.table(sales, ledgers))


def test_a_missing_invoice_is_seen(sales, ledgers):
    """One sale is not there."""
    ledgers["acme-uk"].pop()
    assert "stands 0 times" in judge.faults(sales, ledgers)[0]
    assert not all(row.agrees for row in judge.table(sales, ledgers))


def test_a_duplicate_is_seen(sales, ledgers):
    """The same number twice, or under another."""
    ledgers["acme-au"].append(ledgers["acme-au"][0])
    assert "stands 2 times" in judge.faults(sales, ledgers)[0]
    assert sum(row.duplicates for row in judge.table(sales, ledgers)) == 1
    ledgers["acme-au"][-1] = ledgers["acme-au"][0] | {"InvoiceNumber": "INV-1"}
    assert judge.faults(sales, ledgers) == ["INV-1 stands in the ledger of acme-au, and no good sale has it"]


def test_a_cent_is_seen(sales, ledgers):
    """To the cent."""
    ledgers["acme-nl"][0]["Total"] += Decimal("0.01")
    assert len(judge.faults(sales, ledgers)) == 1
    assert not all(row.agrees for row in judge.table(sales, ledgers))


def test_another_ledger_is_seen(sales, ledgers):
    """Right document, wrong company."""
    ledgers["acme-nl"].append(ledgers["acme-uk"].pop())
    assert len(judge.faults(sales, ledgers)) == 2


def test_a_bad_sale_that_no_problem_names_is_seen():
    """Each of the dozen needs its cause and a remedy."""
    named = [{"external_id": one.external_id, "cause": f"{one.cause}:x", "remedy": "Do."} for one in bad.BAD]
    assert judge.unnamed(named) == []
    named[3]["remedy"] = ""
    named[4]["cause"] = "other"
    assert [text.partition(" ")[0] for text in judge.unnamed(named)] == ["order-2004", "order-2005"]
