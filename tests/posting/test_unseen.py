"""Keys and numbers with characters that nobody sees: none is taken anew, and those taken before go on working."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from counterfoil.model.checks import unseen
from tests.posting.workbench import Workbench, sale

OVERRIDE, ZERO_WIDTH, MARK = "\u202e", "\u200b", "\ufeff"
OLD_ID, OLD_CUSTOMER = f"order{ZERO_WIDTH}-1", f"cust{OVERRIDE}-1"
CUSTOMER = {"external_id": OLD_CUSTOMER, "name": "Blue Fern", "email": "ap@bluefern.example"}


@contextmanager
def before_the_rule() -> Iterator[None]:
    """As a version that knew no such rule."""
    with mock.patch.object(unseen, "found", return_value=None):
        yield


@pytest.mark.parametrize(
    ("changes", "field", "character"),
    [
        ({"external_id": f"order{OVERRIDE}-1"}, "external_id", "U+202E"),
        ({"external_id": f"{MARK}order-1"}, "external_id", "U+FEFF"),
        ({"external_id": "order-1\U000e0041"}, "external_id", "U+E0041"),
        ({"external_id": "order\u00ad1"}, "external_id", "U+00AD"),
        ({"number": f"SHOP{ZERO_WIDTH}1"}, "number", "U+200B"),
        ({"contact": CUSTOMER}, "contact.external_id", "U+202E"),
        ({"external_id": "order\x07-1"}, "external_id", "U+0007"),
        ({"number": "SHOP\u009b1"}, "number", "U+009B"),
    ],
)
def test_a_key_that_shows_less_than_it_holds_is_refused(
    bench: Workbench, changes: dict[str, Any], field: str, character: str
) -> None:
    """The message names the character; the good records beside it are posted, and running again changes nothing."""
    for _again in range(2):
        report = bench.run([sale(1) | changes, sale(2)])
        (problem,) = asyncio.run(bench.use(lambda books: books.problems()))
        assert (report.rejected, report.posted + report.unchanged, report.exit_code) == (1, 1, 1)
        assert problem.cause == "key-illegal"
        assert f"`{field}` has the character {character}" in problem.reason
        assert not {OVERRIDE, MARK, ZERO_WIDTH, "\x07", "\u009b"} & set(problem.reason + problem.remedy)
    assert [one["InvoiceNumber"] for one in bench.living()] == ["SHOP-acme-uk-2"]


def test_the_key_of_a_payment_is_refused_too(bench: Workbench) -> None:
    """Of a sale with two payments the one is named."""
    paid = [
        {"date": "2026-11-03", "amount": "1.00", "account_code": "090", "external_id": key} for key in ("a", "b\u2066")
    ]
    report = bench.run([sale(1, payments=paid)])
    (problem,) = asyncio.run(bench.use(lambda books: books.problems()))
    assert (report.rejected, bench.living()) == (1, [])
    assert "`payments[1].external_id` has the character U+2066" in problem.reason


def test_names_and_descriptions_keep_their_joiners(bench: Workbench) -> None:
    """Persian and Malayalam are not written without them, nor are some emoji."""
    name = "نامه\u200cای"  # noqa: RUF001
    line = sale(1)["lines"][0] | {"description": "👩\u200d💻 ന്\u200d"}
    report = bench.run([sale(1, contact={"external_id": "c-1", "name": name}, lines=[line])])
    (made,) = bench.living()
    assert (report.posted, made["Contact"]["Name"]) == (1, name)


def test_what_was_posted_under_such_a_key_goes_on(bench: Workbench) -> None:
    """Unchanged, changed, with a further sale to its customer, and after the database was lost."""
    bench.configure(flow='on_change = "update"')
    first = sale(1, external_id=OLD_ID, contact=CUSTOMER, status="DRAFT")
    with before_the_rule():
        assert bench.run([first]).posted == 1
    assert bench.run([first]).unchanged == 1
    assert bench.run([first | {"reference": "changed"}]).updated == 1
    report = bench.run([first | {"reference": "changed"}, sale(2, contact=CUSTOMER)])
    assert (report.unchanged, report.posted, report.exit_code) == (1, 1, 0)
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run([first | {"reference": "changed"}])
    assert (report.adopted + report.unchanged, report.exit_code) == (1, 0)
    assert len(bench.living()) == 2


def test_what_was_planned_under_such_a_key_is_sent(bench: Workbench) -> None:
    """A run that was killed between plan and sending ends under the rule."""

    def stop(point: str) -> None:
        if point == "after-freeze":
            raise KeyboardInterrupt

    with before_the_rule(), pytest.raises(KeyboardInterrupt):
        bench.run([sale(1, external_id=OLD_ID)], stop)
    bench.finish()
    assert len(bench.living()) == 1


def test_a_payment_that_comes_later_under_such_a_key_is_held(bench: Workbench) -> None:
    """Its sale stands, the payment before it too; what is named is its own key, not that of an old sale."""
    bench.configure(flow='on_change = "update"')

    def paid(*keys: str) -> dict[str, Any]:
        each = {"date": "2026-11-03", "amount": "1.00", "account_code": "090"}
        return sale(1, external_id=OLD_ID, payments=[each | {"external_id": key} for key in keys])

    with before_the_rule():
        assert bench.run([paid("a")]).posted == 1
    bench.run([paid("a", "b")])
    bench.run([paid("a", "b", "c\u200b")])
    (problem,) = asyncio.run(bench.use(lambda books: books.problems()))
    assert "`payments[].external_id` has the character U+200B, which nobody sees: c�." in problem.reason
    assert len(bench.sandbox.ledger(bench.sandbox.tenant(1))["Payments"]) == 2
