"""A flow's `map`, `line`, `group_by` and `check.total` become a Mapper, or mistakes: all of them, each with its line.

Called by app.py when the configuration is loaded. Pure. Knows the fields by the record's own declaration (targets).
"""

import datetime
from collections.abc import Collection
from typing import Any, Final

from counterfoil.mapping import functions, targets, templates, values
from counterfoil.mapping.mapper import Mapper
from counterfoil.mapping.mistakes import Mistake
from counterfoil.mapping.parts import Block, ListOf, Table
from counterfoil.mapping.targets import Target
from counterfoil.mapping.texts import Misread
from counterfoil.mapping.values import Field, Fixed, Value
from counterfoil.mapping.written import Path, ValueCompiler
from counterfoil.model import shape, spelling
from counterfoil.settings import FlowSettings

LINES: Final = "lines"
TOTAL: Final = "expected_total"
NOT_MAPPED: Final = {
    "attachments": "attachments cannot be mapped",
    LINES: "the lines have tables of their own",
}
EACH: Final = ("row", "record")
_FUNCTIONS: Final = frozenset(functions.SIGNATURES)


def compile_flow(
    flow: FlowSettings, record: Any, columns: Collection[str] | None = None
) -> Mapper | tuple[Mistake, ...]:
    """The mapper of a flow whose `map` is not None, or every mistake in the order of the file.

    `record` is the type of the kind's record, such as records.SalesInvoice. `columns` are the source's, when they are
    known: then a column that is not among them is a mistake too. Reads nothing, raises nothing.
    """
    compiler = _Compiler(flow, targets.of_record(record), columns)
    mapper = compiler.mapper()
    return tuple(compiler.mistakes) or mapper


class _Compiler(ValueCompiler):
    def __init__(self, flow: FlowSettings, record: Target, columns: Collection[str] | None) -> None:
        super().__init__(flow, columns)
        self.flow = flow
        self._record = record

    def mapper(self) -> Mapper:
        flow = self.flow
        head_only = "Write head.Name, for which all rows of a record must agree."
        grouped = flow.group_by is not None or flow.source.explode is not None
        self.row_in_use = ""
        group_by = None if flow.group_by is None else self._group_by()
        self.row_in_use = head_only if grouped else ""
        head = self._head()
        total = None if flow.total is None else self._total()
        blocks = tuple(
            block for n, line in enumerate(flow.lines) if (block := self._line(n, line, head_only if grouped else ""))
        )
        if LINES in self._record.fields and not flow.lines:
            reason = "is missing: a record without lines is refused"
            self.wrong(("line",), reason, f"Write [[flows.{flow.table}.line]] with description, quantity, …")
        self.compare()
        return Mapper(flow, self._record, self.functions, head, total, blocks, group_by)

    def _group_by(self) -> Value | None:
        path: Path = ("group_by",)
        text = self.flow.group_by
        if isinstance(text, str) and not text.strip().startswith("=") and not set("{}") & set(text):
            shown = text.strip() or "Order"
            self.wrong(path, f"names no column: {shape.shown(text)}", f'Write group_by = "{{{shown}}}".')
            return None
        return self.value(path, text)

    def _head(self) -> Table:
        given = dict(self.flow.map or {})
        for key in NOT_MAPPED.keys() & given.keys() & self._record.fields.keys():
            remedy = f"Write [[flows.{self.flow.table}.line]]." if key == LINES else "Take it out."
            self.wrong(("map", key), NOT_MAPPED[key], remedy)
            del given[key]
        if TOTAL in given and self.flow.total is not None:
            self.wrong(("map", TOTAL), "is given by check.total as well", "Keep one of them.")
            del given[TOTAL]
        without = {LINES, *([TOTAL] if self.flow.total is not None else [])}
        fields = {name: one for name, one in self._record.fields.items() if name not in without}
        return self._table(("map",), given, Target("table", fields=fields)) or Table((), None)

    def _total(self) -> Field | Fixed | None:
        return self._field(("check", "total"), self.flow.total, self._record.fields.get(TOTAL, Target("amount")))

    def _line(self, n: int, given: dict[str, Any], head_only: str) -> Block | None:
        path: Path = ("line", n)
        line = self._record.fields.get(LINES)
        if line is None or line.item is None:
            self.wrong(path, f"is of no use: records of {self.flow.kind} have no lines", "Take it out.")
            return None
        each = given.get("each", "row")
        if each not in EACH:
            near = f'Write each = "row" for a line of each row, or each = "record" for one of the record: {shape.shown(each)}.'
            self.wrong((*path, "each"), "is neither row nor record", near)
        self.row_in_use = head_only if each == "record" else ""
        table = self._table(path, {key: one for key, one in given.items() if key != "each"}, line.item)
        self.row_in_use = head_only
        return Block(each == "row", table) if table else None

    def _table(self, path: Path, given: dict[str, Any], target: Target) -> Table | None:
        """A table of fields, and `when`; what it lacks is a mistake too."""
        repeated = isinstance(path[-1], int)  # a line, or one of a list such as the payments
        when = self.when((*path, "when"), given["when"]) if repeated and "when" in given else None
        fields: list[tuple[str, Any]] = []
        known = target.fields
        for key, one in given.items():
            if repeated and key == "when":
                continue
            if known and key not in known:
                self.wrong((*path, key), "is no field of the record", spelling.suggestion(key, known))
                continue
            item = known[key] if known else target.item or Target("text")
            compiled = self._any((*path, key), one, item)
            if compiled is not None:
                fields.append((key, compiled))
        for key, one in known.items():
            if one.required and key not in given:
                self.wrong((*path, key), "is missing", f'Give it, such as {key} = "{{…}}".')
        order = {name: at for at, name in enumerate(known)}
        return Table(tuple(sorted(fields, key=lambda field: order.get(field[0], 0))), when)

    def _any(self, path: Path, given: Any, target: Target) -> Any:
        """What compiles `given` for its target: a field, a table or a list; None after a mistake."""
        if target.kind in {"table", "names"}:
            if isinstance(given, dict) and "lookup" not in given:
                return self._table(path, given, target)
            self.wrong(path, f"must be {targets.IN_WORDS[target.kind]}", _example(target))
            return None
        if target.kind != "list":
            return self._field(path, given, target)
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given) or target.item is None:
            self.wrong(path, "must be a list of tables", f"Such as {path[-1]} = [{{ … }}].")
            return None
        tables = [self._table((*path, n), one, target.item) for n, one in enumerate(given)]
        return ListOf(tuple(table for table in tables if table is not None))

    def _field(self, path: Path, given: Any, target: Target) -> Field | Fixed | None:
        """One field: a constant is read now, anything else for each record."""
        if isinstance(given, datetime.date | bool | int) or (isinstance(given, str) and not _is_computed(given)):
            return self._constant(path, given, target)
        if isinstance(given, dict) and "lookup" not in given:
            self.wrong(path, f"must be {targets.IN_WORDS[target.kind]}", 'A lookup is { lookup = "…", key = "{…}" }.')
            return None
        value = self.value(path, given, target)
        if value is None:
            return None
        if target.kind == "amount" and isinstance(value, values.Column):
            self.amounts.update(value.columns)
        return Field(value, target, self.functions, self.reader)

    def _constant(self, path: Path, given: Any, target: Target) -> Fixed | None:
        if isinstance(given, str):
            if (instead := templates.meant_as_expression(given, _FUNCTIONS)) is not None:
                self.wrong(path, f"looks like an expression without =: {shape.shown(given)}", f"Write {instead}.")
                return None
            if not given.strip():
                self.wrong(path, "is blank", "Take it out, or write what it shall be.")
                return None
            found = values.read_as(target, given.strip() if target.kind != "text" else given, self.reader, None)
        elif isinstance(given, datetime.date) and not isinstance(given, datetime.datetime) and target.kind == "day":
            found = given.isoformat()
        elif isinstance(given, bool) == (target.kind == "yes_no") and not isinstance(given, datetime.date):
            found = given if target.kind == "whole" else values.read_as(target, given, self.reader, None)
            if target.kind == "text":
                found = Misread("wrong-value", "must be text", f'Write it in quotes: "{given}".')
        else:
            found = Misread("wrong-value", f"must be {targets.IN_WORDS[target.kind]}", "")
        if isinstance(found, Misread):
            self.wrong(path, f"{found.reason}: {shape.shown(given)}", found.remedy)
            return None
        if target.choices and found not in target.choices:
            choices = ", ".join(target.choices)
            self.wrong(
                path, f"must be one of {choices}: {shape.shown(found)}", spelling.suggestion(str(found), target.choices)
            )
            return None
        return Fixed(found)


def _is_computed(text: str) -> bool:
    return text.strip().startswith("=") or bool(set("{}") & set(text))


def _example(target: Target) -> str:
    names = [name for name, one in target.fields.items() if one.required] or list(target.fields)[:1] or ["Region"]
    return "Such as { " + ", ".join(f'{name} = "{{…}}"' for name in names) + " }."
