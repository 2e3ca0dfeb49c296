"""People and strangers change things at Xero, in the source and in the configuration: named, and never a second document."""

import asyncio
import contextlib
import datetime
import sqlite3
from typing import Any

import msgspec
import pytest

from counterfoil.app.reports import Proof
from counterfoil.posting import kinds, plans
from counterfoil.runtime.clock import SystemClock
from tests.posting.workbench import NO_KEY, Workbench, WorkbenchBooks, sale

NUMBERS = ["SHOP-acme-uk-1", "xero"]


def causes(bench: Workbench) -> list[str]:
    """The causes of the open problems, sorted."""
    found = asyncio.run(bench.use(lambda books: books.problems()))
    return sorted(problem.cause for problem in found)


def words(bench: Workbench) -> str:
    """Everything that `problems` says."""
    found = asyncio.run(bench.use(lambda books: books.problems()))
    return " ".join(record.reason or "" for problem in found for record in problem.records)


def proof(bench: Workbench) -> Proof:
    """`counterfoil prove shop`."""
    found: Proof = asyncio.run(bench.use(lambda books: books.prove("shop")))
    return found


def retry(bench: Workbench) -> None:
    """`counterfoil problems retry` for each problem."""

    async def each(books: WorkbenchBooks) -> None:
        for problem in await books.problems():
            await books.retry(problem.n)

    asyncio.run(bench.use(each))


def skip(bench: Workbench) -> None:
    """`counterfoil problems skip --because` for each problem."""

    async def each(books: WorkbenchBooks) -> None:
        for problem in await books.problems():
            await books.skip(problem.n, "not needed")

    asyncio.run(bench.use(each))


def stranger(bench: Workbench, **fields: Any) -> dict[str, Any]:
    """Somebody types an invoice into organisation 1."""
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "200", "TaxType": "OUTPUT2"}
    typed = {
        "Type": "ACCREC",
        "Status": "DRAFT",
        "Date": "2026-11-02",
        "Contact": {"Name": "A stranger"},
        "LineItems": [line],
    }
    return bench.sandbox.make(bench.sandbox.tenant(1), "Invoices", typed | fields)[0]


def edit(bench: Workbench, document: dict[str, Any], **fields: Any) -> None:
    """A person edits a document of organisation 1."""
    bench.sandbox.edit(bench.sandbox.tenant(1), document["InvoiceID"], **fields)


def contact(bench: Workbench, **fields: Any) -> dict[str, Any]:
    """Somebody types a contact into organisation 1."""
    return bench.sandbox.make(bench.sandbox.tenant(1), "Contacts", fields)[0]


# ---- numbers


def test_a_number_that_a_stranger_holds_is_named_and_nothing_is_sent(bench: Workbench) -> None:
    """The record is held with the stranger's figures; the others are posted."""
    stranger(bench, InvoiceNumber="shop-ACME-uk-1")
    report = bench.run([sale(1), sale(2)])
    assert (report.posted, report.held, report.exit_code) == (1, 1, 1)
    assert "taken by a document that is not ours: DRAFT, 2026-11-02, 1.20 GBP" in words(bench)
    assert len(bench.writes()) == 1
    retry(bench)
    assert bench.run().held == 1
    assert len(bench.living()) == 2


def test_a_number_that_a_stranger_takes_between_planning_and_sending(bench: Workbench) -> None:
    """Xero refuses; we look, see that it is not ours, and name it."""
    taken = []

    def point(name: str) -> None:
        if name == "after-attempt" and not taken:
            taken.append(stranger(bench, InvoiceNumber="SHOP-acme-uk-1"))

    report = bench.run([sale(1), sale(2)], point)
    assert (report.posted, report.held, report.exit_code) == (1, 1, 1)
    assert causes(bench) == ["number-taken"]
    assert len(bench.living()) == 2


def test_a_strangers_invoice_that_agrees_is_adopted_by_one_record_only(bench: Workbench) -> None:
    """Two records of one number, customer, day and total: the first adopts what is there, the second is refused."""
    bench.run([sale(3)])
    known = next(one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-3")
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 21, "AccountCode": "200", "TaxType": "OUTPUT2"}
    stranger(bench, InvoiceNumber="N-1", Contact={"ContactID": known["Contact"]["ContactID"]}, LineItems=[line])
    both = [sale(10, number="N-1", contact=sale(3)["contact"]), sale(11, number="n-1", contact=sale(3)["contact"])]
    report = bench.run([sale(3), *both])
    assert (report.unchanged, report.adopted, report.rejected + report.held, report.posted) == (1, 1, 1, 0)
    assert len(bench.living()) == 2


def test_two_records_with_one_number_in_one_batch(bench: Workbench) -> None:
    """Xero takes the first; the second is refused by name, also when the answer was lost."""
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    report = bench.run([sale(1, number="N-1"), sale(2, number="n-1")])
    assert (report.posted, report.rejected + report.held) == (1, 1)
    assert causes(bench) == ["number-taken"]
    assert len(bench.living()) == 1


def test_a_record_with_a_new_number_after_its_first_was_taken(bench: Workbench) -> None:
    """The problem is cured in the source: the same record goes out under the other number, to its own customer."""
    stranger(bench, InvoiceNumber="SHOP-acme-uk-1")
    bench.run([sale(1), sale(8)])
    report = bench.run([sale(1, number="OTHER-1"), sale(8)])
    assert (report.posted, report.unchanged, report.exit_code) == (1, 1, 0)
    [made] = [one for one in bench.living() if one["InvoiceNumber"] == "OTHER-1"]
    assert made["Contact"]["Name"] == "Customer 1"


def test_a_retry_of_a_record_whose_number_is_ours_already_is_left_to_the_next_run(bench: Workbench) -> None:
    """Refused before its customer was looked for: it is never frozen without one (seed 5005)."""
    bench.run([sale(1, number="N-1")])
    assert bench.run([sale(1, number="N-1"), sale(2, number="n-1")]).rejected == 1
    retry(bench)
    assert bench.finish().exit_code == 0
    assert len(bench.living()) == 1
    report = bench.run([sale(1, number="N-1"), sale(2, number="N-2")])
    assert (report.posted, report.exit_code) == (1, 0)


# ---- our documents


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("status", ["VOIDED", "DELETED"])
def test_a_person_voids_ours_while_it_is_posted(bench: Workbench, number: str, status: str) -> None:
    """`prove` names it; no run makes it again."""
    record = sale(1, number=number, status="AUTHORISED" if status == "VOIDED" else "DRAFT")
    bench.run([record])
    edit(bench, bench.invoices()[0], Status=status)
    assert bench.run().unchanged == 1
    assert [status.lower() in text for text in proof(bench).differences] == [True]
    assert len(bench.invoices()) == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_a_person_voids_ours_before_we_know_that_it_arrived(bench: Workbench, number: str) -> None:
    """Found voided by the look: held, and neither a retry nor a run makes it again."""
    bench.configure(**NO_KEY)
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)

    def point(name: str) -> None:
        for one in bench.living() if name == "mid-outcome" else ():
            edit(bench, one, Status="VOIDED")

    report = bench.run([sale(1, number=number)], point)
    assert (report.held, report.exit_code) == (1, 1)
    assert causes(bench) == ["voided-by-a-person"]
    for _ in range(2):
        retry(bench)
        asyncio.run(bench.use(lambda books: books.finish()))
        assert len(bench.invoices()) == 1
        assert bench.run().posted == 0
    assert len(bench.invoices()) == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_a_person_renumbers_ours_before_we_know_that_it_arrived(bench: Workbench, number: str) -> None:
    """Found by its mark under its new number, not made again."""
    bench.configure(**NO_KEY)
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)

    def point(name: str) -> None:
        for one in bench.living() if name == "mid-outcome" else ():
            edit(bench, one, InvoiceNumber="RENAMED")

    report = bench.run([sale(1, number=number)], point)
    assert (report.posted, report.exit_code) == (1, 0)
    assert [one["InvoiceNumber"] for one in bench.living()] == ["RENAMED"]


def test_a_person_edits_ours(bench: Workbench) -> None:
    """`prove` says what was posted and what is there now; no second document."""
    bench.run([sale(1)])
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200", "TaxType": "OUTPUT2"}
    edit(bench, bench.invoices()[0], LineItems=[line])
    assert bench.run().unchanged == 1
    found = proof(bench)
    assert not found.holds
    assert "total posted 25.20, in Xero now 120" in " ".join(found.differences)
    assert len(bench.invoices()) == 1


def test_a_copy_of_ours_with_its_mark_is_held_until_one_is_voided(bench: Workbench) -> None:
    """A person copied our document before we looked: two carry our mark; a retry makes no third one."""
    bench.configure(**NO_KEY)
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    copies = []

    def point(name: str) -> None:
        if name == "mid-outcome" and not copies and (ours := bench.living()):
            copies.append(stranger(bench, InvoiceNumber="COPY", Url=ours[0]["Url"], Reference=ours[0]["Reference"]))

    report = bench.run([sale(1, number="xero")], point)
    assert (report.held, causes(bench)) == (1, ["marked-twice"])
    retry(bench)
    asyncio.run(bench.use(lambda books: books.finish()))
    assert len(bench.living()) == 2
    edit(bench, copies[0], Status="DELETED")
    retry(bench)
    assert bench.run().exit_code == 0
    assert len(bench.living()) == 1
    assert proof(bench).holds


# ---- records


def test_a_record_that_changes_after_it_was_posted_is_held_with_both_totals(bench: Workbench) -> None:
    """Held, once named; undoing the change in the source ends the problem."""
    bench.run([sale(1)])
    dearer = sale(1)
    dearer["lines"][0]["unit_amount"] = "10.00"
    report = bench.run([dearer])
    assert (report.held, report.exit_code) == (1, 1)
    assert "Total then 25.20 GBP, now 27.60 GBP." in words(bench)
    assert bench.run([sale(1)]).exit_code == 0
    assert causes(bench) == []
    assert len(bench.invoices()) == 1


def test_a_changed_record_that_was_skipped_stays_skipped_until_it_changes_again(bench: Workbench) -> None:
    """A person said that the change needs nothing: the next run of the same content says unchanged."""
    bench.run([sale(1)])
    bench.run([sale(1, reference="changed")])
    skip(bench)
    report = bench.run()
    assert (report.unchanged, report.held, report.exit_code) == (1, 0, 0)
    assert bench.run([sale(1, reference="changed again")]).held == 1
    assert causes(bench) == ["changed-after-posting"]


def test_a_skipped_problem_is_never_sent(bench: Workbench) -> None:
    """What a person took off the list stays unsent, and counts as unchanged."""
    stranger(bench, InvoiceNumber="SHOP-acme-uk-1")
    bench.run([sale(1)])
    skip(bench)
    report = bench.run()
    assert (report.unchanged, report.exit_code, causes(bench)) == (1, 0, [])
    assert len(bench.invoices()) == 1


def test_what_is_on_its_way_cannot_be_skipped(bench: Workbench) -> None:
    """An uncertain posting may stand in Xero: it is brought to its end, whatever a person says of it meanwhile."""
    bench.sandbox.fault("503_offline", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    assert bench.run([sale(1), sale(2)]).uncertain == 2
    skip(bench)
    report = bench.finish()
    assert (report.posted, len(bench.living())) == (2, 2)
    assert bench.run().unchanged == 2


def test_the_same_record_twice_is_one_document(bench: Workbench) -> None:
    """Counted once as posted and once as unchanged."""
    report = bench.run([sale(1), sale(1)])
    assert (report.posted, report.unchanged, report.exit_code) == (1, 1, 0)
    assert len(bench.living()) == 1


@pytest.mark.parametrize("apart", [0, plans.BATCH], ids=["side by side", "in two batches"])
@pytest.mark.parametrize("other", [{"reference": "other"}, {"lines": []}], ids=["good", "bad"])
@pytest.mark.parametrize("first", [0, 1], ids=["good first", "good second"])
def test_contradicting_records_of_one_key_are_both_named(
    bench: Workbench, apart: int, other: dict[str, Any], first: int
) -> None:
    """Neither is sent, whichever comes first, even when one of them could never be."""
    pair = [sale(1), sale(1, **other)]
    between = [sale(n) for n in range(1000, 1000 + apart)]
    report = bench.run([pair[first], *between, pair[1 - first]])
    assert (report.posted, report.held + report.rejected, report.exit_code) == (apart, 2, 1)
    assert len(bench.living()) == apart
    assert bench.run([sale(1), *between]).posted == 1
    assert causes(bench) == []


def test_a_record_that_moves_to_another_entity_before_it_was_sent_is_not_sent_to_the_first(bench: Workbench) -> None:
    """Planned for one company, now for another: neither ledger gets it until a person decides."""
    bench.sandbox.fault("429_day", method="PUT", path="/api.xro/2.0/Contacts", count=1)
    assert bench.run([sale(1)]).planned == 1
    report = bench.run([sale(1, entity="acme-au")])
    assert (report.held, causes(bench)) == (1, ["entity-changed"])
    assert (bench.invoices(1), bench.invoices(2)) == ([], [])
    bench.new_day()
    assert bench.run([sale(1)]).posted == 1


def test_a_record_that_moves_to_another_entity_after_it_was_posted_is_held(bench: Workbench) -> None:
    """One document, in the first entity's organisation."""
    bench.run([sale(1)])
    report = bench.run([sale(1, entity="acme-au")])
    assert (report.held, causes(bench)) == (1, ["entity-changed"])
    assert (len(bench.invoices(1)), len(bench.invoices(2))) == (1, 0)
    assert (bench.run([sale(1)]).exit_code, causes(bench)) == (0, [])


# ---- contacts


def test_an_archived_contact_holds_its_documents_until_it_is_restored(bench: Workbench) -> None:
    """One problem for both; after the restore the run posts them."""
    typed = contact(bench, Name="Customer 1", ContactNumber="cust-1")
    bench.sandbox.edit(bench.sandbox.tenant(1), typed["ContactID"], ContactStatus="ARCHIVED")
    report = bench.run([sale(1), sale(8), sale(2)])
    assert (report.posted, report.held, causes(bench)) == (1, 2, ["contact-archived"])
    bench.sandbox.edit(bench.sandbox.tenant(1), typed["ContactID"], ContactStatus="ACTIVE")
    report = bench.run()
    assert (report.posted, report.unchanged, report.exit_code) == (2, 1, 0)


@pytest.mark.parametrize(
    ("policy", "posted", "contacts"), [("hold", 1, 1), ("link", 2, 1), ("new", 2, 2)], ids=["hold", "link", "new"]
)
def test_a_namesake_follows_the_flows_policy(bench: Workbench, policy: str, posted: int, contacts: int) -> None:
    """Hold it, link it, or make another contact with a suffix; what is held goes out when the policy changes."""
    contact(bench, Name="customer  1" if policy == "never" else "customer 1")
    bench.configure(flow=f'on_namesake = "{policy}"')
    report = bench.run([sale(1), sale(2)])
    assert report.posted == posted
    names = [one["Name"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"]]
    assert sum("ustomer 1" in name for name in names) == contacts
    bench.configure(flow='on_namesake = "link"')
    assert bench.run().exit_code == 0
    assert len(bench.living()) == 2


def test_a_contact_number_of_somebody_else_is_named(bench: Workbench) -> None:
    """Another name and another e-mail: held, and the customer is not made twice."""
    contact(bench, Name="Somebody Else", ContactNumber="cust-1", EmailAddress="else@example.com")
    report = bench.run([sale(1), sale(2)])
    assert (report.posted, report.held, causes(bench)) == (1, 1, ["contact-number-differs"])


def test_a_contact_that_appears_between_planning_and_sending_is_named(bench: Workbench) -> None:
    """Xero refuses the name; we look, see that it is not ours, and its documents wait visibly."""
    typed = []

    def point(name: str) -> None:
        if name == "after-attempt" and not typed:
            typed.append(contact(bench, Name="Customer 1"))

    report = bench.run([sale(1), sale(2)], point)
    assert (report.posted, report.held, causes(bench)) == (1, 1, ["contact-namesake"])


def test_a_contact_that_xero_stored_otherwise_holds_its_documents_until_a_person_says_go(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for such a contact is named, also what comes later; a retry sends it."""
    other = msgspec.structs.replace(kinds.CONTACT, differences=lambda *_: ("name: stored otherwise",))
    monkeypatch.setitem(kinds.BY_RESOURCE, "Contacts", other)
    assert bench.run([sale(1)]).held == 1
    report = bench.run([sale(1), sale(8)])
    assert (report.held, report.planned, causes(bench)) == (2, 0, ["stored-otherwise"])
    retry(bench)
    assert bench.finish().posted == 2
    assert bench.run().exit_code == 0


# ---- bindings


@pytest.mark.parametrize("number", NUMBERS)
def test_writes_that_are_stopped_in_the_middle_are_held_and_go_on_after(bench: Workbench, number: str) -> None:
    """Stopped between the freeze and the attempt: nothing is sent; started again, a run sends it once."""
    report = bench.run([sale(1, number=number)], stopping(bench, "after-freeze", 2))
    assert (report.held, causes(bench)) == (1, ["writes-stopped"])
    assert bench.invoices() == []
    start(bench)
    assert bench.run().posted == 1
    assert len(bench.invoices()) == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_writes_that_are_stopped_before_the_resend_are_looked_at_first(bench: Workbench, number: str) -> None:
    """The first attempt may have arrived: that the second is forbidden does not mean that nothing was sent."""
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    report = bench.run([sale(1, number=number)], stopping(bench, "after-freeze", 3))
    start(bench)
    retry(bench)
    asyncio.run(bench.use(lambda books: books.finish()))
    bench.run()
    assert len(bench.invoices()) == 1
    assert (report.posted, report.exit_code) == (1, 0)


def stopping(bench: Workbench, point: str, nth: int) -> Any:
    """A point that stops acme-uk's writes at its nth passing, as another process would."""
    left = [nth]

    def at(name: str) -> None:
        left[0] -= name == point
        if name == point and left[0] == 0:
            change(bench, "somebody stopped it")

    return at


def start(bench: Workbench) -> None:
    """Let acme-uk's writes go on."""
    change(bench, None)


def change(bench: Workbench, why: str | None) -> None:
    """Another process's word, by another connection to the same file."""
    with contextlib.closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection, connection:
        connection.execute("UPDATE bindings SET stopped = ? WHERE entity = 'acme-uk'", (why,))


# ---- clocks


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_clock_of_ours_that_is_wrong_hides_nothing_from_a_look(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """What changed since is asked in Xero's time: with Xero's own numbers nothing else prevents a second document."""
    right = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: right(self) + datetime.timedelta(minutes=minutes))
    bench.configure(**NO_KEY)
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    assert bench.run([sale(1, number="xero")]).posted == 1
    assert len(bench.living()) == 1


def test_a_clock_that_is_set_back_between_two_runs_only_delays(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of the dead process ends later; nothing is sent twice for it."""
    right = SystemClock.now
    ahead = datetime.timedelta(seconds=3)
    monkeypatch.setattr(SystemClock, "now", lambda self: right(self) + ahead)
    bench.sandbox.fault("503_offline", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    assert bench.run([sale(1, number="xero")]).uncertain == 1
    monkeypatch.setattr(SystemClock, "now", right)
    assert bench.run().posted == 1
    assert len(bench.living()) == 1
