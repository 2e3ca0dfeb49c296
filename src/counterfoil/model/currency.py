"""Currency: one that an organisation has subscribed to; documents in others are refused.

Called by xero/resources/currencies, mirror and the checks of flows. xero-facts §5.4
(https://developer.xero.com/documentation/api/accounting/currencies, read 2026-11).
"""

from counterfoil.model.record import Record


class Currency(Record, frozen=True, kw_only=True, gc=False):
    """One currency: its ISO code and Xero's description."""

    code: str
    description: str | None = None
