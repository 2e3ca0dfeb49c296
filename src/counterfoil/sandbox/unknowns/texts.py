"""The sentences of facts 11.9, which are ours since Xero's are not known, in other words: for clients that read them.

Called by `door` when the switch `texts` says so. What is replaced is found in the finished answer.
"""

import re
from functools import cache
from typing import Any, Final

OTHER: Final = "This cannot be done. (The sandbox does not know Xero's words for it.)"


def reworded(document: Any) -> bool:
    """Replace, in place, every Message of ours that Xero says in words nobody knows; whether there was one."""
    if isinstance(document, list):
        return sum(map(reworded, document)) > 0  # every one is looked at
    if not isinstance(document, dict):
        return False
    found = sum(map(reworded, document.values())) > 0
    if isinstance(document.get("Message"), str) and _ours().fullmatch(document["Message"]):
        document["Message"] = OTHER
        return True
    return found


@cache
def _ours() -> re.Pattern[str]:
    from counterfoil.sandbox.resources import (
        allocations,
        bank_rules,
        bank_transfers,
        coding,
        contact_rules,
        payment_rules,
        tracking_categories,
    )

    sentences = (
        allocations.OVER_CREDIT, allocations.OVER_INVOICE, allocations.OTHER_CONTACT, allocations.OTHER_CURRENCY,
        payment_rules.NOT_PAYABLE, payment_rules.RECONCILED, bank_rules.RECONCILED, bank_transfers.OTHER_CURRENCY,
        coding.TOO_MUCH_TRACKING, tracking_categories.TOO_MANY, contact_rules.ARCHIVED,
    )  # fmt: skip
    return re.compile("|".join(re.sub(r"\\\{\w*\\\}", ".*", re.escape(sentence)) for sentence in sentences))
