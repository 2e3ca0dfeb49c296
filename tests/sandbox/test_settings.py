"""Organisation, Accounts, TaxRates, Currencies and TrackingCategories over HTTP."""

import pytest

from tests.sandbox.conftest import GB, NZ, Ledger, invoice, messages


def test_organisation_is_in_xeros_shape_and_read_only(ledger):
    """The organisation is a list of one, its id is the tenant's, and a write is 501 ErrorNumber 20."""
    (row,) = ledger.get("Organisation")["Organisations"]
    assert row["OrganisationID"] == ledger.tenant
    assert row["CreatedDateUTC"].startswith("/Date(")
    assert "+" not in row["CreatedDateUTC"]
    assert "PeriodLockDate" not in row
    reply = ledger.call("POST", "Organisation", {"Name": "X"})
    assert (reply.status, reply.json["ErrorNumber"]) == (501, 20)
    assert {"Name": "UseMulticurrency", "Status": "ALLOWED"} in ledger.get("Organisation/Actions")["Actions"]


def test_a_lock_date_shows_when_set_and_goes_when_taken_away(ledger):
    """PeriodLockDate is on the wire only while there is one, in Xero's place."""
    ledger.sandbox.organisation(ledger.tenant, period_lock_date="2026-09-30")
    row = ledger.get("Organisation")["Organisations"][0]
    assert row["PeriodLockDate"] == "/Date(1790726400000+0000)/"
    assert list(row).index("PeriodLockDate") == list(row).index("DefaultPurchasesTax") + 1
    ledger.sandbox.organisation(ledger.tenant, period_lock_date=None)
    assert "PeriodLockDate" not in ledger.get("Organisation")["Organisations"][0]


def test_reminders_and_actions_are_as_a_person_set_them(ledger):
    """Off and allowed at first; both read only."""
    assert ledger.get("InvoiceReminders/Settings")["InvoiceReminders"] == [{"Enabled": False}]
    ledger.sandbox.organisation(ledger.tenant, invoice_reminders=True, actions={"UseMulticurrency": False})
    assert ledger.get("InvoiceReminders/Settings")["InvoiceReminders"] == [{"Enabled": True}]
    actions = {row["Name"]: row["Status"] for row in ledger.get("Organisation/Actions")["Actions"]}
    assert (actions["UseMulticurrency"], actions["CreateApprovedInvoice"]) == ("NOT-ALLOWED", "ALLOWED")
    assert ledger.call("POST", "InvoiceReminders/Settings", {"Enabled": False}).status == 501


def test_an_account_that_was_paid_into_cannot_be_deleted(ledger):
    """Payments use an account as lines do."""
    account = {"Code": "098", "Name": "Till", "Type": "BANK", "BankAccountNumber": "123456"}
    made = ledger.call("PUT", "Accounts", account).json["Accounts"][0]
    (due,) = ledger.write("PUT", invoice(ledger.contact()))
    payment = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Account": {"Code": "098"}, "Amount": 1}
    ledger.write("PUT", payment, to="Payments")
    assert ledger.call("DELETE", f"Accounts/{made['AccountID']}").status == 400


def test_accounts_are_listed_found_and_filtered(ledger):
    """The chart has codes, classes and stamps; where and order work."""
    rows = ledger.get("Accounts")["Accounts"]
    assert {row["Class"] for row in rows} == {"ASSET", "LIABILITY", "EQUITY", "REVENUE", "EXPENSE"}
    assert list(rows[0])[:3] == ["AccountID", "Code", "Name"]
    assert ledger.get(f"Accounts/{rows[0]['AccountID']}")["Accounts"] == [rows[0]]
    sales = ledger.get("Accounts?where=Code%3D%3D%22200%22")["Accounts"]
    assert [row["Type"] for row in sales] == ["REVENUE"]


def test_an_account_is_made_archived_and_deleted(ledger):
    """PUT makes an account with a unique code and name; one in use can only be archived."""
    new = {"Code": "299", "Name": "Repairs", "Type": "REVENUE", "TaxType": "OUTPUT2"}
    made = ledger.call("PUT", "Accounts", new).json["Accounts"][0]
    assert made["Class"] == "REVENUE"
    again = ledger.call("PUT", "Accounts", new)
    assert messages(again.json["Elements"][0]) == ["Please enter a unique Name.", "Please enter a unique Code."]
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 1, "AccountCode": "299"}
    ledger.write("PUT", invoice(ledger.contact(), LineItems=[line]))
    assert ledger.call("DELETE", f"Accounts/{made['AccountID']}").status == 400
    archived = ledger.call("POST", f"Accounts/{made['AccountID']}", {"Status": "ARCHIVED"})
    assert archived.json["Accounts"][0]["Status"] == "ARCHIVED"


def test_tax_rates_are_numbers_and_include_deleted_ones(sandbox):
    """Rates are real numbers and booleans; New Zealand's old rates are there as DELETED."""
    ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(NZ))
    rows = {row["TaxType"]: row for row in ledger.get("TaxRates")["TaxRates"]}
    assert (rows["OUTPUT2"]["EffectiveRate"], rows["OUTPUT2"]["CanApplyToRevenue"]) == (15.0, True)
    assert rows["INPUT"]["Status"] == "DELETED"
    assert ledger.get("TaxRates/output2")["TaxRates"] == [rows["OUTPUT2"]]


def test_a_currency_is_subscribed_once(ledger):
    """PUT adds a currency, after which invoices may use it; a second PUT changes nothing."""
    before = ledger.get("Currencies")["Currencies"]
    assert before[0]["Code"] == "GBP"
    for _ in range(2):
        assert ledger.call("PUT", "Currencies", {"Code": "JPY", "Description": "Yen"}).status == 200
    assert [row["Code"] for row in ledger.get("Currencies")["Currencies"]] == [*(row["Code"] for row in before), "JPY"]


def test_tracking_categories_have_options_and_a_limit(ledger):
    """Options can be added; only two categories are active at a time."""
    rows = ledger.get("TrackingCategories")["TrackingCategories"]
    path = f"TrackingCategories/{rows[0]['TrackingCategoryID']}"
    assert ledger.call("PUT", f"{path}/Options", {"Name": "Westerly"}).json["Options"][0]["Status"] == "ACTIVE"
    assert ledger.call("PUT", f"{path}/Options", {"Name": "westerly"}).status == 400
    assert "Westerly" in [option["Name"] for option in ledger.get(path)["TrackingCategories"][0]["Options"]]
    for number in range(len(rows), 2):
        assert ledger.call("PUT", "TrackingCategories", {"Name": f"More {number}"}).status == 200
    assert ledger.call("PUT", "TrackingCategories", {"Name": "Too many"}).status == 400


@pytest.mark.parametrize(
    "path", ["Accounts/unknown", "TaxRates/NONSENSE", "TrackingCategories/unknown", "Currencies/X"]
)
def test_an_unknown_id_is_404(ledger, path):
    """Unknown ids of settings are text/html 404 as everywhere."""
    assert ledger.call("GET", path).headers["Content-Type"] == "text/html; charset=utf-8"


def test_every_country_has_its_own_books(sandbox):
    """The four organisations have their countries' currencies."""
    described = [(row["country"], row["base_currency"], row["name"]) for row in sandbox.ready["organisations"]]
    assert described == [
        ("GB", "GBP", "Fernhill Trading Ltd"),
        ("AU", "AUD", "Wattle & Co Pty Ltd"),
        ("NL", "EUR", "Grachtenhuis BV"),
        ("NZ", "NZD", "Kōwhai Holdings Ltd"),
    ]
    assert sandbox.tenant(GB) != sandbox.tenant(NZ)
