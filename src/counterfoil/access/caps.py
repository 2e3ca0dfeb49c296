"""How many organisations may be connected, and when that is nearly reached. Pure.

Called by app/watching (told as a notice) and doctor. xero-facts §2.4: a tier's cap is hard at Xero, and connections count
until they are ended (a customer who left too).
"""

from typing import Final

import msgspec

from counterfoil.model import tiers

BULK: Final = ("advanced", "enterprise")  # tiers whose users may choose several organisations in one consent
NEAR: Final = 80  # per cent of a tier's cap
WHAT_BEFORE: Final = {
    "starter": "The sixth connection needs a payment method and makes the app Core.",
    "core": "The fifty-first is blocked until the app is certified and on Plus.",
    "plus": "More needs the Advanced tier, with its security assessment.",
    "advanced": "More needs the Enterprise tier.",
}


class Cap(msgspec.Struct, frozen=True):
    """How many of a tier's connections are used. `most` None: the tier has no cap."""

    tier: str
    used: int
    most: int | None

    @property
    def is_near(self) -> bool:
        """Four fifths are used, or all."""
        return self.most is not None and self.used * 100 >= self.most * NEAR

    @property
    def is_full(self) -> bool:
        """Xero refuses the next one."""
        return self.most is not None and self.used >= self.most

    @property
    def message(self) -> str:
        """What is so, in a sentence."""
        if self.most is None:
            return f"{self.used:,} connections; the {self.tier} tier has no cap."
        end = " Xero refuses the next one." if self.is_full else ""
        return f"{self.used:,} of the {self.most:,} connections of the {self.tier} tier are used.{end}"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return (
            "End those that no entity needs: `counterfoil connections`, then `counterfoil connections disconnect TENANT`. "
            f"{WHAT_BEFORE.get(self.tier, '')}"
        ).strip()


def of(tier: str, used: int) -> Cap:
    """The cap of a tier with so many organisations connected."""
    return Cap(tier, used, tiers.BY_NAME[tier].connections)
