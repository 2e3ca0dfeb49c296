"""The values of a mapping as they are written become values that run: texts with columns, expressions, lookups.

Called by compiling. Pure. Collects every mistake with its place; a value with one becomes None.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from counterfoil.mapping import targets, templates, values
from counterfoil.mapping.checking import Surroundings, Uses
from counterfoil.mapping.expressions import Expression
from counterfoil.mapping.functions import Functions
from counterfoil.mapping.lookups import Lookup
from counterfoil.mapping.mistakes import Mistake
from counterfoil.mapping.syntax import Misspelt
from counterfoil.mapping.targets import Target
from counterfoil.mapping.texts import Reader
from counterfoil.mapping.values import Value
from counterfoil.model import shape, spelling
from counterfoil.settings import LookupSettings, ReadSettings

Path = tuple[str | int, ...]
_FITS: Final = {  # what an expression gives → the targets that can read it
    "text": {"text", "amount", "whole", "day", "yes_no"}, "amount": {"amount", "whole", "text"},
    "whole": {"amount", "whole", "text"}, "day": {"day", "text"}, "yes_no": {"yes_no"}, "list": set(),
    "null": {"text", "amount", "whole", "day", "yes_no"},
}  # fmt: skip


class Owner(Protocol):
    """The table that a mapping stands in: a flow's, or a feed's."""

    @property
    def table(self) -> str:
        """Its name in the file."""

    @property
    def read(self) -> ReadSettings:
        """How texts are read."""

    @property
    def lookups(self) -> Mapping[str, LookupSettings]:
        """What may be looked up in."""

    def place(self, *path: str | int) -> str:
        """Where a key is written, as "FILE:LINE"; `path` from the table on."""


class ValueCompiler:
    """Compiles the values of one table. `row_in_use`: why `row` may not be used now, "" when it may."""

    def __init__(self, owner: Owner, columns: Collection[str] | None) -> None:
        self.owner = owner
        self._columns = columns
        self.reader = Reader(owner.read, owner.table)
        self._lookups: Mapping[str, Lookup] = {name: Lookup(one) for name, one in owner.lookups.items()}
        self.functions = Functions(self.reader, self._lookups)
        self.amounts: set[str] = set()
        self._compared: list[tuple[Path, Uses]] = []
        self.row_in_use: str = ""
        self.mistakes: list[Mistake] = []

    def value(self, path: Path, given: Any, target: Target | None = None) -> Value | None:
        """A text with columns, an expression or a lookup; None after a mistake."""
        if isinstance(given, dict):
            return self._lookup(path, given)
        if not isinstance(given, str):
            self.wrong(path, f"must be text: {shape.shown(given)}", 'Write a text, "{Column}" or "=expression".')
            return None
        try:
            if given.strip().startswith("="):
                return self._computed(path, given, target)
            parts = templates.parse(given)
        except Misspelt as error:
            at = f" (character {error.at + 1})" if error.at else ""
            self.wrong(path, f"{error.reason}{at}: {shape.shown(given)}", error.remedy)
            return None
        names = [part[0] for part in parts if isinstance(part, tuple)]
        self.know(path, names)
        if not names:
            return values.Constant(given)
        return values.Column(names[0]) if len(parts) == 1 else values.Template(parts)

    def _computed(self, path: Path, given: str, target: Target | None) -> Value | None:
        """Raises Misspelt, with places counted in the whole text."""
        start = given.index("=") + 1
        if not given[start:].strip():
            raise Misspelt(start - 1, "has no expression after =", 'Such as "=lower(head.Email)".')
        try:
            around = Surroundings(self.reader, self._lookups, self.functions, self.row_in_use)
            expression = Expression(given[start:], around)
        except Misspelt as error:
            raise Misspelt(error.at + start, error.reason, error.remedy) from error
        wanted = target.kind if target else "text"
        if wanted not in _FITS[expression.gives]:
            given_word = {"yes_no": "yes or no", "list": "a list"}.get(expression.gives, expression.gives)
            reason = f"gives {given_word}, but must be {targets.IN_WORDS[wanted]}: {shape.shown(given)}"
            self.wrong(path, reason, 'Such as condition ? "a" : "b", or list[0].')
            return None
        self._use(path, expression.uses)
        return values.Computed(expression)

    def when(self, path: Path, given: Any) -> Expression | None:
        """The condition of a line or of a table in a list; None after a mistake."""
        example = 'Such as when = "=nonzero(row.Price)" or when = "=!blank(head.Shipping)".'
        if not isinstance(given, str) or not given.strip().startswith("="):
            self.wrong(path, f"must be an expression that gives yes or no: {shape.shown(given)}", example)
            return None
        try:
            start = given.index("=") + 1
            around = Surroundings(self.reader, self._lookups, self.functions, self.row_in_use)
            expression = Expression(given[start:], around)
        except Misspelt as error:
            self.wrong(path, f"{error.reason} (character {error.at + start + 1}): {shape.shown(given)}", error.remedy)
            return None
        if expression.gives != "yes_no":
            self.wrong(path, f"gives a value, not yes or no: {shape.shown(given)}", example)
            return None
        self._use(path, expression.uses)
        return expression

    def _lookup(self, path: Path, given: dict[str, Any]) -> Value | None:
        known = ("lookup", "key", "date")
        for key in sorted(given.keys() - set(known)):
            self.wrong((*path, key), "is no key of a lookup", spelling.suggestion(key, known))
        name = given.get("lookup")
        lookup = self._lookups.get(name) if isinstance(name, str) else None
        if lookup is None:
            near = spelling.suggestion(str(name), self._lookups)
            self.wrong(path, f"names the unknown lookup `{shape.shown(name)}`", near)
            return None
        keys = given.get("key", [])
        keys = keys if isinstance(keys, list) else [keys]
        if len(keys) != len(lookup.settings.keys):
            wanted = ", ".join(lookup.settings.keys)
            self.wrong(
                (*path, "key"), f"must give {len(lookup.settings.keys)} key(s): {wanted}", 'Such as key = "{Code}".'
            )
            return None
        if lookup.settings.dated != ("date" in given):
            has = "have" if lookup.settings.dated else "have no"
            remedy = 'Give the day: date = "{Date}".' if lookup.settings.dated else "Take it out."
            self.wrong((*path, "date"), f"does not fit: the rows of {name} {has} days from which they hold", remedy)
            return None
        found = [self.value((*path, "key"), key) for key in keys]
        day = self.value((*path, "date"), given["date"]) if "date" in given else None
        compiled = [one for one in found if one is not None]
        if len(compiled) < len(found) or ("date" in given and day is None):
            return None
        return values.Looked(lookup, compiled, day, self.functions, self.reader)

    def _use(self, path: Path, uses: Uses) -> None:
        self.know(path, [name for _, name in uses.columns] + [name for columns in uses.summed for name in columns])
        self.amounts |= uses.amounts
        self._compared.append((path, uses))

    def know(self, path: Path, names: list[str]) -> None:
        """A column that the sample does not have is a mistake, when the sample's columns are known."""
        if self._columns is None:
            return
        for name in dict.fromkeys(names):
            if name not in self._columns and name not in self.owner.read.optional:
                near = spelling.suggestion(name, self._columns)
                self.wrong(path, f"names the column `{shape.shown(name)}`, which the source does not have", near)

    def compare(self) -> None:
        """A column that is an amount elsewhere may not be compared as text, by which 1 is not 1.0."""
        for path, uses in self._compared:
            for name in uses.compared.keys() & self.amounts:
                reason = f"compares the amount `{shape.shown(name)}` as text, by which 1 is not 1.0"
                self.wrong(path, reason, "Write eq(a, b) or !eq(a, b).")

    def wrong(self, path: Path, reason: str, remedy: str) -> None:
        """Notes a mistake of the key at `path`, counted from the flow's table."""
        table, key = f"flows.{self.owner.table}", path
        if path[0] == "map":
            table, key = f"{table}.map", path[1:]
        elif path[0] == "line" and len(path) > 1:
            table, key = f"{table}.line", path[2:]
        self.mistakes.append(Mistake(self.owner.place(*path), table, shape.written(key), reason, remedy))
