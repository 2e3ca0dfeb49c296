"""The expressions that a mapping may use, as a tree: a small part of CEL, so that mistakes are found when it is loaded.

Called by expressions. Pure. The library compiles and runs them, but tells neither which columns are used nor with how
many arguments a function is called; and it would compare texts as if they were numbers. What stands in no rule here is
refused: a value of text is safe only where we know what is done with it.

    choice := or [ "?" or ":" choice ]          unary   := [ "!" | "-" ] member
    or     := and { "||" and }                  member  := primary { "." name [ "(" … ")" ] | "[" … "]" }
    and    := compare { "&&" compare }          primary := name [ "(" … ")" ] | text | number | "[" … "]" | "(" choice ")"
    compare := sum [ "==" | "!=" | "<" | … | "in" sum ]      sum, product: "+" "-", "*" "/" "%"
"""

import re
from typing import Final, Literal

import msgspec

LENGTH_MAX: Final = 2_000
DEPTH_MAX: Final = 40
SCOPES: Final = ("row", "head")
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<float>[0-9]+\.[0-9]+)(?![\w.])"""
    r"""|(?P<number>[0-9]+)(?![\w.])|(?P<name>[^\W\d]\w*)|(?P<mark>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{}]))"""
)
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_WORDS: Final = {"true": "bool", "false": "bool", "null": "null"}
_LEVELS: Final = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))

Kind = Literal[
    "text", "number", "float", "bool", "null", "column", "rows", "call", "method", "index", "list", "unary", "binary",
    "choice",
]  # fmt: skip


class Node(msgspec.Struct, frozen=True):
    """A part of an expression: its kind, where it stands (characters from 0), and its parts.

    `value` is a text's content, a number's digits, a column's name, a function's or operator's name; `scope` is "row"
    or "head" of a column.
    """

    kind: Kind
    start: int
    end: int
    value: str = ""
    parts: tuple["Node", ...] = ()
    scope: str = ""


class Misspelt(Exception):
    """The expression is none: `reason`, where it is wrong, and what to write instead."""

    def __init__(self, at: int, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.at, self.reason, self.remedy = at, reason, remedy


class _Token(msgspec.Struct, frozen=True):
    kind: str
    value: str
    start: int
    end: int


def parse(source: str) -> Node:
    """The tree of an expression. Raises Misspelt."""
    if len(source) > LENGTH_MAX:
        raise Misspelt(0, f"is longer than {LENGTH_MAX:,} characters", "Split it, or use a lookup.")
    parser = _Parser(_tokens(source), len(source))
    node = parser.choice()
    left = parser.next
    if left.kind != "end":
        raise Misspelt(left.start, f"has `{left.value}` where nothing is expected", "Take it out.")
    return node


def _tokens(source: str) -> list[_Token]:
    found, at = [], 0
    end = len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            at += len(source[at:]) - len(source[at:].lstrip())
            remedy = 'A column is written row.Name or row["Any name"], a text "in quotes", a number 12 or 1.5.'
            if source[at] in {'"', "'"}:
                raise Misspelt(at, "has a quote that is not closed", remedy)
            raise Misspelt(at, f"has `{source[at]}`, which no expression uses", remedy)
        kind = match.lastgroup or ""
        found.append(_Token(kind, match[kind], match.start(kind), match.end()))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._end = _Token("end", "the end", end, end)

    @property
    def next(self) -> _Token:
        return self._ahead(0)

    def _ahead(self, by: int) -> _Token:
        return self._tokens[self._at + by] if self._at + by < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self.next
        self._at += 1
        return token

    def _is(self, *marks: str) -> bool:
        return self.next.kind in {"mark", "name"} and self.next.value in marks

    def _expect(self, mark: str, for_what: str) -> _Token:
        if not self._is(mark):
            raise Misspelt(self.next.start, f"has {self.next.value} where `{mark}` is expected", for_what)
        return self._take()

    def choice(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Misspelt(self.next.start, f"is nested more than {DEPTH_MAX} deep", "Split it, or use a lookup.")
        node = self._binary(0)
        if self._is("?"):
            self._take()
            yes = self.choice()
            self._expect(":", "A choice is written condition ? this : that.")
            no = self.choice()
            node = Node("choice", node.start, no.end, "?", (node, yes, no))
        self._depth -= 1
        return node

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while self._is(*_LEVELS[level]):
            operator = self._take().value
            right = self._binary(level + 1)
            node = Node("binary", node.start, right.end, operator, (node, right))
        return node

    def _unary(self) -> Node:
        if not self._is("!", "-"):
            return self._member()
        token = self._take()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Misspelt(token.start, f"is nested more than {DEPTH_MAX} deep", "Split it, or use a lookup.")
        node = self._unary()
        self._depth -= 1
        if token.value == "-" and node.kind in {"number", "float"}:
            return Node(node.kind, token.start, node.end, f"-{node.value}")
        return Node("unary", token.start, node.end, token.value, (node,))

    def _member(self) -> Node:
        node = self._primary()
        while self._is(".", "["):
            if self._take().value == "[":
                inside = self.choice()
                end = self._expect("]", "An item is written list[0].").end
                node = Node("index", node.start, end, "", (node, inside))
                continue
            name = self._take()
            if name.kind != "name":
                raise Misspelt(name.start, f"has {name.value} where a name is expected", "Such as row.Name.")
            if not self._is("("):
                raise Misspelt(name.start, f"has `.{name.value}`, but only row and head have columns", "Take it out.")
            arguments, end = self._arguments()
            node = Node("method", node.start, end, name.value, (node, *arguments))
        return node

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "text":
            return Node("text", token.start, token.end, _unquoted(token))
        if token.kind in {"number", "float"}:
            return Node("number" if token.kind == "number" else "float", token.start, token.end, token.value)
        if token.kind == "mark" and token.value == "(":
            node = self.choice()
            end = self._expect(")", "A bracket is not closed.").end
            return Node(node.kind, token.start, end, node.value, node.parts, node.scope)
        if token.kind == "mark" and token.value == "[":
            items, end = self._items("]")
            return Node("list", token.start, end, "", items)
        if token.kind == "name":
            return self._named(token)
        raise Misspelt(token.start, f"has {token.value} where a value is expected", 'Such as row.Price or "text".')

    def _named(self, token: _Token) -> Node:
        if token.value in SCOPES:
            return self._column(token)
        if token.value in _WORDS:
            return Node("bool" if token.value != "null" else "null", token.start, token.end, token.value)
        if self._is("("):
            arguments, end = self._arguments()
            return Node("call", token.start, end, token.value, arguments)
        if token.value == "rows":
            return Node("rows", token.start, token.end)
        remedy = f'A column is written row.{token.value}; a text "{token.value}".'
        raise Misspelt(token.start, f"has `{token.value}`, which is no value", remedy)

    def _column(self, scope: _Token) -> Node:
        if self._is("."):
            self._take()
            name = self._take()
            if name.kind != "name":
                remedy = f'Write {scope.value}.Name, or {scope.value}["Any name"].'
                raise Misspelt(name.start, f"has {name.value} where a column's name is expected", remedy)
            dotted = [name.value]
            while self._is(".") and self._ahead(1).kind == "name" and self._ahead(2).value != "(":
                self._take()
                name = self._take()
                dotted.append(name.value)
            return Node("column", scope.start, name.end, ".".join(dotted), scope=scope.value)
        remedy = f'Write {scope.value}.Name, or {scope.value}["Any name"].'
        if not self._is("["):
            raise Misspelt(scope.start, f"has `{scope.value}` without a column", remedy)
        self._take()
        name = self._take()
        if name.kind != "text":
            raise Misspelt(name.start, "has a column whose name is computed", remedy)
        end = self._expect("]", remedy).end
        return Node("column", scope.start, end, _unquoted(name), scope=scope.value)

    def _arguments(self) -> tuple[tuple[Node, ...], int]:
        self._take()
        return self._items(")")

    def _items(self, closing: str) -> tuple[tuple[Node, ...], int]:
        found: list[Node] = []
        while not self._is(closing):
            if found:
                self._expect(",", f"Between two items stands a comma, at the end {closing}.")
            found.append(self.choice())
        return tuple(found), self._take().end


def _unquoted(token: _Token) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise Misspelt(token.start, f"has \\{match[1]} in a text", "Known are \\n, \\t, \\\", \\' and \\\\.")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", one, token.value[1:-1])
