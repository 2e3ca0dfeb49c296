"""An order that stands in its file twice is never posted with its lines twice unasked; equal lines of an order are."""

import json

import pytest

from tests.app import till as tills
from tests.app.till import order, small

NO_TOTAL = tills.FLOW.partition("[flows.shop.check]")[0] + "[lookups.vat]" + tills.FLOW.partition("[lookups.vat]")[2]
SUMMED = tills.FLOW.replace('"{Total}"', """'=mul(sum(rows, "Price", "Qty"), 1.2)'""")
TWO = order("#1", "24.00", ("1", "10.00", "S"), ("2", "5.00", "S"))
OTHER = small("#2")


def test_a_file_put_together_with_itself_is_one_problem(till):
    """Nothing is posted of such orders, others are; the problem names rows and money; the right file cures it."""
    till.flow_text = NO_TOTAL
    report = till.run_rows(TWO, OTHER, TWO, small("#3"), OTHER)
    assert (report.records, report.posted, report.held) == (3, 1, 2)
    assert till.totals() == {"#3": "12.00"}
    (problem,) = till.problems()
    assert (problem.cause, problem.count, {k: str(v) for k, v in problem.amounts.items()}) == (
        "stands-twice", 2, {"GBP": "72.00"},
    )  # fmt: skip
    assert "orders.csv:2 and orders.csv:5; orders.csv:3 and orders.csv:6" in problem.reason
    assert "48.00 GBP" in problem.reason
    assert till.run_rows(TWO, OTHER, small("#3")).posted == 2
    assert till.totals() == {"#1": "24.00", "#2": "12.00", "#3": "12.00"}
    assert till.problems() == []


def test_plan_says_so_first(till):
    """`plan` holds what `run` holds."""
    till.flow_text = NO_TOTAL
    till.write_rows(TWO, OTHER, TWO)
    assert {line.external_id: line.sign for line in till.plan().lines} == {"#1": "!", "#2": "+"}


@pytest.mark.parametrize(
    "lines",
    [
        [("1", "10.00", "S"), ("1", "10.00", "S")],
        [("1", "10.00", "S"), ("1", "10.00", "S"), ("1", "10.00", "S"), ("1", "3.00", "Z")],
    ],
)
def test_equal_lines_one_after_the_other_are_lines(till, lines):
    """The same product twice in one order."""
    till.flow_text = NO_TOTAL
    head, *rest = order("#1", "", *lines)
    rows = [(*head[:5], "Thing", *row[6:]) for row in (head, *rest)]
    assert till.run_rows(rows).posted == 1
    assert len(till.living()[0]["LineItems"]) == len(lines)


def test_a_person_may_say_that_all_rows_are_meant(till):
    """Coffee, cake, coffee: `problems retry` posts it, without the file; the same file again changes nothing."""
    till.flow_text = NO_TOTAL
    coffee, cake = order("#1", "", ("1", "3.00", "Z"), ("1", "4.00", "Z"))
    coffee, cake = (*coffee[:5], "Coffee", *coffee[6:]), (*coffee[:5], "Cake", *cake[6:])
    assert till.run_rows([coffee, cake, coffee]).held == 1
    assert till.run().held == 1
    (problem,) = till.problems()
    (till.folder / "orders.csv").unlink()
    assert till.retry(problem.n) == 1
    assert till.finish().posted == 1
    assert till.totals() == {"#1": "10.00"}
    assert till.run_rows([coffee, cake, coffee]).unchanged == 1


def test_the_word_holds_for_this_content_only(till):
    """Accepted and not sent yet, then the file is put together with itself: asked again."""
    till.flow_text = NO_TOTAL
    coffee, cake = order("#1", "", ("1", "3.00", "Z"), ("1", "4.00", "Z"))
    cake = (*coffee[:5], "Cake", *cake[6:])
    till.run_rows([coffee, cake, coffee])
    (problem,) = till.problems()
    till.retry(problem.n)
    report = till.run_rows([coffee, cake, coffee], OTHER, [coffee, cake, coffee])
    assert (report.posted, report.held) == (1, 1)
    assert till.totals() == {"#2": "12.00"}


@pytest.mark.parametrize("policy", ["hold", "update", "reissue"])
def test_a_posted_order_is_not_doubled_later(till, policy):
    """Whatever the flow does with changes: the document stays, and the problem says why."""
    till.flow_text = NO_TOTAL.replace('kind = "sales_invoices"', f'kind = "sales_invoices"\non_change = "{policy}"')
    till.run_rows(TWO, OTHER)
    report = till.run_rows(TWO, OTHER, TWO)
    assert (report.held, report.unchanged) == (1, 1)
    assert till.totals() == {"#1": "24.00", "#2": "12.00"}
    assert [one.cause for one in till.problems()] == ["stands-twice"]
    assert till.run_rows(TWO, OTHER).unchanged == 2
    assert till.problems() == []


def test_the_orders_own_total_tells_by_itself(till):
    """A total that differs is told with the likely reason; one that agrees proves that equal rows are meant."""
    coffee, cake = order("#3", "10.00", ("1", "3.00", "Z"), ("1", "4.00", "Z"))
    again = ("#3", "", "", "", "", *coffee[5:])
    report = till.run_rows(TWO, OTHER, TWO, [coffee, again, cake, again])
    assert (report.posted, report.rejected) == (1, 2)
    by_cause = {one.cause: one for one in till.problems()}
    assert by_cause["stands-twice"].records[0].external_id == "#1"
    assert "orders.csv:2 and orders.csv:5" in by_cause["stands-twice"].reason
    assert "`expected_total` is 24.00 GBP, but Xero will compute 48.00 GBP" in by_cause["stands-twice"].reason
    rows = [coffee, cake, again]
    rows = [(*coffee[:4], "13.00", *coffee[5:]), again, cake, again]
    assert till.run_rows(rows).posted == 1
    assert till.totals()["#3"] == "13.00"


def test_a_total_that_is_added_up_from_the_rows_proves_nothing(till):
    """It is doubled as they are."""
    till.flow_text = SUMMED
    report = till.run_rows(TWO, OTHER, TWO)
    assert (report.posted, report.held, till.totals()) == (1, 1, {"#2": "12.00"})


def test_rows_that_make_no_difference_are_none(till):
    """Where no line is made of each row, nothing is doubled."""
    line = '[[flows.shop.line]]\neach = "record"\n'
    till.flow_text = NO_TOTAL.replace("[[flows.shop.line]]\n", line)
    first = small("#1")
    assert till.run_rows(first, OTHER, first).posted == 2
    assert till.totals() == {"#1": "12.00", "#2": "12.00"}


def test_a_day_is_held_for_a_sale_that_stands_twice(till):
    """With `post = "daily"` the day waits, and the others are posted."""
    till.flow_text = (
        tills.DAILY.partition("[flows.shop.check]")[0] + "[lookups.vat]" + NO_TOTAL.partition("[lookups.vat]")[2]
    )
    report = till.run_rows(TWO, OTHER, TWO, small("#3", placed="03/11/2026"))
    assert (report.posted, report.held) == (1, 1)
    (problem,) = till.problems()
    assert (problem.cause, problem.records[0].external_id) == ("stands-twice", "daily-2026-11-02-GBP")
    assert till.run_rows(TWO, OTHER, small("#3", placed="03/11/2026")).posted == 1


def test_an_object_that_is_there_again_and_equal_lines_inside_one(till):
    """Lines of one JSON object are its own; the same object again, gathered by its number, is another matter."""
    till.flow_text = (
        NO_TOTAL.replace('{ csv = "orders.csv" }', '{ jsonl = "orders.jsonl", explode = "lines" }')
        .replace("{Item}", "{lines.item}").replace("{Qty}", "{lines.qty}").replace("{Price}", "{lines.price}")
        .replace("{VAT}", "{lines.vat}")
    )  # fmt: skip
    cup, cake = ({"item": item, "qty": 1, "price": "3.00", "vat": "Z"} for item in ("Coffee", "Cake"))
    head = {"Email": "a@post.example", "Customer": "Ann", "Placed": "02/11/2026"}
    first, second = ({**head, "Order": f"#{n}", "lines": [cup, cake, cup]} for n in (1, 2))
    path = till.folder / "orders.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (first, second, first)))
    report = till.run()
    assert (report.posted, report.held, till.totals()) == (1, 1, {"#2": "9.00"})
