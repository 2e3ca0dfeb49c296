"""A small ledger for checks: what each test needs and nothing else; no chart of the sandbox's."""

import datetime
from types import SimpleNamespace

from counterfoil.model.ledger import Ledger


def entity(**changes):
    """What the settings say of acme-uk."""
    facts = {
        "key": "acme-uk",
        "start": None,
        "closed_through": None,
        "accounts": {"sales": "200", "gone": "999"},
        "taxes": {"standard": "20% (VAT on Income)", "zero": "ZERO", "odd": "NOWHERE"},
    }
    return SimpleNamespace(**facts | changes)


def account(code, name, type="REVENUE", category="REVENUE", tax="OUT20", status="ACTIVE", system=None):
    row = {"Code": code, "Name": name, "Type": type, "Class": category, "TaxType": tax, "Status": status}
    return row if system is None else row | {"SystemAccount": system}


def rate(tax_type, name, percent, applies_to=("Revenue",), status="ACTIVE"):
    flags = {
        f"CanApplyTo{kind}": kind in applies_to for kind in ("Assets", "Equity", "Expenses", "Liabilities", "Revenue")
    }
    return {"TaxType": tax_type, "Name": name, "EffectiveRate": percent, "Status": status, **flags}


ORGANISATION = {
    "Name": "Fernhill Trading Ltd",
    "BaseCurrency": "GBP",
    "CountryCode": "GB",
    "Timezone": "GMTSTANDARDTIME",
    "PaymentTerms": {"Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"}},
}
ACCOUNTS = [
    account("090", "Bank", type="BANK", category="ASSET", tax="NONE"),
    account("200", "Sales"),
    account("290", "Old sales", status="ARCHIVED"),
    account("400", "Advertising", type="OVERHEADS", category="EXPENSE", tax="IN20"),
    account("610", "Accounts Receivable", type="CURRENT", category="ASSET", tax="NONE", system="DEBTORS"),
]
TAX_RATES = [
    rate("OUT20", "20% (VAT on Income)", 20.0),
    rate("OUT5", "5% (VAT on Income)", 5),
    rate("ZERO", "Zero rated", 0.0),
    rate("IN20", "20% (VAT on Expenses)", 20.0, ("Expenses",)),
    rate("OLD", "17.5% (VAT on Income)", 17.5, status="DELETED"),
    rate("NONE", "No VAT", 0, ("Assets", "Equity", "Expenses", "Liabilities", "Revenue")),
]
TRACKING = [
    {
        "Name": "Region",
        "Status": "ACTIVE",
        "Options": [{"Name": "North", "Status": "ACTIVE"}, {"Name": "Overseas", "Status": "ARCHIVED"}],
    },
    {"Name": "Season", "Status": "ARCHIVED", "Options": [{"Name": "Spring", "Status": "ACTIVE"}]},
    {"Name": "Shop", "Status": "ACTIVE", "Options": [{"Name": "Leeds", "Status": "ACTIVE"}]},
]
CURRENCIES = [{"Code": "GBP"}, {"Code": "EUR"}]


def wire_day(text):
    """A day as Xero writes it."""
    seconds = (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).total_seconds()
    return f"/Date({int(seconds) * 1000}+0000)/"


def ledger(organisation=None, more_accounts=(), **facts):
    return Ledger.from_wire(
        ORGANISATION | (organisation or {}),
        [*ACCOUNTS, *more_accounts],
        TAX_RATES,
        TRACKING,
        CURRENCIES,
        entity(**facts),
    )
