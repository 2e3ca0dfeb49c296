"""The parts of a compiled mapping: a table of fields, a list of tables, a block of lines.

Called by compiling, which makes them, and mapper, which runs them. A wrong cell is a finding, never an exception.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.mapping import values
from counterfoil.mapping.expressions import Expression
from counterfoil.mapping.scopes import Scope, Unmapped
from counterfoil.mapping.values import OMITTED, Field, Fixed
from counterfoil.model.prepared import Finding


class Table:
    """Fields of one table of the record, in its order, and the condition under which it is there."""

    def __init__(self, fields: tuple[tuple[str, Any], ...], when: Expression | None) -> None:
        self.fields = fields
        self._when = when
        self._plan = tuple((name, one, isinstance(one, Field | Fixed)) for name, one in fields)
        self._computed = frozenset(name for name, one in fields if not isinstance(one, Fixed))

    def evaluate(self, scope: Scope, path: str, findings: list[Finding], *, keep: bool = False) -> Any:
        """The table's JSON; OMITTED when `when` says so, or (unless `keep`) when all but its constants is blank."""
        if self._when is not None and not self._holds(scope, path, findings):
            return OMITTED
        found, filled = {}, keep or not self._computed
        before = len(findings)
        for name, one, is_leaf in self._plan:
            try:
                value = one.evaluate(scope) if is_leaf else one.evaluate(scope, _joined(path, name), findings)
            except Unmapped as error:
                note(findings, error.finding, _joined(path, name))
                continue
            if value is not OMITTED:
                found[name] = value
                filled = filled or name in self._computed
        return found if filled or len(findings) > before else OMITTED

    def _holds(self, scope: Scope, path: str, findings: list[Finding]) -> bool:
        assert self._when is not None, "only asked when there is one"
        try:
            return bool(self._when.run(scope))
        except Unmapped as error:
            note(findings, error.finding, f"{path}.when" if path else "when")
            return False

    def columns_of(self, path: Sequence[str]) -> tuple[str, ...]:
        """The columns that the field at `path` is made of; of a table, all of its fields'."""
        if not path:
            return tuple(dict.fromkeys(name for _, one in self.fields for name in columns_behind(one, ())))
        for name, one in self.fields:
            if name == path[0]:
                return columns_behind(one, path[1:])
        return ()


class ListOf:
    """A list of tables, such as the payments; those that are blank are left out."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self.tables = tables

    def evaluate(self, scope: Scope, path: str, findings: list[Finding]) -> Any:
        """The list's JSON; OMITTED when nothing is left."""
        found = [table.evaluate(scope, f"{path}[{n}]", findings) for n, table in enumerate(self.tables)]
        return [one for one in found if one is not OMITTED] or OMITTED


class Block(msgspec.Struct, frozen=True):
    """One [[flows.NAME.line]]: a line of each row, or one of the record."""

    each_row: bool
    table: Table


def evaluated(one: Any, scope: Scope, path: str, findings: list[Finding]) -> Any:
    """The JSON value of a field; OMITTED when it is blank or (then with a finding) has none."""
    try:
        return one.evaluate(scope)
    except Unmapped as error:
        note(findings, error.finding, path)
        return OMITTED


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def note(findings: list[Finding], finding: Finding, path: str) -> None:
    """Once each: a column that is missing for ten lines is missing once."""
    told = msgspec.structs.replace(finding, field=path)
    if not any(one.reason == told.reason for one in findings):
        findings.append(told)


def columns_behind(one: Any, path: Sequence[str]) -> tuple[str, ...]:
    """The columns that the part at `path` inside `one` is made of, each once; none of a constant."""
    match one:
        case Table():
            return one.columns_of(path)
        case ListOf():
            if path and path[0].isdigit() and int(path[0]) < len(one.tables):
                return one.tables[int(path[0])].columns_of(path[1:])
            return tuple(dict.fromkeys(name for table in one.tables for name in table.columns_of(())))
        case values.Field():
            return one.value.columns
        case _:
            return ()


def steps_of(path: str) -> list[str]:
    """`payments[0].amount` as its steps."""
    return [step for step in re.split(r"[.\[\]]+", path) if step]
