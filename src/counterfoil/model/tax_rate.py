"""TaxRate: a rate, its code on the wire and the account classes that it may be used with.

Called by xero/resources/tax_rates, mirror and the checks of flows. xero-facts §5.3
(https://developer.xero.com/documentation/api/accounting/taxrates, read 2026-11).
"""

from counterfoil.model.amounts import Amount
from counterfoil.model.record import Part, Record


class TaxComponent(Part, frozen=True, kw_only=True, gc=False):
    """One part of a rate, in per cent; a compound one is charged on the amount plus the other parts."""

    name: str | None = None
    rate: Amount | None = None
    is_compound: bool | None = None
    is_non_recoverable: bool | None = None


class TaxRate(Record, frozen=True, kw_only=True, gc=False):
    """One tax rate. `tax_type` is its code on lines ("OUTPUT2"); rates in per cent; deleted ones are listed too."""

    tax_type: str
    name: str | None = None
    status: str | None = None
    report_tax_type: str | None = None
    effective_rate: Amount | None = None
    display_tax_rate: Amount | None = None
    can_apply_to_assets: bool | None = None
    can_apply_to_equity: bool | None = None
    can_apply_to_expenses: bool | None = None
    can_apply_to_liabilities: bool | None = None
    can_apply_to_revenue: bool | None = None
    tax_components: tuple[TaxComponent, ...] = ()
