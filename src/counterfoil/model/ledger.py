"""What one entity's checks need to know of its organisation: accounts, tax rates, tracking, currencies, locks, terms.

Built by app.py from the mirror's reference data (facts 5.1 to 5.5) and the entity's settings; called by checks and
flows/. Immutable: a changed chart of accounts is a new Ledger. Costs no API call.
"""

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar

import msgspec

from counterfoil.model import record, terms

_CAN_APPLY: Final = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}


class EntityFacts(Protocol):
    """What the entity's settings say; settings.EntitySettings is one."""

    @property
    def key(self) -> str:
        """The user's key for the company."""
        ...

    @property
    def start(self) -> datetime.date | None:
        """Nothing older is ever posted; None: no such day."""
        ...

    @property
    def closed_through(self) -> datetime.date | None:
        """Our own lock date: nothing on or before it is posted; None: none."""
        ...

    @property
    def accounts(self) -> Mapping[str, str]:
        """The user's names for Xero's account codes."""
        ...

    @property
    def taxes(self) -> Mapping[str, str]:
        """The user's names for Xero's tax types or the names of tax rates."""
        ...


class Account(msgspec.Struct, frozen=True):
    """One account of the chart. `category` is Xero's Class (REVENUE, …); `system` its SystemAccount or "".

    `takes_payments`: it is a bank account, or payments to it are enabled. Bank accounts may have no code.
    """

    code: str
    name: str
    type: str
    category: str
    tax_type: str
    status: str
    system: str
    id: str
    takes_payments: bool


class TaxRate(msgspec.Struct, frozen=True):
    """One tax rate. `percent` is Xero's EffectiveRate; `categories` are the account classes that may carry it."""

    tax_type: str
    name: str
    status: str
    percent: Decimal
    categories: frozenset[str]


class TrackingCategory(msgspec.Struct, frozen=True):
    """One tracking category; `options` maps each option's name to whether it is active."""

    name: str
    active: bool
    options: Mapping[str, bool]


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """One entity's organisation as the checks see it. Mappings by name prefer what is active.

    `accounts` and `accounts_by_name` hold accounts with a code; `payment_accounts`, by name, those that take payments.
    """

    entity: str
    organisation: str
    base_currency: str
    country: str
    timezone: str
    period_lock_date: datetime.date | None
    end_of_year_lock_date: datetime.date | None
    sales_terms: terms.Terms | None
    accounts: Mapping[str, Account]
    accounts_by_name: Mapping[str, Account]
    payment_accounts: Mapping[str, Account]
    tax_rates: Mapping[str, TaxRate]
    tax_rates_by_name: Mapping[str, TaxRate]
    tracking: Mapping[str, TrackingCategory]
    currencies: frozenset[str]
    own_accounts: Mapping[str, str]
    own_taxes: Mapping[str, str]
    start: datetime.date | None
    closed_through: datetime.date | None
    mode: str = "normal"

    @classmethod
    def from_wire(
        cls,
        organisation: Mapping[str, Any],
        accounts: Iterable[Mapping[str, Any]],
        tax_rates: Iterable[Mapping[str, Any]],
        tracking: Iterable[Mapping[str, Any]],
        currencies: Iterable[Mapping[str, Any]],
        entity: EntityFacts,
        mode: str = "normal",
    ) -> "Ledger":
        """A ledger from Xero's decoded JSON (PascalCase keys; numbers of any kind; dates as /Date(ms+0000)/ or ISO).

        `mode`: model/modes. Rows without the key that they are known by are left out. Raises ValueError for a date that is none, KeyError
        for an organisation without its base currency.
        """
        chart = [_account(row) for row in accounts]
        rates = [_tax_rate(row) for row in tax_rates]
        base_currency = str(organisation["BaseCurrency"])
        payment_terms = organisation.get("PaymentTerms")
        return cls(
            entity=entity.key,
            organisation=str(organisation.get("Name", "")),
            base_currency=base_currency,
            country=str(organisation.get("CountryCode", "")),
            timezone=str(organisation.get("Timezone", "")),
            period_lock_date=_day(organisation.get("PeriodLockDate")),
            end_of_year_lock_date=_day(organisation.get("EndOfYearLockDate")),
            sales_terms=terms.from_wire(payment_terms.get("Sales")) if isinstance(payment_terms, dict) else None,
            accounts={row.code: row for row in _active_last(chart) if row.code},
            accounts_by_name={row.name: row for row in _active_last(chart) if row.name and row.code},
            payment_accounts={row.name: row for row in _active_last(chart) if row.name and row.takes_payments},
            tax_rates={row.tax_type: row for row in _active_last(rates) if row.tax_type},
            tax_rates_by_name={row.name: row for row in _active_last(rates) if row.name and row.tax_type},
            tracking={row.name: row for row in map(_tracking, tracking) if row.name},
            currencies=frozenset({base_currency, *(str(row["Code"]) for row in currencies if row.get("Code"))}),
            own_accounts=dict(entity.accounts),
            own_taxes=dict(entity.taxes),
            start=entity.start,
            closed_through=entity.closed_through,
            mode=mode,
        )

    def own_account(self, name: str) -> Account | None:
        """The account that the user calls `name`: by the entity's settings, else by Xero's exact name of it."""
        code = self.own_accounts.get(name)
        return self.accounts_by_name.get(name) if code is None else self.accounts.get(code)

    def own_payment_account(self, name: str) -> Account | None:
        """As `own_account`; an account that takes payments may have no code, and comes before others of its name."""
        code = self.own_accounts.get(name)
        if code is not None:
            return self.accounts.get(code)
        return self.payment_accounts.get(name) or self.accounts_by_name.get(name)

    def own_tax(self, name: str) -> TaxRate | None:
        """The tax that the user calls `name`: by the entity's settings (a TaxType or a rate's name), else by Xero's."""
        given = self.own_taxes.get(name, name)
        found = self.tax_rates_by_name.get(given)
        return self.tax_rates.get(given, found) if name in self.own_taxes else found


_Row = TypeVar("_Row", Account, TaxRate)


def _active_last(rows: Iterable[_Row]) -> list[_Row]:
    return sorted(rows, key=lambda row: row.status == "ACTIVE")


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        code=str(row.get("Code") or ""),
        name=str(row.get("Name") or ""),
        type=str(row.get("Type") or ""),
        category=str(row.get("Class") or ""),
        tax_type=str(row.get("TaxType") or ""),
        status=str(row.get("Status") or ""),
        system=str(row.get("SystemAccount") or ""),
        id=str(row.get("AccountID") or ""),
        takes_payments=row.get("Type") == "BANK" or row.get("EnablePaymentsToAccount") is True,
    )


def _tax_rate(row: Mapping[str, Any]) -> TaxRate:
    return TaxRate(
        tax_type=str(row.get("TaxType") or ""),
        name=str(row.get("Name") or ""),
        status=str(row.get("Status") or ""),
        percent=Decimal(str(row.get("EffectiveRate") or 0)),
        categories=frozenset(name for name, key in _CAN_APPLY.items() if row.get(key) is True),
    )


def _tracking(row: Mapping[str, Any]) -> TrackingCategory:
    options = {str(option.get("Name") or ""): option.get("Status") == "ACTIVE" for option in row.get("Options") or ()}
    return TrackingCategory(name=str(row.get("Name") or ""), active=row.get("Status") == "ACTIVE", options=options)


def _day(value: Any) -> datetime.date | None:
    """A calendar date of the wire; None when unset."""
    if value is None or value == "":
        return None
    return value if isinstance(value, datetime.date) else record.day(str(value))
