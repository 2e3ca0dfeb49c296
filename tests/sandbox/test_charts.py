"""The four countries' charts: Xero's shape, and consistent with themselves."""

import dataclasses

import pytest

from counterfoil.sandbox import charts

FLAG_OF_CLASS = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}
every_country = pytest.mark.parametrize("country", charts.COUNTRIES)


@every_country
def test_account_keys_come_in_the_order_of_the_wire(country):
    """Each account's keys are a selection of Xero's, in Xero's order, without id and stamp."""
    for account in charts.chart(country).accounts:
        assert [key for key in charts.ACCOUNT_KEYS if key in account] == list(account)
        assert {"AccountID", "UpdatedDateUTC"}.isdisjoint(account)


@every_country
def test_organisation_keys_come_in_the_order_of_the_wire(country):
    """The organisation's keys are a selection of Xero's, in Xero's order, without id and stamp."""
    organisation = charts.chart(country).organisation
    assert [key for key in charts.ORGANISATION_KEYS if key in organisation] == list(organisation)
    assert {"OrganisationID", "ShortCode", "CreatedDateUTC"}.isdisjoint(organisation)


@every_country
def test_every_account_uses_a_tax_rate_that_it_may_use(country):
    """An account's own tax rate exists, is active and fits the account's class."""
    chart = charts.chart(country)
    rates = {rate["TaxType"]: rate for rate in chart.tax_rates}
    misfits = [
        account["Code"]
        for account in chart.accounts
        if rates[account["TaxType"]]["Status"] != "ACTIVE"
        or not rates[account["TaxType"]][FLAG_OF_CLASS[account["Class"]]]
    ]
    assert misfits == []


@every_country
def test_a_chart_has_what_tests_of_documents_need(country):
    """Codes and names are unique; each class, an archived account, system accounts and an unfit rate are there."""
    chart = charts.chart(country)
    codes = [account["Code"] for account in chart.accounts]
    systems = {account["SystemAccount"] for account in chart.accounts if "SystemAccount" in account}
    assert sorted(set(codes)) == codes
    assert len({account["Name"] for account in chart.accounts}) == len(codes)
    assert {account["Class"] for account in chart.accounts} == set(FLAG_OF_CLASS)
    assert [account["Code"] for account in chart.accounts if account["Status"] == "ARCHIVED"] == ["290"]
    assert {"090", "091", "200", "220", "260", "425"} <= set(codes)
    assert {"DEBTORS", "CREDITORS", "GST", "ROUNDING", "RETAINEDEARNINGS"} <= systems
    assert any(rate["Status"] == "DELETED" for rate in chart.tax_rates)
    assert any(not rate["CanApplyToRevenue"] for rate in chart.tax_rates)


@every_country
def test_tracking_has_two_categories_with_an_archived_option_each(country):
    """Two active categories, the first of them Region with the four quarters."""
    region, department = charts.chart(country).tracking
    active = [option["Name"] for option in region["Options"] if option["Status"] == "ACTIVE"]
    assert (region["Name"], active) == ("Region", ["North", "South", "East", "West"])
    assert department["Name"] == "Department"
    for category in (region, department):
        assert [option["IsArchived"] for option in category["Options"]].count(True) == 1


@pytest.mark.parametrize(
    ("country", "name", "currency", "version", "rate_name", "rate_code", "percent"),
    [
        ("GB", "Fernhill Trading Ltd", "GBP", "UK", "20% (VAT on Income)", "OUTPUT2", 20),
        ("AU", "Wattle & Co Pty Ltd", "AUD", "AU", "GST on Income", "OUTPUT", 10),
        ("NL", "Grachtenhuis BV", "EUR", "GLOBAL", "21% BTW", "TAX001", 21),
        ("NZ", "Kōwhai Holdings Ltd", "NZD", "NZ", "15% GST on Income", "OUTPUT2", 15),
    ],
)
def test_each_country_is_itself(country, name, currency, version, rate_name, rate_code, percent):
    """Name, base currency, edition and the usual sales tax of each country."""
    chart = charts.chart(country)
    rate = next(rate for rate in chart.tax_rates if rate["TaxType"] == rate_code)
    assert (chart.organisation["Name"], chart.organisation["BaseCurrency"]) == (name, currency)
    assert chart.organisation["Version"] == version
    assert chart.currencies[0]["Code"] == currency
    assert (rate["Name"], rate["EffectiveRate"]) == (rate_name, percent)


def test_a_chart_is_the_callers_own():
    """Changing one chart leaves the next one as it was."""
    charts.chart("GB").accounts[0]["Name"] = "Changed"
    assert charts.chart("GB").accounts[0]["Name"] == "Business Bank Account"


def test_a_country_without_a_chart_is_an_error():
    """There is no default country."""
    with pytest.raises(KeyError):
        charts.chart("US")


@every_country
def test_what_one_caller_changes_no_other_finds(country):
    """Two charts share nothing that can be changed, however deep it lies."""

    def parts(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [value, *(part for one in inner for part in parts(one))] if isinstance(value, dict | list) else []

    first, second = charts.chart(country), charts.chart(country)
    fields = [field.name for field in dataclasses.fields(first)]
    found = [[part for name in fields for part in parts(getattr(chart, name))] for chart in (first, second)]
    assert len(found[0]) > 50
    assert not {id(part) for part in found[0]} & {id(part) for part in found[1]}
