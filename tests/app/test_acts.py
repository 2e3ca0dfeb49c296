"""Which acts of people and of the product stand in the audit log, by whom, and what never does: a name, an amount, a text."""

import asyncio
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.access import actors
from counterfoil.app.wishes import Wish
from counterfoil.store import audit
from tests.posting.test_people import stopping
from tests.posting.workbench import Workbench, sale


def do(bench: Workbench, work: Any) -> Any:
    """An operation of the installation."""
    return asyncio.run(bench.use(work))


def chain(bench: Workbench, entity: str = "acme-uk") -> list[tuple[str, dict[str, Any]]]:
    """What an entity's chain says: act and data."""

    async def read(books: Any) -> list[audit.Entry]:
        found: list[audit.Entry] = await books.database.read(lambda conn: audit.chain(conn, entity))
        assert {one.actor for one in found} <= {str(actors.of_this_process())}
        return found

    return [(one.act, msgspec.json.decode(one.data)) for one in do(bench, read)]


def acts(bench: Workbench, *wanted: str, entity: str = "acme-uk") -> list[dict[str, Any]]:
    """The data of the acts with these names."""
    return [data for act, data in chain(bench, entity) if act in wanted]


def n_of(bench: Workbench) -> int:
    """The number of the one open problem."""
    (found,) = do(bench, lambda books: books.problems())
    return int(found.n)


def verified(bench: Workbench) -> dict[str, Any]:
    """What verifying every chain finds."""

    async def all_of(books: Any) -> dict[str, Any]:
        log = books.access.audit
        names = await books.database.read(audit.entities)
        return {name: await books.database.read(lambda conn, e=name: log.verify(conn, e)) for name in names}

    found: dict[str, Any] = do(bench, all_of)
    return {name: one for name, one in found.items() if name in ("", "acme-uk")}  # the others were bound by hand


def test_each_request_is_an_act_with_its_outcome(bench: Workbench) -> None:
    """Two rows per request, however many documents are in it."""
    bench.run([sale(n) for n in range(5)])
    begun, ended = acts(bench, "write"), acts(bench, "write ended")
    assert [(one["resource"], one["count"], one["method"]) for one in begun] == [
        ("Contacts", 5, "PUT"),
        ("Invoices", 5, "PUT"),
    ]
    assert [(one["request"], one["attempt"]) for one in begun] == [(one["request"], one["attempt"]) for one in ended]
    assert [(one["outcome"], one["status"]) for one in ended] == [("answered", 200)] * 2
    assert set(begun[0]) == {"request", "attempt", "tenant", "method", "resource", "count"}


def test_a_request_whose_answer_was_lost_is_an_act_all_the_same(bench: Workbench) -> None:
    """Its first attempt was made and is unclear, its second is an act of its own."""
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices")
    bench.run([sale(1)])
    assert [one["attempt"] for one in acts(bench, "write") if one["resource"] == "Invoices"] == [1, 2]
    assert [one["outcome"] for one in acts(bench, "write ended")][-2:] == ["unclear", "answered"]
    assert len(bench.living()) == 1


def test_a_write_that_was_refused_is_an_act(bench: Workbench) -> None:
    """Writes that were stopped between the freezing and the sending."""
    bench.run([sale(1)], stopping(bench, "after-freeze", 1))
    (refused,) = acts(bench, "write refused")
    assert (refused["why"], acts(bench, "write")) == ("writes-stopped", [])
    assert bench.living() == []


def test_what_people_do_with_problems_is_in_the_log(bench: Workbench) -> None:
    """A skip, a retry, a fix and its undoing, a decision about a customer; each in its entity's chain, once."""
    who = {"external_id": "anna@example.com", "name": "Anna Secret Smith", "email": "anna@example.com"}
    bench.sandbox.make(bench.sandbox.tenant(1), "Contacts", {"Name": "Anna Secret Smith"})
    bench.run([sale(1, contact=who)])
    n = n_of(bench)
    do(bench, lambda books: books.fix(n, Wish(use="link")))
    do(bench, lambda books: books.retry(n))
    bench.finish()
    assert len(bench.living()) == 1
    bench.run([sale(1, contact=who), sale(2, lines=[])])
    other = n_of(bench)
    do(bench, lambda books: books.skip(other, "Anna Secret Smith said so", only=None))
    (decided,) = acts(bench, "customers decided")
    ((customer, decision, contact_id),) = decided["customers"]
    assert (len(customer), decision, len(contact_id), decided["problem"]) == (32, "link", 36, n)
    (retried,) = acts(bench, "problem retried")
    assert retried == {
        "problem": n,
        "postings": {"count": 1, "ids": retried["postings"]["ids"]},
        "rows": {"count": 0, "ids": []},
    }
    assert len(acts(bench, "problem skipped")) == 1
    text = repr([chain(bench, entity) for entity in ("", "acme-uk")])
    for secret in ("Anna", "anna", "Secret", "said so", "25.20"):
        assert secret not in text


def test_a_run_that_is_taken_back_is_an_act(bench: Workbench) -> None:
    """With how many documents were to be deleted."""
    run = bench.run([sale(n, status="DRAFT") for n in range(3)]).run
    do(bench, lambda books: books.undo(run))
    (undone,) = acts(bench, "run undone")
    assert (undone["run"], undone["documents"]) == (run, {"delete": 3})
    assert bench.living() == []


def test_what_a_person_lets_a_run_do_is_an_act(bench: Workbench) -> None:
    """A plan carried out, a live organisation allowed, and the rest after a first run's limit, once."""
    bench.configure(flow="limit_first = 2\nentity = 'acme-uk'")
    bench.run([sale(n) for n in range(4)])
    assert acts(bench, "run approved") == []
    second = bench.run()
    bench.run()
    do(bench, lambda books: books.run("shop", approved={"plan": "ab" * 32, "live": "--yes"}))
    assert [sorted(one) for one in acts(bench, "run approved")] == [
        ["flow", "limit_first", "run"],
        ["flow", "live", "plan", "run"],
    ]
    assert acts(bench, "run approved")[0] == {"run": second.run, "flow": "shop", "limit_first": 2}


def test_names_can_be_erased_and_every_chain_still_verifies(bench: Workbench) -> None:
    """Whatever holds a person's data is emptied; the audit log has none of it, and none of its chains depends on it."""
    who = {"external_id": "anna@example.com", "name": "Anna Secret Smith", "email": "anna@example.com"}
    bench.run([sale(n, contact=who) for n in range(3)])
    whole = verified(bench)
    assert all(one.is_whole for one in whole.values())

    async def erase(books: Any) -> None:
        def work(conn: Any) -> None:
            for name in ("contacts", "documents", "connections", "reference", "contact_links"):
                conn.execute(sa.text(f"DELETE FROM {name}"))
            conn.execute(sa.text("UPDATE revisions SET record = '{}', element = '{}', mapped = NULL"))
            conn.execute(sa.text("UPDATE requests SET body = ''"))
            conn.execute(sa.text("UPDATE attempts SET answer = NULL"))
            conn.execute(sa.text("UPDATE postings SET external_id = 'erased-' || id, number = NULL, source = ''"))

        await books.database.run(work)

    do(bench, erase)
    assert verified(bench) == whole
    with (bench.folder / "counterfoil.db").open("rb") as file:
        assert b"acme-uk" in file.read()


def test_an_act_stands_or_falls_with_its_entry(bench: Workbench, monkeypatch: Any) -> None:
    """When the entry cannot be written, nothing was done: both are one transaction."""
    bench.run([sale(1, lines=[])])
    n = n_of(bench)

    def full(*_: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(audit, "add", full)
    for act in (lambda books: books.skip(n, "no"), lambda books: books.retry(n)):
        try:
            do(bench, act)
        except RuntimeError:
            continue
        raise AssertionError("an act without its entry")
    monkeypatch.undo()
    assert n_of(bench) == n
