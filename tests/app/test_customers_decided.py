"""Customers that a person decides about: one problem for all namesakes, links that outlive runs, merges followed."""

import asyncio
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app.matching_contacts import Applied, Review, Row
from counterfoil.app.wishes import FixReport, Wish
from counterfoil.store import documents, schema
from tests.posting.workbench import TOTAL, Workbench, sale

MANY = 800


def do(bench: Workbench, work: Any) -> Any:
    """An operation of the installation."""
    return asyncio.run(bench.use(work))


def only(bench: Workbench) -> Any:
    """The one open problem."""
    (found,) = do(bench, lambda books: books.problems())
    return found


def fix(bench: Workbench, use: str, named: str | None = None) -> FixReport:
    """`counterfoil problems fix` of the one problem."""
    n = only(bench).n
    found: FixReport = do(bench, lambda books: books.fix(n, Wish(use=use, only=named)))
    return found


def go_on(bench: Workbench) -> Any:
    """`problems retry` of the one problem, then `finish`."""
    n = only(bench).n
    do(bench, lambda books: books.retry(n))
    return bench.finish()


def contact(bench: Workbench, **fields: Any) -> str:
    """Somebody types a contact into organisation 1; → its id."""
    made: str = bench.sandbox.make(bench.sandbox.tenant(1), "Contacts", fields)[0]["ContactID"]
    return made


def names(bench: Workbench) -> list[str]:
    """The names of organisation 1's contacts."""
    return sorted(one["Name"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"])


def buyers(bench: Workbench) -> dict[str, str]:
    """Invoice number → its contact's id."""
    return {one["InvoiceNumber"].rpartition("-")[2]: one["Contact"]["ContactID"] for one in bench.living()}


def test_eight_hundred_namesakes_are_one_problem(bench: Workbench) -> None:
    """With all their money; one word decides them all, and no contact is made."""
    bench.run([sale(1)])
    tenant = bench.sandbox.tenant(1)
    known = [
        {"tenant_id": tenant, "contact_id": f"{n:08d}-0000-4000-8000-000000000000", "name": f"Firm {n}",
         "name_key": f"firm {n}", "status": "ACTIVE",
         **dict.fromkeys(("number", "email_key", "merged_to", "updated_at", "terms_day", "terms_type", "tax_number"))}
        for n in range(MANY)
    ]  # fmt: skip
    do(bench, lambda books: books.database.run(lambda conn: documents.upsert(conn, schema.contacts, known)))
    firms = [sale(n, number=f"F-{n}", contact={"external_id": f"firm-{n}", "name": f"FIRM {n}"}) for n in range(MANY)]
    firms = [one | {"external_id": f"f-{n}"} for n, one in enumerate(firms)]
    report = bench.run(firms)
    assert (report.held, report.problems) == (MANY, 1)
    found = only(bench)
    assert (found.cause, found.count, found.cure) == (
        "contact-namesake", MANY, f"fix {found.n} --use link, or --use new",
    )  # fmt: skip
    assert found.amounts == {"GBP": MANY * TOTAL}
    decided = fix(bench, "link")
    assert (decided.records, decided.cured, decided.left) == (MANY, MANY, {})
    do(bench, lambda books: books.retry(found.n))
    assert do(bench, lambda books: books.problems()) == []
    assert len(names(bench)) == 1


@pytest.mark.parametrize(("use", "contacts"), [("link", 1), ("new", 2)])
def test_a_namesake_is_linked_or_made_anew_by_a_persons_word(bench: Workbench, use: str, contacts: int) -> None:
    """The word is kept: the next sale of this customer needs none, and another namesake does."""
    theirs = contact(bench, Name="customer 1")
    contact(bench, Name="Customer 2", ContactNumber="other")
    bench.run([sale(1)])
    assert fix(bench, use).cured == 1
    assert go_on(bench).posted == 1
    assert len(names(bench)) == contacts + 1
    assert (buyers(bench)["1"] == theirs) is (use == "link")
    report = bench.run([sale(1), sale(8), sale(2)])
    assert (report.posted, report.held) == (1, 1)


def test_waiting_is_a_decision_too(bench: Workbench) -> None:
    """Even where the flow would link by itself."""
    contact(bench, Name="Customer 1")
    bench.run([sale(1)])
    assert fix(bench, "hold").cured == 0
    bench.configure(flow='on_namesake = "link"')
    assert bench.run().held == 1
    assert only(bench).cause == "contact-held"
    assert fix(bench, "link").cured == 1
    assert bench.run().posted == 1


def test_a_number_on_another_name_is_confirmed_by_a_person(bench: Workbench) -> None:
    """Neither name nor e-mail agrees; the link says that it is right."""
    theirs = contact(bench, Name="Renamed Ltd", ContactNumber="cust-1", EmailAddress="x@example.com")
    bench.run([sale(1)])
    assert only(bench).cause == "contact-number-differs"
    assert fix(bench, "link").cured == 1
    go_on(bench)
    assert buyers(bench) == {"1": theirs}


def test_of_several_namesakes_one_is_named(bench: Workbench) -> None:
    """By its id; without, nothing is guessed."""
    first = contact(bench, Name="Customer 1 Ltd")
    contact(bench, Name="Customer 1")
    bench.run([sale(1)])
    with pytest.raises(errors.InputError, match="is about customers"):
        fix(bench, "maybe")
    with pytest.raises(errors.NotFound, match="no customer cust-9"):
        fix(bench, "link", "cust-9")
    with pytest.raises(errors.InputError, match="have none for customer"):
        fix(bench, "00000000-0000-4000-8000-000000000000")
    assert fix(bench, first, "cust-1").cured == 1
    go_on(bench)
    assert buyers(bench) == {"1": first}


def test_a_link_follows_a_merge_and_waits_for_the_archived(bench: Workbench) -> None:
    """A later word of a person moves a customer who was posted before."""
    theirs = contact(bench, Name="Customer 1")
    bench.run([sale(1)])
    fix(bench, "link")
    go_on(bench)
    other = contact(bench, Name="Another")
    rows = [Row(2, "acme-uk", "cust-1", other, "link")]
    bench.run([sale(1), sale(2)])
    applied: Applied = do(bench, lambda books: books.apply_contacts("shop", "f.csv", rows))
    assert (applied.link, applied.mistakes) == (1, ())
    bench.run([sale(1), sale(2), sale(8)])
    assert (buyers(bench)["1"], buyers(bench)["8"]) == (theirs, other)
    bench.sandbox.edit(bench.sandbox.tenant(1), other, ContactStatus="ARCHIVED")
    assert bench.run([sale(1), sale(2), sale(8), sale(15)]).held == 1
    assert only(bench).cause == "contact-archived"


# ---- contacts match


def review(bench: Workbench, **more: Any) -> Review:
    """`counterfoil contacts match shop`."""
    found: Review = do(bench, lambda books: books.match_contacts("shop", everyone=more.get("everyone", False)))
    return found


def test_the_review_leaves_out_who_is_known_and_applies_what_was_decided(bench: Workbench) -> None:
    """A pair that is certain is filled in; applied, it is linked without a problem."""
    theirs = contact(bench, Name="Customer 1 Limited", EmailAddress="C1@example.com")
    contact(bench, Name="Customer 2")
    bench.run([sale(3)])
    bench.write([sale(1), sale(2), sale(3), sale(4)])
    found = review(bench)
    assert (found.customers, found.decided_before) == (4, 1)
    lines = [
        (pair.proposal.external_id, pair.proposal.decision) for pair in found.pairs if pair.proposal.score in (60, 100)
    ]
    assert lines == [("cust-2", ""), ("cust-1", "link")]
    rows = [
        Row(n, pair.entity, pair.proposal.external_id, pair.proposal.contact_id, pair.proposal.decision)
        for n, pair in enumerate(found.pairs, 2)
    ]
    applied: Applied = do(bench, lambda books: books.apply_contacts("shop", "f.csv", rows))
    assert (applied.link, applied.new, applied.mistakes) == (1, 0, ())
    report = bench.run()
    assert (report.posted, report.held, only(bench).cause) == (2, 1, "contact-namesake")
    assert buyers(bench)["1"] == theirs
    again = review(bench)
    assert {pair.proposal.external_id for pair in again.pairs} == {"cust-2"}
    assert len(review(bench, everyone=True).pairs) > len(again.pairs)


def test_a_line_with_a_mistake_is_named_and_the_others_are_applied(bench: Workbench) -> None:
    """File, line, field, value and what to do."""
    theirs = contact(bench, Name="Customer 1")
    gone = contact(bench, Name="Gone")
    bench.sandbox.edit(bench.sandbox.tenant(1), gone, ContactStatus="ARCHIVED")
    bench.run([sale(3)])
    rows = [
        Row(2, "acme-uk", "cust-1", theirs, "link"), Row(3, "acme-uk", "cust-1", gone, "new"),
        Row(4, "acme-uk", "cust-2", "", "link"), Row(5, "acme-uk", "cust-3", theirs, "yes"),
        Row(6, "acme-xx", "cust-4", theirs, "link"), Row(7, "acme-uk", "", theirs, "link"),
        Row(8, "acme-uk", "cust-5", gone, "link"), Row(9, "acme-uk", "cust-6", "no-such-id", "link"),
        Row(10, "acme-uk", "cust-7", "", ""), Row(11, "acme-uk", "cust-8", "", "new"), Row(12, "acme-uk", "cust-9", "", "hold"),
    ]  # fmt: skip
    applied: Applied = do(bench, lambda books: books.apply_contacts("shop", "f.csv", rows))
    assert (applied.link, applied.new, applied.hold, applied.undecided) == (1, 1, 1, 1)
    assert [(one.line, one.field, one.value) for one in applied.mistakes] == [
        (3, "decision", "new"), (4, "contact_id", ""), (5, "decision", "yes"), (6, "entity", "acme-xx"),
        (7, "external_id", ""), (8, "contact_id", gone), (9, "contact_id", "no-such-id"),
    ]  # fmt: skip
    assert all(one.file == "f.csv" and one.reason and one.remedy for one in applied.mistakes)
