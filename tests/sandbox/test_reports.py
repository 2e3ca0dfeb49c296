"""Reports: what they show of a small set of books, and how they agree with each other."""

from decimal import Decimal

import pytest

from tests.sandbox.ledger.desk import Desk, line


@pytest.fixture
def desk():
    """A sale of last year and one of this year, half paid; a bill; money on the bank. The year starts on 1 April."""
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    sold(made, "2026-03-20", line("200", 50))
    made.sale = sold(
        made, "2026-11-01", line("200", 100, Tracking=[{"Name": "Region", "Option": "North"}]), InvoiceNumber="S-2"
    )
    sold(made, "2026-11-02", line("429", 30), line("310", 10), Type="ACCPAY", InvoiceNumber="R-1")
    made.payment = {"Invoice": {"InvoiceID": made.sale["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 60}
    made.made("Payments", **made.payment, Date="2026-11-10")
    return made


def sold(desk, day, *lines, **fields):
    dates = {"Date": day, "DueDate": f"{day[:8]}28"}
    return desk.made(
        "Invoices",
        **{"Type": "ACCREC", "Contact": desk.contact, "Status": "AUTHORISED", "LineItems": list(lines)}
        | dates
        | fields,
    )


def report(desk, path):
    status, answer = desk.ask("GET", f"Reports/{path}")
    assert status == 200, answer
    (shown,) = answer["Reports"]
    return shown


def table(shown):
    """Rows as text: label -> the other cells; summary rows too."""
    rows = [row for section in shown["Rows"] for row in section.get("Rows", [])]
    return {row["Cells"][0]["Value"]: [cell["Value"] for cell in row["Cells"][1:]] for row in rows}


def test_a_trial_balance_balances_in_both_columns(desk):
    """Movement of the month beside the year's balance; what last year earned is retained."""
    shown = report(desk, "TrialBalance?date=2026-11-30")
    assert shown["ReportTitles"] == ["Trial Balance", "Fernhill Trading Ltd", "As at 30 November 2026"]
    assert [section.get("Title") for section in shown["Rows"][1:]] == [
        "Revenue", "Expenses", "Assets", "Liabilities", "Equity", "",
    ]  # fmt: skip
    rows = table(shown)
    assert rows["Sales (200)"] == ["", "100.00", "", "100.00"]
    assert rows["Accounts Receivable (610)"] == ["60.00", "", "120.00", ""]
    assert rows["Retained Earnings (960)"] == ["", "0.00", "", "50.00"]
    assert rows["Total"] == ["160.00", "160.00", "220.00", "220.00"]


def test_cells_carry_their_account(desk):
    """Attributes name the account, on the retained earnings also the years that they are of."""
    shown = report(desk, "TrialBalance?date=2026-11-30")
    cells = [row["Cells"] for section in shown["Rows"][1:] for row in section["Rows"]]
    sales = next(each for each in cells if each[0]["Value"] == "Sales (200)")
    own_id = next(row["AccountID"] for row in desk.books.table("Accounts") if row["Code"] == "200")
    assert all(each["Attributes"] == [{"Value": own_id, "Id": "account"}] for each in sales)
    retained = next(each for each in cells if each[0]["Value"].startswith("Retained"))
    assert {"Value": "3/31/2026", "Id": "toDate"} in retained[4]["Attributes"]


def test_profit_and_loss_in_xeros_sections(desk):
    """Income, cost of sales, gross profit, expenses, net profit; two periods side by side."""
    shown = report(desk, "ProfitAndLoss?fromDate=2026-11-01&toDate=2026-11-30&periods=1&timeframe=MONTH")
    assert [cell["Value"] for cell in shown["Rows"][0]["Cells"]] == ["", "30 Nov 2026", "30 Oct 2026"]
    assert [section["Title"] for section in shown["Rows"][1:]] == [
        "Income", "Less Cost of Sales", "", "Less Operating Expenses", "",
    ]  # fmt: skip
    rows = table(shown)
    assert (rows["Sales"], rows["Total Income"]) == (["100.00", "0.00"], ["100.00", "0.00"])
    assert (rows["Gross Profit"], rows["Net Profit"]) == (["90.00", "0.00"], ["60.00", "0.00"])


def test_profit_and_loss_on_cash_basis_counts_what_was_paid(desk):
    """60.00 of 120.00 is half of the sale; when the rest is paid it is all of it."""
    path = "ProfitAndLoss?fromDate=2026-11-01&toDate=2026-11-30&paymentsOnly=true"
    assert table(report(desk, path))["Net Profit"] == ["50.00"]
    desk.made("Payments", **desk.payment, Date="2026-11-20")
    assert table(report(desk, path))["Net Profit"] == ["100.00"]


def test_profit_and_loss_by_tracking_option(desk):
    """A column for each option, one for what has none, and the total; or one option alone."""
    region = next(row for row in desk.books.table("TrackingCategories") if row["Name"] == "Region")
    dates = "fromDate=2026-11-01&toDate=2026-11-30"
    shown = report(desk, f"ProfitAndLoss?{dates}&trackingCategoryID={region['TrackingCategoryID']}")
    labels = [cell["Value"] for cell in shown["Rows"][0]["Cells"]]
    assert (labels[1], labels[-2:]) == ("North", ["Unassigned", "Total"])
    assert table(shown)["Net Profit"][0] == "100.00"
    assert table(shown)["Net Profit"][-2:] == ["-40.00", "60.00"]
    department = next(row for row in desk.books.table("TrackingCategories") if row["Name"] == "Department")
    two = f"trackingCategoryID={region['TrackingCategoryID']}&trackingCategoryID2={department['TrackingCategoryID']}"
    pairs = report(desk, f"ProfitAndLoss?{dates}&{two}")
    labels = [cell["Value"] for cell in pairs["Rows"][0]["Cells"][1:]]
    profit = dict(zip(labels, table(pairs)["Net Profit"], strict=True))
    assert profit["North - Unassigned"] == "100.00"
    assert (profit["Unassigned - Unassigned"], profit["Total"]) == ("-40.00", "60.00")
    north = region["Options"][0]["TrackingOptionID"]
    assert table(report(desk, f"ProfitAndLoss?{dates}&trackingOptionID={north}"))["Net Profit"] == ["100.00"]


def test_a_balance_sheet_balances_at_the_ends_of_months(desk):
    """Net assets are the equity, in every column; this year's earnings have no account."""
    shown = report(desk, "BalanceSheet?date=2026-11-30&periods=2")
    assert [cell["Value"] for cell in shown["Rows"][0]["Cells"]] == ["", "30 Nov 2026", "31 Oct 2026", "30 Sep 2026"]
    rows = table(shown)
    assert rows["Business Bank Account"] == ["60.00", "0.00", "0.00"]
    assert rows["Current Year Earnings"] == ["60.00", "0.00", "0.00"]
    assert rows["Retained Earnings"] == ["50.00", "50.00", "50.00"]
    assert rows["Net Assets"] == rows["Total Equity"] == ["110.00", "50.00", "50.00"]


def test_a_bank_summary_opens_and_closes(desk):
    """Received and spent between the dates."""
    bank = {"BankAccount": {"Code": "090"}, "Contact": desk.contact, "Date": "2026-11-12"}
    desk.made("BankTransactions", Type="SPEND", LineItems=[line("429", 10, TaxType="NONE")], **bank)
    shown = report(desk, "BankSummary?fromDate=2026-11-11&toDate=2026-11-30")
    assert table(shown)["Business Bank Account"] == ["60.00", "0.00", "10.00", "50.00"]
    assert table(shown)["Total"] == ["60.00", "0.00", "10.00", "50.00"]


def test_receivables_and_payables_of_a_contact(desk):
    """Open documents with what was paid on them, days overdue, and the balance before."""
    contact = f"contactID={desk.contact['ContactID']}"
    shown = report(desk, f"AgedReceivablesByContact?{contact}&fromDate=2026-11-01&toDate=2026-11-30")
    assert shown["ReportTitles"][1:] == [
        "Blue Fern Ltd", "From 1 November 2026 to 30 November 2026", "Showing payments to 30 November 2026",
    ]  # fmt: skip
    rows = table(shown)
    assert rows["2026-11-01 00:00:00"] == [
        "S-2",
        "2026-11-28 00:00:00",
        "2 days overdue",
        "120.00",
        "60.00",
        "0.00",
        "60.00",
    ]
    assert rows["Closing Balance"][-1] == "120.00"
    opening = shown["Rows"][1]["Rows"][0]["Cells"]
    assert (opening[1]["Value"], opening[-1]["Value"]) == ("Opening Balance", "60.00")
    owed = table(report(desk, f"AgedPayablesByContact?{contact}&toDate=2026-11-30"))
    assert owed["Closing Balance"][-1] == "48.00"
    assert owed["2026-11-02 00:00:00"][0] == "R-1"


@pytest.mark.parametrize(
    "path",
    [
        "TrialBalance?date=yesterday",
        "ProfitAndLoss?periods=12",
        "BalanceSheet?timeframe=WEEK",
        "AgedReceivablesByContact",
        "AgedPayablesByContact?contactID=11111111-2222-4333-8444-555555555555",
        "ProfitAndLoss?trackingCategoryID=11111111-2222-4333-8444-555555555555",
    ],
)
def test_what_no_report_can_be_made_of(desk, path):
    """400 with a message; an unknown report is 404."""
    status, answer = desk.ask("GET", f"Reports/{path}")
    assert (status, answer["ErrorNumber"]) == (400, 10)
    assert desk.ask("GET", "Reports/Unheard")[0] == 404


def test_a_year_ends_where_the_organisation_says(desk):
    """On 31 March November's profit is this year's, on 1 April it is retained."""
    last, first = (table(report(desk, f"BalanceSheet?date=2027-{day}")) for day in ("03-31", "04-01"))
    assert (last["Current Year Earnings"], last["Retained Earnings"]) == (["60.00"], ["50.00"])
    assert (first["Current Year Earnings"], first["Retained Earnings"]) == (["0.00"], ["110.00"])
    assert Decimal(last["Net Assets"][0]) == Decimal(first["Net Assets"][0])
