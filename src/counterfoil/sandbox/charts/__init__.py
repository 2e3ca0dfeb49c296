"""Charts: what a new organisation of a country starts with, as Xero sends it, without ids and stamps.

What: the organisation's own record, chart of accounts, tax rates, subscribed currencies and tracking categories for
the United Kingdom, Australia, the Netherlands (Xero's Global edition) and New Zealand; one file per country.
Who calls it: `world`, which gives every row its id and stamp. May not import: anything of ours outside this folder.
Sources: facts 5.1 to 5.5 and Appendix C; the tax codes are those of the TaxRates page.
"""

from collections.abc import Callable
from typing import Final

from counterfoil.sandbox.charts import australia, netherlands, new_zealand, united_kingdom
from counterfoil.sandbox.charts.chart import Chart
from counterfoil.sandbox.charts.rows import ACCOUNT_KEYS, CONTACT_KEYS, ORGANISATION_KEYS

__all__ = ["ACCOUNT_KEYS", "CONTACT_KEYS", "COUNTRIES", "ORGANISATION_KEYS", "Chart", "chart"]

_CHARTS: Final[dict[str, Callable[[], Chart]]] = {
    "GB": united_kingdom.chart,
    "AU": australia.chart,
    "NL": netherlands.chart,
    "NZ": new_zealand.chart,
}
COUNTRIES: Final = tuple(_CHARTS)


def chart(country: str) -> Chart:
    """The chart of `country` (GB, AU, NL or NZ) as fresh dicts that the caller may change.

    Rates are Decimal per cent; accounts and tax rates come in Xero's order (by code; by name of the tax code's file
    here). Raises KeyError for a country without a chart.
    """
    return _CHARTS[country]()
