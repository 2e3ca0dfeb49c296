"""Mapped flows: rows of an export become invoices, to the cent; what is wrong with one order keeps only that one back."""

import contextlib
import json
import random

import pytest
import sqlalchemy as sa

from counterfoil import errors, flows
from counterfoil.app.intake import Intake
from counterfoil.posting.plans import BATCH
from counterfoil.store import schema
from tests import warm
from tests.app import till as tills
from tests.app.till import COLUMNS, order, small


def test_rows_of_an_order_make_one_invoice_wherever_they_stand(till):
    """Scattered rows give the same invoices, and run again from a sorted file everything is unchanged."""
    orders = [order(f"#{n}", "25.00", ("2", "5.00", "S"), ("1", "13.00", "Z")) for n in range(1, 8)]
    chance = random.Random(1)
    scattered = [rows[n] for n in (0, 1) for rows in chance.sample(orders, len(orders))]
    assert till.run_rows(scattered).posted == 7
    assert till.totals() == {f"#{n}": "25.00" for n in range(1, 8)}
    report = till.run_rows(*orders)
    assert (report.records, report.unchanged, report.posted) == (7, 7, 0)


def test_plan_is_run_to_the_cent(till):
    """The totals of `plan` are those of the ledger."""
    till.write_rows(small("#1"), small("#2", "Z"), order("#3", "18.00", ("3", "5.00", "S")), small("#4", "?"))
    planned = {line.number: f"{line.total:.2f}" for line in till.plan().lines if line.sign == "+"}
    assert till.run().posted == 3
    assert till.totals() == planned == {"#1": "12.00", "#2": "10.00", "#3": "18.00"}


def test_a_bad_row_keeps_its_record_back_and_no_other(till):
    """A row with a cell too many, in the middle of an order, holds that order, named by its line."""
    rows = [*order("#1", "24.00", ("1", "10.00", "S"), ("1", "10.00", "S")), *small("#2")]
    rows[1] = (*rows[1], "one too many")
    report = till.run_rows(rows)
    assert (report.posted, report.rejected) == (1, 1)
    (problem,) = till.problems()
    assert till.totals() == {"#2": "12.00"}
    assert "orders.csv:3" in problem.records[0].source
    assert "10 cells" in problem.reason
    assert "`#1`" in problem.reason


@pytest.mark.parametrize(
    ("rows", "amounts", "unknown"),
    [
        (small("#1", "?"), {"GBP": "10.00"}, 0),  # the lookup does not know it, the total is there
        (order("#1", "25.00", ("a few", "5.00", "S"), ("1", "13.00", "Z")), {"GBP": "25.00"}, 0),
        (order("#1", "25,00", ("1", "5.00", "?")), {}, 1),
        (order("#1", "", ("1", "5.00", "?")), {}, 1),
        ([*order("#1", "24.00", ("1", "10.00", "S")), ("#1", *[""] * 4, "Thing", "1", "10.00", "S", "much")], {"GBP": "24.00"}, 0),
    ],
)  # fmt: skip
def test_a_record_that_fails_in_the_mapping_shows_its_money(till, rows, amounts, unknown):
    """What its own total says, whatever else is wrong; else it is told as unknown."""
    till.run_rows(rows, small("#2"))
    (problem,) = till.problems()
    assert ({name: str(amount) for name, amount in problem.amounts.items()}, problem.unknown) == (amounts, unknown)


def test_what_is_worth_most_is_cured_first_also_where_the_mapping_fails(till):
    """Money first, and what is unknown last."""
    till.run_rows(small("#1", "x"), order("#2", "9000.00", ("1", "10.00", "y")), order("#3", "?", ("1", "10.00", "z")))
    assert [one.records[0].external_id for one in till.problems()] == ["#2", "#1", "#3"]


def test_rows_of_an_order_that_disagree_are_named(till):
    """Two customers for one order: both values, each with its row; nothing is posted of it."""
    first, second = small("#1", customer="Ann")[0], small("#1", customer="Ben")[0]
    report = till.run_rows([first, second])
    assert (report.posted, report.rejected) == (0, 1)
    (problem,) = till.problems()
    assert "Ann (orders.csv:2); Ben (orders.csv:3)" in problem.reason


def test_a_column_that_the_file_lacks_stops_everything_before_it_is_planned(till):
    """The configuration's line, the nearest column; not one record is planned or counted."""
    columns = [name if name != "Price" else "Prices" for name in COLUMNS]
    with pytest.raises(errors.ConfigurationError) as told:
        till.run_rows(small("#1"), columns=columns)
    (problem,) = told.value.problems
    assert problem.startswith("counterfoil.toml:")
    assert "names the column `Price`, which the source does not have" in problem
    assert "Prices" in problem
    assert till.totals() == {}
    assert till.do(lambda books: books.postings()) == []


def test_a_further_column_of_the_file_changes_nothing(till):
    """A column that the mapping does not use is no mistake."""
    rows = [(*row, "new") for row in small("#1")]
    assert till.run_rows(rows, columns=(*COLUMNS, "Newcomer")).posted == 1


# ---- lookups and fixes


def test_an_unknown_lookup_is_one_problem_that_one_fix_mends(till):
    """Three orders with one unknown VAT name: one problem; its cell is fixed, and retry plans them without the file."""
    till.run_rows(small("#1"), small("#2", "zero!"), small("#3", "zero!"), small("#4", "zero!"))
    (problem,) = till.problems()
    assert (problem.count, problem.cause, problem.value) == (3, "lookup-unknown:zero!", "zero!")
    assert problem.column == "VAT"
    report = till.fix(problem.n, use="Z", because="printed books")
    assert (report.records, report.cured) == (3, 3)
    (till.folder / "orders.csv").unlink()
    assert till.retry(problem.n) == 3
    assert till.finish().posted == 3
    assert till.totals() == {"#1": "12.00", "#2": "10.00", "#3": "10.00", "#4": "10.00"}
    assert till.problems() == []
    report = till.run_rows(small("#1"), small("#2", "zero!"), small("#5", "zero!"))
    assert (report.posted, report.unchanged, report.rejected) == (1, 2, 0)


def test_a_fix_of_a_cell_is_undone(till):
    """What was planned with it and not sent is refused again; what was posted stays."""
    till.run_rows(small("#1", "zero!"))
    (problem,) = till.problems()
    (fix,) = till.fix(problem.n, use="Z").fixes
    assert till.retry(problem.n) == 1
    till.do(lambda books: books.unfix(fix))
    assert till.finish().posted == 0
    (again,) = till.problems()
    assert (again.n, again.cause) == (problem.n, "lookup-unknown:zero!")
    till.fix(problem.n, use="Z")
    till.retry(problem.n)
    assert till.finish().posted == 1
    ((fix, *_),) = [till.do(lambda books: books.fixes())]
    till.do(lambda books: books.unfix(fix["id"]))
    assert till.totals() == {"#1": "10.00"}


def test_a_fix_that_is_as_unknown_as_the_cell_is_not_stored(till):
    """`--use` with another name that the lookup does not have cures nothing, and says so."""
    till.run_rows(small("#1", "zero!"))
    (problem,) = till.problems()
    with pytest.raises(errors.InputError) as told:
        till.fix(problem.n, use="zeroo")
    assert "is not in the lookup vat: zeroo" in str(told.value)
    assert till.do(lambda books: books.fixes()) == []


def test_two_unknown_names_are_two_problems(till):
    """Each is cured by itself."""
    till.run_rows(small("#1", "zero!"), small("#2", "nil"), small("#3", "nil"))
    assert sorted((one.value, one.count) for one in till.problems()) == [("nil", 2), ("zero!", 1)]


def test_why_shows_the_rows_and_the_record_of_a_mapped_posting(till):
    """The story of an invoice begins with its rows: where they stand and what they say."""
    till.run_rows(order("#1", "22.00", ("1", "10.00", "S"), ("1", "10.00", "Z")))
    (story,) = till.do(lambda books: books.why("#1"))
    (content,) = story.contents
    assert [row.source for row in content.rows] == ["orders.csv:2", "orders.csv:3"]
    assert content.rows[0].cells["Customer"] == "Customer #1"
    assert "Customer" not in content.rows[1].cells
    assert content.record["external_id"] == "#1"
    assert len(content.record["lines"]) == 2


# ---- instants: the organisation's own day

INSTANTS = tills.FLOW.replace('date = "%d/%m/%Y"', 'date = "%Y-%m-%d %H:%M:%S %z"')


@pytest.mark.parametrize(
    ("entity", "number", "placed", "day"),
    [
        ("acme-uk", 1, "2026-11-02 23:59:59 +0000", "2026-11-02"),
        ("acme-uk", 1, "2026-06-30 23:30:00 +0000", "2026-07-01"),  # summer time
        ("acme-uk", 1, "2026-11-03 00:30:00 +0100", "2026-11-02"),
        ("acme-au", 2, "2026-11-02 12:59:59 +0000", "2026-11-02"),
        ("acme-au", 2, "2026-11-02 13:00:00 +0000", "2026-11-03"),
        ("acme-nl", 3, "2026-11-02 22:59:59 +0000", "2026-11-02"),
        ("acme-nl", 3, "2026-11-02 23:00:00 +0000", "2026-11-03"),
    ],
)
def test_an_instant_is_the_organisations_own_day(till, entity, number, placed, day):
    """Around midnight the same moment is another day in London, Sydney and Amsterdam."""
    currency, tax = {1: ("GBP", "OUTPUT2"), 2: ("AUD", "OUTPUT"), 3: ("EUR", "OUTPUT")}[number]
    flow = (
        INSTANTS.partition("[flows.shop.check]")[0]
        .replace('"acme-uk"', f'"{entity}"')
        .replace('"GBP"', f'"{currency}"')
    )
    flow = flow.replace('account = "sales"', 'account_code = "200"')
    till.flow_text = flow.replace('tax = { lookup = "vat", key = "{VAT}" }', f'tax_type = "{tax}"')
    assert till.run_rows(small("#1", placed=placed)).posted == 1
    assert [one["DateString"][:10] for one in till.living(number)] == [day]


def test_a_time_zone_that_nobody_knows_is_said(till):
    """Xero's list of time zones grows: an instant is refused with what to do, a plain day is posted."""
    till.flow_text = INSTANTS
    till.sandbox.organisation(till.sandbox.tenant(1), timezone="MARSSTANDARDTIME")
    report = till.run_rows(small("#1", placed="2026-11-02 12:00:00 +0000"), small("#2", placed="2026-11-02"))
    assert (report.posted, report.rejected) == (1, 1)
    (problem,) = till.problems()
    assert "MARSSTANDARDTIME" in problem.reason
    assert 'timezone = "' in problem.remedy
    till.zone = "Pacific/Auckland"
    assert till.run().posted == 1
    assert {one["DateString"][:10] for one in till.living()} == {"2026-11-02", "2026-11-03"}


def test_a_time_zone_that_is_none_is_refused_when_the_configuration_is_loaded(till):
    """With its line and an example."""
    till.zone = "Mars/Olympus"
    with pytest.raises(errors.ConfigurationError, match=r"counterfoil\.toml:\d+: \[entities\.acme-uk\] `timezone`"):
        till.run_rows(small("#1"))


# ---- files


def test_a_file_with_a_header_only_is_no_records(till):
    """Nothing to do is no mistake."""
    report = till.run_rows()
    assert (report.records, report.exit_code) == (0, 0)


def test_an_empty_file_is_said(till):
    """Not even a header: an error with the file's name, and nothing is planned."""
    (till.folder / "orders.csv").write_bytes(b"")
    with pytest.raises(errors.InputError, match=r"orders\.csv"):
        till.run()


def test_another_encoding_is_said_before_anything_is_planned(till):
    """A UTF-16 file where the configuration says UTF-8 stops the run; single bytes that do not fit spoil their rows."""
    path = till.write_rows(small("#1"), small("#2"))
    whole = path.read_text()
    path.write_bytes(whole.encode("utf-16"))
    with pytest.raises(errors.InputError, match="byte order mark of utf-16"):
        till.run()
    path.write_bytes(whole.replace("Customer #2", "Müller").encode("cp1252"))
    report = till.run()
    assert (report.posted, report.rejected) == (1, 1)
    assert "utf-8" in till.problems()[0].reason


def test_a_cell_of_a_mebibyte_spoils_its_row_alone(till):
    """Too large to be read: refused with its line."""
    report = till.run_rows(small("#1"), order("#2", "12.00", ("1" * (1 << 20), "10.00", "S")), small("#3"))
    assert (report.posted, report.rejected) == (2, 1)
    assert "orders.csv:3" in till.problems()[0].records[0].source


def test_501_columns_are_refused(till):
    """With the bound and the cure."""
    with pytest.raises(errors.InputError, match="at most 500"):
        till.run_rows(columns=[*COLUMNS, *(f"more {n}" for n in range(501 - len(COLUMNS)))])


def test_a_record_of_1001_rows_is_refused_and_no_other(till):
    """1,000 rows make one record at most."""
    large = order("#1", "12.00", *[("1", "0.01", "S")] * 1001)
    report = till.run_rows(large, small("#2"))
    assert (report.posted, report.rejected) == (1, 1)
    assert "1,001 rows; at most 1,000" in till.problems()[0].reason


def test_the_same_file_twice_is_unchanged(till):
    """Every outcome of the second run is unchanged; nothing is sent."""
    till.run_rows(small("#1"), small("#2"))
    before = len(till.writes())
    report = till.run()
    assert (report.unchanged, report.records, len(till.writes())) == (2, 2, before)


def test_two_orders_that_map_to_one_external_id_are_both_held(till):
    """Orders A-1 and a-1 become one external id with other content: neither is sent."""
    till.flow_text = tills.FLOW.replace('external_id = "{Order}"', 'external_id = "=lower(head.Order)"')
    report = till.run_rows(small("A-1"), small("a-1", "Z"), small("b-1"))
    assert (report.posted, report.held) == (1, 2)
    (problem,) = till.problems()
    assert "orders.csv:2" in problem.reason
    assert "orders.csv:3" in problem.reason


def test_another_file_is_read_with_input(till):
    """`--input`: the same flow, another file; its header is checked too."""
    path = till.write_rows(small("#7"), name="yesterday.csv")
    report = till.do(lambda books: books.run("shop", path))
    assert (report.posted, till.totals()) == (1, {"#7": "12.00"})
    path.write_text("Order,Email\r\n")
    with pytest.raises(errors.ConfigurationError, match="does not have"):
        till.do(lambda books: books.run("shop", path))


def test_records_of_a_program_are_records_in_our_own_form(till):
    """`books.run(records=…)` hands finished records to a mapped flow: they are not mapped again."""
    record = {
        "external_id": "r-1", "contact": {"external_id": "c-1", "name": "Ann"}, "date": "2026-11-02",
        "lines": [{"description": "x", "quantity": 1, "unit_amount": "10", "account": "sales", "tax": "standard"}],
        "expected_total": "12.00",
    }  # fmt: skip
    report = till.do(lambda books: books.run("shop", records=[record]))
    assert (report.posted, till.totals()) == (1, {"r-1": "12.00"})


@pytest.mark.parametrize("where", ["spooling", "planning", "after-freeze", "after-send", "mid-outcome"])
def test_killed_in_the_middle_and_run_again_each_order_is_there_once(till, where):
    """kill -9 while rows are spooled, while records are planned, while requests are out: the next run ends it."""
    till.write_rows(*(order(f"#{n}", "24.00", ("1", "10.00", "S"), ("1", "10.00", "S")) for n in range(450)))
    till.write_config()
    state = till.folder / "state.json"
    held = {name: getattr(till, name) for name in ("store", "posting", "token", "flow_text")}
    state.write_text(json.dumps(held | {"ready": till.sandbox.ready}))
    killed = warm.start("-m", "tests.app.killed", str(till.folder), str(state), where, cwd=warm.ROOT)
    assert killed.wait(timeout=60) == -9
    report = till.run()
    assert (report.posted + report.unchanged + report.adopted, report.exit_code) == (450, 0)
    assert till.totals() == {f"#{n}": "24.00" for n in range(450)}
    assert set(till.marks().values()) == {1}
    assert till.do(lambda books: books.database.read(spools)) == 0


def spools(connection):
    """How many spools are left in the database."""
    return connection.execute(sa.select(sa.func.count()).select_from(schema.spools)).scalar_one()


def test_what_breaks_off_leaves_no_rows_behind(till):
    """Whoever stops reading in the middle, by an error or by Ctrl-C, leaves nothing in the spool."""
    till.write_rows(*(small(f"#{n}") for n in range(BATCH + 100)))

    async def work(books):
        flow = books.flow("shop")
        intake = Intake(books, flow, flows.kind(flow.kind))
        async with contextlib.aclosing(intake.batches(flow.source.path)) as batches:
            assert len(await anext(batches)) == BATCH
            assert await books.database.read(spools) == 1
        return await books.database.read(spools)

    assert till.do(work) == 0
