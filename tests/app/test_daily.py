"""`post = "daily"`: one document per day; what is wrong with one sale keeps its own day back, and names it."""

import pytest

from counterfoil import errors
from tests.app import till as tills
from tests.app.till import order, small

FIRST, SECOND, THIRD = "02/11/2026", "03/11/2026", "04/11/2026"
DAY_1, DAY_2 = "daily-2026-11-02-GBP", "daily-2026-11-03-GBP"


@pytest.fixture
def daily(till):
    """The same installation with one document per day."""
    till.flow_text = tills.DAILY
    return till


def test_the_sales_of_a_day_make_one_document(daily):
    """A line per account and tax; the totals are the sales' own."""
    report = daily.run_rows(small("#1", placed=FIRST), small("#2", "Z", placed=FIRST), small("#3", placed=SECOND))
    assert (report.records, report.posted) == (2, 2)
    assert daily.totals() == {DAY_1: "22.00", DAY_2: "12.00"}
    assert [len(one["LineItems"]) for one in daily.living()] == [2, 1]


def test_a_broken_sale_keeps_its_own_day_back_and_is_named(daily):
    """An unknown VAT name on the second of November: the third is posted, the sale's row is named."""
    report = daily.run_rows(
        small("#1", placed=FIRST), small("#2", "?", placed=FIRST), small("#3", placed=SECOND), small("#4", placed=FIRST)
    )
    assert (report.records, report.posted, report.rejected) == (2, 1, 1)
    assert daily.totals() == {DAY_2: "12.00"}
    (problem,) = daily.problems()
    assert "orders.csv:3" in problem.reason
    assert "`VAT`" in problem.reason


def test_two_broken_sales_of_a_day_are_both_named(daily):
    """Whoever mends the day knows at once how much there is to mend."""
    daily.run_rows(small("#1", "?", placed=FIRST), small("#2", "!", placed=FIRST), small("#3", placed=FIRST))
    (problem,) = daily.problems()
    assert "orders.csv:2" in problem.reason
    assert "#2" in problem.reason


def test_a_fix_mends_a_day(daily):
    """The cell of the one sale is fixed; the day is planned without the file and posted whole."""
    daily.run_rows(small("#1", placed=FIRST), small("#2", "?", placed=FIRST))
    (problem,) = daily.problems()
    daily.fix(problem.n, use="Z")
    (daily.folder / "orders.csv").unlink()
    assert daily.retry(problem.n) == 1
    assert daily.finish().posted == 1
    assert daily.totals() == {DAY_1: "22.00"}
    assert daily.problems() == []


def test_a_row_that_cannot_be_read_keeps_the_day_of_its_sale_back(daily):
    """A cell too many in the second row of a sale: its first row says which day lacks it."""
    broken = order("#2", "24.00", ("1", "10.00", "S"), ("1", "10.00", "S"), placed=FIRST)
    broken[1] = (*broken[1], "one too many")
    report = daily.run_rows(small("#1", placed=FIRST), broken, small("#3", placed=SECOND))
    assert (report.records, report.posted, report.rejected) == (2, 1, 1)
    assert daily.totals() == {DAY_2: "12.00"}
    (problem,) = daily.problems()
    assert "`#2`" in problem.reason
    assert "orders.csv:4" in problem.records[0].source


def test_a_sale_whose_day_cannot_be_told_is_held_and_kept(daily):
    """31 February belongs to no day, so no day waits for it; it stays on the list with its money until the source is right."""
    sales = (small("#1", placed=FIRST), small("#2", placed="31/02/2026"), small("#3", placed="30/02/2026"))
    report = daily.run_rows(*sales)
    assert (report.records, report.posted, report.held) == (3, 1, 2)
    (problem,) = daily.problems()
    assert (problem.cause, problem.count, problem.unknown) == ("day-unknown", 2, 0)
    assert [(one.external_id, one.state) for one in problem.records] == [("#2", "held"), ("#3", "held")]
    assert {name: str(amount) for name, amount in problem.amounts.items()} == {"GBP": "24.00"}
    assert "31/02/2026" in problem.reason
    assert "no day waits for it" in problem.reason
    assert (daily.retry(problem.n), daily.finish().posted, len(daily.problems())) == (0, 0, 1)
    assert daily.run().held == 2
    assert daily.run_rows(small("#1", placed=FIRST), small("#2", placed=SECOND), small("#3", placed=THIRD)).posted == 2
    assert daily.problems() == []


@pytest.mark.parametrize(
    ("wrong", "waits"),
    [
        (small("#2", "?", placed=FIRST), "So the whole day waits: 3 sales, 34.00 GBP."),
        (order("#2", "a lot", ("1", "10.00", "?"), placed=FIRST), "3 sales, 24.00 GBP and 1 of unknown amount."),
        (order("#2", "13.00", ("1", "10.00", "S"), placed=FIRST), "So the whole day waits: 3 sales, 37.00 GBP."),
        ([(*small("#2", placed=FIRST)[0], "one too many")], "So the whole day waits: at least 2 sales, 24.00 GBP."),
    ],
)
def test_what_waits_for_one_wrong_sale_is_said(daily, wrong, waits):
    """How many sales and how much money, and that the day is posted whole once it is cured."""
    rows = (small("#1", placed=FIRST), wrong, small("#3", placed=FIRST), small("#4", placed=SECOND))
    assert daily.run_rows(*rows).posted == 1
    (problem,) = daily.problems()
    assert waits in problem.reason
    assert problem.remedy.endswith("Then the day is posted whole, with all its sales.")
    shown = {name: f"{amount:.2f}" for name, amount in problem.amounts.items()}
    known = {"34.00": "34.00", "37.00": "37.00"}
    money = next((known[one] for one in known if one in waits), None)
    if "at least" in waits:
        assert shown == {"GBP": "24.00"}
    elif money is None:
        assert (shown, problem.unknown) == ({}, 1)
    else:
        assert (shown, problem.unknown) == ({"GBP": money}, 0)
    assert daily.run_rows(*(small(f"#{n}", placed=FIRST) for n in (1, 2, 3)), small("#4", placed=SECOND)).posted == 1
    assert daily.problems() == []


def test_a_sale_is_not_counted_twice(daily):
    """Without group_by each row is a sale: the same row twice counts once, the same number with another content stops the day."""
    daily.flow_text = tills.DAILY.replace('group_by = "{Order}"\n', "").replace("head.", "row.")
    report = daily.run_rows(small("#1", placed=FIRST), small("#1", placed=FIRST), small("#2", placed=SECOND))
    assert (report.posted, daily.totals()) == (2, {DAY_1: "12.00", DAY_2: "12.00"})
    report = daily.run_rows(small("#3", placed=THIRD), small("#3", "Z", placed=THIRD))
    assert (report.posted, report.rejected) == (0, 1)
    assert "#3 stands in orders.csv:2 and, with other content, in orders.csv:3" in daily.problems()[0].reason


def test_sales_of_a_program_are_not_added_up(daily):
    """Records that a program hands over are whole documents; a flow with one document per day refuses them."""
    with pytest.raises(errors.InputError, match="one document per day"):
        daily.do(lambda books: books.run("shop", records=[{"external_id": "r-1"}]))


def test_a_day_needs_a_mapping(daily):
    """`post = "daily"` where rows are records already is refused when the configuration is loaded, not ignored."""
    daily.flow_text = (
        '[flows.shop]\nid = "shop"\nkind = "sales_invoices"\nsource = { jsonl = "s.jsonl" }\npost = "daily"\n'
    )
    with pytest.raises(errors.ConfigurationError, match="`post`"):
        daily.run()


# ---- after a day was posted


def held_problem(daily):
    """The one open problem."""
    (problem,) = daily.problems()
    return problem


def test_a_sale_that_moves_to_another_day_is_never_posted_twice(daily):
    """Posted on the second; the source now says the third, which is new: both days are held, nothing is written."""
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST))
    before = len(daily.writes())
    report = daily.run_rows(small("#1", placed=FIRST), small("#2", placed=SECOND))
    assert (report.held, report.posted) == (2, 0)
    assert daily.totals() == {DAY_1: "24.00"}
    assert len(daily.writes()) == before
    causes = {problem.cause: problem for problem in daily.problems()}
    assert set(causes) == {"sale-elsewhere", "sales-vanished"}
    assert f"#2 ({DAY_1})" in causes["sale-elsewhere"].reason
    assert "no longer has: #2" in causes["sales-vanished"].reason
    daily.run()
    daily.finish()
    assert daily.totals() == {DAY_1: "24.00"}


def test_a_sale_that_moves_into_a_posted_day_is_never_posted_twice(daily):
    """Both days are in Xero: neither retry of the one it moved to nor a further run writes it there as well."""
    daily.flow_text = daily.flow_text.replace('post = "daily"', 'post = "daily"\non_change = "update"')
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST), small("#3", placed=SECOND))
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=SECOND), small("#3", placed=SECOND))
    assert daily.totals() == {DAY_1: "24.00", DAY_2: "12.00"}
    (moved,) = [problem for problem in daily.problems() if problem.cause == "sale-elsewhere"]
    daily.retry(moved.n)
    daily.finish()
    assert daily.totals() == {DAY_1: "24.00", DAY_2: "12.00"}


def test_a_sale_that_was_taken_out_of_its_day_first_may_stand_in_another(daily):
    """With a complete source and updates, one run takes it out of the one day, the next puts it into the other."""
    daily.flow_text = daily.flow_text.replace('post = "daily"', 'post = "daily"\non_change = "update"\ncomplete = true')
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST))
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=SECOND))
    assert daily.totals() == {DAY_1: "12.00"}
    daily.run()
    assert daily.totals() == {DAY_1: "12.00", DAY_2: "12.00"}
    assert daily.problems() == []


def test_an_export_with_a_part_of_a_day_never_empties_it(daily):
    """A late file with one more sale of a posted day: held, the missing sales named, also where updates are allowed."""
    daily.flow_text = daily.flow_text.replace('post = "daily"', 'post = "daily"\non_change = "update"')
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST))
    report = daily.run_rows(small("#3", placed=FIRST))
    assert (report.held, daily.totals()) == (1, {DAY_1: "24.00"})
    assert "#1, #2" in held_problem(daily).reason


def test_a_late_sale_joins_its_day_where_updates_are_allowed(daily):
    """The whole day with one more sale: the draft is updated, and the sale is found from it."""
    daily.flow_text = daily.flow_text.replace('post = "daily"', 'post = "daily"\non_change = "update"')
    daily.run_rows(small("#1", placed=FIRST))
    report = daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST))
    assert (report.updated, daily.totals()) == (1, {DAY_1: "24.00"})
    (story,) = daily.do(lambda books: books.why("#2"))
    assert story.posting.document.number == DAY_1
    assert story.contents[-1].sales == ("#1", "#2")


def test_a_sale_replaced_by_another_of_the_same_amount_is_noticed(daily):
    """The document would be the same to the cent; that its sale is another one needs a person all the same."""
    daily.run_rows(small("#1", placed=FIRST))
    report = daily.run_rows(small("#2", placed=FIRST))
    assert report.held == 1
    assert "no longer has: #1" in held_problem(daily).reason


def test_the_same_days_again_are_unchanged(daily):
    """Nothing is held, nothing is written."""
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST), small("#3", placed=SECOND))
    before = len(daily.writes())
    report = daily.run()
    assert (report.unchanged, report.records, len(daily.writes())) == (2, 2, before)


def test_a_sale_in_two_days_of_one_source_is_in_neither(daily):
    """Without group_by the same number on two days: both days are held."""
    daily.flow_text = tills.DAILY.replace('group_by = "{Order}"\n', "").replace("head.", "row.")
    report = daily.run_rows(small("#1", placed=FIRST), small("#1", placed=SECOND), small("#2", placed=THIRD))
    assert (report.posted, report.held) == (1, 2)
    assert daily.totals() == {"daily-2026-11-04-GBP": "12.00"}


def test_a_day_that_was_planned_and_not_sent_gives_its_sale_away(daily):
    """Refused for a wrong total, so nothing is in Xero: the corrected source decides alone."""
    daily.run_rows(small("#1", placed=FIRST), order("#2", "11.00", ("1", "10.00", "S"), placed=FIRST))
    assert daily.totals() == {}
    report = daily.run_rows(small("#1", placed=FIRST), small("#2", placed=SECOND))
    assert (report.posted, daily.totals()) == (2, {DAY_1: "12.00", DAY_2: "12.00"})


def test_a_wrong_total_of_one_sale_is_named_in_its_day(daily):
    """The day's total differs since one sale's does: that sale is named with both amounts."""
    daily.run_rows(small("#1", placed=FIRST), order("#2", "13.00", ("1", "10.00", "S"), placed=FIRST))
    reason = held_problem(daily).reason
    assert "In #2:" in reason
    assert "orders.csv:3" in reason


def test_what_is_wrong_with_several_sales_names_them(daily):
    """An account that Xero does not have, in two sales: both named, and one fix of the day's document cures it."""
    daily.flow_text = daily.flow_text.replace('account = "sales"', 'account = "takings"')
    daily.run_rows(small("#1", placed=FIRST), small("#2", placed=FIRST))
    problem = held_problem(daily)
    assert problem.cause == "account-unknown:takings"
    assert "In #1 (orders.csv:2), #2 (orders.csv:3). So the whole day waits: 2 sales, 24.00 GBP." in problem.reason
    daily.fix(problem.n, use="200")
    assert (daily.retry(problem.n), daily.finish().posted) == (1, 1)
    assert daily.run().unchanged == 1


def test_instants_wait_while_xero_cannot_be_asked(daily):
    """Which day they are is not known then: nothing is refused, and the next run posts the day."""
    daily.flow_text = daily.flow_text.replace('date = "%d/%m/%Y"', 'date = "%Y-%m-%d %H:%M:%S %z"')
    daily.sandbox.fault("503", path="/api.xro/2.0/", count=1000)
    sales = (small("#1", placed="2026-11-02 23:59:00 +0000"), small("#2", placed="2026-11-03 00:10:00 +0100"))
    report = daily.run_rows(*sales)
    assert (report.posted, report.rejected, report.exit_code) == (0, 0, 4)
    daily.sandbox.clear_faults()
    assert (daily.run().posted, daily.totals()) == (1, {DAY_1: "24.00"})
