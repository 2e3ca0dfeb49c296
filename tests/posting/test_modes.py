"""mode = "draft_only" | "read_only": what is made, what waits and why, and that a change of mode is followed."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.model import modes
from counterfoil.posting.rules import Rules
from tests.posting import taking_back, workbench
from tests.posting.workbench import Workbench, sale

PAID = [{"date": "2026-11-02", "amount": "25.20", "account": "Business Bank Account"}]
RETURN = [
    {"description": "Return", "quantity": "1", "unit_amount": "-5.00", "account_code": "200", "tax_type": "OUTPUT2"}
]
HEAD = 'organisation = "Fernhill Trading Ltd"\n'


@pytest.fixture
def mode(monkeypatch):
    """Set the mode of acme-uk for whatever is opened from now on."""
    plain = workbench.CONFIG

    def to(word):
        monkeypatch.setattr(workbench, "CONFIG", plain.replace(HEAD, f'{HEAD}mode = "{word}"\n', 1))

    return to


def held(bench: Workbench) -> dict[str, str | None]:
    """External id → why it waits."""

    async def causes(books):
        return {one.external_id: one.reason for one in await books.postings() if one.state == "held"}

    return asyncio.run(bench.use(causes))


def statuses(bench: Workbench) -> dict[str, str]:
    return {one["InvoiceNumber"]: one["Status"] for one in bench.invoices()}


def payments(bench: Workbench) -> int:
    return len(bench.sandbox.ledger(bench.sandbox.tenant(1)).get("Payments", []))


def notes(bench: Workbench) -> list[str]:
    return [one["Status"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1)).get("CreditNotes", [])]


def test_draft_only_makes_drafts_says_so_and_lets_payments_wait(bench, mode):
    """Invoices and credit notes become drafts; the plan names each; payments are held; normal again, they are made."""
    mode("draft_only")
    bench.configure(flow='negative = "credit_note"')
    records = [
        sale(1, payments=PAID), sale(2, status="DRAFT"), sale(3, sent=True),
        sale(4, lines=RETURN, due_date=None),
    ]  # fmt: skip
    bench.write(records)
    plan = asyncio.run(bench.use(lambda books: books.plan("shop")))
    said = {line.external_id: line.reason or "" for line in plan.lines}
    assert ["draft_only" in said[f"order-{n}"] for n in (1, 2, 3, 4)] == [True, False, True, True]
    report = bench.run()
    assert report.posted == 4
    assert set(statuses(bench).values()) == {"DRAFT"}
    assert (notes(bench), payments(bench)) == (["DRAFT"], 0)
    assert "a draft cannot be paid" in held(bench)["order-1/payment"]
    assert bench.run().unchanged == 4
    mode("normal")
    draft = next(one["InvoiceID"] for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-1")
    bench.sandbox.edit(bench.sandbox.tenant(1), draft, Status="AUTHORISED")
    assert bench.run(records).exit_code == 0
    assert payments(bench) == 1


def test_read_only_writes_nothing_and_says_why(bench, mode):
    """Not a document, not a customer; normal again, the next run posts all of it."""
    mode("read_only")
    report = bench.run([sale(n) for n in range(3)])
    assert (report.held, report.posted, bench.writes(path="/api.xro/2.0/")) == (3, 0, [])
    assert "acme-uk is read_only" in held(bench)["order-1"]
    assert bench.finish().posted == 0
    mode("normal")
    assert bench.run().posted == 3


@pytest.mark.parametrize("word", ["read_only", "draft_only"])
def test_what_was_planned_before_is_not_sent_as_it_was(bench, mode, word):
    """Planned AUTHORISED while nothing could be sent, then the mode changes: `finish` holds it, the next run follows the mode."""
    bench.sandbox.fault("429_day", method="PUT", count=40)
    assert bench.run([sale(1)]).planned == 1
    bench.sandbox.clear_faults()
    bench.new_day()
    mode(word)
    bench.finish()
    assert bench.invoices() == []
    assert bench.run().held == (1 if word == "read_only" else 0)
    assert list(statuses(bench).values()) == ([] if word == "read_only" else ["DRAFT"])


def test_a_plan_follows_the_mode_before_anything_is_sent(bench, mode):
    """What was planned under the old mode and could not be sent is planned anew by the next run, at once."""
    bench.sandbox.fault("429_day", method="PUT", count=80)
    assert bench.run([sale(1)]).planned == 1
    mode("draft_only")
    bench.new_day()
    assert bench.run().planned == 1
    bench.sandbox.clear_faults()
    bench.new_day()
    mode("normal")
    assert bench.run().posted == 1
    assert list(statuses(bench).values()) == ["AUTHORISED"]


def test_a_change_of_a_document_waits_in_draft_only(bench, mode):
    """Posted and approved before; the record changes; nothing is written, the reason is said."""
    bench.configure(flow='on_change = "update"')
    bench.run([sale(1)])
    before = len(bench.writes())
    mode("draft_only")
    report = bench.run([sale(1, reference="another")])
    assert (report.held, len(bench.writes())) == (1, before)


def test_undo_deletes_drafts_in_draft_only_and_voids_nothing(bench, mode):
    """A draft goes; an approved invoice stays, held with the reason; in read_only neither goes."""
    bench.run([sale(1, status="DRAFT"), sale(2)])
    mode("read_only")
    asyncio.run(bench.use(lambda books: taking_back.undo(books, 1)))
    assert len(bench.living()) == 2
    mode("draft_only")
    third = bench.run([sale(3)]).run
    asyncio.run(bench.use(lambda books: taking_back.undo(books, third)))
    assert sorted(statuses(bench).values()) == ["AUTHORISED", "DELETED", "DRAFT"]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    days=st.lists(
        st.tuples(st.sampled_from(["normal", "draft_only", "read_only"]), st.booleans(), st.integers(1, 4)),
        min_size=2, max_size=5,
    )
)  # fmt: skip
def test_whatever_the_days_bring_each_write_is_one_that_its_mode_lets(sandbox, tmp_path_factory, mode, days):
    """Modes come and go, days are used up, records are added: what is in the ledger is there once, and never more than allowed."""
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    bench = Workbench(tmp_path_factory.mktemp("days"), sandbox)
    count, before = 0, {}
    for word, used_up, more in days:
        count += more
        mode(word)
        if used_up:
            bench.sandbox.fault("429_day", method="PUT", count=40)
        bench.run([sale(n, payments=PAID) if n % 2 else sale(n) for n in range(count)])
        bench.finish()
        bench.sandbox.clear_faults()
        bench.new_day()
        now, paid = statuses(bench), payments(bench)
        fresh = {number: status for number, status in now.items() if number not in before}
        if word == "read_only" or used_up:
            assert (now, paid) == (before, paid)
        if word == "draft_only":
            assert set(fresh.values()) <= {"DRAFT"}
        assert len(bench.living()) == len(now) <= count
        before = now
    mode("normal")
    bench.run()
    assert len(bench.living()) == count
    assert {1} == set(bench.marks().values())


@given(
    status=st.sampled_from(["DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED", "DELETED"]),
    resource=st.sampled_from(["Invoices", "CreditNotes", "Payments", "CreditNotes/Allocations"]),
    word=st.sampled_from(["normal", "draft_only", "read_only"]),
)
def test_what_a_mode_lets_through(status, resource, word):
    """normal: all. read_only: nothing. draft_only: documents that are drafts, or are deleted, and customers."""
    body = b'{"%s":[{"Status":"DRAFT"},{"Status":"%s"}]}' % (resource.encode(), status.encode())
    lets = modes.forbidden("acme-uk", word, resource, body) is None
    drafts = resource in ("Invoices", "CreditNotes") and status in ("DRAFT", "DELETED")
    assert lets is {"normal": True, "read_only": False, "draft_only": drafts}[word]
    assert (modes.forbidden("acme-uk", word, "Contacts", b"{}") is None) is (word != "read_only")


def test_a_mode_that_is_switched_under_a_running_worker_holds_what_it_has_frozen(bench):
    """A frozen request whose first byte has not left is not sent any more: the worker's own rules say so, not the next one's."""
    opened = []

    def switch(name):
        if name == "after-freeze":
            opened[0].rules.set_modes({"acme-uk": "read_only"})

    async def run(books):
        opened.append(books)
        return await books.run("shop")

    bench.write([sale(1)])
    report = asyncio.run(bench.use(run, switch))
    assert (report.posted, report.held) == (0, 1)
    assert bench.writes() == bench.writes(path="/api.xro/2.0/Contacts") == []


def test_modes_that_are_taken_over_leave_none_out():
    """An entity that is named no more keeps its mode: what was read_only does not become writable by that."""
    rules = Rules(modes={"acme-uk": "read_only", "acme-au": "normal"})
    rules.set_modes({"acme-au": "draft_only"})
    assert rules.modes == {"acme-uk": "read_only", "acme-au": "draft_only"}
