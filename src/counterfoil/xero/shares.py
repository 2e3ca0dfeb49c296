"""Equal shares of the app's minute, while it is scarce. Pure.

Called by pacing every few seconds. xero-facts §2.1: 10,000 calls a minute for all of an app's organisations together.
"""

from counterfoil.xero import budget
from counterfoil.xero.places import Limits, Tenant


def demand(limits: Limits, tenant: Tenant, now: int) -> int:
    """How many calls a minute a tenant would make if the app's limit were no matter."""
    taken = budget.used(tenant, now)
    if any(want > now for want in tenant.wants):
        return limits.minute
    return min(limits.minute, taken + max(1, taken // 4)) if taken else 0


def level(limits: Limits, demands: list[int]) -> int:
    """How many calls a minute each tenant may take so that all together stay within the app's; 0: no level is needed.

    Those that want less than their share have what they want; the rest is shared equally.
    """
    left, wanted = limits.app_minute, sorted(demands)
    if sum(wanted) <= left:
        return 0
    for n, one in enumerate(wanted):
        share = left // (len(wanted) - n)
        if one > share:
            return max(1, share)
        left -= one
    return 0
