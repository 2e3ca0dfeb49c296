"""What Xero sends that nobody published when this was written: it is kept like everything else, and counted.

Called by applying, for documents that are news. Pure, but for the list of what is published, which comes with the package
(OpenAPI 16.1.0; tests/conformance/published_fields writes it). Fields and values that were seen on the wire though they are not
published count as known (xero-facts §4.2, §5.7, §5.9, Appendix C).
"""

import collections
import functools
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Final

import msgspec

from counterfoil.mirror.described import Described
from counterfoil.mirror.reading import Seen
from counterfoil.model import record

VALUE_MAX: Final = 80  # characters of a value that are kept
_ANYWHERE: Final = frozenset(
    {"HasErrors", "HasValidationErrors", "ID", "StatusAttributeString", "ValidationErrors", "Warnings"}
)
_ON_THE_WIRE: Final[Mapping[str, frozenset[str]]] = {"Invoices": frozenset({"InvoicePaymentServices"})}


class _Known(msgspec.Struct, frozen=True):
    fields: frozenset[str]
    values: dict[str, frozenset[str]]


@functools.cache
def _published() -> dict[str, _Known]:
    kept = resources.files("counterfoil.mirror").joinpath("published.json").read_bytes()
    return msgspec.json.decode(kept, type=dict[str, _Known])


def known_fields(resource: str) -> frozenset[str]:
    """The fields of a resource's documents that are published or were seen on the wire."""
    own = _published()[resource].fields | _ON_THE_WIRE.get(resource, frozenset()) | _ANYWHERE
    return own | {f"{name}String" for name in own}


def published_values(resource: str) -> dict[str, frozenset[str]]:
    """The values of each field that is an enumeration."""
    return _published()[resource].values


_known_fields = functools.cache(known_fields)


def counted(one: Described, rows: Iterable[Seen]) -> dict[tuple[str, str], int]:
    """(field, value) → in how many of these documents; value "" for a field that is not known itself."""
    fields, values = _known_fields(one.name), _published()[one.name].values
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    for row in rows:
        if not row.fields.keys() <= fields:
            found.update((name[:VALUE_MAX], "") for name in row.fields.keys() - fields)
        for name, published in values.items():
            raw = row.fields.get(name)
            value: Any = None if raw is None else record.plain(raw)
            if isinstance(value, str) and value and value not in published:
                found[name, value[:VALUE_MAX]] += 1
    return dict(found)
