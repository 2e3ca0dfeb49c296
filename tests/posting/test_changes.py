"""Records that change after their first push: what is written, what is left, what is held for a person."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.app.reports import RunReport
from tests.posting.test_people import causes, edit, retry, skip, words
from tests.posting.workbench import Workbench, sale

UPDATE = 'on_change = "update"'


def line(description: str, quantity: str, price: str) -> dict[str, str]:
    """One line of a sale."""
    return {
        "description": description,
        "quantity": quantity,
        "unit_amount": price,
        "account_code": "200",
        "tax_type": "OUTPUT2",
    }


def only(bench: Workbench) -> dict[str, Any]:
    """The only invoice of organisation 1."""
    [found] = bench.invoices()
    return found


def typed(document: dict[str, Any], index: int, **changes: Any) -> dict[str, Any]:
    """A line as a person at Xero's screen leaves it."""
    stored = document["LineItems"][index]
    return {key: value for key, value in stored.items() if key not in ("LineAmount", "TaxAmount")} | changes


def changed(bench: Workbench, **changes: Any) -> RunReport:
    """Post one sale, then run again with what it says now."""
    bench.run([sale(1)])
    return bench.run([sale(1, **changes)])


def descriptions(document: dict[str, Any]) -> list[str]:
    return [one["Description"] for one in document["LineItems"]]


# ---- hold, which is the default


def test_a_changed_record_is_held_with_its_fields_until_a_person_says_yes(bench: Workbench) -> None:
    """Nothing is written; `problems retry` writes exactly what the record changed."""
    report = changed(bench, reference="PO 2")
    assert (report.held, report.updated, report.exit_code) == (1, 0, 1)
    assert "reference: posted 'PO 1', in the record 'PO 2'" in words(bench)
    assert only(bench)["Reference"] == "PO 1"
    retry(bench)
    assert bench.finish().updated == 1
    assert only(bench)["Reference"] == "PO 2"
    assert bench.run().unchanged == 1
    assert causes(bench) == []


def test_a_change_that_is_taken_back_in_the_source_is_over(bench: Workbench) -> None:
    """The record says again what was posted: no problem is left, and nothing was written."""
    changed(bench, reference="PO 2")
    report = bench.run([sale(1)])
    assert (report.unchanged, report.exit_code, causes(bench)) == (1, 0, [])
    assert len(bench.writes()) == 1


def test_a_change_that_is_skipped_stays_in_the_source_alone(bench: Workbench) -> None:
    """Skipped content is accepted; the next change of the record is compared with what was posted."""
    changed(bench, reference="PO 2")
    skip(bench)
    assert bench.run().unchanged == 1
    assert bench.run([sale(1, reference="PO 3")]).held == 1
    assert "posted 'PO 1', in the record 'PO 3'" in words(bench)


def test_a_record_that_says_the_same_in_other_words_is_no_change(bench: Workbench) -> None:
    """What only concerns us, such as the customer's e-mail, changes no document."""
    contact = {"external_id": "cust-1", "name": "Customer 1", "email": "new@example.com"}
    report = changed(bench, contact=contact)
    assert (report.unchanged, report.exit_code) == (1, 0)


# ---- update


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED"])
def test_an_update_writes_only_what_the_record_changed(bench: Workbench, status: str) -> None:
    """Head and lines of an open document; lines that stay keep their ids; one read and one write."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1, status=status)])
    before = only(bench)
    lines = [line("Widgets", "3", "9.00"), line("Post", "1", "3.00"), line("Gift wrap", "1", "2.00")]
    report = bench.run([sale(1, status=status, due_date="2026-12-31", lines=lines)])
    after = only(bench)
    assert (report.updated, report.unchanged, report.exit_code) == (1, 0, 0)
    assert (after["InvoiceID"], after["Status"], after["Url"]) == (before["InvoiceID"], status, before["Url"])
    assert Decimal(str(after["Total"])) == Decimal("38.40")
    assert descriptions(after) == ["Widgets", "Post", "Gift wrap"]
    kept = [one["LineItemID"] for one in after["LineItems"]][:2]
    assert kept == [one["LineItemID"] for one in before["LineItems"]]
    assert bench.run().unchanged == 1
    assert [one["method"] for one in bench.writes()] == ["PUT", "POST"]


@pytest.mark.parametrize(("policy", "calls"), [("update", 1), ("reissue", 2)])
def test_a_plan_counts_the_writes_of_changes(bench: Workbench, policy: str, calls: int) -> None:
    """As many as the run then makes."""
    bench.configure(flow=f'on_change = "{policy}"')
    bench.run([sale(1, status="AUTHORISED")])
    before = len(bench.writes())
    bench.write([sale(1, status="AUTHORISED", reference="PO 2")])
    plan = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert (plan.count("~"), plan.calls) == (1, calls)
    bench.run()
    assert len(bench.writes()) - before == calls


def test_many_updates_share_a_request(bench: Workbench) -> None:
    """Sixty changed records: two reads, two writes."""
    bench.configure(flow=UPDATE)
    bench.run([sale(n) for n in range(60)])
    report = bench.run([sale(n, reference=f"New {n}") for n in range(60)])
    assert report.updated == 60
    assert sorted(one["Reference"] for one in bench.invoices()) == sorted(f"New {n}" for n in range(60))
    assert len([one for one in bench.writes() if one["method"] == "POST"]) == 2


def test_the_customer_of_a_record_changes(bench: Workbench) -> None:
    """The new contact is made first, then the document gets it."""
    bench.configure(flow=UPDATE)
    report = changed(bench, contact={"external_id": "cust-99", "name": "Somebody new"})
    assert report.updated == 1
    assert only(bench)["Contact"]["Name"] == "Somebody new"


def test_what_a_person_changed_and_the_record_did_not_stays(bench: Workbench) -> None:
    """Their due date, their line and their tax stay; our reference and our quantity are written."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1)])
    there = only(bench)
    theirs = [typed(there, 0), typed(there, 1, Description="Parcel")]
    added = {
        "Description": "Discussed by phone",
        "Quantity": 1,
        "UnitAmount": 5,
        "AccountCode": "200",
        "TaxType": "OUTPUT2",
    }
    edit(bench, there, DueDate="2027-01-31", LineItems=[*theirs, added])
    lines = [line("Widgets", "4", "9.00"), line("Post", "1", "3.00")]
    report = bench.run([sale(1, reference="PO 2", lines=lines)])
    after = only(bench)
    assert (report.updated, report.exit_code) == (1, 0)
    assert (after["Reference"], after["DueDateString"][:10]) == ("PO 2", "2027-01-31")
    assert descriptions(after) == ["Widgets", "Parcel", "Discussed by phone"]
    assert [Decimal(str(one["Quantity"])) for one in after["LineItems"]] == [4, 1, 1]


def test_what_both_changed_is_held_with_the_three_values(bench: Workbench) -> None:
    """Nothing at all is written, not even what only the record changed."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1)])
    edit(bench, only(bench), Reference="Ask Mary")
    report = bench.run([sale(1, reference="PO 2", due_date="2026-12-31")])
    assert (report.held, report.updated, causes(bench)) == (1, 0, ["changed-on-both-sides"])
    assert "reference: posted 'PO 1', in Xero now 'Ask Mary', in the record 'PO 2'" in words(bench)
    assert (only(bench)["Reference"], only(bench)["DueDateString"][:10]) == ("Ask Mary", "2026-12-02")
    edit(bench, only(bench), Reference="PO 2")
    assert bench.run().updated == 1
    assert only(bench)["DueDateString"][:10] == "2026-12-31"


def test_a_line_that_both_changed_is_held(bench: Workbench) -> None:
    """The person's price and the record's quantity go together; two prices do not."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1)])
    there = only(bench)
    edit(bench, there, LineItems=[typed(there, 0, UnitAmount=8), typed(there, 1)])
    report = bench.run([sale(1, lines=[line("Widgets", "2", "7.00"), line("Post", "1", "3.00")])])
    assert (report.held, causes(bench)) == (1, ["changed-on-both-sides"])
    assert "line 1 price: posted 9.00, in Xero now 8" in words(bench)


def test_lines_that_vanish_hold_the_update_unless_the_source_is_complete(bench: Workbench) -> None:
    """An export that is cut off looks the same; complete = true says that it is not."""
    bench.configure(flow=UPDATE)
    report = changed(bench, lines=[line("Widgets", "2", "9.00")])
    assert (report.held, causes(bench)) == (1, ["lines-vanished"])
    assert len(only(bench)["LineItems"]) == 2
    bench.configure(flow=UPDATE + "\ncomplete = true")
    assert bench.run().updated == 1
    assert descriptions(only(bench)) == ["Widgets"]


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ({"Status": "VOIDED"}, "voided-by-a-person"),
        ({"SentToContact": True}, "document-sent"),
        ({"AmountPaid": 5}, "document-paid"),
    ],
)
def test_a_document_that_is_not_ours_to_change_is_left(bench: Workbench, what: dict[str, Any], cause: str) -> None:
    """Voided, sent or paid: held, and never made again."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1)])
    edit(bench, only(bench), **what)
    report = bench.run([sale(1, reference="PO 2")])
    assert (report.held, causes(bench)) == (1, [cause])
    assert only(bench)["Reference"] == "PO 1"
    assert len(bench.writes()) == 1


def test_a_locked_period_refuses_the_change_in_xeros_words(bench: Workbench) -> None:
    """The document stands as it was; the refusal is a problem of the change, not of the document."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1, date="2026-10-01")])
    bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date="2026-10-31")
    report = bench.run([sale(1, date="2026-11-03")])
    assert (report.held + report.rejected, report.updated) == (1, 0)
    assert only(bench)["DateString"][:10] == "2026-10-01"
    bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date=None)
    assert bench.run().updated == 1


def test_a_number_that_is_taken_refuses_the_change(bench: Workbench) -> None:
    """Xero's word on the change; the document keeps its number."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1), sale(2)])
    report = bench.run([sale(1, number="SHOP-acme-uk-2"), sale(2)])
    assert (report.rejected, report.unchanged) == (1, 1)
    assert sorted(one["InvoiceNumber"] for one in bench.invoices()) == ["SHOP-acme-uk-1", "SHOP-acme-uk-2"]
    assert bench.run([sale(1, number="SHOP-acme-uk-11"), sale(2)]).updated == 1


TAKEN = {"number": "SHOP-acme-uk-2"}


def account(code: str) -> str:
    """The flow's lines, and what the entity's own name of an account stands for."""
    return f'{UPDATE}\n[entities.acme-uk.accounts]\nsales = "{code}"'


def refused(bench: Workbench, **changes: Any) -> dict[str, Any]:
    """Two sales, and a change of the first that Xero refuses; → what the first says now."""
    bench.configure(flow=account("200"))
    bench.run([sale(1), sale(2)])
    record = sale(1, **TAKEN, **changes)
    record["lines"][0] = {**record["lines"][0], "account": "sales"}
    del record["lines"][0]["account_code"]
    assert bench.run([record, sale(2)]).rejected == 1
    return record


def sends(bench: Workbench, record: dict[str, Any]) -> int:
    """How many changes a run sends, the same one once more not among them."""
    calm = len(bench.writes())
    bench.run([record, sale(2)])
    sent = len(bench.writes()) - calm
    bench.run()
    assert len(bench.writes()) == calm + sent
    return sent


def test_a_change_that_xero_refused_is_not_sent_again_by_itself(bench: Workbench) -> None:
    """It is counted as rejected, with Xero's words, by `plan` too, and costs no call."""
    record = refused(bench)
    said = words(bench)
    for _ in range(2):
        calm = len(bench.writes())
        report = bench.run([record, sale(2)])
        assert (report.rejected, report.unchanged, report.exit_code, len(bench.writes())) == (1, 1, 1, calm)
        assert words(bench) == said
        assert "must be unique" in said
    plan = asyncio.run(bench.use(lambda books: books.plan("shop")))
    assert [shown.sign for shown in plan.lines] == ["×", "="]


def test_a_refused_change_is_sent_again_when_the_record_is_another(bench: Workbench) -> None:
    """Once."""
    assert sends(bench, {**refused(bench), "reference": "PO 3"}) == 1


def test_a_refused_change_is_sent_again_when_its_document_was_touched(bench: Workbench) -> None:
    """A person did something at Xero's screen: perhaps that was the cure."""
    record = refused(bench)
    [first] = [one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-1"]
    edit(bench, first, Reference="Mary was here")
    assert sends(bench, record) == 1


def test_a_refused_change_is_sent_again_when_the_configuration_makes_it_another(bench: Workbench) -> None:
    """The same record, and another account of that name."""
    record = refused(bench)
    bench.configure(flow=account("260"))
    assert sends(bench, record) == 1


def test_a_refused_change_goes_another_way_when_the_flow_says_another(bench: Workbench) -> None:
    """Not updated but voided and posted anew, which Xero takes."""
    record = refused(bench)
    bench.configure(flow=account("200").replace("update", "reissue"))
    assert bench.run([record, sale(2)]).updated == 1


def test_a_refused_change_is_sent_again_when_a_person_says_so(bench: Workbench) -> None:
    """`problems retry` after the number was given free."""
    record = refused(bench)
    [second] = [one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-2"]
    edit(bench, second, InvoiceNumber="OTHER-2")
    calm = len(bench.writes())
    bench.run([record, sale(2)])
    assert len(bench.writes()) == calm
    retry(bench)
    assert bench.finish().updated == 1


def test_under_hold_a_refusal_stands_as_it_was_said(bench: Workbench) -> None:
    """A person said yes, Xero refused: the next run does not put the question in its place."""
    bench.run([sale(1), sale(2)])
    bench.run([sale(1, **TAKEN), sale(2)])
    retry(bench)
    bench.finish()
    said = words(bench)
    assert "must be unique" in said
    report = bench.run()
    assert (report.rejected, words(bench)) == (1, said)


@pytest.mark.parametrize("policy", ["update", "reissue"])
def test_a_change_with_a_contradicting_twin_is_held_and_not_counted_as_updated(bench: Workbench, policy: str) -> None:
    """Random history 303001 counted, run after run, an update that was never sent."""
    bench.configure(flow=f'on_change = "{policy}"')
    bench.run([sale(1)])
    for _ in range(2):
        report = bench.run([sale(1, reference="PO 2"), sale(1, reference="PO 3")])
        assert (report.held, report.updated, causes(bench)) == (2, 0, ["twice-with-different-content"])
    assert (only(bench)["Reference"], len(bench.writes())) == ("PO 1", 1)


def test_a_vanished_record_is_no_deletion(bench: Workbench) -> None:
    """What is no longer in the source stays in Xero."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1), sale(2)])
    bench.run([sale(2)])
    assert len(bench.living()) == 2


def test_plan_shows_a_change_field_by_field_and_writes_nothing(bench: Workbench) -> None:
    """`~` with what changes."""
    bench.configure(flow=UPDATE)
    bench.run([sale(1)])
    bench.write([sale(1, reference="PO 2")])
    plan = asyncio.run(bench.use(lambda books: books.plan("shop")))
    [shown] = plan.lines
    assert (shown.sign, "posted 'PO 1', in the record 'PO 2'" in (shown.reason or "")) == ("~", True)
    assert len(bench.writes()) == 1


# ---- the way to Xero


@pytest.mark.parametrize("fault", ["lost_answer", "500_after", "500_before", "reset", "truncated", "503"])
@pytest.mark.parametrize("key_life_s", [360, 1])
def test_an_unclear_update_ends_once_and_whole(bench: Workbench, fault: str, key_life_s: float) -> None:
    """Lost answers and failures: the change is there in the end, and the document is still one."""
    bench.configure(flow=UPDATE, key_life_s=key_life_s)
    bench.run([sale(n) for n in range(3)])
    bench.sandbox.fault(fault, method="POST", path="/api.xro/2.0/Invoices", count=1)
    lines = [line("Widgets", "2", "9.00"), line("Post", "1", "3.00"), line("Gift wrap", "1", "2.00")]
    report = bench.run([sale(n, lines=lines) for n in range(3)])
    assert (report.updated, report.exit_code) == (3, 0)
    assert [len(one["LineItems"]) for one in bench.invoices()] == [3, 3, 3]


def test_a_person_who_edits_after_a_lost_update_is_not_overwritten(bench: Workbench) -> None:
    """Our write was lost before it arrived, a person set the same field meanwhile: held, with the three values."""
    bench.configure(flow=UPDATE, key_life_s=1)
    bench.run([sale(1)])
    bench.sandbox.fault("500_before", method="POST", path="/api.xro/2.0/Invoices", count=1)
    passed = []

    def point(name: str) -> None:
        if name == "after-send" and not passed:
            passed.append(edit(bench, only(bench), Reference="Ask Mary"))

    bench.write([sale(1, reference="PO 2")])
    report = bench.run(point=point)
    assert (report.held, causes(bench)) == (1, ["changed-on-both-sides"])
    assert only(bench)["Reference"] == "Ask Mary"
