"""Account: one line of an organisation's chart of accounts.

Called by xero/resources/accounts, mirror and the checks of flows. xero-facts §5.2
(https://developer.xero.com/documentation/api/accounting/accounts, read 2026-11).
"""

import msgspec

from counterfoil.model.record import Record, Stamp


class Account(Record, frozen=True, kw_only=True, gc=False):
    """One account. `class_` is ASSET, EQUITY, EXPENSE, LIABILITY or REVENUE; bank accounts may have no code."""

    account_id: str
    code: str | None = None
    name: str | None = None
    type: str | None = None
    class_: str | None = msgspec.field(default=None, name="Class")
    status: str | None = None
    description: str | None = None
    tax_type: str | None = None
    system_account: str | None = None
    bank_account_number: str | None = None
    bank_account_type: str | None = None
    currency_code: str | None = None  # of bank accounts only
    enable_payments_to_account: bool | None = None
    updated_date_utc: Stamp | None = None
