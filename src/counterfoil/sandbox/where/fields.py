"""The fields that `where` and `order` know, with the .NET type that Xero's messages name. Called by `parser` and `nodes`.

Implements facts 4.5 with the published fields of each list's elements, in `fields.json` (OpenAPI 16.1.0; who writes it:
`tests/conformance/package_data.py`). Names are matched without regard to case, as Xero's own "InvoiceId" shows.
"""

from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

import msgspec

# What a list leaves out with summaryOnly=true; it cannot be filtered on either.
SUMMARY_DROPS: Final = {
    "Invoices": frozenset({"Payments", "LineItems", "HasAttachments", "CISDeduction"}),
    "Contacts": frozenset(
        {
            "Addresses", "Balances", "ContactGroups", "ContactPersons", "IsCustomer", "IsSupplier",
            "SalesDefaultAccountCode", "PurchasesDefaultAccountCode", "SalesTrackingCategories",
            "PurchasesTrackingCategories", "TrackingCategoryName", "TrackingCategoryOption",
        }
    ),
}  # fmt: skip
_ANY: Final = "any"
# On the wire, though the published schema lacks it.
_SEEN: Final = {"Contact": {"SkypeUserName": "String"}}


class Field(NamedTuple):
    """One field: its name on the wire and its type; `of` is the schema of what is inside, empty: nothing is."""

    name: str
    kind: str
    of: str


def schema_of(plural: str) -> str:
    """The schema of a list's elements; for a list that is not published the one of all fields."""
    schema: str = _published()["lists"].get(plural, _ANY)
    return schema


@cache
def of_schema(schema: str) -> dict[str, Field]:
    """Lower-case name -> field."""
    schemas = _published()["schemas"]
    if schema == _ANY:
        every: dict[str, Field] = {}
        for name in schemas:
            every = of_schema(name) | every
        return every
    members = {**schemas.get(schema, {}), **_SEEN.get(schema, {})}
    return {name.lower(): _field(name, kind) for name, kind in members.items()}


def comparable(left: str, right: str) -> bool:
    """Whether two types may stand on the sides of a comparison; `null` fits everything."""
    if "null" in {left, right}:
        return True
    return _family(left) == _family(right) not in {"Object", "List"}


def _field(name: str, kind: str) -> Field:
    return Field(name, "Object", kind[1:]) if kind.startswith("@") else Field(name, kind, "")


def _family(kind: str) -> str:
    plain = kind.rstrip("?")
    return "Decimal" if plain == "Int32" else plain


@cache
def _published() -> dict[str, Any]:
    kept = resources.files("counterfoil.sandbox.where").joinpath("fields.json").read_bytes()
    published: dict[str, Any] = msgspec.json.decode(kept)
    return published
