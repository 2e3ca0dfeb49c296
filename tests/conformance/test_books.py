"""Manual journals, journals and reports through the SDK (facts 5.15, 5.16, 5.21)."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import ManualJournal, ManualJournalLine, ManualJournals
from xero_python.exceptions import BadRequestException

from tests import sandbox_process
from tests.conformance import foreign

NOVEMBER = {"from_date": date(2026, 11, 1), "to_date": date(2026, 11, 30)}


@pytest.fixture(scope="module")
def xero():
    """The SDK, connected to a sandbox whose books only this module fills."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--tier", "advanced") as process:
        yield foreign.Foreign(process.ready, scope=foreign.WITH_JOURNALS)


@pytest.fixture(scope="module")
def tenant(xero):
    """The New Zealand organisation with a sale, a bill and a payment."""
    tenant = xero.tenants["NZ"]
    contact = xero.contact(f"Books {foreign.unique()}", tenant)
    sale, _ = xero.created(
        xero.invoice(contact, foreign.line(unit="100")),
        xero.invoice(contact, foreign.line(unit="30", account="429"), type="ACCPAY"),
        tenant=tenant,
    )
    paid = foreign.wire_payment(sale.invoice_id, Amount=46)
    assert xero.raw("PUT", "/Payments", tenant=tenant, body=paid).status == 200
    return tenant


def journal(*amounts, **fields):
    lines = [
        ManualJournalLine(line_amount=Decimal(amount), account_code=code, description="x")
        for code, amount in zip(("429", "835"), amounts, strict=True)
    ]
    return ManualJournals(manual_journals=[
        ManualJournal(narration="Accrual", date=date(2026, 10, 31), journal_lines=lines, **fields)
    ])  # fmt: skip


def cells(report):
    """Label -> the other cells, of every row of a report."""
    rows = [row for section in report.reports[0].rows for row in section.rows or []]
    return {row.cells[0].value: [cell.value for cell in row.cells[1:]] for row in rows}


def test_a_manual_journal_is_posted_and_voided(xero):
    """Refused in Xero's words when it does not balance."""
    (made,) = xero.api.create_manual_journals(xero.tenant, journal("100", "-100")).manual_journals
    assert (made.status.value if hasattr(made.status, "value") else made.status) == "DRAFT"
    with pytest.raises(BadRequestException) as refused:
        xero.api.create_manual_journals(xero.tenant, journal("100", "-10"))
    assert foreign.messages(refused.value.error_data["Elements"][0]) == [
        "The total debits (100.00) must equal total credits (-10.00)"
    ]
    for status in ("POSTED", "VOIDED"):
        update = ManualJournals(manual_journals=[ManualJournal(narration="Accrual", status=status)])
        (made,) = xero.api.update_manual_journal(xero.tenant, made.manual_journal_id, update).manual_journals
        assert made.status == status
    listed = xero.api.get_manual_journals(xero.tenant, where='Status=="VOIDED"', page=1)
    assert made.manual_journal_id in {each.manual_journal_id for each in listed.manual_journals}
    assert len(listed.manual_journals[0].journal_lines) == 2


def test_journals_are_read_by_offset_and_balance(xero, tenant):
    """Each one's net amounts come to nothing; one by number and by id."""
    journals = xero.api.get_journals(tenant).journals
    assert [each.journal_number for each in journals] == list(range(1, len(journals) + 1))
    assert [each.source_type for each in journals] == ["ACCREC", "ACCPAY", "ACCRECPAYMENT"]
    for each in journals:
        assert sum(foreign.amount(line.net_amount) for line in each.journal_lines) == 0
    assert [each.journal_number for each in xero.api.get_journals(tenant, offset=1).journals] == [2, 3]
    by_number = xero.api.get_journal_by_number(tenant, 2).journals[0]
    assert xero.api.get_journal(tenant, by_number.journal_id).journals[0].journal_number == 2


def test_a_trial_balance_through_the_sdk(xero, tenant):
    """Header, sections, attributes, and a total that balances."""
    report = xero.api.get_report_trial_balance(tenant, date=date(2026, 11, 30))
    (shown,) = report.reports
    assert [cell.value for cell in shown.rows[0].cells] == ["Account", "Debit", "Credit", "YTD Debit", "YTD Credit"]
    rows = cells(report)
    assert rows["Sales (200)"] == ["", "100.00", "", "100.00"]
    assert rows["Total"][0] == rows["Total"][1]
    assert shown.rows[1].rows[0].cells[0].attributes[0].id == "account"


def test_profit_and_loss_and_balance_sheet_agree(xero, tenant):
    """Net profit is this year's earnings; on cash basis what was paid counts."""
    accrual = cells(xero.api.get_report_profit_and_loss(tenant, **NOVEMBER))
    cash = cells(xero.api.get_report_profit_and_loss(tenant, **NOVEMBER, payments_only=True))
    assert (accrual["Net Profit"], cash["Net Profit"]) == (["70.00"], ["40.00"])
    sheet = cells(xero.api.get_report_balance_sheet(tenant, date=date(2026, 11, 30), periods=1, timeframe="MONTH"))
    assert sheet["Current Year Earnings"] == ["70.00", "0.00"]
    assert sheet["Net Assets"] == sheet["Total Equity"]


def test_bank_summary_and_ageing_through_the_sdk(xero, tenant):
    """The bank has what was paid, the contact owes the rest."""
    bank = cells(xero.api.get_report_bank_summary(tenant, **NOVEMBER))
    assert bank["Total"] == ["0.00", "46.00", "0.00", "46.00"]
    invoices = xero.api.get_invoices(tenant, page=1).invoices
    contact = invoices[0].contact.contact_id
    owed = cells(xero.api.get_report_aged_receivables_by_contact(tenant, contact, to_date=date(2026, 11, 30)))
    owing = cells(xero.api.get_report_aged_payables_by_contact(tenant, contact, to_date=date(2026, 11, 30)))
    assert (owed["Closing Balance"][-1], owing["Closing Balance"][-1]) == ("69.00", "34.50")
