"""Billable expenses, payment services, CIS, budgets and their reports through the SDK (facts 5.1, 5.7, 5.20, 5.21, 5.23)."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import (
    Contact,
    Invoice,
    Invoices,
    LinkedTransaction,
    LinkedTransactions,
    PaymentService,
    PaymentServices,
)
from xero_python.exceptions import BadRequestException
from xero_python.exceptions.http_status_exceptions import NotFoundException

from tests import sandbox_process
from tests.conformance import foreign

SCOPES = (
    f"{foreign.SCOPES} paymentservices accounting.budgets.read accounting.reports.budgetsummary.read "
    "accounting.reports.executivesummary.read accounting.reports.tenninetynine.read"
)


@pytest.fixture(scope="module")
def more(sandbox):
    """The SDK with the scopes that few apps ask for; another person's consent, so that nobody else has them."""
    return foreign.Foreign(sandbox.ready, scope=SCOPES, login_hint="sam@example.com")


@pytest.fixture
def bill(more, contact):
    """An approved bill."""
    (made,) = more.created(more.invoice(contact, foreign.line(account="429"), type="ACCPAY"))
    return made


def refusal(call):
    with pytest.raises(BadRequestException) as refused:
        call()
    return foreign.messages(refused.value.error_data["Elements"][0])


def linked(more, **fields):
    sent = LinkedTransactions(linked_transactions=[LinkedTransaction(**fields)])
    return more.api.create_linked_transaction(more.tenant, sent).linked_transactions[0]


def test_a_line_of_a_bill_is_billed_to_a_customer(more, bill, contact):
    """Its status follows from both documents; lists choose by either; DELETE answers 204."""
    source = {
        "source_transaction_id": bill.invoice_id,
        "source_line_item_id": bill.line_items[0].line_item_id,
    }
    made = linked(more, **source)
    assert (made.status, made.type, made.source_transaction_type_code) == ("APPROVED", "BILLABLEEXPENSE", "ACCPAY")
    (sale,) = more.created(more.invoice(contact, status="DRAFT"))
    target = LinkedTransaction(
        target_transaction_id=sale.invoice_id, target_line_item_id=sale.line_items[0].line_item_id, **source
    )
    update = LinkedTransactions(linked_transactions=[target])
    (changed,) = more.api.update_linked_transaction(more.tenant, made.linked_transaction_id, update).linked_transactions
    assert (changed.status, changed.contact_id) == ("ONDRAFT", contact)
    approved = Invoices(invoices=[Invoice(status="AUTHORISED")])
    more.api.update_invoice(more.tenant, sale.invoice_id, approved)
    for chosen in (
        {"source_transaction_id": bill.invoice_id},
        {"target_transaction_id": sale.invoice_id},
        {"contact_id": contact, "status": "BILLED"},
        {"linked_transaction_id": made.linked_transaction_id},
    ):
        (found,) = more.api.get_linked_transactions(more.tenant, **chosen).linked_transactions
        assert (found.linked_transaction_id, found.status) == (made.linked_transaction_id, "BILLED"), chosen
    voided = Invoices(invoices=[Invoice(status="VOIDED")])
    more.api.update_invoice(more.tenant, bill.invoice_id, voided)
    one = more.api.get_linked_transaction(more.tenant, made.linked_transaction_id).linked_transactions[0]
    assert one.status == "VOIDED"
    more.api.delete_linked_transaction(more.tenant, made.linked_transaction_id)
    with pytest.raises(NotFoundException):
        more.api.get_linked_transaction(more.tenant, made.linked_transaction_id)


def test_a_link_must_fit(more, bill, contact):
    """Xero's sentences for a line of another document and for a customer of another invoice."""
    other = more.contact(f"Other {foreign.unique()}")
    (sale,) = more.created(more.invoice(other))
    wrong_line = {"source_transaction_id": bill.invoice_id, "source_line_item_id": sale.line_items[0].line_item_id}
    assert refusal(lambda: linked(more, **wrong_line)) == ["The SourceLineItemID and SourceTransactionID do not match"]
    source = {"source_transaction_id": bill.invoice_id, "source_line_item_id": bill.line_items[0].line_item_id}
    wrong = {"contact_id": contact, "target_transaction_id": sale.invoice_id}
    assert refusal(lambda: linked(more, **source, **wrong)) == [
        "The ContactID and the TargetTransaction ContactID do not match"
    ]
    assert more.raw("POST", "/LinkedTransactions", body={}).status == 501
    page = more.raw("GET", "/LinkedTransactions?page=1&pageSize=1").json()
    assert "pagination" not in page


def test_a_payment_service_is_made_and_given_to_a_theme(more):
    """Of type CUSTOM; an unknown one cannot be given; a bad address is refused."""
    new = PaymentService(payment_service_name="Pay up", payment_service_url="https://pay.example/")
    sent = PaymentServices(payment_services=[new])
    (made,) = more.api.create_payment_service(more.tenant, sent).payment_services
    assert (made.payment_service_type, made.pay_now_text) == ("CUSTOM", "Pay by credit card")
    listed = more.api.get_payment_services(more.tenant).payment_services
    assert made.payment_service_id in {each.payment_service_id for each in listed}
    theme = more.api.get_branding_themes(more.tenant).branding_themes[0].branding_theme_id
    by_id = PaymentServices(payment_services=[PaymentService(payment_service_id=made.payment_service_id)])
    more.api.create_branding_theme_payment_services(more.tenant, theme, by_id)
    of_theme = more.api.get_branding_theme_payment_services(more.tenant, theme).payment_services
    assert [each.payment_service_name for each in of_theme] == ["Pay up"]
    unknown = PaymentServices(payment_services=[PaymentService(payment_service_id=theme)])
    assert refusal(lambda: more.api.create_branding_theme_payment_services(more.tenant, theme, unknown)) == [
        "Payment service could not be found"
    ]
    bad = PaymentServices(payment_services=[PaymentService(payment_service_name="x", payment_service_url="nowhere")])
    assert len(refusal(lambda: more.api.create_payment_service(more.tenant, bad))) == 1


def test_payment_services_have_a_scope_of_their_own(xero):
    """Neither settings nor anything else opens them."""
    reply = xero.raw("GET", "/PaymentServices")
    assert (reply.status, reply.json()["Detail"]) == (401, "AuthorizationUnsuccessful")


def test_cis_settings_are_britains(more, contact):
    """404 for a contact that never was a subcontractor, and abroad; else what a person set."""
    with pytest.raises(NotFoundException):
        more.api.get_contact_cis_settings(more.tenant, contact)
    more.control("POST", f"organisation/{more.tenant}", cis={"contractor": True, "rate": 20, "contacts": {contact: 30}})
    (own,) = more.api.get_contact_cis_settings(more.tenant, contact).cis_settings
    assert (own.cis_enabled, foreign.amount(own.rate)) == (True, 30)
    (ours,) = more.api.get_organisation_cis_settings(more.tenant, more.tenant).cis_settings
    assert (ours.cis_contractor_enabled, ours.cis_sub_contractor_enabled) == (True, False)
    more.control("POST", f"organisation/{more.tenant}", cis={"contacts": {contact: None}})
    assert more.raw("GET", f"/Contacts/{contact}/CISSettings").json()["CISSettings"] == [{"CISEnabled": False}]
    abroad = more.tenants["NZ"]
    with pytest.raises(NotFoundException):
        more.api.get_organisation_cis_settings(abroad, abroad)


BUDGETS = [
    {
        "Description": "Plan",
        "BudgetLines": [
            {
                "AccountCode": "200",
                "BudgetBalances": [{"Period": f"2026-{month:02}", "Amount": 100 * month} for month in range(1, 13)],
            },
            {"AccountCode": "310", "BudgetBalances": [{"Period": "2026-10", "Amount": "30.5", "Notes": "much"}]},
            {"AccountCode": "429", "BudgetBalances": [{"Period": "2026-11", "Amount": 50}]},
        ],
    },
    {"Type": "TRACKING", "Description": "North", "BudgetLines": []},
]


@pytest.fixture
def budgets(more):
    """What a person planned for the British organisation."""
    more.control("POST", f"organisation/{more.tenant}", budgets=BUDGETS)
    return more.api.get_budgets(more.tenant).budgets


def test_budgets_are_read(more, budgets):
    """Lists have no lines; one has those of the months that are asked for, three without dates."""
    assert [(each.type, each.description, each.budget_lines) for each in budgets] == [
        ("OVERALL", "Plan", []),
        ("TRACKING", "North", []),
    ]
    own_id = budgets[0].budget_id
    months = {"date_from": date(2026, 9, 1), "date_to": date(2026, 11, 30)}
    (one,) = more.api.get_budget(more.tenant, own_id, **months).budgets
    sales, goods, _ = one.budget_lines
    assert [foreign.amount(each.amount) for each in sales.budget_balances] == [900, 1000, 1100]
    assert [(foreign.amount(each.amount), each.notes) for each in goods.budget_balances] == [(Decimal("30.5"), "much")]
    (chosen,) = more.api.get_budgets(more.tenant, i_ds=[own_id], **months).budgets
    assert len(chosen.budget_lines) == 3
    raw = more.raw("GET", f"/Budgets/{own_id}?DateFrom=2026-09-01").json()["Budgets"][0]
    assert [each["Period"] for each in raw["BudgetLines"][0]["BudgetBalances"]] == ["2026-09", "2026-10", "2026-11"]
    assert more.raw("GET", f"/Budgets/{own_id}?DateFrom=2026-01-01&DateTo=2028-01-31").status == 400
    assert more.raw("PUT", "/Budgets", body={}).status == 401  # there is no scope to write them


def test_the_budget_summary_adds_up(more, budgets):
    """By quarters, called by their last months."""
    assert len(budgets) == 2
    answer = more.api.get_report_budget_summary(more.tenant, date=date(2026, 7, 15), periods=2, timeframe=3)
    (report,) = answer.reports
    assert report.report_titles[0] == "Plan"
    assert report.report_titles[-1] == "July 2026 to December 2026"
    cells = {
        row.cells[0].value: [cell.value for cell in row.cells[1:]] for part in report.rows for row in part.rows or []
    }
    assert [cell.value for cell in report.rows[0].cells] == ["Account", "Sep-26", "Dec-26"]
    assert cells["Total Income"] == ["2400.00", "3300.00"]
    assert cells["Gross Profit"] == ["2400.00", "3269.50"]
    assert cells["Total Expenses"] == ["0.00", "50.00"]
    assert cells["Net Profit"] == ["2400.00", "3219.50"]
    empty = more.api.get_report_budget_summary(more.tenants["AU"], periods=1, timeframe=1).reports[0]
    assert [row.cells[0].value for part in empty.rows for row in part.rows or []] == [
        "Gross Profit",
        "Total Expenses",
        "Net Profit",
    ]


@pytest.fixture
def alone():
    """A sandbox of its own, whose books nobody else writes in."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as process:
        yield foreign.Foreign(process.ready, scope=SCOPES)


def test_the_executive_summary_is_of_the_month(alone):
    """Two invoices of 100 and a bill of 40, half of the first paid: every figure can be worked out by hand."""
    more, tenant = alone, alone.tenant
    who = {"contact": Contact(contact_id=more.contact("Blue Fern Ltd"))}
    tax = {"tax_type": "NONE"}
    first, _ = more.created(
        *(more.invoice("", foreign.line(unit="100", **tax), **who) for _ in range(2)), tenant=tenant
    )
    more.created(more.invoice("", foreign.line(unit="40", account="429", **tax), type="ACCPAY", **who), tenant=tenant)
    payment = foreign.wire_payment(first.invoice_id, Amount=50)
    assert more.raw("PUT", "/Payments", tenant=tenant, body=payment).status == 200
    (report,) = more.api.get_report_executive_summary(tenant, date=date(2026, 11, 30)).reports
    cells = {
        row.cells[0].value: [cell.value for cell in row.cells[1:]] for part in report.rows for row in part.rows or []
    }
    assert report.report_titles[-1] == "For the month of November 2026"
    assert [part.title for part in report.rows[1:]] == [
        "Cash", "Profitability", "Balance Sheet", "Income", "Performance", "Position",
    ]  # fmt: skip
    assert {label: values[0] for label, values in cells.items()} == {
        "Cash received": "50.00", "Cash spent": "0.00", "Cash surplus (deficit)": "50.00",
        "Closing bank balance": "50.00", "Income": "200.00", "Direct costs": "0.00", "Gross profit (loss)": "200.00",
        "Other Income": "0.00", "Expenses": "40.00", "Profit (loss)": "160.00", "Debtors": "150.00",
        "Creditors": "40.00", "Net assets": "160.00", "Number of invoices issued": "2",
        "Average value of invoices": "100.00", "Gross profit margin": "100.0%", "Net profit margin": "80.0%",
        "Return on investment (p.a.)": "1200.0%", "Average debtors days": "22.5", "Average creditors days": "30",
        "Short term cash forecast": "110.00", "Current assets to liabilities": "5",
        "Term assets to liabilities": "",
    }  # fmt: skip
    assert {values[2] for values in cells.values()} == {"0.0%"}  # there is nothing to compare with
    later = more.raw("GET", "/Reports/ExecutiveSummary?date=2026-12-31", tenant=tenant).json()["Reports"][0]
    debtors = later["Rows"][3]["Rows"][0]["Cells"]
    assert [cell["Value"] for cell in debtors] == ["Debtors", "150.00", "150.00", "0.0%"]


def test_1099_reports_are_american(more):
    """400 elsewhere."""
    with pytest.raises(BadRequestException):
        more.api.get_report_ten_ninety_nine(more.tenant, report_year="2026")


def test_four_places_of_a_bank_transaction_that_is_changed(more, contact):
    """unitdp counts for POST of one, too."""
    line = {"Description": "x", "Quantity": 100, "UnitAmount": "1.2345", "AccountCode": "200", "TaxType": "NONE"}
    body = {"Type": "RECEIVE", "Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "LineItems": [line]}
    made = more.raw("PUT", "/BankTransactions", body=body).json()["BankTransactions"][0]
    path = f"/BankTransactions/{made['BankTransactionID']}"
    assert made["Total"] == 123
    changed = more.raw("POST", f"{path}?unitdp=4", body=body).json()["BankTransactions"][0]
    assert (changed["Total"], changed["LineItems"][0]["UnitAmount"]) == (Decimal("123.45"), Decimal("1.2345"))
