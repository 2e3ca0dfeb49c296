"""`problems fix`, `unfix`, `retry` and `skip --document`: a bookkeeper's corrections reach Xero once, and can be undone."""

import asyncio
import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.app.wishes import FixReport, Wish
from counterfoil.store import audit
from tests.posting.workbench import Workbench, sale


def line(**changes: Any) -> dict[str, Any]:
    """One good line of GBP 12.00 with tax, changed."""
    good = {
        "description": "Widgets",
        "quantity": "1",
        "unit_amount": "10.00",
        "account_code": "200",
        "tax_type": "OUTPUT2",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def old(n: int, account: str = "sales-old", **changes: Any) -> dict[str, Any]:
    """A sale on an account that Xero does not know by that name."""
    return sale(n, lines=[line(account=account, account_code=None)], **changes)


def problems(bench: Workbench) -> list[Any]:
    """The open problems."""
    found: list[Any] = asyncio.run(bench.use(lambda books: books.problems()))
    return found


def only(bench: Workbench) -> Any:
    """The one open problem."""
    (found,) = problems(bench)
    return found


def fix(bench: Workbench, n: int, **wish: Any) -> FixReport:
    """`counterfoil problems fix`."""
    found: FixReport = asyncio.run(bench.use(lambda books: books.fix(n, Wish(**wish))))
    return found


def retry(bench: Workbench, n: int) -> int:
    """`counterfoil problems retry`."""
    found: int = asyncio.run(bench.use(lambda books: books.retry(n)))
    return found


def do(bench: Workbench, work: Any) -> Any:
    """Any other operation."""
    return asyncio.run(bench.use(work))


def accounts(bench: Workbench) -> dict[str, list[str]]:
    """Invoice number → account codes, in organisation 1."""
    return {one["InvoiceNumber"]: [each["AccountCode"] for each in one["LineItems"]] for one in bench.living()}


def test_an_account_is_corrected_for_this_and_all_like_it(bench: Workbench) -> None:
    """The records of the problem are posted without their file; a later one like them by the next run."""
    bench.run([old(1), old(2), sale(3)])
    found = only(bench)
    assert (found.field, found.value, found.cure) == ("lines.account", "sales-old", f"fix {found.n} --use Sales")
    report = fix(bench, found.n, use="260")
    assert (report.records, report.cured, report.left) == (2, 2, {})
    (bench.folder / "sales.jsonl").unlink()
    assert retry(bench, found.n) == 2
    assert bench.finish().posted == 2
    assert problems(bench) == []
    report = bench.run([old(1), old(2), sale(3), old(4)])
    assert (report.posted, report.unchanged, report.exit_code) == (1, 3, 0)
    assert accounts(bench) == {
        "SHOP-acme-uk-1": ["260"], "SHOP-acme-uk-2": ["260"], "SHOP-acme-uk-3": ["200", "200"], "SHOP-acme-uk-4": ["260"],
    }  # fmt: skip


def test_a_fix_is_seen_in_plan_and_in_why_and_in_the_list(bench: Workbench) -> None:
    """Who put what in whose place, and when."""
    bench.run([old(1)])
    n = only(bench).n
    fix(bench, n, use="260", because="renamed in spring")
    (planned,) = do(bench, lambda books: books.plan("shop")).lines
    assert (planned.sign, "Fixed: " in planned.reason, "→ 260" in planned.reason) == ("+", True, True)
    retry(bench, n)
    bench.finish()
    (story, *_contact) = do(bench, lambda books: books.why("order-1"))
    assert b'"account":"sales-old"' in bytes(
        str(story.contents[-1].record).replace("'", '"').replace(": ", ":"), "utf-8"
    )
    assert any("→ 260" in note and "(fix 1)" in note for note in story.contents[-1].predicted["notes"])
    (listed,) = do(bench, lambda books: books.fixes())
    assert (listed["what"], listed["because"], listed["records"], listed["undone_at"]) == (
        "account sales-old → account_code 260", "renamed in spring", 1, None,
    )  # fmt: skip


def test_a_fix_that_cures_nothing_is_not_stored(bench: Workbench) -> None:
    """What would still be wrong is said, with the nearest."""
    bench.run([old(1)])
    n = only(bench).n
    with pytest.raises(errors.InputError, match=r"That does not cure it.*299"):
        fix(bench, n, use="299")
    assert do(bench, lambda books: books.fixes()) == []
    with pytest.raises(errors.InputError, match="Nothing to put instead"):
        fix(bench, n)
    with pytest.raises(errors.NotFound, match="no record order-9"):
        fix(bench, n, use="200", only="order-9")


def test_a_fix_touches_no_good_line_of_the_same_value(bench: Workbench) -> None:
    """A tax that one account takes and another does not: only where it may not stand it is replaced."""
    mixed = [line(tax_type="INPUT2"), line(tax_type="INPUT2", account_code="429", description="Refund of costs")]
    bench.run([sale(1, lines=mixed)])
    found = only(bench)
    assert found.cause == "tax-not-allowed:INPUT2"
    assert fix(bench, found.n, use="OUTPUT2").cured == 1
    retry(bench, found.n)
    bench.finish()
    (posted,) = bench.living()
    assert [each["TaxType"] for each in posted["LineItems"]] == ["OUTPUT2", "INPUT2"]


def test_a_fix_does_not_cross_to_another_company(bench: Workbench) -> None:
    """There the same value may mean something else, or become right."""
    bench.run([old(1), old(1, external_id="order-9", number="AU-9", entity="acme-au", currency="AUD")])
    found = only(bench)
    assert found.count == 2
    report = fix(bench, found.n, use="260", only="order-1")
    assert (report.records, report.cured) == (1, 1)
    retry(bench, found.n)
    assert (only(bench).count, only(bench).records[0].external_id) == (1, "order-9")


def test_a_date_in_a_locked_period_is_moved_for_all_of_them(bench: Workbench) -> None:
    """Whatever their dates are; those that are open keep theirs."""
    bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date="2026-10-31")
    try:
        bench.run([sale(1, date="2026-10-01"), sale(2, date="2026-10-15"), sale(3)])
        found = only(bench)
        assert (found.count, found.field) == (2, "date")
        assert fix(bench, found.n, date=datetime.date(2026, 11, 1)).cured == 2
        assert retry(bench, found.n) == 2
        assert bench.finish().posted == 2
        dates = {one["InvoiceNumber"]: one["DateString"][:10] for one in bench.living()}
        assert sorted(dates.values()) == ["2026-11-01", "2026-11-01", "2026-11-02"]
    finally:
        bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date=None)


def test_records_that_differ_need_names_or_one_value(bench: Workbench) -> None:
    """One --use cannot replace two values; --only and --set can."""
    bench.run([sale(1, lines=[line(quantity="two")]), sale(2, lines=[line(quantity="few")])])
    found = only(bench)
    with pytest.raises(errors.InputError, match="differ in what is wrong"):
        fix(bench, found.n, use="2")
    assert fix(bench, found.n, use="2", only="order-1").cured == 1
    assert fix(bench, found.n, put={"lines[].quantity": "3"}).cured == 2  # the newest is tried on all of them
    retry(bench, found.n)
    bench.finish()
    assert sorted(str(each["LineItems"][0]["Quantity"]) for each in bench.living()) in (
        ["2", "3"],
        ["2.0", "3.0"],
        ["2.0000", "3.0000"],
    )


def test_without_a_value_that_says_what_is_alike_a_fix_is_for_these_records(bench: Workbench) -> None:
    """A total that differs is let through for one order, and complained of in the next."""
    bench.run([sale(1, expected_total="25.30")])
    found = only(bench)
    report = fix(bench, found.n, put={"expected_total": ""})
    assert (report.cured, report.all_like_it) == (1, False)
    retry(bench, found.n)
    assert bench.finish().posted == 1
    assert bench.run([sale(1, expected_total="25.30"), sale(2, expected_total="25.30")]).rejected == 1
    assert only(bench).records[0].external_id == "order-2"


def test_a_row_that_never_became_a_posting_is_corrected_too(bench: Workbench) -> None:
    """Its company was misspelt; the row is kept, and closed once it is a posting."""
    bench.run([sale(1, number="N-1", lines=[line()]) | {"entity": "acme-ku"}])
    found = only(bench)
    assert (found.field, found.cure) == ("entity", f"fix {found.n} --use acme-uk")
    assert fix(bench, found.n, use="acme-uk").cured == 1
    assert retry(bench, found.n) == 1
    assert bench.finish().posted == 1
    assert problems(bench) == []


def test_a_taken_number_is_changed_for_the_named_record(bench: Workbench) -> None:
    """No check finds it, so it needs its name when there are several."""
    bench.run([sale(1, number="N-1"), sale(2, number="n-1"), sale(3, number="N-1")])
    found = only(bench)
    assert found.cause == "number-taken"
    with pytest.raises(errors.InputError, match="cannot all get the same"):
        fix(bench, found.n, put={"number": "N-2"})
    assert fix(bench, found.n, put={"number": "N-2"}, only="order-2").cured == 1
    retry(bench, found.n)
    bench.finish()
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == ["N-1", "N-2"]


def test_an_undone_fix_takes_back_what_was_not_sent(bench: Workbench) -> None:
    """What was posted with it stays, and is not complained of; what was planned is refused again."""
    bench.run([old(1), old(2)])
    found = only(bench)
    (number,) = fix(bench, found.n, use="260").fixes
    assert fix(bench, found.n, use="260").fixes == (number,)
    retry(bench, found.n)
    bench.finish()
    bench.run([old(1), old(2), old(3)])
    assert len(bench.living()) == 3
    bench.write([old(1), old(2), old(3), old(4)])
    bench.sandbox.fault("429_day", method="PUT", path="/api.xro/2.0/", count=5)
    assert bench.run().planned == 1
    bench.sandbox.clear_faults()
    bench.new_day()
    undone, again = do(bench, lambda books: books.unfix(number))
    assert (undone.id, again) == (number, 0)
    assert (only(bench).cause, only(bench).count) == ("account-unknown:sales-old", 1)
    report = bench.run()
    assert (report.unchanged, report.rejected, only(bench).count) == (3, 1, 1)
    with pytest.raises(errors.InputError, match="was undone on"):
        do(bench, lambda books: books.unfix(number))
    with pytest.raises(errors.NotFound):
        do(bench, lambda books: books.unfix(99))
    assert len(bench.living()) == 3


def test_every_decision_is_in_the_audit_log(bench: Workbench) -> None:
    """By number, without names or amounts."""
    bench.run([old(1)])
    n = only(bench).n
    (number,) = fix(bench, n, use="260", because="secret reason").fixes
    do(bench, lambda books: books.unfix(number))

    async def chain(books: Any) -> list[Any]:
        return list(await books.database.read(lambda conn: audit.chain(conn, "acme-uk")))

    acts = [(entry.act, entry.data) for entry in do(bench, chain) if entry.act.startswith("fix")]
    assert [act for act, _data in acts] == ["fix stored", "fix undone"]
    assert not any(b"secret" in data or b"260" in data for _act, data in acts)


# ---- skip --document


def typed(bench: Workbench, **fields: Any) -> dict[str, Any]:
    """Somebody typed an invoice into organisation 1."""
    wire = {"Description": "x", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200", "TaxType": "OUTPUT2"}
    made = {
        "Type": "ACCREC",
        "Status": "DRAFT",
        "Date": "2026-11-02",
        "Contact": {"Name": "By hand"},
        "LineItems": [wire],
    }
    return bench.sandbox.make(bench.sandbox.tenant(1), "Invoices", made | fields)[0]


@pytest.mark.parametrize("by", ["id", "number", "link"])
def test_a_document_that_a_person_names_stands_for_the_record(bench: Workbench, by: str) -> None:
    """It is proven as such, and the record is never posted, however often it is run."""
    bench.run([old(1), sale(2)])
    invoice = typed(bench, InvoiceNumber="INV-7")
    clue = {
        "id": invoice["InvoiceID"],
        "number": "inv-7",
        "link": f"https://go.xero.com/x?InvoiceID={invoice['InvoiceID']}",
    }[by]
    n = only(bench).n
    named = do(bench, lambda books: books.vouch(n, "typed in by Mary", clue))
    assert (named.number, named.external_id) == ("INV-7", "order-1")
    assert problems(bench) == []
    report = bench.run()
    assert (report.unchanged, report.posted, report.exit_code) == (2, 0, 0)
    assert do(bench, lambda books: books.prove("shop")).holds
    assert len(bench.living()) == 2
    (story,) = do(bench, lambda books: books.why("INV-7"))
    assert (story.how, story.skipped) == ("named", "typed in by Mary")


def test_a_document_must_be_one_living_and_nobodys(bench: Workbench) -> None:
    """Else it is said why not, and nothing changes."""
    bench.run([old(1), old(3), sale(2)])
    n = only(bench).n
    typed(bench, InvoiceNumber="INV-7")
    with pytest.raises(errors.InputError, match="cannot stand for 2 records"):
        do(bench, lambda books: books.vouch(n, "b", "INV-7"))
    with pytest.raises(errors.InputError, match="document of order-2 already"):
        do(bench, lambda books: books.vouch(n, "b", "SHOP-acme-uk-2", only="order-1"))
    with pytest.raises(errors.NotFound, match="no such document"):
        do(bench, lambda books: books.vouch(n, "b", "INV-99", only="order-1"))
    with pytest.raises(errors.InputError, match="needs a reason"):
        do(bench, lambda books: books.vouch(n, " ", "INV-7", only="order-1"))
    void = typed(bench, InvoiceNumber="INV-8")
    bench.sandbox.edit(bench.sandbox.tenant(1), void["InvoiceID"], Status="DELETED")
    with pytest.raises(errors.InputError, match="was deleted"):
        do(bench, lambda books: books.vouch(n, "b", void["InvoiceID"], only="order-1"))
    assert only(bench).count == 2


# ---- convergence

WRONG = {
    "account": lambda sale: sale | {"lines": [line(account_code="2OO")]},
    "tax": lambda sale: sale | {"lines": [line(tax_type="VAT20")]},
    "both": lambda sale: sale | {"lines": [line(account_code="2OO"), line(tax_type="VAT20"), line()]},
    "quantity": lambda sale: sale | {"lines": [line(quantity="one")]},
    "entity": lambda sale: sale | {"entity": "acme-ku", "lines": [line()]},
    "key": lambda sale: sale | {"curency": "GBP", "lines": [line()]},
    "none": lambda sale: sale | {"lines": [line()]},
}
CURES: dict[str, Any] = {
    "account-unknown": {"use": "200"},
    "tax-unknown": {"use": "OUTPUT2"},
    "wrong-value": {"put": {"lines[].quantity": "1"}},
    "entity-unknown": {"use": "acme-uk"},
    "unknown-key": {"put": {"curency": ""}},
}


@given(st.lists(st.sampled_from(sorted(WRONG)), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fix_and_retry_converge(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory, kinds: list[str], dice: Any
) -> None:
    """Whatever is wrong with which records and in whatever order it is cured: every sale is posted once, and no more."""
    bench.sandbox.post("/_sandbox/reset")
    here = Workbench(tmp_path_factory.mktemp("converge"), bench.sandbox)
    records = [WRONG[kind](sale(n, number=f"C-{n}")) for n, kind in enumerate(kinds)]
    here.run(records)
    for _round in range(2 * len(CURES)):
        found = problems(here)
        if not found:
            break
        chosen = dice.choice(found)
        fix(here, chosen.n, **CURES[chosen.cause.partition(":")[0]])
        retry(here, chosen.n)
        here.finish()
    assert problems(here) == []
    assert sorted(one["InvoiceNumber"] for one in here.living()) == sorted(f"C-{n}" for n in range(len(kinds)))
    report = here.run()
    assert (report.unchanged, report.posted, report.exit_code) == (len(kinds), 0, 0)
