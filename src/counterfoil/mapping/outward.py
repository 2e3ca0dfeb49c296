"""A feed's `map`, `each` and `when` become a RowMapper, or mistakes: all of them, each with its place.

Called by delivery when the configuration is loaded. Pure. The same language as a flow's map, the other way: the columns are what a
change and its document have (places), the fields whatever the rows shall be called.
"""

import datetime
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from counterfoil.mapping import documents, functions, templates, values
from counterfoil.mapping.checking import Uses
from counterfoil.mapping.documents import Astray, Kind
from counterfoil.mapping.places import Place, Sight
from counterfoil.mapping.rows import Names, RowColumn, RowMapper, Told, is_alone
from counterfoil.mapping.targets import Target
from counterfoil.mapping.written import Path, ValueCompiler
from counterfoil.model import shape, spelling
from counterfoil.settings import LookupSettings, ReadSettings

COLUMNS_MAX: Final = 200
NAME_MAX: Final = 100  # characters of a column's name
_FUNCTIONS: Final = frozenset(functions.SIGNATURES)
_NAMES: Final[Mapping[str, Names]] = {"document_id": "document_id", "entity": "entity", "tenant_id": "tenant_id"}
_GIVES: Final[Mapping[str, Kind]] = {"amount": "amount", "day": "day", "yes_no": "yes_no", "whole": "whole"}


class Outward(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compiled. `resources`: Xero's plurals of the documents that the feed is about, at least one."""

    table: str
    map: Mapping[str, Any]
    each: str | None = None
    when: Any = None
    resources: tuple[str, ...]
    lookups: Mapping[str, LookupSettings] = {}
    read: ReadSettings = ReadSettings()

    def place(self, *path: str | int) -> str:
        """Not known here: whoever asked for the mapping finds the line by a misfit's path."""
        return shape.written(path)


def compile_feed(outward: Outward) -> RowMapper | tuple[shape.Misfit, ...]:
    """The mapper, or every mistake with its path from the feed's table on. Reads and raises nothing."""
    compiler = _Compiler(outward)
    mapper = compiler.mapper()
    return mapper if mapper is not None and not compiler.misfits else tuple(compiler.misfits)


def resources_of(words: Collection[str]) -> tuple[str, ...]:
    """The resources whose changes begin with one of these words ("invoice", "bill", "contact"), in their order."""
    every = documents.all_resources()
    return tuple(name for name, one in every.items() if not words or not set(words).isdisjoint(one.words))


class _Compiler(ValueCompiler):
    def __init__(self, outward: Outward) -> None:
        super().__init__(outward, None)
        self._outward = outward
        self._resources = [documents.all_resources()[name] for name in outward.resources]
        types = tuple(dict.fromkeys(one.type for one in self._resources))
        self.misfits: list[shape.Misfit] = []
        elements = self._elements(types)
        self._sight = Sight(types, elements)
        self._found: dict[tuple[bool, str], Place] = {}

    def mapper(self) -> RowMapper | None:
        given = self._outward.map
        if not 1 <= len(given) <= COLUMNS_MAX:
            self.wrong(("map",), f"must have 1 to {COLUMNS_MAX} columns", 'Such as number = "{InvoiceNumber}".')
            return None
        told = [one for name, value in given.items() if (one := self._column(name, value)) is not None]
        when = None if self._outward.when is None else self.when(("when",), self._outward.when)
        self.compare()
        each = None if self._outward.each is None else tuple(self._outward.each.split("."))
        return RowMapper(told, self._found, each, when, self.functions)

    def _elements(self, types: tuple[str, ...]) -> tuple[str, ...]:
        each = self._outward.each
        if each is None:
            return ()
        found = tuple(dict.fromkeys(one for type_ in types if (one := documents.item(type_, each)) is not None))
        if not found:
            known = dict.fromkeys(name for type_ in types for name in documents.lists(type_))
            self.wrong(
                ("each",), f"names no list of these documents: {shape.shown(each)}", spelling.suggestion(each, known)
            )
        return found

    def _column(self, name: str, given: Any) -> Told | tuple[RowColumn, Any] | None:
        path: Path = ("map", name)
        if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
            self.wrong(path, f"is no name of a column: 1 to {NAME_MAX} characters", "Choose another.")
            return None
        if isinstance(given, str) and not (given.strip().startswith("=") or set("{}") & set(given)):
            return self._constant(path, name, given)
        if isinstance(given, bool | int) or (
            isinstance(given, datetime.date) and not isinstance(given, datetime.datetime)
        ):
            is_day = isinstance(given, datetime.date)
            kind: Kind = "yes_no" if isinstance(given, bool) else "day" if is_day else "whole"
            return RowColumn(name, kind), given.isoformat() if isinstance(given, datetime.date) else given
        if isinstance(given, dict) and "lookup" not in given:
            self.wrong(path, "must be one value", 'A lookup is { lookup = "…", key = "{…}" }.')
            return None
        # Any kind of value may go out, but a list: `text` alone would refuse yes and no.
        wanted = Target("yes_no" if self._gives_yes_no(given) else "text")
        value = self.value(path, given, wanted)
        return None if value is None else self._told(name, value)

    def _gives_yes_no(self, given: Any) -> bool:
        """Whether an expression is a condition; a mistake in it is told by `value`."""
        if not isinstance(given, str) or not given.strip().startswith("="):
            return False
        misfits, compared = len(self.misfits), len(self._compared)
        value = self.value(("map",), given, Target("yes_no"))
        del self.misfits[misfits:], self._compared[compared:]
        return isinstance(value, values.Computed) and value.gives == "yes_no"

    def _constant(self, path: Path, name: str, given: str) -> tuple[RowColumn, Any] | None:
        if (instead := templates.meant_as_expression(given, _FUNCTIONS)) is not None:
            self.wrong(path, f"looks like an expression without =: {shape.shown(given)}", f"Write {instead}.")
            return None
        near = self._sight.find(given.strip(), of_row=True) if given.strip() else None
        if isinstance(near, Place) and ("." in given or near.root == "change"):
            self.wrong(
                path,
                f"is a text, but there is a column of that name: {shape.shown(given)}",
                f'Write "{{{given.strip()}}}".',
            )
            return None
        return RowColumn(name, "text"), given or None

    def _told(self, name: str, value: values.Value) -> Told:
        alone = is_alone(value)
        place = self._found.get((True, alone)) if alone is not None else None
        if place is None:
            gives = value.gives if isinstance(value, values.Computed) else "text"
            return Told(RowColumn(name, _GIVES.get(gives, "text")), value)
        return Told(RowColumn(name, place.kind, self._names(place)), value, place)

    def _names(self, place: Place) -> Names:
        """What a column names, when it is that alone."""
        if place.root == "document" and all(place.steps == (one.id,) for one in self._resources):
            return "document_id"
        return _NAMES.get(place.steps[0], "") if place.root == "change" else ""

    def know(self, path: Path, names: list[str]) -> None:
        """Columns of a text or a lookup's key: as a row sees them."""
        for name in names:
            self._look(path, name, of_row=True)

    def _use(self, path: Path, uses: Uses) -> None:
        for scope, name in uses.columns:
            self._look(path, name, of_row=scope == "row")
        for name in [name for columns in uses.summed for name in columns]:
            self._look(path, name, of_row=True)
        self.amounts |= uses.amounts
        self._compared.append((path, uses))

    def _look(self, path: Path, name: str, *, of_row: bool) -> None:
        if self._outward.each is not None and not self._sight.elements:
            return  # `each` is wrong: what is an element's field is not known
        found = self._sight.find(name, of_row=of_row)
        if isinstance(found, Astray):
            self.wrong(path, f"{found.reason}: {shape.shown(name)}", found.remedy)
            return
        self._found[of_row, name] = found
        if found.kind == "amount":
            self.amounts.add(name)

    def wrong(self, path: Path, reason: str, remedy: str) -> None:
        """Notes a mistake; `path` is counted from the feed's table."""
        misfit = shape.Misfit(path, "wrong-value", reason, remedy)
        if misfit not in self.misfits:
            self.misfits.append(misfit)
