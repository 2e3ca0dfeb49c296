"""A customer's own terms, merges and archiving at Xero, and two flows that share a customer: one contact, the right one."""

import asyncio
from typing import Any

import pytest

from counterfoil.app.reports import RunReport
from tests.posting.test_people import causes, contact, retry
from tests.posting.workbench import NO_KEY, Workbench, sale

WEB = """
[flows.web]
id = "web"
kind = "sales_invoices"
source = { jsonl = "web.jsonl" }
"""
CONTACTS = "/api.xro/2.0/Contacts"


def edit(bench: Workbench, typed: dict[str, Any], **fields: Any) -> None:
    """A person edits a contact of organisation 1."""
    bench.sandbox.edit(bench.sandbox.tenant(1), typed["ContactID"], **fields)


def merge(bench: Workbench, loser: dict[str, Any], winner: dict[str, Any]) -> None:
    """A person merges one contact into another: the loser is archived and says where it went (facts 5.7)."""
    edit(bench, loser, ContactStatus="ARCHIVED", MergedToContactID=winner["ContactID"])


def contacts(bench: Workbench) -> list[dict[str, Any]]:
    """Organisation 1's contacts."""
    found: list[dict[str, Any]] = bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"]
    return found


def named(bench: Workbench, number: str) -> dict[str, Any]:
    """The contact with this number."""
    return next(one for one in contacts(bench) if one.get("ContactNumber") == number)


def customers_of(bench: Workbench) -> dict[str, str]:
    """Who each living invoice of organisation 1 is for, by the invoices' numbers."""
    return {one["InvoiceNumber"]: one["Contact"]["ContactID"] for one in bench.living()}


# ---- terms


def test_the_customers_own_terms_say_when_it_falls_due(bench: Workbench) -> None:
    """Before the organisation's, after the record's own; the plan's word and the run's are the same."""
    terms = {"Sales": {"Day": 45, "Type": "DAYSAFTERBILLDATE"}}
    contact(bench, Name="Customer 1", ContactNumber="cust-1", PaymentTerms=terms)
    open_ones = [{key: value for key, value in sale(n).items() if key != "due_date"} for n in (1, 2)]
    report = bench.run([*open_ones, sale(8), sale(15, due_date=None, terms={"day": 3})])
    assert (report.posted, report.exit_code) == (4, 0)
    due = {one["InvoiceNumber"]: one["DueDateString"][:10] for one in bench.living()}
    assert due["SHOP-acme-uk-1"] == "2026-12-17"
    assert due["SHOP-acme-uk-8"] == "2026-12-02"
    assert due["SHOP-acme-uk-15"] == "2026-11-05"
    assert due["SHOP-acme-uk-2"] != "2026-12-17", "a new customer has none: the organisation's"


def test_terms_that_are_set_later_count_for_what_comes_later(bench: Workbench) -> None:
    """The customer that we made has terms now; what was posted is left alone."""
    first = {key: value for key, value in sale(1).items() if key != "due_date"}
    bench.run([first])
    before = bench.living()[0]["DueDateString"]
    edit(bench, named(bench, "cust-1"), PaymentTerms={"Sales": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}})
    report = bench.run([first, first | {"external_id": "order-8", "number": "SHOP-8"}])
    assert (report.posted, report.unchanged) == (1, 1)
    due = {one["InvoiceNumber"]: one["DueDateString"] for one in bench.living()}
    assert due == {"SHOP-acme-uk-1": before, "SHOP-8": "2026-12-20T00:00:00"}


# ---- merged and archived


@pytest.mark.parametrize("posted_before", [True, False])
def test_a_merged_customer_is_followed(bench: Workbench, posted_before: bool) -> None:
    """Documents go to the contact that it was merged into, whether we posted for it before or only meet its number."""
    if posted_before:
        bench.run([sale(1)])
    else:
        contact(bench, Name="Customer 1", ContactNumber="cust-1", EmailAddress="c1@example.com")
    winner = contact(bench, Name="Customer One Ltd", EmailAddress="c1@example.com")
    merge(bench, named(bench, "cust-1"), winner)
    report = bench.run([sale(1), sale(8)])
    assert (report.posted, report.unchanged, report.exit_code) == (1 + (not posted_before), int(posted_before), 0)
    assert customers_of(bench)["SHOP-acme-uk-8"] == winner["ContactID"]
    bench.run([sale(15)])
    assert customers_of(bench)["SHOP-acme-uk-15"] == winner["ContactID"]


def test_a_chain_of_merges_is_followed_to_its_end_with_its_terms(bench: Workbench) -> None:
    """Merged twice: the last one's id and the last one's terms."""
    bench.run([sale(1)])
    middle = contact(bench, Name="Middle")
    last = contact(bench, Name="Last", PaymentTerms={"Sales": {"Day": 5, "Type": "DAYSAFTERBILLDATE"}})
    merge(bench, named(bench, "cust-1"), middle)
    merge(bench, middle, last)
    bench.run([sale(8, due_date=None)])
    [made] = [one for one in bench.living() if one["InvoiceNumber"] == "SHOP-acme-uk-8"]
    assert (made["Contact"]["ContactID"], made["DueDateString"][:10]) == (last["ContactID"], "2026-11-07")


def test_two_customers_of_ours_that_were_merged_into_one(bench: Workbench) -> None:
    """Both are one contact from then on."""
    bench.run([sale(1), sale(2)])
    merge(bench, named(bench, "cust-1"), named(bench, "cust-2"))
    report = bench.run([sale(1), sale(2), sale(8), sale(9)])
    assert (report.posted, report.unchanged, report.exit_code) == (2, 2, 0)
    found = customers_of(bench)
    assert found["SHOP-acme-uk-8"] == found["SHOP-acme-uk-9"] == named(bench, "cust-2")["ContactID"]


def test_a_customer_that_was_archived_after_we_posted_for_it(bench: Workbench) -> None:
    """Nothing is sent that Xero would refuse: it waits, by name, until the contact is restored."""
    bench.run([sale(1)])
    edit(bench, named(bench, "cust-1"), ContactStatus="ARCHIVED")
    before = len(bench.writes())
    report = bench.run([sale(1), sale(8), sale(2)])
    assert (report.posted, report.held, report.unchanged) == (1, 1, 1)
    assert causes(bench) == ["contact-archived"]
    assert len(bench.writes()) == before + 1
    edit(bench, named(bench, "cust-1"), ContactStatus="ACTIVE")
    report = bench.run()
    assert (report.posted, report.exit_code, causes(bench)) == (1, 0, [])


# ---- two flows


def test_two_flows_that_share_a_customer_whose_creation_is_unclear(bench: Workbench) -> None:
    """While nobody knows whether the contact was made, the second flow waits for it instead of making it again."""
    bench.configure(flow=WEB, **NO_KEY)
    bench.sandbox.fault("503_offline", method="PUT", path=CONTACTS, count=1000)
    assert bench.run([sale(1)]).exit_code == 4
    assert web(bench, [sale(8)]).exit_code == 4
    assert (bench.living(), contacts(bench)) == ([], [])
    bench.sandbox.clear_faults()
    finished = asyncio.run(bench.use(lambda books: books.finish()))
    assert (finished.uncertain, finished.planned) == (0, 0)
    assert (bench.run().exit_code, web(bench).exit_code) == (0, 0)
    shared_once(bench)


@pytest.mark.parametrize("fault", ["lost_answer", "reset", "500_after"])
def test_two_flows_at_once_share_a_customer_whose_answer_is_lost(bench: Workbench, fault: str) -> None:
    """Both plan it, one makes it, its answer is lost: still one contact, and both invoices are for it."""
    bench.configure(flow=WEB, **NO_KEY)
    write_web(bench, [sale(8)])
    bench.write([sale(1)])
    bench.sandbox.fault(fault, method="PUT", path=CONTACTS, count=1)

    async def both() -> list[RunReport]:
        return await asyncio.gather(
            bench.use(lambda books: books.run("shop")), bench.use(lambda books: books.run("web"))
        )

    asyncio.run(both())
    assert (bench.run().exit_code, web(bench).exit_code) == (0, 0)
    shared_once(bench)


def shared_once(bench: Workbench) -> None:
    """One contact, two invoices, both for it."""
    [made] = [one for one in contacts(bench) if one.get("ContactNumber") == "cust-1"]
    assert customers_of(bench) == dict.fromkeys(("SHOP-acme-uk-1", "SHOP-acme-uk-8"), made["ContactID"])
    assert [one["Name"] for one in contacts(bench)].count("Customer 1") == 1


def write_web(bench: Workbench, records: list[dict[str, Any]]) -> None:
    """Write the second flow's file, beside the first's."""
    bench.write(records).rename(bench.folder / "web.jsonl")


def web(bench: Workbench, records: list[dict[str, Any]] | None = None) -> RunReport:
    """`counterfoil run web`."""
    if records is not None:
        kept = (bench.folder / "sales.jsonl").read_bytes()
        write_web(bench, records)
        (bench.folder / "sales.jsonl").write_bytes(kept)
    report: RunReport = asyncio.run(bench.use(lambda books: books.run("web")))
    return report


def ours(bench: Workbench) -> list[str]:
    """The numbers of the contacts that we made."""
    return sorted(one["ContactNumber"] for one in ledger(bench) if one.get("ContactNumber"))


def ledger(bench: Workbench) -> list[dict[str, Any]]:
    """The contacts of the first organisation."""
    return bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"]


def test_a_first_run_makes_customers_of_what_it_posts_alone(bench: Workbench) -> None:
    """`limit_first` keeps the rest back, its customers too; the next run makes and posts them."""
    bench.configure(flow="limit_first = 2")
    sales = [sale(n) for n in range(5)]
    report = bench.run(sales)
    assert (report.posted, report.held, ours(bench)) == (2, 3, ["cust-0", "cust-1"])
    report = bench.run(sales)
    assert (report.posted, report.unchanged, report.exit_code) == (3, 2, 0)
    assert ours(bench) == [f"cust-{n}" for n in range(5)]


def test_a_sale_whose_number_is_taken_makes_no_customer_until_it_is_free(bench: Workbench) -> None:
    """Held, it leaves nothing at Xero; tried again once its number is free, it is posted with its customer."""
    tenant = bench.sandbox.tenant(1)
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}
    taken = {"Type": "ACCREC", "Status": "DRAFT", "InvoiceNumber": "SHOP-acme-uk-1", "Contact": {"Name": "A stranger"}}
    [document] = bench.sandbox.make(tenant, "Invoices", taken | {"Date": "2026-11-01", "LineItems": [line]})
    report = bench.run([sale(1)])
    assert (report.held, ours(bench)) == (1, [])
    retry(bench)
    assert bench.finish().posted == 0
    assert ours(bench) == []
    bench.sandbox.edit(tenant, document["InvoiceID"], InvoiceNumber="RENAMED")
    retry(bench)
    report = bench.finish()
    assert (report.posted, ours(bench)) == (1, ["cust-1"])
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == ["RENAMED", "SHOP-acme-uk-1"]
