"""What an organisation file may hold: Xero's own words and spelling, as GET answers them, with ISO dates.

Called by `reading`, `checks` and `chart`. A member that is not named here is refused, so that a slip of the pen is not
passed over. Ids may be left out. Facts 5.1 to 5.7.
"""

import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

FORMAT: Final = "counterfoil organisation 1"
Text = Annotated[str, Meta(min_length=1, max_length=255)]
Guid = Annotated[str, Meta(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Letters3 = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="A currency, e.g. GBP.")]
State = Literal["ACTIVE", "ARCHIVED"]
AccountType = Literal[
    "BANK", "CURRENT", "CURRLIAB", "DEPRECIATN", "DIRECTCOSTS", "EQUITY", "EXPENSE", "FIXED", "INVENTORY", "LIABILITY",
    "NONCURRENT", "OTHERINCOME", "OVERHEADS", "PAYG", "PAYGLIABILITY", "PREPAYMENT", "REVENUE", "SALES",
    "SUPERANNUATIONEXPENSE", "SUPERANNUATIONLIABILITY", "TERMLIAB", "WAGESEXPENSE",
]  # fmt: skip


class _Part(Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """Every object of the file: Xero's spelling, nothing unknown."""


class Term(_Part, frozen=True, kw_only=True):
    """When something is due."""

    day: Annotated[int, Meta(ge=0, le=255)]
    type: Literal["DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH"]


class Terms(_Part, frozen=True, kw_only=True):
    """Terms of bills and of sales."""

    bills: Term | None = None
    sales: Term | None = None


class Organisation(_Part, frozen=True, kw_only=True):
    """The organisation itself. Lock dates: nothing on or before them can be changed."""

    name: Text
    country_code: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166, e.g. GB.")]
    base_currency: Letters3
    legal_name: Text | None = None
    version: str | None = None
    organisation_type: str | None = None
    organisation_entity_type: str | None = None
    pays_tax: bool = True
    financial_year_end_day: Annotated[int, Meta(ge=1, le=31)] = 31
    financial_year_end_month: Annotated[int, Meta(ge=1, le=12)] = 12
    sales_tax_basis: str | None = None
    sales_tax_period: str | None = None
    default_sales_tax: str | None = None
    default_purchases_tax: str | None = None
    period_lock_date: datetime.date | None = None
    end_of_year_lock_date: datetime.date | None = None
    timezone: str | None = None
    edition: str | None = None
    class_: str | None = field(default=None, name="Class")
    payment_terms: Terms | None = None


class Account(_Part, frozen=True, kw_only=True):
    """One account. One with SystemAccount is written to by the ledger itself, e.g. DEBTORS, CREDITORS, GST."""

    name: Annotated[str, Meta(min_length=1, max_length=150)]
    type: AccountType
    code: Annotated[str, Meta(max_length=10)] = ""
    account_id: Guid | None = field(default=None, name="AccountID")
    status: State = "ACTIVE"
    tax_type: str = "NONE"
    description: str = ""
    system_account: str = ""
    enable_payments_to_account: bool = False
    show_in_expense_claims: bool = False
    bank_account_type: str = ""
    bank_account_number: str = ""
    currency_code: Letters3 | None = None


class Component(_Part, frozen=True, kw_only=True):
    """A part of a tax rate, in per cent."""

    name: Text
    rate: Decimal
    is_compound: bool = False
    is_non_recoverable: bool = False


class TaxRate(_Part, frozen=True, kw_only=True):
    """A tax rate in per cent. EffectiveRate is charged, DisplayTaxRate shown (left out: the same)."""

    name: Text
    tax_type: Text
    effective_rate: Decimal
    display_tax_rate: Decimal | None = None
    report_tax_type: str | None = None
    status: Literal["ACTIVE", "DELETED", "ARCHIVED", "PENDING"] = "ACTIVE"
    can_apply_to_assets: bool = True
    can_apply_to_equity: bool = True
    can_apply_to_expenses: bool = True
    can_apply_to_liabilities: bool = True
    can_apply_to_revenue: bool = True
    tax_components: tuple[Component, ...] = ()


class Currency(_Part, frozen=True, kw_only=True):
    """A currency that the organisation has subscribed to."""

    code: Letters3
    description: str = ""


class Option(_Part, frozen=True, kw_only=True):
    """An option of a tracking category."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    status: State = "ACTIVE"
    tracking_option_id: Guid | None = field(default=None, name="TrackingOptionID")


class TrackingCategory(_Part, frozen=True, kw_only=True):
    """A tracking category with its options."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    status: State = "ACTIVE"
    tracking_category_id: Guid | None = field(default=None, name="TrackingCategoryID")
    options: tuple[Option, ...] = ()


class Address(_Part, frozen=True, kw_only=True):
    """An address of a contact."""

    address_type: Literal["POBOX", "STREET"]
    address_line1: str = ""
    address_line2: str = ""
    address_line3: str = ""
    address_line4: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    attention_to: str = ""


class Phone(_Part, frozen=True, kw_only=True):
    """A telephone number of a contact."""

    phone_type: Literal["DDI", "DEFAULT", "FAX", "MOBILE"]
    phone_number: str = ""
    phone_area_code: str = ""
    phone_country_code: str = ""


class Contact(_Part, frozen=True, kw_only=True):
    """A customer or supplier."""

    name: Text
    contact_id: Guid | None = field(default=None, name="ContactID")
    contact_number: Annotated[str, Meta(max_length=50)] = ""
    account_number: Annotated[str, Meta(max_length=50)] = ""
    contact_status: State = "ACTIVE"
    first_name: str = ""
    last_name: str = ""
    company_number: str = ""
    email_address: str = ""
    tax_number: str = ""
    accounts_receivable_tax_type: str = ""
    accounts_payable_tax_type: str = ""
    addresses: tuple[Address, ...] = ()
    phones: tuple[Phone, ...] = ()
    is_supplier: bool = False
    is_customer: bool = False
    default_currency: Letters3 | None = None
    sales_default_account_code: str = ""
    purchases_default_account_code: str = ""
    payment_terms: Terms | None = None


class File(_Part, frozen=True, kw_only=True):
    """The whole file."""

    format: Literal["counterfoil organisation 1"] = field(name="Format")
    organisation: Organisation
    accounts: Annotated[tuple[Account, ...], Meta(min_length=1, max_length=5_000)]
    tax_rates: Annotated[tuple[TaxRate, ...], Meta(min_length=1, max_length=1_000)]
    currencies: Annotated[tuple[Currency, ...], Meta(max_length=200)] = ()
    tracking_categories: Annotated[tuple[TrackingCategory, ...], Meta(max_length=4)] = ()
    contacts: Annotated[tuple[Contact, ...], Meta(max_length=100_000)] = ()


def published() -> dict[str, Any]:
    """The JSON Schema of the file, for docs/ and for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "An organisation for the sandbox"}
    # msgspec reads decimals from numbers as well as from text, and its schema tells of text alone.
    text = msgspec.json.encode(head | msgspec.json.schema(File)).replace(
        b'"type":"string","format":"decimal"', b'"type":["number","string"]'
    )
    made: dict[str, Any] = msgspec.json.decode(text)
    return made
