"""How much data each app drew from each tenant this month, as Xero meters it (facts 2.4).

Called by `door` for each answer of the Accounting API, and read by `control` and the pages. A month begins on its first
day UTC; GET Organisation costs nothing. Whether answers to writes count is not known (facts 11.12): they are metered
apart. It changes no answer, lives in memory and is lost with the process.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

GIB: Final = 1024**3
INCLUDED_GIB: Final = {"core": 10, "plus": 50, "advanced": 250}  # what a month of the tier includes
MONTHS_KEPT: Final = 13
FREE: Final = "Organisations"


@dataclass(slots=True)
class Drawn:
    """What one app drew from one tenant in one month."""

    calls: int = 0
    read_bytes: int = 0
    write_bytes: int = 0


class Egress:
    """The meter of all apps, month by month."""

    def __init__(self) -> None:
        self._months: dict[str, dict[tuple[str, str], Drawn]] = {}

    def count(self, now: datetime, client_id: str, tenant_id: str, method: str, plural: str, sent: int) -> None:
        """An answer of so many bytes was sent."""
        if method == "GET" and plural == FREE:
            return
        month = self._months.setdefault(f"{now:%Y-%m}", {})
        while len(self._months) > MONTHS_KEPT:
            del self._months[next(iter(self._months))]
        drawn = month.setdefault((client_id, tenant_id), Drawn())
        drawn.calls += 1
        if method == "GET":
            drawn.read_bytes += sent
        else:
            drawn.write_bytes += sent

    def by_app(self, now: datetime, tenant_id: str) -> dict[str, Drawn]:
        """What each app drew from this tenant this month."""
        month = self._months.get(f"{now:%Y-%m}", {})
        return {client_id: drawn for (client_id, tenant), drawn in month.items() if tenant == tenant_id}

    def usage(self, now: datetime, tiers: dict[str, str]) -> dict[str, Any]:
        """The month for each app (`tiers`: the apps and their tiers), what its tier includes and what is over it."""
        month = self._months.get(f"{now:%Y-%m}", {})
        return {
            "month": f"{now:%Y-%m}",
            "apps": [_of_app(month, client_id, tier) for client_id, tier in tiers.items()],
            "earlier": {name: sum(one.read_bytes for one in kept.values()) for name, kept in self._months.items()},
        }


def _of_app(month: dict[tuple[str, str], Drawn], client_id: str, tier: str) -> dict[str, Any]:
    mine = {tenant: drawn for (client, tenant), drawn in month.items() if client == client_id}
    read = sum(drawn.read_bytes for drawn in mine.values())
    included = INCLUDED_GIB.get(tier)
    return {
        "client_id": client_id,
        "tier": tier,
        "read_bytes": read,
        "write_bytes": sum(drawn.write_bytes for drawn in mine.values()),
        "included_bytes": None if included is None else included * GIB,
        "over_bytes": 0 if included is None else max(0, read - included * GIB),
        "tenants": [
            {
                "tenant_id": tenant,
                "calls": drawn.calls,
                "read_bytes": drawn.read_bytes,
                "write_bytes": drawn.write_bytes,
            }
            for tenant, drawn in mine.items()
        ],
    }
