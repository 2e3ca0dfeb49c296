"""What an expression may do, checked on its tree: the kind of each part, what it uses, what the library gets instead.

Called by expressions. Pure. What a person would read as arithmetic or a comparison of amounts, and the library as one
of texts, is refused here, with the function to write instead.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.mapping import functions
from counterfoil.mapping.functions import Functions, Signature
from counterfoil.mapping.lookups import Lookup
from counterfoil.mapping.syntax import Misspelt, Node
from counterfoil.mapping.texts import Misread, Reader
from counterfoil.model import spelling

_CALC: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
_TEXTUAL: Final = frozenset({"text", "amount", "day", "whole"})
WHOLE_MAX: Final = 4_000


class Surroundings(msgspec.Struct, frozen=True):
    """What an expression may use. `row`: why `row` may not be used here, "" when it may."""

    reader: Reader
    lookups: Mapping[str, Lookup]
    functions: Functions
    row: str = ""


class Uses(msgspec.Struct):
    """What an expression turned out to use, with the place of each first use in it."""

    columns: dict[tuple[str, str], int] = {}
    summed: dict[tuple[str, ...], int] = {}
    amounts: set[str] = set()
    compared: dict[str, int] = {}


class Checker:
    """Walks the tree once: the kind of each part, what it uses, and what has to be rewritten for the library."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._in = surroundings
        self.uses = Uses()
        self.edits: dict[tuple[int, int], str] = {}  # where in the source → what the library gets instead

    def kind(self, node: Node) -> str:
        """The kind of value that `node` gives. Raises Misspelt."""
        of: Callable[[Node], str] = getattr(self, f"_{node.kind}")
        return of(node)

    def _text(self, _node: Node) -> str:
        return "text"

    def _number(self, _node: Node) -> str:
        return "whole"

    def _float(self, node: Node) -> str:
        """As a text, so that it stays what is written."""
        sign = "-" if node.value.startswith("-") else ""
        whole, fraction = node.value.removeprefix("-").split(".")
        written = self._in.reader.written(Decimal(f"{sign}{whole}.{fraction}"))
        self.edits[node.start, node.end] = f'"{written}"'
        return "amount"

    def _bool(self, _node: Node) -> str:
        return "yes_no"

    def _null(self, _node: Node) -> str:
        return "null"

    def _column(self, node: Node) -> str:
        if node.scope == "row" and self._in.row:
            raise Misspelt(node.start, "uses `row`, which stands for one row of several", self._in.row)
        key = (node.scope, node.value)
        self.uses.columns.setdefault(key, node.start)
        self.edits[node.start, node.end] = f"c{list(self.uses.columns).index(key)}"
        return "text"

    def _rows(self, node: Node) -> str:
        raise Misspelt(node.start, "uses `rows` outside sum(…)", 'Write sum(rows, "Price").')

    def _list(self, node: Node) -> str:
        for part in node.parts:
            self._need(part, _TEXTUAL, "a list holds texts")
        return "list"

    def _index(self, node: Node) -> str:
        target, inside = node.parts
        if self.kind(target) != "list" or inside.kind != "number" or int(inside.value) < 0:
            raise Misspelt(node.start, "takes a part of something that is no list", 'Such as split(row.Name, " ")[0].')
        return "text"

    def _unary(self, node: Node) -> str:
        if node.value == "-":
            raise Misspelt(node.start, "has a minus before a text", "Write neg(…).")
        self._need(node.parts[0], {"yes_no"}, "! turns yes into no")
        return "yes_no"

    def _choice(self, node: Node) -> str:
        condition, yes, no = node.parts
        self._need(condition, {"yes_no"}, "before ? stands a condition, such as blank(row.Name)")
        kinds = {self.kind(yes), self.kind(no)}
        if len(kinds) == 1:
            return kinds.pop()
        if kinds <= {"amount", "whole"}:
            return "amount"
        if kinds <= {*_TEXTUAL, "null"}:
            return "text"
        raise Misspelt(node.start, "gives two kinds of value", "Both sides of : must be texts, or both conditions.")

    def _binary(self, node: Node) -> str:
        one, other = node.parts
        if node.value in {"&&", "||"}:
            self._need(one, {"yes_no"}, f"{node.value} joins conditions")
            self._need(other, {"yes_no"}, f"{node.value} joins conditions")
            return "yes_no"
        if node.value == "in":
            self._need(one, _TEXTUAL, "before `in` stands a text")
            self._need(other, {"list"}, 'after `in` stands a list such as ["A", "B"]')
            return "yes_no"
        if node.value in {"==", "!="}:
            return self._equal(node)
        if node.value in {"<", "<=", ">", ">="}:
            better = "gt(a, b)" if ">" in node.value else "lt(a, b)"
            better = f"!{'lt' if '>' in node.value else 'gt'}(a, b)" if "=" in node.value else better
            raise Misspelt(
                node.start, f'compares texts with {node.value}, by which "9" is more than "10"', f"Write {better}."
            )
        if node.value == "+" and self._joins_texts(node):
            return "text"
        better = _CALC.get(node.value, "our functions")
        rounded = ', 2, "half_up"' if better == "div" else ""
        hint = f"Write {better}(a, b{rounded})." if node.value in _CALC else "Use our functions."
        joined = ' To join texts, put one in quotes between: row.A + " " + row.B.' if node.value == "+" else ""
        raise Misspelt(node.start, f"calculates with {node.value}, but values are texts", hint + joined)

    def _equal(self, node: Node) -> str:
        kinds = [self.kind(part) for part in node.parts]
        if "null" in kinds:
            raise Misspelt(node.start, "compares with null, but a blank cell is an empty text", "Write blank(…).")
        if kinds[0] == kinds[1] == "yes_no":
            return "yes_no"
        if "yes_no" in kinds or "list" in kinds:
            raise Misspelt(node.start, "compares two kinds of value", 'A cell is a text: row.Paid == "true".')
        for part, kind in zip(node.parts, kinds, strict=True):
            if kind in {"amount", "whole"} or (part.kind == "text" and _looks_like_an_amount(part.value)):
                better = "eq(a, b)" if node.value == "==" else "!eq(a, b)"
                remedy = f'Write {better} for amounts; for a code that looks like one, row.Code in ["20"].'
                raise Misspelt(
                    node.start, f"compares an amount as text with {node.value}, by which 1 is not 1.0", remedy
                )
            if part.kind == "column":
                self.uses.compared.setdefault(part.value, node.start)
        return "yes_no"

    def _joins_texts(self, node: Node) -> bool:
        """Whether the parts of a chain of + are texts, with one in quotes that is no amount among them."""
        parts, quoted = [node], False
        while parts:
            part = parts.pop()
            if part.kind == "binary" and part.value == "+":
                parts += part.parts
            elif self.kind(part) not in {"text", "amount", "day"}:
                return False
            else:
                quoted = quoted or (part.kind == "text" and not _looks_like_an_amount(part.value))
        return quoted

    def _method(self, node: Node) -> str:
        if node.value not in functions.METHODS:
            near = spelling.suggestion(node.value, [*functions.METHODS, *functions.SIGNATURES])
            raise Misspelt(node.start, f"has the unknown function `{node.value}`", near)
        if len(node.parts) != 2:
            raise Misspelt(
                node.start, f"gives {node.value} {len(node.parts) - 1} values", f'Write row.Name.{node.value}("x").'
            )
        for part in node.parts:
            self._need(part, {"text", "day"}, f"{node.value} looks into texts")
        return "yes_no"

    def _call(self, node: Node) -> str:
        signature = functions.SIGNATURES.get(node.value)
        if signature is None:
            if node.value in functions.METHODS:
                remedy = f'Write row.Name.{node.value}("x").'
            else:
                remedy = spelling.suggestion(node.value, functions.SIGNATURES)
            raise Misspelt(node.start, f"has the unknown function `{node.value}`", remedy)
        count, most = len(node.parts), None if signature.more else len(signature.takes)
        if count < signature.least or (most is not None and count > most):
            raise Misspelt(node.start, f"gives {node.value} {count} values", f"Write {signature.usage}.")
        if node.value == "sum" and node.parts[0].kind == "rows":
            return self._sum_of_rows(node, signature)
        for index, part in enumerate(node.parts):
            takes = signature.takes[index] if index < len(signature.takes) else signature.more
            self._argument(part, takes or "", node.value, signature)
        if node.value == "lookup":
            self._lookup(node)
        return signature.gives

    def _sum_of_rows(self, node: Node, signature: Signature) -> str:
        columns = tuple(part.value for part in node.parts[1:] if part.kind == "text")
        if len(columns) != len(node.parts) - 1 or not columns:
            raise Misspelt(node.start, "sums columns that are not named in quotes", f"Write {signature.usage}.")
        self.uses.summed.setdefault(columns, node.start)
        self.uses.amounts.update(columns)
        self.edits[node.start, node.end] = f"s{list(self.uses.summed).index(columns)}"
        return "amount"

    def _argument(self, part: Node, takes: str, name: str, signature: Signature) -> None:
        """One argument of a function, by the kind that it takes."""
        usage = f"Write {signature.usage}."
        if takes in {"rows", "column"}:  # sum of something else than rows: of a list
            self._need(part, {"list"}, "sum adds up rows, or a list")
        elif takes == "amount":
            self._need(part, _TEXTUAL, f"{name} calculates with amounts")
            if part.kind == "column":
                self.uses.amounts.add(part.value)
            if part.kind == "text" and isinstance(misread := self._in.reader.amount(part.value), Misread):
                raise Misspelt(part.start, f'calculates with "{part.value}", which {misread.reason}', misread.remedy)
        elif takes == "places":
            largest = WHOLE_MAX if name == "substr" else functions.PLACES_MAX
            if part.kind != "number" or not 0 <= int(part.value) <= largest:
                raise Misspelt(part.start, f"needs a whole number from 0 to {largest} here", usage)
        elif takes in {"rounding", "name"}:
            known: Any = functions.ROUNDINGS if takes == "rounding" else self._in.lookups
            if part.kind != "text":
                raise Misspelt(part.start, f"needs the {takes} in quotes here", usage)
            if part.value not in known:
                what = "rounding" if takes == "rounding" else "lookup"
                near = spelling.suggestion(part.value, known)
                raise Misspelt(part.start, f"names the unknown {what} `{part.value}`", near)
        else:
            self._need(part, {*_TEXTUAL, "list"} if takes == "key" else _TEXTUAL, usage.removesuffix("."))

    def _lookup(self, node: Node) -> None:
        """A lookup gets as many keys as it has, and a day exactly when its rows have one."""
        settings = self._in.lookups[node.parts[0].value].settings
        keys = len(node.parts[1].parts) if node.parts[1].kind == "list" else 1
        wanted = f'lookup("{settings.name}", {_keys_shown(settings.keys)}{", row.Date" if settings.dated else ""})'
        if keys != len(settings.keys):
            raise Misspelt(node.start, f"gives {settings.name} {keys} keys", f"Write {wanted}.")
        if settings.dated != (len(node.parts) == 3):
            reason = f"gives {settings.name} {'no' if settings.dated else 'a'} day"
            raise Misspelt(node.start, reason, f"Write {wanted}.")

    def _need(self, part: Node, kinds: Any, because: str) -> None:
        if part.kind == "rows":
            raise Misspelt(part.start, "uses `rows` outside sum(…)", 'Write sum(rows, "Price").')
        found = self.kind(part)
        if found not in kinds:
            raise Misspelt(
                part.start,
                f"has {_IN_WORDS[found]} where something else is expected",
                f"{because[:1].upper()}{because[1:]}.",
            )


_IN_WORDS: Final = {
    "text": "a text", "amount": "an amount", "yes_no": "a condition", "list": "a list", "whole": "a number",
    "null": "null", "day": "a day",
}  # fmt: skip


def _keys_shown(keys: tuple[str, ...]) -> str:
    shown = [f'row["{key}"]' for key in keys]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _looks_like_an_amount(text: str) -> bool:
    return text.strip()[:1] in {*"0123456789+-.,"} and any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
