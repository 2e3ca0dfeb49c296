"""The pieces of a parsed query: each knows its .NET type and how to read its value. Called by the parser.

The types are checked as the pieces are put together, with the messages of facts 3.2 and 4.5 where those are known.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, NamedTuple

from counterfoil.sandbox.where import fields

Record = dict[str, Any]


class QueryParse(Exception):
    """A query that Xero refuses with ErrorNumber 16; `message` is what it says."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Node(NamedTuple):
    """A parsed piece: its .NET type and how to read its value from a record."""

    kind: str
    read: Callable[[Record], Any]


COMPARISONS: Final = {"==": eq, "=": eq, "!=": ne, "<>": ne, ">": gt, ">=": ge, "<": lt, "<=": le}
_WIRE_MOMENT: Final = re.compile(r"/Date\((-?\d+)")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT_METHODS: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def constant(kind: str, value: Any) -> Node:
    """A literal."""
    return Node(kind, lambda _: value)


def at(record: Any, path: list[str]) -> Any:
    """The value at the end of a path of keys, or None where the path breaks off."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def logical(operator: str, parts: list[Node]) -> Node:
    """Join Boolean nodes by && or ||; read from the left, and no further than needed, so a null guard works."""
    for left, right in pairwise(parts):
        if not is_boolean(left) or not is_boolean(right):
            raise QueryParse(f"Operator '{operator}' incompatible with operand types '{left.kind}' and '{right.kind}'")
    if len(parts) == 1:
        return parts[0]
    join = all if operator == "&&" else any
    return Node("Boolean", lambda record: join(part.read(record) for part in parts))


def negated(node: Node) -> Node:
    """The opposite of a Boolean node."""
    if not is_boolean(node):
        raise QueryParse(f"Operator '!' incompatible with operand type '{node.kind}'")
    return Node("Boolean", lambda record: not node.read(record))


def is_boolean(node: Node) -> bool:
    """Whether a node may stand alone as a condition."""
    return node.kind.rstrip("?") == "Boolean"


def compared(operator: str, left: Node, right: Node) -> Node:
    """A comparison; types that can never be equal are refused here."""
    if not fields.comparable(left.kind, right.kind):
        raise QueryParse(f"Operator '{operator}' incompatible with operand types '{left.kind}' and '{right.kind}'")
    compare = COMPARISONS[operator]
    by_equality = compare in {eq, ne}

    def read(record: Record) -> bool:
        one, other = plain(left.read(record)), plain(right.read(record))
        # As in .NET, nothing is before or after null.
        return bool(compare(one, other)) if by_equality or not (one is None or other is None) else False

    return Node("Boolean", read)


def called(node: Node, method: str, arguments: list[Node]) -> Node:
    """A method of a piece of text; every other call is refused."""
    word, kinds = method.lower(), [argument.kind for argument in arguments]
    if node.kind == "String" and word in _TEXT_METHODS and kinds == ["String"]:
        test = _TEXT_METHODS[word]
        return Node("Boolean", lambda record: test(_text(node, record), _text(arguments[0], record)))
    if node.kind == "String" and word in {"tolower", "toupper"} and not kinds:
        # Case never matters in a comparison; the call still fails on null.
        return Node("String", lambda record: _text(node, record))
    raise QueryParse(f"No applicable method '{method}' exists in type '{node.kind}'")


def _text(node: Node, record: Record) -> str:
    value = node.read(record)
    if value is None:
        raise QueryParse("Object reference not set to an instance of an object.")
    return str(value).casefold()


def guid(arguments: list[Node]) -> Node:
    """Guid("..."); ids are text in records, so the value is too."""
    if [argument.kind for argument in arguments] != ["String"]:
        raise QueryParse("No applicable constructor exists in type 'Guid'")
    value = str(arguments[0].read({})).strip("{}")
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        raise QueryParse("Guid should contain 32 digits with 4 dashes")
    return constant("Guid", value)


def moment(arguments: list[Node]) -> Node:
    """DateTime(year, month, day[, hour, minute, second]), taken as UTC."""
    if not 3 <= len(arguments) <= 6 or {argument.kind for argument in arguments} != {"Int32"}:
        raise QueryParse("No applicable constructor exists in type 'DateTime'")
    year, month, day, *rest = (int(argument.read({})) for argument in arguments)
    hour, minute, second = [*rest, 0, 0, 0][:3]
    try:
        return constant("DateTime", datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise QueryParse("Year, Month, and Day parameters describe an un-representable DateTime.") from error


def parsed_moment(arguments: list[Node]) -> Node:
    """DateTime.Parse("..."), taken as UTC where it names no offset."""
    if [argument.kind for argument in arguments] != ["String"]:
        raise QueryParse("No applicable method 'Parse' exists in type 'DateTime'")
    try:
        moment = datetime.fromisoformat(str(arguments[0].read({})))
    except ValueError as error:
        raise QueryParse("String was not recognized as a valid DateTime.") from error
    return constant("DateTime", moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def moment_of(value: Any) -> datetime | None:
    """The instant of a record's date: a date (midnight UTC), an aware datetime, or Xero's /Date(ms+0000)/."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    found = _WIRE_MOMENT.match(str(value))
    return _EPOCH + timedelta(milliseconds=int(found[1])) if found else None


def plain(value: Any) -> Any:
    """Text without case; everything else as it is."""
    return value.casefold() if isinstance(value, str) else value
