"""Made-up firms: every name is made of three lists, the kind of company is that of the country. Called by `cast`."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

_PLACES: Final = (
    "Alder", "Birch", "Copper", "Drift", "Ember", "Fennel", "Garnet", "Heron", "Indigo", "Juniper", "Kestrel", "Linden",
    "Marlow", "Nettle", "Orchard", "Pebble", "Quarry", "Rowan", "Saltmarsh", "Thistle", "Umber", "Vellum", "Willow", "Yarrow",
)  # fmt: skip
_TRADES: Final = (
    "Bakery", "Books", "Builders", "Catering", "Ceramics", "Cycles", "Design", "Farm Shop", "Fittings", "Foods", "Freight",
    "Garden Centre", "Hotels", "Joinery", "Lighting", "Logistics", "Media", "Outdoor", "Packaging", "Print",
)  # fmt: skip
_KINDS: Final = {"GB": "Ltd", "AU": "Pty Ltd", "NL": "BV", "NZ": "Ltd"}
GOODS: Final = (
    "Oak shelf", "Brass hook", "Linen cloth", "Paper bags", "Delivery", "Assembly on site", "Storage crate", "Desk lamp",
    "Repair", "Consulting, per hour", "Maintenance, per month", "Sample set", "Wall bracket", "Paint, 5 litres",
)  # fmt: skip


def shuffled(dice: Random, country: str) -> Iterator[str]:
    """All names there are, in an order of the dice."""
    kind = _KINDS.get(country, "Ltd")
    found = [f"{place} {trade} {kind}" for place in _PLACES for trade in _TRADES]
    dice.shuffle(found)
    return iter(found)


def contact(name: str, n: int) -> dict[str, Any]:
    """A contact as an app sends it."""
    place, _, rest = name.partition(" ")
    site = f"{place}-{rest.rpartition(' ')[0]}".lower().replace(" ", "-")
    return {
        "Name": name,
        "ContactNumber": f"PAST-{n + 1:03d}",
        "EmailAddress": f"accounts@{site}.example",
        "Addresses": [{"AddressType": "STREET", "AddressLine1": f"{n + 1} {place} Street"}],
    }
