"""`--history`: a past that Xero's rules allow, that balances, that is told the same every time, and is lived once."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from counterfoil.sandbox import past, person, wire
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.world import World
from tests import sandbox_process
from tests.sandbox.ledger.test_random_ledgers import left

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
MONTHS = 8
ZERO = Decimal("0.00")


def lived(seed=1, **options):
    """A world that lived its past until NOW."""
    world = World(Options(history=MONTHS, **options), seed)
    with world.clock.at(NOW):
        world.renew(seed)
        past.lived(world)
    return world


@pytest.fixture(scope="module")
def world():
    """Four countries."""
    return lived()


@pytest.fixture(scope="module")
def organisations(world):
    """Their books."""
    return world.organisations()


def cells(world, books, path):
    """The rows of a report by their labels, on the day of NOW."""
    with world.clock.at(NOW):
        answer = person.acted(world, books, "GET", f"Reports/{path}", None)
    (report,) = wire.decode(answer.body)["Reports"]
    rows = [row for part in report["Rows"] for row in part.get("Rows", [])]
    return {row["Cells"][0]["Value"]: [cell["Value"] for cell in row["Cells"][1:]] for row in rows}


def sums(books):
    """What is on each account, by AccountID."""
    found = Counter()
    for journal in books.table("journals"):
        for account, net, *_ in journal["lines"]:
            found[account] += net
    return found


def test_every_journal_and_so_the_trial_balance_balances(organisations):
    """Debits equal credits in each, and the accounts that matter have moved."""
    for books in organisations:
        for journal in books.table("journals"):
            assert sum((line[1] for line in journal["lines"]), ZERO) == 0
        used = {account for account, amount in sums(books).items() if amount}
        assert len(used) > 10


def test_what_is_owed_is_what_the_open_documents_say(organisations):
    """The control accounts are the sum of the open documents, foreign ones at their own rates."""
    sides = {
        "DEBTORS": {"ACCREC": 1, "ACCRECCREDIT": -1, "RECEIVE-OVERPAYMENT": -1},
        "CREDITORS": {"ACCPAY": -1, "ACCPAYCREDIT": 1, "SPEND-OVERPAYMENT": 1},
    }
    for books in organisations:
        rows = [row for plural in ("Invoices", "CreditNotes", "Overpayments") for row in books.table(plural)]
        for control, signs in sides.items():
            account = books.table("Accounts").first("system", control)["AccountID"]
            assert sums(books)[account] == sum((signs.get(row["Type"], 0) * left(row) for row in rows), ZERO) != 0


def test_the_reports_agree_with_each_other_and_with_the_open_documents(world, organisations):
    """Each month's trial balance and balance sheet balance, on both bases; ageing by contact adds up to what is owed."""
    for books in organisations:
        for month, basis in itertools.product(range(4, 12), ("", "&paymentsOnly=true")):
            day = date(2026, month, 1) - timedelta(days=1)
            total = cells(world, books, f"TrialBalance?date={day}{basis}")["Total"]
            debits, credited, of_year, credited_of_year = total
            assert (debits, of_year) == (credited, credited_of_year)
            sheet = cells(world, books, f"BalanceSheet?date={day}{basis}")
            assert sheet["Net Assets"] == sheet["Total Equity"]
        for name, control, sign in (("Receivables", "DEBTORS", 1), ("Payables", "CREDITORS", -1)):
            owed = sums(books)[books.table("Accounts").first("system", control)["AccountID"]]
            paths = [f"Aged{name}ByContact?contactID={row['ContactID']}" for row in books.table("Contacts")]
            aged = sum((Decimal(cells(world, books, path)["Closing Balance"][-1]) for path in paths), ZERO)
            assert aged == sign * owed


def test_a_past_has_what_books_have(organisations):
    """Late and partly paid documents, open and overdue ones, foreign ones, drafts, credits, transfers, journals."""
    for books in organisations:
        invoices = list(books.table("Invoices"))
        paid = [row for row in invoices if row["Status"] == "PAID"]
        assert {row["Type"] for row in paid} == {"ACCREC", "ACCPAY"}
        late = [row for row in paid if wire.stamp_ms(row["FullyPaidOnDate"]) > wire.stamp_ms(row["DueDate"])]
        assert 0 < len(late) < len(paid)
        assert any(len(row["Payments"]) > 1 for row in paid)
        today = wire.stamp_ms(wire.day(NOW.date()))
        assert any(row["Status"] == "AUTHORISED" and wire.stamp_ms(row["DueDate"]) < today for row in invoices)
        assert any(row["CurrencyRate"] != 1 for row in paid)
        assert any(row["Allocations"] for row in books.table("CreditNotes"))
        kinds = {row["Type"] for row in books.table("BankTransactions")}
        assert {"SPEND", "RECEIVE", "SPEND-TRANSFER", "RECEIVE-TRANSFER"} <= kinds
        assert len(books.table("ManualJournals")) == MONTHS
    assert {"DRAFT", "VOIDED"} <= {row["Status"] for books in organisations for row in books.table("Invoices")}


def test_documents_are_of_whole_months_and_payments_go_on_until_yesterday(organisations):
    """Nothing is dated in the future, stamps are of the days on which things happened."""
    for books in organisations:
        days = {wire.day_of(row["Date"]) for row in books.table("Invoices")}
        assert date(2026, 3, 1) <= min(days) <= max(days) <= date(2026, 10, 31)
        paid = {wire.day_of(row["Date"]) for row in books.table("Payments")}
        assert date(2026, 11, 1) < max(paid) < NOW.date()
        for row in books.table("Payments"):
            assert abs(wire.moment_of(row["UpdatedDateUTC"]).date() - wire.day_of(row["Date"])) <= timedelta(days=1)


def test_the_same_seed_and_day_give_the_same_past():
    """To the last id and stamp; each organisation's own, and another one for another seed."""

    def seen(world, number):
        return {name: dict(table.rows) for name, table in world.organisations()[number].tables.items()}

    first, again, alone, other = lived(), lived(), lived(organisations=1), lived(seed=2)
    assert seen(first, 3) == seen(again, 3)
    assert seen(first, 0) == seen(alone, 0)
    amounts = [[row["Total"] for row in world.organisations()[0].table("Invoices")] for world in (first, other)]
    assert amounts[0] != amounts[1]


def test_about_as_many_documents_as_asked():
    """Payments, bank lines and journals are documents too."""
    (books,) = lived(organisations=1, history_documents=200).organisations()
    plurals = ("Invoices", "Payments", "CreditNotes", "BankTransactions", "BankTransfers", "ManualJournals")
    assert 0.85 < sum(len(books.table(plural)) for plural in plurals) / (200 * MONTHS) < 1.2


def test_a_state_file_is_lived_once_and_a_reset_lives_anew(tmp_path):
    """A second start finds what the first one made; an organisation that a person resets is empty."""
    options = ("--history", "2", "--organisations", "2", "--state", str(tmp_path / "state"))
    with sandbox_process.start(*options) as first:
        tenants = [first.tenant(1), first.tenant(2)]
        before = [first.ledger(tenant) for tenant in tenants]
    with sandbox_process.start(*options) as again:
        assert [again.ledger(tenant) for tenant in tenants] == before
        new = again.organisation(tenants[1], reset=True)["tenant_id"]
        assert again.ledger(new)["Invoices"] == []
        again.post("/_sandbox/reset")
        numbers = [[row["Total"] for row in again.ledger(tenant)["Invoices"]] for tenant in tenants]
        assert numbers == [[row["Total"] for row in ledger["Invoices"]] for ledger in before]


def test_books_that_somebody_has_written_in_get_no_past(tmp_path):
    """What is in a state file without a past is left alone; a new organisation in it gets one."""
    state = ("--state", str(tmp_path / "state"))
    with sandbox_process.start("--organisations", "1", *state) as first:
        first.make(first.tenant(1), "Contacts", {"Name": "Alder Bakery Ltd"})
        draft = {"Type": "ACCREC", "Contact": {"Name": "Alder Bakery Ltd"}, "LineItems": [{"Description": "x"}]}
        first.make(first.tenant(1), "Invoices", draft)
        before = first.ledger(first.tenant(1))
    with sandbox_process.start("--organisations", "2", "--history", "1", *state) as again:
        assert again.ledger(again.tenant(1)) == before
        assert len(again.ledger(again.tenant(2))["Invoices"]) > 1


def test_a_stale_read_does_not_look_behind_the_past():
    """Before it there were no books, so nobody can have seen them without it."""
    with sandbox_process.start("--auto-consent", "--history", "1", "--organisations", "1") as sandbox:
        token, tenant = sandbox.connect()["access_token"], sandbox.tenant(1)
        seen = sandbox.api("GET", "Invoices?page=1", token, tenant).json["Invoices"]
        sandbox.fault("stale_read", delay_s=10_000_000)
        assert sandbox.api("GET", "Invoices?page=1", token, tenant).json["Invoices"] == seen != []
