"""The `where` and `order` parameters: a small language, parsed once into functions over wire dicts.

Who calls it: the resources' lists. May not import: anything of ours outside this folder.
Records hold wire keys; dates are /Date(ms+0000)/, datetime.date or aware datetime, amounts Decimal, ids text; an
absent key is null.
Implements facts 4.5: text compares without case, a method called on null fails, and types that do not fit are refused
before any record is read, so an empty ledger refuses the same queries.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from counterfoil.sandbox.where import nodes, optimised
from counterfoil.sandbox.where.fields import SUMMARY_DROPS
from counterfoil.sandbox.where.nodes import QueryParse, Record
from counterfoil.sandbox.where.optimised import GUESSED
from counterfoil.sandbox.where.parser import WHERE_CHARACTERS_MAX, WHERE_DEPTH_MAX, Parser

__all__ = [
    "GUESSED",
    "SUMMARY_DROPS",
    "WHERE_CHARACTERS_MAX",
    "WHERE_DEPTH_MAX",
    "QueryParse",
    "compile_order",
    "compile_where",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """A test for records; `is_optimised`: Xero would answer it quickly over any number of them."""

    test: Callable[[Record], Any]
    is_optimised: bool

    def __call__(self, record: Record) -> bool:
        """Whether the record is meant. Raises QueryParse when the test meets a null that it cannot use."""
        return bool(self.test(record))


def compile_where(text: str, plural: str = "", without: Collection[str] = ()) -> Condition:
    """A test for the elements of the list called `plural` ("": of any); fields `without` are left out of it.

    Raises QueryParse for a bad query.
    """
    parser = Parser(text, plural, without)
    node = parser.either()
    parser.expect_end()
    if not nodes.is_boolean(node):
        raise QueryParse("Expression of type 'Boolean' expected")
    return Condition(node.read, optimised.is_where(plural, parser.uses, alternatives=parser.has_or))


class Order(NamedTuple):
    """How to sort: `sorted(records, key=order.key, reverse=order.reverse)`."""

    key: Callable[[Record], Any]
    reverse: bool
    is_optimised: bool


def compile_order(text: str, plural: str = "", without: Collection[str] = ()) -> Order:
    """An order of one field or several, each with ASC or DESC; nulls come first ascending. Raises QueryParse."""
    parser = Parser(text, plural, without)
    terms = [parser.order_term()]
    while parser.take(","):
        terms.append(parser.order_term())
    parser.expect_end()
    reverse = terms[0][1]

    def key(record: Record) -> tuple[Any, ...]:
        values = ((_sortable(node.read(record)), down) for node, down in terms)
        return tuple(value if down == reverse else _Reversed(value) for value, down in values)

    return Order(key, reverse, optimised.is_order(plural, [field for field, _ in parser.uses]))


class _Reversed:
    """Sorts against the direction of the whole key."""

    def __init__(self, value: tuple[bool, Any]) -> None:
        self.value = value

    def __lt__(self, other: "_Reversed") -> bool:
        return other.value < self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]  # a sort key is never hashed


def _sortable(value: Any) -> tuple[bool, Any]:
    """Nulls first, and never compared with anything else."""
    return (value is not None, 0 if value is None else nodes.plain(value))
