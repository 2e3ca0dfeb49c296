"""The `where` and `order` parameters: a small language, parsed once into functions over wire dicts.

Who calls it: the resources' lists. May not import: anything of ours outside this folder.
Records hold wire keys; dates are /Date(ms+0000)/, datetime.date or aware datetime, amounts Decimal, ids text; an
absent key is null.
Implements facts 4.5: text compares without case, a method called on null fails, and types that do not fit are refused
before any record is read, so an empty ledger refuses the same queries.
"""

from collections.abc import Callable
from typing import Any

from counterfoil.sandbox.where import nodes
from counterfoil.sandbox.where.nodes import QueryParse, Record
from counterfoil.sandbox.where.parser import WHERE_CHARACTERS_MAX, WHERE_DEPTH_MAX, Parser

__all__ = ["WHERE_CHARACTERS_MAX", "WHERE_DEPTH_MAX", "QueryParse", "compile_order", "compile_where"]


def compile_where(text: str) -> Callable[[Record], bool]:
    """A test for records. Raises QueryParse now for a bad query, and again when the test meets a null it cannot use."""
    parser = Parser(text)
    node = parser.either()
    parser.expect_end()
    if not nodes.is_boolean(node):
        raise QueryParse("Expression of type 'Boolean' expected")
    return lambda record: bool(node.read(record))


def compile_order(text: str) -> tuple[Callable[[Record], Any], bool]:
    """A sort key and whether to reverse, for `sorted(records, key=..., reverse=...)`; nulls come first ascending.

    `text` is one field or several, each with ASC or DESC. Raises QueryParse.
    """
    parser = Parser(text)
    terms = [parser.order_term()]
    while parser.take(","):
        terms.append(parser.order_term())
    parser.expect_end()
    reverse = terms[0][1]

    def key(record: Record) -> tuple[Any, ...]:
        values = ((_sortable(node.read(record)), down) for node, down in terms)
        return tuple(value if down == reverse else _Reversed(value) for value, down in values)

    return key, reverse


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
