"""negative = "credit_note": a record whose total is below zero is a credit note, planned, posted, found and taken back."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.app.reports import PlanReport
from tests.posting.test_people import causes, edit, retry
from tests.posting.test_reissue_by_credit import NOTES, amounts, lock, notes
from tests.posting.test_undoing import undo
from tests.posting.workbench import NO_KEY, Workbench, sale

NEGATIVE = 'negative = "credit_note"'


def returned(n: int, **changes: Any) -> dict[str, Any]:
    """A sale turned round: -25.20 with 20 % VAT; the post is given back by its price, the goods by their quantity."""
    goods, post = sale(n)["lines"]
    lines = [{**goods, "quantity": "-2"}, {**post, "unit_amount": "-3.00"}]
    return sale(n, number=f"RET-{n}", **{"lines": lines, **changes})


def plan(bench: Workbench) -> PlanReport:
    """`counterfoil plan shop`."""
    report: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    return report


def all_notes(bench: Workbench) -> list[dict[str, Any]]:
    """Credit notes in the ledger of organisation 1, voided and deleted ones included."""
    return bench.sandbox.ledger(bench.sandbox.tenant(1))["CreditNotes"]


@pytest.fixture(autouse=True)
def configured(bench: Workbench) -> None:
    """Every flow here makes credit notes; the books are open."""
    lock(bench, None)
    bench.configure(flow=NEGATIVE)


def test_the_sign_of_the_total_chooses_the_kind(bench: Workbench) -> None:
    """The plan says to the cent what the run does; a second run does nothing."""
    records = [
        sale(1),
        returned(2),
        returned(3, status="DRAFT"),
        sale(4, lines=[sale(4)["lines"][0], *returned(4)["lines"]]),
    ]
    bench.write(records)
    planned = plan(bench)
    assert [(line.sign, line.total) for line in planned.lines] == [
        ("+", Decimal("25.20")), ("+", Decimal("-25.20")), ("+", Decimal("-25.20")), ("+", Decimal("-3.60")),
    ]  # fmt: skip
    assert planned.totals == {"acme-uk": {"GBP": Decimal("-28.80")}}
    report = bench.run()
    assert (report.posted, report.exit_code, causes(bench)) == (4, 0, [])
    assert [(one["InvoiceNumber"], one["Total"]) for one in bench.invoices()] == [("SHOP-acme-uk-1", 25.2)]
    found = {one["CreditNoteNumber"]: one for one in notes(bench)}
    assert {number: (one["Status"], one["Type"], *amounts(one, "Total", "TotalTax")) for number, one in found.items()} == {
        "RET-2": ("AUTHORISED", "ACCRECCREDIT", Decimal("25.20"), Decimal("4.20")),
        "RET-3": ("DRAFT", "ACCRECCREDIT", Decimal("25.20"), Decimal("4.20")),
        "SHOP-acme-uk-4": ("AUTHORISED", "ACCRECCREDIT", Decimal("3.60"), Decimal("0.60")),
    }  # fmt: skip
    assert all(Decimal(str(line["UnitAmount"])) >= 0 for line in found["RET-2"]["LineItems"])
    before = len(bench.sandbox.requests())
    assert bench.run().unchanged == 4
    assert not [one for one in bench.sandbox.requests()[before:] if one["method"] != "GET"]


def test_credit_notes_share_requests(bench: Workbench) -> None:
    """Sixty are two requests."""
    assert bench.run([returned(n) for n in range(60)]).posted == 60
    assert len(bench.writes(path=NOTES)) == 2


def test_a_flow_that_does_not_say_so_refuses_them(bench: Workbench) -> None:
    """negative = "refuse" is the default."""
    bench.configure(flow='negative = "refuse"')
    assert bench.run([returned(1)]).rejected == 1
    assert (causes(bench), all_notes(bench)) == (["total-negative"], [])


def test_discounts_are_put_into_the_price(bench: Workbench) -> None:
    """Xero's credit notes know none; the total is the same to the cent."""
    goods = {**sale(1)["lines"][0], "quantity": "-3", "unit_amount": "3.3333", "discount_rate": "12.5"}
    assert bench.run([returned(1, lines=[goods], expected_total="-10.50")]).posted == 1
    [note] = notes(bench)
    assert amounts(note, "SubTotal", "TotalTax", "Total") == (Decimal("8.75"), Decimal("1.75"), Decimal("10.50"))


@pytest.mark.parametrize(
    ("changes", "flow", "cause"),
    [
        (
            {"payments": [{"date": "2026-11-02", "amount": "5", "account": "Business Bank Account"}]},
            "",
            "refund-not-posted",
        ),
        ({"reference": "x" * 239}, "", "reference-too-long"),
        ({"expected_total": "-25.19"}, 'check = { difference = { up_to = "0.05", as = "rounding" } }', "total-differs"),
    ],
)
def test_what_a_credit_note_cannot_have_is_refused_by_name(
    bench: Workbench, changes: dict[str, Any], flow: str, cause: str
) -> None:
    """Refunds, long references, rounding amounts."""
    bench.configure(flow=f"{NEGATIVE}\n{flow}")
    assert bench.run([returned(1, **changes)]).rejected == 1
    assert causes(bench) == [cause]


@pytest.mark.parametrize("times", [{}, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("number", ["own", "xero"])
@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset", "truncated", "reordered"])
def test_an_unclear_credit_note_is_made_once(
    bench: Workbench, fault: str, number: str, times: dict[str, float]
) -> None:
    """Looked for by its number, or by the whole Reference, which ends in our mark."""
    bench.configure(**times)
    bench.sandbox.fault(fault, method="PUT", path=NOTES, count=1)
    more = {"number": "xero"} if number == "xero" else {}
    report = bench.run([returned(n) | more for n in range(3)])
    assert (report.posted, report.exit_code, len(all_notes(bench))) == (3, 0, 3)


def test_a_number_that_is_taken_is_named(bench: Workbench) -> None:
    """Credit notes have numbers of their own: an invoice's of the same number is nobody's business."""
    bench.run([sale(9, number="RET-1")])
    wanted = {
        "Type": "ACCRECCREDIT", "CreditNoteNumber": "RET-2", "Contact": {"Name": "Somebody"}, "Date": "2026-11-01",
        "LineItems": [{"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200"}],
    }  # fmt: skip
    bench.sandbox.make(bench.sandbox.tenant(1), "CreditNotes", wanted)
    report = bench.run([returned(1), returned(2)])
    assert (report.posted, report.held, causes(bench)) == (1, 1, ["number-taken"])


def test_an_empty_database_recognises_its_credit_notes(bench: Workbench) -> None:
    """By the mark at the end of the Reference."""
    bench.run([returned(1), sale(2)])
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run()
    assert (report.adopted, report.posted, report.exit_code, len(all_notes(bench))) == (2, 0, 0, 1)


# ---- changes


@pytest.mark.parametrize("status", ["DRAFT", "AUTHORISED"])
def test_a_changed_credit_note_is_updated_line_by_line(bench: Workbench, status: str) -> None:
    """As an invoice is: the lines keep their ids."""
    bench.configure(flow=f'{NEGATIVE}\non_change = "update"')
    bench.run([returned(1, status=status)])
    [before] = notes(bench)
    lines = returned(1)["lines"]
    report = bench.run(
        [returned(1, status=status, reference="RMA 7") | {"lines": [{**lines[0], "quantity": "-1"}, lines[1]]}]
    )
    assert (report.updated, report.exit_code, causes(bench)) == (1, 0, [])
    [note] = notes(bench)
    assert (amounts(note, "Total"), note["Reference"].startswith("RMA 7 ")) == ((Decimal("14.40"),), True)
    assert [one["LineItemID"] for one in note["LineItems"]] == [one["LineItemID"] for one in before["LineItems"]]
    assert bench.run().unchanged == 1


@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset"])
@pytest.mark.parametrize("policy", ["update", "reissue"])
def test_an_unclear_change_of_a_credit_note_is_done_once(bench: Workbench, policy: str, fault: str) -> None:
    """Looked for by its id."""
    bench.configure(flow=f'{NEGATIVE}\non_change = "{policy}"')
    bench.run([returned(1)])
    bench.sandbox.fault(fault, method="POST", path=NOTES, count=1)
    assert bench.run([returned(1, reference="RMA 7")]).updated == 1
    [note] = notes(bench)
    assert note["CreditNoteNumber"] == ("RET-1" if policy == "update" else "RET-1-2")
    assert note["Reference"].startswith("RMA 7 ")


def test_what_a_person_edited_or_allocated_is_held(bench: Workbench) -> None:
    """Credit notes are not credited: what is allocated stays as it is."""
    bench.configure(flow=f'{NEGATIVE}\non_change = "reissue"')
    bench.run([returned(1), returned(2), sale(8), sale(9)])
    first, second = sorted(notes(bench), key=lambda one: one["CreditNoteNumber"])
    allocate(bench, first, next(one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-8"), 5)
    edit_note(bench, second, Reference=f"Mary {second['Reference']}")
    report = bench.run([returned(1, reference="RMA"), returned(2, due_date="2026-12-30", date="2026-11-03")])
    assert (report.held, len(all_notes(bench))) == (2, 2)
    assert causes(bench) == ["changed-by-a-person", "document-paid"]


def allocate(bench: Workbench, note: dict[str, Any], invoice: dict[str, Any], amount: Any) -> None:
    """A person allocates a credit note."""
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    body = {"Allocations": [{"Amount": amount, "Invoice": {"InvoiceID": invoice["InvoiceID"]}}]}
    bench.sandbox.person(bench.sandbox.tenant(1), "PUT", path, body)


def edit_note(bench: Workbench, note: dict[str, Any], **fields: Any) -> None:
    """A person edits a credit note."""
    edit(bench, {"InvoiceID": note["CreditNoteID"]}, **fields)


@pytest.mark.parametrize("policy", ["hold", "update", "reissue"])
@pytest.mark.parametrize("first", ["sale", "return"])
def test_a_total_that_crosses_zero_becomes_the_other_kind_only_by_reissue(
    bench: Workbench, first: str, policy: str
) -> None:
    """Never two living documents of one record; a person's retry does not make one of the other."""
    bench.configure(flow=f'{NEGATIVE}\non_change = "{policy}"')
    both = [sale(1), returned(1) | {"number": "SHOP-acme-uk-1"}]
    was, becomes = both if first == "sale" else both[::-1]
    bench.run([was])
    report = bench.run([becomes])
    kinds = {"sale": (1, 0), "return": (0, 1)}
    if policy == "reissue":
        assert (report.updated, report.exit_code) == (1, 0)
        other = "return" if first == "sale" else "sale"
        assert (len(bench.living()), len(notes(bench))) == kinds[other]
        assert bench.run().unchanged == 1
    else:
        assert report.held == 1
        retry(bench)
        bench.finish()
        assert (len(bench.living()), len(notes(bench))) == kinds[first]


def test_a_record_that_crosses_zero_before_it_was_posted_is_posted_as_what_it_is(bench: Workbench) -> None:
    """A refused sale becomes a return in the next file."""
    bench.run([sale(1, lines=[{**sale(1)["lines"][0], "account_code": "999"}])])
    assert causes(bench) == ["account-unknown:999"]
    assert bench.run([returned(1)]).posted == 1
    assert (len(bench.invoices()), len(notes(bench)), causes(bench)) == (0, 1, [])


# ---- proving, undoing, explaining


def test_the_proof_counts_them_below_zero(bench: Workbench) -> None:
    """Source, postings and Xero agree; what a person does to a credit note is seen."""
    bench.run([sale(1), returned(2)])
    proof = asyncio.run(bench.use(lambda books: books.prove("shop")))
    [row] = proof.rows
    assert (proof.holds, row.source_total, row.ours_total, row.xero_total) == (True, 0, 0, 0)
    assert (row.xero_count, row.xero_tax) == (2, 0)
    edit_note(bench, notes(bench)[0], Status="VOIDED")
    proof = asyncio.run(bench.use(lambda books: books.prove("shop")))
    assert (proof.holds, proof.differences) == (False, ("acme-uk order-2 (RET-2) was voided in Xero",))


def test_undo_takes_back_what_is_not_allocated(bench: Workbench) -> None:
    """Drafts are deleted, approved ones voided, the allocated one stays with its reason."""
    run = bench.run([returned(1), returned(2, status="DRAFT"), returned(8), sale(15)]).run
    [eight] = [one for one in notes(bench) if one["CreditNoteNumber"] == "RET-8"]
    allocate(bench, eight, bench.invoices()[0], 5)
    found = {line.external_id: (line.action, line.reason) for line in undo(bench, run).lines}
    assert found == {
        "order-1": ("void", ""),
        "order-2": ("delete", ""),
        "order-8": ("keep", "it is allocated to an invoice or was refunded"),
        "order-15": ("keep", "it has payments or credit notes"),
    }
    statuses = {one["CreditNoteNumber"]: one["Status"] for one in all_notes(bench)}
    assert statuses == {"RET-1": "VOIDED", "RET-2": "DELETED", "RET-8": "AUTHORISED"}
    assert bench.run().unchanged == 4


def test_undo_leaves_a_credited_invoice_and_what_replaced_it(bench: Workbench) -> None:
    """One of the three alone would leave a wrong balance."""
    bench.configure(flow='on_change = "reissue"')
    first = bench.run([sale(1)]).run
    edit(bench, bench.invoices()[0], SentToContact=True)
    second = bench.run([sale(1, reference="PO 2")]).run
    for run in (first, second):
        assert {line.action for line in undo(bench, run).lines} == {"keep"}
    assert (len(bench.living()), len(notes(bench))) == (2, 1)
    assert causes(bench) == []


def test_why_tells_a_credit_note_by_number_and_id(bench: Workbench) -> None:
    """With what was sent, what Xero said, and a link that opens."""
    bench.run([returned(1)])
    [note] = notes(bench)
    for clue in ("RET-1", note["CreditNoteID"], "order-1"):
        [story] = bench.why(clue)
        assert (story.posting.kind, story.posting.document.number) == ("credit_note", "RET-1")
        assert story.sendings[0].answer is not None
        page = bench.sandbox.request("GET", story.posting.document.url.removeprefix(bench.sandbox.url))
        assert (page.status, b"RET-1" in page.body) == (200, True)
