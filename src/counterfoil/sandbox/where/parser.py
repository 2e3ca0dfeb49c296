"""The grammar of `where` and `order`: recursive descent from text to nodes. Called by this folder's door alone."""

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Final, NamedTuple

from counterfoil.sandbox.where import fields, nodes
from counterfoil.sandbox.where.fields import Field
from counterfoil.sandbox.where.nodes import Node, QueryParse

WHERE_CHARACTERS_MAX: Final = 8_000
WHERE_DEPTH_MAX: Final = 60


class _Token(NamedTuple):
    kind: str
    text: str


_TOKEN: Final = re.compile(
    r'\s+|(?P<text>"[^"]*")|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<op>==|!=|<>|>=|<=|&&|\|\||[=<>!().,-])"
)
_CONSTANTS: Final = {"true": ("Boolean", True), "false": ("Boolean", False), "null": ("null", None)}
_END: Final = _Token("end", "")


class Parser:
    """Recursive descent; each method eats what it is named after and returns it as a node."""

    def __init__(self, text: str, plural: str = "", without: Collection[str] = ()) -> None:
        self._schema = fields.schema_of(plural)
        self._without = without
        self.uses: list[tuple[str, str]] = []  # every field, with the operator that follows it
        self.has_or = False
        if len(text) > WHERE_CHARACTERS_MAX:
            raise QueryParse(f"Expression is longer than {WHERE_CHARACTERS_MAX} characters")
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def either(self) -> Node:
        """A whole condition: parts joined by OR."""
        parts = [self._both()]
        while self.take("||", "or"):
            self.has_or = True
            parts.append(self._both())
        return nodes.logical("||", parts)

    def _both(self) -> Node:
        parts = [self._comparison()]
        while self.take("&&", "and"):
            parts.append(self._comparison())
        return nodes.logical("&&", parts)

    def _comparison(self) -> Node:
        if self.take("!", "not"):
            self._deeper()
            return nodes.negated(self._comparison())
        before = len(self.uses)
        left = self._operand()
        operator = self.take(*nodes.COMPARISONS)
        if operator and len(self.uses) == before + 1:
            field, followed_by = self.uses[-1]
            self.uses[-1] = (field, followed_by or operator)
        return nodes.compared(operator, left, self._operand()) if operator else left

    def _operand(self) -> Node:
        node = self._primary()
        while self.take("."):
            self._deeper()
            method = self._name()
            self._expect("(", f"No property or field '{method}' exists in type '{node.kind}'")
            node = nodes.called(node, method, self._arguments())
            self.uses[-1:] = [(field, "call") for field, _ in self.uses[-1:]]
        return node

    def _primary(self) -> Node:
        token = self._tokens[self._next]
        if token.text == "(":
            return self._parenthesised()
        if token.kind == "text":
            self._next += 1
            return nodes.constant("String", token.text[1:-1])
        if token.kind == "number" or token.text == "-":
            return self._number()
        if token.kind == "name":
            return self._named(self._name())
        raise QueryParse("Expression expected")

    def _parenthesised(self) -> Node:
        self._deeper()
        self._next += 1
        node = self.either()
        self._expect(")", "')' or operator expected")
        return node

    def _deeper(self) -> None:
        """Count what makes evaluation recursive; a hostile query must not exhaust the stack."""
        self._depth += 1
        if self._depth > WHERE_DEPTH_MAX:
            raise QueryParse(f"Expression has more than {WHERE_DEPTH_MAX} parentheses and calls")

    def _number(self) -> Node:
        sign = -1 if self.take("-") else 1
        token = self._tokens[self._next]
        if token.kind != "number":
            raise QueryParse("Expression expected")
        self._next += 1
        return nodes.constant("Decimal" if "." in token.text else "Int32", sign * Decimal(token.text))

    def _named(self, name: str) -> Node:
        word = name.lower()
        if word in _CONSTANTS:
            return nodes.constant(*_CONSTANTS[word])
        if word == "guid":
            self._expect("(", "'(' expected")
            return nodes.guid(self._arguments())
        if word == "datetime":
            parsed = bool(self.take("."))
            if parsed and self._name().lower() != "parse":
                raise QueryParse("Only DateTime(year, month, day) and DateTime.Parse are known")
            self._expect("(", "'(' expected")
            return (nodes.parsed_moment if parsed else nodes.moment)(self._arguments())
        return self._field(name)

    def _field(self, name: str) -> Node:
        field = _known_field(self._schema, name)
        if field.name in self._without:
            raise QueryParse(f"No property or field '{name}' exists")
        path, kind = [field.name], field.kind
        while kind == "Object" and self.take("."):
            field = _known_field(field.of, self._name())
            path.append(field.name)
            kind = field.kind
        self.uses.append((".".join(path), ""))
        if kind == "DateTime?":
            return Node(kind, lambda record: nodes.moment_of(nodes.at(record, path)))
        return Node(kind, lambda record: nodes.at(record, path))

    def order_term(self) -> tuple[Node, bool]:
        """One field of an order and whether it descends."""
        node = self._field(self._name())
        if node.kind in {"Object", "List"}:
            raise QueryParse("Failed to compare two elements in the array.")
        down = bool(self.take("desc", "descending"))
        if not down:
            self.take("asc", "ascending")
        return node, down

    def _arguments(self) -> list[Node]:
        if self.take(")"):
            return []
        arguments = [self._operand()]
        while self.take(","):
            arguments.append(self._operand())
        self._expect(")", "')' or ',' expected")
        return arguments

    def take(self, *texts: str) -> str:
        """Eat the next token if it is one of `texts` (words in lower case); else return nothing."""
        token = self._tokens[self._next]
        text = token.text.lower()
        if token.kind == "text" or text not in texts:
            return ""
        self._next += 1
        return text

    def _name(self) -> str:
        token = self._tokens[self._next]
        if token.kind != "name":
            raise QueryParse("Identifier expected")
        self._next += 1
        return token.text

    def _expect(self, text: str, message: str) -> None:
        if not self.take(text):
            raise QueryParse(message)

    def expect_end(self) -> None:
        """Refuse what is left over: a quote inside a literal ends up here."""
        if self._tokens[self._next] is not _END:
            raise QueryParse("Syntax error")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryParse("Unterminated string literal" if text[position] == '"' else "Syntax error")
        if match.lastgroup:
            tokens.append(_Token(match.lastgroup, match.group()))
        position = match.end()
    return [*tokens, _END]


def _known_field(schema: str, name: str) -> Field:
    try:
        return fields.of_schema(schema)[name.lower()]
    except KeyError:
        raise QueryParse(f"No property or field '{name}' exists") from None
