"""`prove` names field by field what is not as it was posted; what people may do without a difference is none."""

import pytest

from tests.posting.test_people import contact, edit, proof
from tests.posting.workbench import Workbench, sale


def test_what_stands_as_it_was_posted_is_proven(bench: Workbench) -> None:
    """Approved, sent and paid by people is no difference."""
    bench.run([sale(1), sale(2, status="DRAFT"), sale(3)])
    first, second, _third = bench.invoices()
    edit(bench, first, SentToContact=True)
    edit(bench, second, Status="AUTHORISED")
    found = proof(bench)
    assert (found.holds, found.differences) == (True, ())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"InvoiceNumber": "OTHER"}, ["number posted SHOP-acme-uk-1, in Xero now OTHER"]),
        ({"Status": "VOIDED"}, ["was voided in Xero"]),
        ({"DateString": None, "Date": "2026-11-09"}, ["date posted 2026-11-02, in Xero now 2026-11-09"]),
    ],
)
def test_each_difference_is_named_with_its_field(bench: Workbench, fields: dict[str, str], said: list[str]) -> None:
    """What was posted, and what Xero has now."""
    bench.run([sale(1)])
    edit(bench, bench.invoices()[0], **{name: value for name, value in fields.items() if value is not None})
    found = proof(bench)
    assert not found.holds
    assert [text.partition("): ")[2] or text.partition(") ")[2] for text in found.differences] == said


def test_lines_that_come_to_the_same_total_differ_in_subtotal_and_tax(bench: Workbench) -> None:
    """25.20 with 20 % of it, and 25.20 without tax."""
    bench.run([sale(1)])
    line = {
        "Description": "x",
        "Quantity": 1,
        "UnitAmount": "25.20",
        "AccountCode": "200",
        "TaxType": "ZERORATEDOUTPUT",
    }
    edit(bench, bench.invoices()[0], LineItems=[line])
    found = proof(bench)
    assert [text.partition("): ")[2] for text in found.differences] == [
        "tax posted 4.20, in Xero now 0.00", "subtotal posted 21.00, in Xero now 25.20",
    ]  # fmt: skip


def test_another_customer_is_named(bench: Workbench) -> None:
    """The document stands under somebody else's name."""
    bench.run([sale(1)])
    mary = contact(bench, Name="Mary's own")
    edit(bench, bench.invoices()[0], Contact={"ContactID": mary["ContactID"]})
    [text] = proof(bench).differences
    assert text.endswith("contact posted Customer 1, in Xero now Mary's own")


def test_a_merged_customer_is_the_same_customer(bench: Workbench) -> None:
    """A person merged two contacts: the documents moved with the merge, and nothing differs."""
    bench.run([sale(1)])
    winner = contact(bench, Name="Customer One Ltd")
    [loser] = [one for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"] if one["Name"] == "Customer 1"]
    bench.sandbox.edit(
        bench.sandbox.tenant(1), loser["ContactID"], ContactStatus="ARCHIVED", MergedToContactID=winner["ContactID"]
    )
    edit(bench, bench.invoices()[0], Contact={"ContactID": winner["ContactID"]})
    found = proof(bench)
    assert (found.holds, found.differences) == (True, ())


def test_a_change_of_customer_that_was_refused_is_no_difference(bench: Workbench) -> None:
    """Xero has the customer that was posted, whoever the record names now."""
    bench.configure(flow='on_change = "update"')
    bench.run([sale(1), sale(2)])
    other = {"external_id": "cust-9", "name": "Customer 9"}
    bench.run([sale(1, contact=other, number="SHOP-acme-uk-2"), sale(2)])
    assert proof(bench).differences == ()
    bench.run([sale(1, contact=other), sale(2)])
    assert proof(bench).differences == ()


def test_records_that_no_posting_could_be_made_of_are_counted_as_not_posted(bench: Workbench) -> None:
    """A broken line and an unknown entity stand in no document either."""
    bench.run([sale(1), "{broken", sale(2) | {"entity": "acme-us"}, sale(3, currency="XYZ")])
    found = proof(bench)
    assert (found.holds, found.not_posted) == (True, 3)
    bench.run([sale(1), sale(2), sale(3)])
    assert proof(bench).not_posted == 0
