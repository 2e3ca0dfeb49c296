"""TrackingCategory: a dimension (region, department) and its options; at most two are active.

Called by xero/resources/tracking_categories, mirror and the checks of flows. xero-facts §5.5
(https://developer.xero.com/documentation/api/accounting/trackingcategories, read 2026-11).
"""

from counterfoil.model.record import Part, Record


class TrackingOption(Part, frozen=True, kw_only=True, gc=False):
    """One value of a category."""

    tracking_option_id: str
    name: str | None = None
    status: str | None = None


class TrackingCategory(Record, frozen=True, kw_only=True, gc=False):
    """One category with all its options, archived ones included when asked for."""

    tracking_category_id: str
    name: str | None = None
    status: str | None = None
    options: tuple[TrackingOption, ...] = ()
