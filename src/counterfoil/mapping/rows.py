"""A feed's mapping, ready to run: one change becomes rows, one of it or one of each element of a list.

Called by delivery for each change. Pure, never raises: what a change does not have is blank, and so is what cannot be worked out;
`findings` says why. Amounts stay text, so that no digit is lost; days and instants are ISO text.
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

import msgspec

from counterfoil.mapping import places
from counterfoil.mapping.documents import Kind
from counterfoil.mapping.expressions import Expression
from counterfoil.mapping.functions import Functions
from counterfoil.mapping.places import Place
from counterfoil.mapping.scopes import Unmapped
from counterfoil.mapping.values import Column, Value
from counterfoil.model.prepared import Finding

ROWS_MAX: Final = 10_000  # of one change; a document with more lines than Xero takes is none
Cell = Any  # text, True, False, a whole number, None for blank, or (of a "json" column) a list or an object
Row = dict[str, Cell]
Names = Literal["", "document_id", "entity", "tenant_id"]
_JSON: Final = msgspec.json.Encoder(decimal_format="string")


class RowColumn(msgspec.Struct, frozen=True):
    """One column of the rows. `names`: it is the document's id, its entity or its tenant, and nothing else."""

    name: str
    kind: Kind
    names: Names = ""


class Told(msgspec.Struct, frozen=True):
    """One value of a map that is made of something: constants stand in `RowMapper` as they are."""

    column: RowColumn
    value: Value
    place: Place | None = None  # of a column alone, which keeps its own kind of value


class RowMapper:
    """The mapping of one feed. Not for use by two threads at a time.

    `columns` are the rows' keys, in the file's order. `each`: the list of which every element is a row; None: a change is one.
    """

    def __init__(
        self, told: Sequence[Told | tuple[RowColumn, Cell]], found: Mapping[tuple[bool, str], Place],
        each: tuple[str, ...] | None, when: Expression | None, functions: Functions,
    ) -> None:  # fmt: skip
        self._told = tuple(told)
        self._found = found
        self._each = each
        self._when = when
        self._functions = functions
        self.columns = tuple(one.column if isinstance(one, Told) else one[0] for one in told)

    @property
    def each(self) -> str | None:
        """The list of which every element is a row."""
        return None if self._each is None else ".".join(self._each)

    def rows(self, change: Mapping[str, Any], findings: list[Finding] | None = None) -> list[Row]:
        """The rows of a change as plain JSON has it (model/change.as_plain), at most ROWS_MAX, in the elements' order.

        What has no value is None. `findings` gets why, for what could not be worked out.
        """
        noted = findings if findings is not None else []
        self._functions.zone = datetime.UTC  # an instant's day is the one that the instant itself is written with
        whole = _Seen(change)
        scopes = [Scope(whole, self._found)]
        if self._each is not None:
            listed = places.walked(whole.document, self._each)
            elements = listed if isinstance(listed, list | tuple) else ()
            every = [Scope(whole, self._found, one, n) for n, one in enumerate(elements[:ROWS_MAX], 1)]
            for one in every:
                one.beside = every
            scopes = every
        return [self._row(scope, noted) for scope in scopes if self._is_wanted(scope, noted)]

    def _is_wanted(self, scope: "Scope", findings: list[Finding]) -> bool:
        if self._when is None:
            return True
        try:
            return self._when.run(scope) is True
        except Unmapped as error:
            findings.append(msgspec.structs.replace(error.finding, field="when"))
            return False

    def _row(self, scope: "Scope", findings: list[Finding]) -> Row:
        found: Row = {}
        for one in self._told:
            if not isinstance(one, Told):
                found[one[0].name] = one[1]
                continue
            try:
                found[one.column.name] = _cell(one, scope)
            except Unmapped as error:
                findings.append(msgspec.structs.replace(error.finding, field=one.column.name))
                found[one.column.name] = None
        return found


class _Seen:
    """One change, with what is worked out once for all of its rows."""

    __slots__ = ("change", "document", "gone")

    def __init__(self, change: Mapping[str, Any]) -> None:
        self.change = change
        after = change.get("after")
        self.document = after if after is not None else change.get("before") or {}
        self.gone = places.is_gone(after)


class Scope:
    """What one row is made of: implements scopes.Scope. A name that was not looked up when it was compiled is blank."""

    __slots__ = ("_element", "_found", "_position", "_whole", "beside")

    def __init__(
        self, whole: _Seen, found: Mapping[tuple[bool, str], Place], element: Any = None, position: int = 1
    ) -> None:
        self._whole, self._found, self._element, self._position = whole, found, element, position
        self.beside: Sequence[Scope] = (self,)

    @property
    def sources(self) -> str:
        """Which change."""
        return f"{self._whole.change.get('type')} of {self._whole.change.get('document_id')}"

    def cell(self, column: str) -> str:
        """The text of a name, as a row sees it."""
        return _text(self.raw(self._found.get((True, column))))

    def head(self, column: str) -> str:
        """The text of a name, as the document sees it."""
        return _text(self.raw(self._found.get((False, column))))

    def products(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """The cells of every row of the change."""
        return [tuple(one.cell(column) for column in columns) for one in self.beside]

    def raw(self, place: Place | None) -> Any:
        """What stands at a place, as the change's JSON has it."""
        if place is None:
            return None
        change = self._whole.change
        if place.root == "change":
            return self._whole.gone if place.steps == ("gone",) else change.get(place.steps[0])
        if place.root == "element":
            return self._position if place.steps == (places.POSITION,) else places.walked(self._element, place.steps)
        root = self._whole.document if place.root == "document" else change.get(place.root)
        return places.walked(root, place.steps)


def _cell(one: Told, scope: Scope) -> Cell:
    if one.place is not None:
        return _of_kind(one.column.kind, scope.raw(one.place))
    found = one.value.get(scope)
    return None if found == "" else found


def _of_kind(kind: Kind, raw: Any) -> Cell:
    """A value as its column holds it. What is of another kind than was published goes on as text."""
    if raw is None or raw == "":
        return None
    if kind == "json":
        return raw
    if kind in {"whole", "yes_no"}:
        return raw if isinstance(raw, bool | int) else _text(raw) or None
    if kind == "amount":
        return _digits(_text(raw))
    return _text(raw) or None


def _digits(text: str) -> str:
    """An amount without an exponent; another text as it is."""
    if "e" not in text.lower():
        return text
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    return format(amount, "f") if amount.is_finite() and abs(amount.adjusted()) < 100 else text


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, list | tuple) and all(isinstance(one, str) for one in raw):
        return ", ".join(raw)
    if isinstance(raw, Mapping | list | tuple):
        return _JSON.encode(raw).decode()
    return _digits(str(raw))


def is_alone(value: Value | None) -> str | None:
    """The name that a value consists of; None: it is something else."""
    return value.columns[0] if isinstance(value, Column) else None
