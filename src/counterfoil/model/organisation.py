"""Organisation: a company's books, as Xero describes them.

Called by xero/resources/organisation, access (fingerprints) and the checks of flows. xero-facts §5.1
(https://developer.xero.com/documentation/api/accounting/organisation, read 2026-11).
"""

import msgspec

from counterfoil.model.contact import PaymentTerms
from counterfoil.model.record import Day, Record, Stamp


class Organisation(Record, frozen=True, kw_only=True, gc=False):
    """One organisation. `timezone` is Xero's own name for it; lock dates only when set: nothing on or before them."""

    organisation_id: str
    name: str = ""
    legal_name: str | None = None
    short_code: str = ""
    base_currency: str = ""
    country_code: str = ""
    version: str | None = None
    organisation_type: str | None = None
    organisation_status: str | None = None
    is_demo_company: bool = False
    timezone: str = ""
    class_: str | None = msgspec.field(default=None, name="Class")
    edition: str | None = None
    tax_number: str | None = None
    pays_tax: bool | None = None
    sales_tax_basis: str | None = None
    financial_year_end_day: int | None = None
    financial_year_end_month: int | None = None
    period_lock_date: Day | None = None
    end_of_year_lock_date: Day | None = None
    payment_terms: PaymentTerms | None = None
    created_date_utc: Stamp | None = None


class Action(Record, frozen=True, kw_only=True, gc=False):
    """Something that the organisation's plan and the user's role let us do, or not: `status` is Xero's word."""

    name: str = ""
    status: str = ""
