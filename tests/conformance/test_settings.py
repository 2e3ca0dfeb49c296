"""Organisation, accounts, tax rates, currencies and tracking through the SDK (facts 5.1 to 5.5)."""

from decimal import Decimal

import pytest
from xero_python.accounting import Account, AccountType, Currency, CurrencyCode
from xero_python.exceptions import BadRequestException, NotFoundException

from tests.conformance import foreign

every_country = pytest.mark.parametrize("country", ["GB", "AU", "NL", "NZ"])
BASE = {"GB": "GBP", "AU": "AUD", "NL": "EUR", "NZ": "NZD"}


@every_country
def test_the_organisation_is_the_tenants_own(xero, country):
    """One organisation, whose id is the tenant id, in its country's currency."""
    (organisation,) = xero.api.get_organisations(xero.tenants[country]).organisations
    assert organisation.organisation_id == xero.tenants[country]
    assert organisation.country_code.value == country
    assert organisation.base_currency.value == BASE[country]
    assert organisation.is_demo_company is False
    assert organisation.short_code.startswith("!")


@every_country
def test_every_account_reads_through_the_sdk(xero, country):
    """All accounts of the chart, archived ones and system accounts included."""
    accounts = xero.api.get_accounts(xero.tenants[country]).accounts
    by_code = {account.code: account for account in accounts}
    assert len(accounts) >= 40
    assert by_code["200"].name == "Sales"
    assert by_code["290"].status == "ARCHIVED"
    assert {account.system_account for account in accounts} >= {"DEBTORS", "CREDITORS", "GST"}
    assert by_code["090"].type.value == "BANK"
    assert by_code["200"].updated_date_utc.tzinfo is not None


def test_accounts_by_where_order_id_and_stamp(xero):
    """where, order, a single account, If-Modified-Since."""
    revenue = xero.api.get_accounts(xero.tenant, where='Class=="REVENUE" AND Status=="ACTIVE"', order="Code DESC")
    codes = [account.code for account in revenue.accounts]
    assert codes == sorted(codes, reverse=True)
    assert "200" in codes
    assert "290" not in codes
    one = xero.api.get_account(xero.tenant, revenue.accounts[0].account_id).accounts
    assert [account.code for account in one] == codes[:1]
    assert xero.api.get_accounts(xero.tenant, if_modified_since="2999-01-01T00:00:00").accounts == []
    with pytest.raises(NotFoundException):
        xero.api.get_account(xero.tenant, "00000000-0000-0000-0000-000000000001")


def test_an_account_is_created_once(xero):
    """PUT makes an account with id and class; the same name again is refused in Xero's words."""
    code = foreign.unique()
    account = Account(code=code, name=f"Gifts {code}", type=AccountType.REVENUE, tax_type="OUTPUT2")
    made = xero.api.create_account(xero.tenant, account).accounts[0]
    assert (made.code, str(made._class)) == (code, "REVENUE")
    with pytest.raises(BadRequestException) as refused:
        xero.api.create_account(xero.tenant, account)
    errors = foreign.messages(refused.value.error_data["Elements"][0])
    assert "Please enter a unique Name." in errors
    assert "Please enter a unique Code." in errors


@pytest.mark.parametrize(
    ("country", "tax_type", "percent"),
    [("GB", "OUTPUT2", 20), ("AU", "OUTPUT", 10), ("NL", "TAX001", 21), ("NZ", "OUTPUT2", 15)],
)
def test_tax_rates_read_through_the_sdk(xero, country, tax_type, percent):
    """Each country's usual rate, real numbers and booleans, deleted rates included."""
    rates = xero.api.get_tax_rates(xero.tenants[country]).tax_rates
    rate = next(rate for rate in rates if rate.tax_type == tax_type)
    assert foreign.amount(rate.effective_rate) == Decimal(percent)
    assert rate.can_apply_to_revenue is True
    assert foreign.amount(rate.tax_components[0].rate) == Decimal(percent)
    assert "DELETED" in {rate.status for rate in rates}


def test_tax_rates_by_where(xero):
    """where on a boolean without quotes."""
    rates = xero.api.get_tax_rates(xero.tenant, where='Status=="ACTIVE" AND CanApplyToRevenue==true').tax_rates
    assert "OUTPUT2" in {rate.tax_type for rate in rates}
    assert "INPUT2" not in {rate.tax_type for rate in rates}


def test_currencies_list_and_subscribe(xero):
    """PUT subscribes to one more currency."""
    tenant = xero.tenants["NZ"]
    codes = [currency.code.value for currency in xero.api.get_currencies(tenant).currencies]
    assert codes[0] == "NZD"
    xero.api.create_currency(tenant, Currency(code=CurrencyCode.JPY))
    assert "JPY" in [currency.code.value for currency in xero.api.get_currencies(tenant).currencies]


@every_country
def test_tracking_categories_with_their_options(xero, country):
    """Two active categories; each option has an id and a state."""
    categories = xero.api.get_tracking_categories(xero.tenants[country]).tracking_categories
    assert [category.name for category in categories] == ["Region", "Department"]
    options = {option.name: option for option in categories[0].options}
    assert {"North", "South", "East", "West"} <= set(options)
    assert options["North"].tracking_option_id


def test_post_organisation_is_not_implemented(xero):
    """501 with error 20."""
    reply = xero.raw("POST", "/Organisation", body={"Name": "x"})
    assert (reply.status, reply.json()["ErrorNumber"]) == (501, 20)
    assert reply.json()["Type"] == "ApiMethodNotImplementedException"
    assert reply.json()["Message"] == "The Api Method called is not implemented"
