"""What Xero's commercial tiers include and cost: the one place where a price stands.

Called by access/caps, app/costs and app/estimating. Pure data. Xero publishes prices in Australian dollars without tax,
flat per app and month; egress over what a tier includes is charged by the GiB. From xero-facts §2.4
(https://developer.xero.com/pricing, as of 2 March 2026), read on READ_ON.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

READ_ON: Final = datetime.date(2026, 11, 22)
CURRENCY: Final = "AUD"
GIB: Final = 1024**3


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier. AUD without tax.

    `fee` a month, None: on application. `included_gib` of egress a month, None: none is counted (`over` None too), or on
    application. `over`: each GiB beyond. `calls_per_day` of one organisation. `connections` None: no cap. `asks`: what has
    to be there before Xero gives the tier.
    """

    name: str
    connections: int | None
    fee: Decimal | None
    included_gib: int | None
    over: Decimal | None
    calls_per_day: int
    asks: str = ""

    @property
    def included_bytes(self) -> int | None:
        """The same in bytes."""
        return None if self.included_gib is None else self.included_gib * GIB

    def price(self, egress_bytes: int) -> Decimal | None:
        """A month's price with so much egress, to the cent; None: on application.

        What is over is taken by its exact share of a GiB: how Xero rounds is not known (facts §11.12).
        """
        if self.fee is None:
            return None
        over = max(0, egress_bytes - (self.included_bytes or 0)) if self.over is not None else 0
        return (self.fee + (self.over or Decimal(0)) * over / GIB).quantize(Decimal("0.01"))


_OVER: Final = Decimal("2.40")
TIERS: Final[tuple[Tier, ...]] = (
    Tier(
        name="starter", connections=5, fee=Decimal(0), included_gib=None, over=None, calls_per_day=1_000
    ),
    Tier(
        name="core", connections=50, fee=Decimal(35), included_gib=10, over=_OVER, calls_per_day=5_000,
        asks="a payment method",
    ),
    Tier(
        name="plus", connections=1_000, fee=Decimal(245), included_gib=50, over=_OVER, calls_per_day=5_000,
        asks="certification",
    ),
    Tier(
        name="advanced", connections=10_000, fee=Decimal(1_445), included_gib=250, over=_OVER, calls_per_day=5_000,
        asks="certification and a yearly security assessment",
    ),
    Tier(
        name="enterprise", connections=None, fee=None, included_gib=None, over=None, calls_per_day=5_000,
        asks="an agreement with Xero",
    ),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Tier]] = MappingProxyType({tier.name: tier for tier in TIERS})

# A custom connection is in no tier: so much a month and organisation, by the organisation's country (facts §1.2).
CUSTOM: Final[Mapping[str, tuple[Decimal, str, str]]] = MappingProxyType(
    {
        "AU": (Decimal(10), "AUD", "with GST"),
        "NZ": (Decimal(10), "NZD", "without GST"),
        "GB": (Decimal(5), "GBP", "without VAT"),
        "US": (Decimal(5), "USD", "without tax"),
    }
)


def fitting(connections: int, calls_per_day: int, egress_bytes: int) -> Tier:
    """The cheapest tier for a month's use: organisations connected, the busiest one's calls on its busiest day, egress.

    Enterprise, whose price is asked for, only where nothing else takes so many.
    """
    roomy = [tier for tier in TIERS if tier.connections is None or connections <= tier.connections]
    longest = max(tier.calls_per_day for tier in roomy)  # Xero's own 429s keep anybody below it
    able = [tier for tier in roomy if min(calls_per_day, longest) <= tier.calls_per_day]
    priced = [(price, tier) for tier in able if (price := tier.price(egress_bytes)) is not None]
    return min(priced, key=lambda one: one[0])[1] if priced else able[-1]
