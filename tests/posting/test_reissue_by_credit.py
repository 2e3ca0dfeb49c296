"""on_change = "reissue" of what may no longer be voided: a credit note for all of it, its allocation, a new invoice."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.posting import reading
from tests.posting.test_changes import only
from tests.posting.test_payments import paid, payment
from tests.posting.test_people import causes, edit, retry, words
from tests.posting.workbench import NO_KEY, Workbench, sale

REISSUE = 'on_change = "reissue"'
NUMBER = "SHOP-acme-uk-1"
NOTES = "/api.xro/2.0/CreditNotes"
DEARER = [{**sale(1)["lines"][0], "unit_amount": "19.00"}, sale(1)["lines"][1]]  # 49.20 instead of 25.20


def notes(bench: Workbench) -> list[dict[str, Any]]:
    """The credit notes in the ledger of organisation 1 that live."""
    found = bench.sandbox.ledger(bench.sandbox.tenant(1))["CreditNotes"]
    return [one for one in found if one["Status"] not in ("VOIDED", "DELETED")]


def pay(bench: Workbench, document: dict[str, Any], amount: Any) -> None:
    """A person enters a payment."""
    made = {"Invoice": {"InvoiceID": document["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-11-20",
            "Amount": amount}  # fmt: skip
    bench.sandbox.person(bench.sandbox.tenant(1), "PUT", "Payments", {"Payments": [made]})


def send(bench: Workbench, document: dict[str, Any]) -> None:
    """A person marks it as sent."""
    edit(bench, document, SentToContact=True)


def lock(bench: Workbench, day: str | None) -> None:
    """The period lock date of organisation 1."""
    bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date=day)


@pytest.fixture(autouse=True)
def open_days(bench: Workbench) -> None:
    """Every test starts with open books."""
    lock(bench, None)


def amounts(one: dict[str, Any], *names: str) -> tuple[Decimal, ...]:
    """Amounts of a document."""
    return tuple(Decimal(str(one[name])) for name in names)


def balance(bench: Workbench) -> Decimal:
    """What all customers owe, less the credit that they have."""
    owed = sum((amounts(one, "AmountDue")[0] for one in bench.living()), Decimal(0))
    return owed - sum((amounts(one, "RemainingCredit")[0] for one in notes(bench)), Decimal(0))


def reissued(bench: Workbench) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The old invoice, its credit note, the new invoice: one each, and nothing more."""
    by_number = {one["InvoiceNumber"]: one for one in bench.invoices()}
    assert sorted(by_number) == [NUMBER, f"{NUMBER}-2"]
    [note] = notes(bench)
    assert (note["CreditNoteNumber"], note["Type"]) == (f"{NUMBER}-CN", "ACCRECCREDIT")
    return by_number[NUMBER], note, by_number[f"{NUMBER}-2"]


def test_a_sent_invoice_is_credited_and_the_credit_allocated(bench: Workbench) -> None:
    """Nothing was paid, so all of the credit note comes off the old one."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    report = bench.run([sale(1, lines=DEARER)])
    assert (report.updated, report.exit_code, causes(bench)) == (1, 0, [])
    old, note, new = reissued(bench)
    assert (old["Status"], note["Status"], new["Status"]) == ("PAID", "PAID", "AUTHORISED")
    assert amounts(note, "Total", "TotalTax", "RemainingCredit") == amounts(old, "Total", "TotalTax", "AmountDue")
    assert amounts(new, "Total", "AmountDue") == (Decimal("49.20"), Decimal("49.20"))
    assert bench.run().unchanged == 1
    assert len(notes(bench)) == 1


def test_unclear_allocations_that_are_looked_at_at_once_each_keep_what_they_saw(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by a kill on a busy machine: one look forgot another's reading, sent its allocation again and was refused."""
    bench.configure(flow=REISSUE, **NO_KEY)
    bench.run([sale(n) for n in range(4)])
    for one in bench.invoices():
        send(bench, one)
    bench.sandbox.fault("lost_answer", method="PUT", path=f"{NOTES}/", count=4)
    read = reading.fetch_credit_note

    async def together(*arguments: Any, **more: Any) -> Any:
        """All readings of one second end in the same instant."""
        found = await read(*arguments, **more)
        await asyncio.sleep(1 - asyncio.get_running_loop().time() % 1)
        return found

    monkeypatch.setattr(reading, "fetch_credit_note", together)
    report = bench.run([sale(n, lines=DEARER) for n in range(4)])
    assert (report.updated, report.exit_code, causes(bench)) == (4, 0, [])
    assert [len(one["Allocations"]) for one in notes(bench)] == [1] * 4


def test_a_paid_invoice_is_credited_and_the_rest_stays_with_the_customer(bench: Workbench) -> None:
    """Nothing is outstanding, so nothing is allocated; that is said on the new invoice's story."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    pay(bench, only(bench), "25.20")
    report = bench.run([sale(1, lines=DEARER)])
    [left] = report.credits
    assert left.startswith(f"Of {NUMBER}-CN, 25.20 GBP stay as credit on the customer: allocate it to another invoice")
    old, note, new = reissued(bench)
    assert (old["Status"], note["Status"], new["Status"]) == ("PAID", "AUTHORISED", "AUTHORISED")
    assert (note["Allocations"], balance(bench)) == ([], Decimal("24.00"))
    assert "25.20 GBP stay as credit on the customer" in told(bench)


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_proof_counts_a_reissued_record_once(bench: Workbench, is_sent: bool) -> None:
    """The source has one record, whatever was voided or credited on its way to the new invoice."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    if is_sent:
        send(bench, only(bench))
    bench.run([sale(1, lines=DEARER)])
    proof = asyncio.run(bench.use(lambda books: books.prove("shop")))
    [row] = proof.rows
    documents = 3 if is_sent else 1  # a voided one counts no more
    assert (row.source_count, row.ours_count, row.xero_count) == (1, documents, documents)
    assert row.source_total == row.ours_total == row.xero_total
    assert proof.holds


def test_the_plan_says_that_it_will_be_credited(bench: Workbench) -> None:
    """As far as it can be known before the document is read again."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    bench.write([sale(1, lines=DEARER)])
    end = f"posted anew as {NUMBER}-2."
    line = planned(bench)
    assert (line.sign, line.total) == ("~", Decimal("49.20"))
    assert line.reason.endswith(
        f" {NUMBER} is voided or deleted, or credited in full if it was paid or sent, and {end}"
    )
    pay(bench, only(bench), "25.20")
    assert planned(bench).reason.endswith(f" {NUMBER} is credited in full, and {end}")
    assert notes(bench) == []


def planned(bench: Workbench) -> Any:
    """The only line of `counterfoil plan shop`."""
    report = asyncio.run(bench.use(lambda books: books.plan("shop")))
    [line] = report.lines
    return line


def test_a_part_paid_invoice_is_credited_and_allocated_as_far_as_it_is_owed(bench: Workbench) -> None:
    """10 of 25.20 were paid: 15.20 come off, 10 stay."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    pay(bench, only(bench), 10)
    bench.run([sale(1, lines=DEARER)])
    old, note, _new = reissued(bench)
    assert [amounts(one, "Amount")[0] for one in note["Allocations"]] == [Decimal("15.20")]
    assert (old["Status"], amounts(note, "RemainingCredit")[0]) == ("PAID", Decimal(10))
    assert "10.00 GBP stay as credit on the customer" in told(bench)
    assert balance(bench) == Decimal("39.20")


def told(bench: Workbench) -> str:
    """The notes of the records' newest documents."""
    stories = bench.why("order-1")
    return " ".join(note for one in stories for content in one.contents for note in content.predicted.get("notes", ()))


def test_the_same_change_twice_makes_one_chain_and_the_next_change_another(bench: Workbench) -> None:
    """The third invoice comes after the second was credited, or voided while that is still possible."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    bench.run([sale(1, lines=DEARER)])
    bench.run([sale(1, reference="PO 3")])
    statuses = {one["InvoiceNumber"]: one["Status"] for one in bench.invoices()}
    assert statuses == {NUMBER: "PAID", f"{NUMBER}-2": "VOIDED", f"{NUMBER}-3": "AUTHORISED"}
    [third] = [one for one in bench.living() if one["InvoiceNumber"] == f"{NUMBER}-3"]
    send(bench, third)
    bench.run([sale(1, reference="PO 4")])
    assert sorted(one["CreditNoteNumber"] for one in notes(bench)) == [f"{NUMBER}-3-CN", f"{NUMBER}-CN"]
    assert balance(bench) == Decimal("25.20")


def test_discounts_and_tracking_are_credited_to_the_cent(bench: Workbench) -> None:
    """Credit notes know no discount: the price has it."""
    lines = [
        {**sale(1)["lines"][0], "quantity": "3", "unit_amount": "3.3333", "discount_rate": "12.5"},
        {**sale(1)["lines"][1], "discount_amount": "0.40"},
    ]
    bench.configure(flow=REISSUE)
    bench.run([sale(1, lines=lines)])
    send(bench, only(bench))
    bench.run([sale(1, lines=DEARER)])
    old, note, _new = reissued(bench)
    assert amounts(note, "SubTotal", "TotalTax", "Total") == amounts(old, "SubTotal", "TotalTax", "Total")
    assert amounts(old, "AmountDue") == (Decimal(0),)


def test_xeros_own_numbers_are_found_by_their_reference(bench: Workbench) -> None:
    """The credit note is numbered by Xero then, too."""
    bench.configure(flow=f'{REISSUE}\nnumber = "xero"')
    bench.run([sale(1, number="xero")])
    send(bench, only(bench))
    bench.sandbox.fault("lost_answer", method="PUT", path=NOTES, count=1)
    assert bench.run([sale(1, number="xero", lines=DEARER)]).updated == 1
    assert [len(notes(bench)), len(bench.living())] == [1, 2]
    assert balance(bench) == Decimal("49.20")


# ---- what stays with a person


@pytest.mark.parametrize("what", [{"Reference": "Ask Mary"}, {"DueDate": "2027-01-31"}])
def test_what_a_person_edited_is_never_credited_away(bench: Workbench, what: dict[str, Any]) -> None:
    """Sent, paid and edited: held."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    document = only(bench)
    edit(bench, document, SentToContact=True, **what)
    pay(bench, document, 5)
    report = bench.run([sale(1, lines=DEARER)])
    assert (report.held, causes(bench), notes(bench)) == (1, ["changed-by-a-person"], [])
    assert len(bench.invoices()) == 1


def test_a_draft_that_a_person_approved_and_a_customer_paid_is_held(bench: Workbench) -> None:
    """The approval is a person's; a new draft would lose it."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1, status="DRAFT")])
    edit(bench, only(bench), Status="AUTHORISED")
    pay(bench, only(bench), "25.20")
    assert bench.run([sale(1, status="DRAFT", lines=DEARER)]).held == 1
    assert (causes(bench), notes(bench)) == (["changed-by-a-person"], [])


@pytest.mark.parametrize("policy", ["hold", "update"])
def test_other_policies_credit_nothing(bench: Workbench, policy: str) -> None:
    """Nor does a person's retry."""
    bench.configure(flow=f'on_change = "{policy}"')
    bench.run([sale(1)])
    pay(bench, only(bench), 5)
    assert bench.run([sale(1, lines=DEARER)]).held == 1
    retry(bench)
    bench.finish()
    assert (notes(bench), causes(bench), len(bench.invoices())) == ([], ["document-paid"], 1)


def test_a_rounded_invoice_is_held(bench: Workbench) -> None:
    """A credit note takes no rounding, and no other amount than the invoice's will do."""
    bench.configure(flow=f'{REISSUE}\ncheck = {{ difference = {{ up_to = "0.05", as = "rounding" }} }}')
    bench.run([sale(1, expected_total="25.22")])
    send(bench, only(bench))
    assert bench.run([sale(1, lines=DEARER)]).held == 1
    assert (causes(bench), notes(bench)) == (["credit-rounded"], [])


# ---- closed days


def test_a_closed_invoice_is_held_unless_the_flow_moves_days(bench: Workbench) -> None:
    """lock_date = "hold" (the default)."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    lock(bench, "2026-11-05")
    assert bench.run([sale(1, date="2026-11-10", lines=DEARER)]).held == 1
    assert (causes(bench), notes(bench), len(bench.invoices())) == (["locked-document"], [], 1)


def test_a_record_of_a_closed_day_is_refused_where_the_flow_says_so(bench: Workbench) -> None:
    """lock_date = "refuse"."""
    bench.configure(flow=f'{REISSUE}\nlock_date = "refuse"')
    bench.run([sale(1)])
    lock(bench, "2026-11-05")
    assert bench.run([sale(1, lines=DEARER)]).rejected == 1
    assert (notes(bench), len(bench.invoices())) == ([], 1)


@pytest.mark.parametrize("paid_before", [0, 10])
def test_credit_note_and_new_invoice_stand_in_the_next_open_day(bench: Workbench, paid_before: int) -> None:
    """lock_date = "next-open-day": both are dated the day after the lock, the old one is untouched but for the credit."""
    bench.configure(flow=f'{REISSUE}\nlock_date = "next-open-day"')
    bench.run([sale(1)])
    if paid_before:
        pay(bench, only(bench), paid_before)
    lock(bench, "2026-11-05")
    report = bench.run([sale(1, lines=DEARER)])
    assert (report.updated, report.exit_code) == (1, 0)
    old, note, new = reissued(bench)
    assert [one["DateString"][:10] for one in (old, note, new)] == ["2026-11-02", "2026-11-06", "2026-11-06"]
    assert balance(bench) == Decimal("49.20") - paid_before
    assert bench.run([sale(1, lines=DEARER)]).unchanged == 1


# ---- each step once


@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset", "truncated"])
@pytest.mark.parametrize("key_life_s", [360, 1], ids=["key alive", "key expired"])
@pytest.mark.parametrize("path", [NOTES, "allocations", "invoice"])
def test_a_lost_answer_at_any_step_ends_in_one_chain(
    bench: Workbench, path: str, key_life_s: float, fault: str
) -> None:
    """The credit note, the allocation, the new invoice."""
    bench.configure(flow=REISSUE, key_life_s=key_life_s)
    bench.run([sale(1)])
    pay(bench, only(bench), 10)
    where, count = {NOTES: (NOTES, 1), "allocations": (NOTES, 2), "invoice": ("/api.xro/2.0/Invoices", 1)}[path]
    if count == 2:  # the first PUT under that path is the credit note's
        where = f"{NOTES}/"
    bench.sandbox.fault(fault, method="PUT", path=where, count=1)
    before = len(bench.sandbox.requests())
    report = bench.run([sale(1, lines=DEARER)])
    assert [one["fault"] for one in bench.sandbox.requests()[before:] if one["fault"]] == [fault]
    assert (report.updated, report.exit_code, causes(bench)) == (1, 0, [])
    old, note, _new = reissued(bench)
    assert (old["Status"], len(note["Allocations"]), balance(bench)) == ("PAID", 1, Decimal("39.20"))


def test_a_refused_credit_note_stops_the_new_invoice_and_is_named(bench: Workbench) -> None:
    """The period is locked after it was planned; the problem names both, and the next run ends it."""
    bench.configure(flow=f'{REISSUE}\nlock_date = "next-open-day"')
    bench.run([sale(1)])
    send(bench, only(bench))

    bench.write([sale(1, lines=DEARER)])
    report = bench.run(point=locked_at_the_first_request(bench))
    assert (report.updated, report.held, report.exit_code) == (0, 1, 1)
    assert (notes(bench), len(bench.invoices()), len(causes(bench))) == ([], 1, 1)
    assert "cannot be before the period lock date" in words(bench)
    assert bench.run().updated == 1
    reissued(bench)
    assert causes(bench) == []


def test_a_record_that_changes_back_after_its_credit_note_still_gets_its_invoice(bench: Workbench) -> None:
    """The way back is closed: the new invoice says what the record says now."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    stop_after_the_credit_note(bench, [sale(1, lines=DEARER)])
    assert len(notes(bench)) == 1
    assert bench.run([sale(1)]).updated == 1
    _old, _note, new = reissued(bench)
    assert amounts(new, "Total") == (Decimal("25.20"),)
    assert balance(bench) == Decimal("25.20")


def test_a_record_that_changes_back_after_its_credit_note_was_refused_is_left_alone(bench: Workbench) -> None:
    """What Xero has not is cancelled, and no problem is left."""
    bench.configure(flow=f'{REISSUE}\nlock_date = "next-open-day"')
    bench.run([sale(1)])
    send(bench, only(bench))
    bench.write([sale(1, lines=DEARER)])
    assert bench.run(point=locked_at_the_first_request(bench)).held == 1
    lock(bench, None)
    report = bench.run([sale(1)])
    assert (report.unchanged, notes(bench), causes(bench), len(bench.invoices())) == (1, [], [], 1)
    retry(bench)
    bench.finish()
    assert notes(bench) == []


class _StopError(Exception):
    """A process that ends here."""


def stop_after_the_credit_note(bench: Workbench, records: list[dict[str, Any]]) -> None:
    """A run whose process ends right before it sends what follows."""
    seen: list[str] = []

    def point(name: str) -> None:
        seen.append(name)
        if name == "after-freeze" and seen.count(name) == 2:
            raise _StopError

    with pytest.raises(BaseExceptionGroup):
        bench.run(records, point)


def locked_at_the_first_request(bench: Workbench) -> Callable[[str], None]:
    """The period is locked when the first request is frozen."""

    def point(name: str) -> None:
        if name == "after-freeze":
            lock(bench, "2026-11-05")

    return point


# ---- what else is on the record


def test_payments_of_the_sale_stay_on_the_old_invoice(bench: Workbench) -> None:
    """They were made once; the credit is as large as they are."""
    bench.configure(flow=REISSUE)
    bench.run([paid(1)])
    bench.run([paid(1, payment("25.20"), lines=DEARER)])
    _old, note, new = reissued(bench)
    assert (amounts(note, "RemainingCredit"), amounts(new, "AmountPaid")) == ((Decimal("25.20"),), (Decimal(0),))
    assert len(bench.sandbox.ledger(bench.sandbox.tenant(1))["Payments"]) == 1
    assert (balance(bench), causes(bench)) == (Decimal("24.00"), [])


def test_a_payment_that_comes_with_the_change_is_made_on_the_new_invoice(bench: Workbench) -> None:
    """It waits until that one stands."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    bench.run([paid(1, payment("49.20"), lines=DEARER)])
    _old, _note, new = reissued(bench)
    assert (new["Status"], balance(bench)) == ("PAID", Decimal(0))


# ---- a database that is lost or old


@pytest.mark.parametrize("stopped", [False, True], ids=["the chain ended", "stopped after the credit note"])
def test_an_empty_database_knows_what_was_credited(bench: Workbench, stopped: bool) -> None:
    """The credited invoice is not taken for the record's: its new one is adopted, or made."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    records = [sale(1, lines=DEARER)]
    if stopped:
        stop_after_the_credit_note(bench, records)
    else:
        bench.run(records)
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run(records)
    assert (report.adopted, report.posted, report.exit_code) == (int(not stopped), int(stopped), 0)
    _old, _note, new = reissued(bench)
    assert amounts(new, "Total") == (Decimal("49.20"),)


def test_a_restored_database_adopts_the_chain(bench: Workbench) -> None:
    """A copy from before the change: credit note, allocation and new invoice are found, none is made again."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    copies = {
        file.name: file.read_bytes() for file in bench.folder.glob("counterfoil.db*") if "sentinel" not in file.name
    }
    bench.run([sale(1, lines=DEARER)])
    for file in bench.folder.glob("counterfoil.db*"):
        if "sentinel" not in file.name:
            file.unlink()
    for name, content in copies.items():
        (bench.folder / name).write_bytes(content)
    bench.run()
    reissued(bench)
    assert balance(bench) == Decimal("49.20")
    assert causes(bench) == []


def test_a_credit_note_that_xero_refuses_is_not_asked_again_unasked(bench: Workbench) -> None:
    """Until something is another, or a person asks."""
    bench.configure(flow=REISSUE)
    bench.run([sale(1)])
    send(bench, only(bench))
    [account] = [one for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Accounts"] if one.get("Code") == "200"]
    bench.sandbox.edit(bench.sandbox.tenant(1), account["AccountID"], Status="ARCHIVED")
    other = [{**line, "account_code": "260"} for line in DEARER]
    try:
        first = bench.run([sale(1, lines=other)])
        before = len(bench.writes(path=NOTES))
        again = bench.run()
    finally:
        bench.sandbox.edit(bench.sandbox.tenant(1), account["AccountID"], Status="ACTIVE")
    assert (first.held, again.rejected, len(bench.writes(path=NOTES)) - before) == (1, 1, 0)
    assert len(causes(bench)) == 1
    retry(bench)
    bench.finish()
    reissued(bench)
    assert causes(bench) == []
