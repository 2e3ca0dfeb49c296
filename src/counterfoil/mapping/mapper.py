"""A flow's mapping, ready to run: rows of one group become the JSON of one record, or findings that name the columns.

Called by app.py for each record. Pure, never raises. The JSON goes on through the kind's own `decode`, so that there is
one checking path; `explain` says which column and row a later finding's field came from.
"""

import datetime
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from counterfoil.mapping.functions import Functions
from counterfoil.mapping.parts import Block, Table, columns_behind, evaluated, steps_of
from counterfoil.mapping.scopes import Group, RowOf, Scope, Unmapped
from counterfoil.mapping.targets import Target
from counterfoil.mapping.values import OMITTED, Field, Fixed, Value
from counterfoil.model import sheet
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.settings import FlowSettings

FINDINGS_MAX: Final = 50  # of one record; more help nobody
_LINE: Final = re.compile(r"lines\[(\d+)\]\.?(.*)")


class MappedRecord(msgspec.Struct, frozen=True):
    """One record made of rows.

    `raw` is its JSON, keys in the order of the record's declaration. `rows_hash` is SHA-256 in hex of its rows in their
    order, `sources` where each row stands. `line_blocks` and `line_rows` say of each line which [[flows.NAME.line]] made
    it (from 0) and out of which row (an index of `sources`; None: out of the record as a whole). `once` is the JSON that
    it would be if each row that stands in the source twice counted once; None: none does, or it is the same record.
    """

    raw: bytes
    rows_hash: str
    sources: tuple[str, ...]
    line_blocks: tuple[int, ...] = ()
    line_rows: tuple[int | None, ...] = ()
    once: bytes | None = None


class Mapper:
    """The mapping of one flow. Not for use by two threads at a time."""

    def __init__(
        self,
        flow: FlowSettings,
        record: Target,
        functions: Functions,
        head: Table,
        total: Field | Fixed | None,
        blocks: tuple[Block, ...],
        group_by: Value | None,
    ) -> None:
        self._flow = flow
        self._order = {name: at for at, name in enumerate(record.fields)}
        self._functions = functions
        self._head, self._total, self._blocks, self._group_by = head, total, blocks, group_by
        self._optional = flow.read.optional
        self._encoder = msgspec.json.Encoder()
        self._fields = dict(head.fields)

    def group_key(self, row: SheetRow) -> str | Finding:
        """What the rows of one record share; without `group_by` the object that they were taken out of, or the row."""
        if self._group_by is None:
            return row.group or row.source
        try:
            key = self._group_by.get(RowOf(Group((row,), self._optional), row))
        except Unmapped as error:
            return msgspec.structs.replace(error.finding, field="group_by")
        if key is None or not str(key).strip():
            columns = ", ".join(f"`{name}`" for name in self._group_by.columns)
            reason = f"Column {columns} is blank ({row.source}), so nobody knows which record the row belongs to."
            return Finding("group-blank", reason, "Fill it, or group by another column.", "group_by")
        return str(key).strip()

    def entity(self, rows: Sequence[SheetRow]) -> str | Finding | None:
        """The entity that `map.entity` gives, else the flow's; None: neither does. Its zone is `record`'s `zone`."""
        found = self._one("entity", rows)
        return self._flow.entity if found is None else found

    def identify(self, rows: Sequence[SheetRow]) -> tuple[str | None, str | None]:
        """(external_id, entity) of rows that may be wrong otherwise, as far as they can be told."""
        key, entity = self._one("external_id", rows), self.entity(rows)
        return (key if isinstance(key, str) else None, entity if isinstance(entity, str) else None)

    def day(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None) -> str | None:
        """What the sales of one day's document share: entity, date and currency; None: its date cannot be told."""
        self._functions.zone = zone
        entity, date, currency = (self._one(name, rows) for name in ("entity", "date", "currency"))
        if not isinstance(date, str):
            return None
        return ", ".join(part for part in (entity, date, currency) if isinstance(part, str))

    def claim(self, rows: Sequence[SheetRow]) -> tuple[Any, Any, Any]:
        """(date, currency, total) that rows which may be wrong otherwise say of themselves; None where they do not."""
        total = None if self._total is None else evaluated(self._total, Group(rows, self._optional), "", [])
        found = (self._one("date", rows), self._one("currency", rows), total)
        date, currency, said = (None if one is OMITTED or isinstance(one, Finding) else one for one in found)
        return date, currency, said

    def record(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None) -> MappedRecord | tuple[Finding, ...]:
        """The record that `rows`, at least one and in the source's order, make; or all that is wrong with them.

        `zone` is the organisation's, for instants; None: not known, and an instant is then a finding.
        """
        assert rows, "a group has a row"
        findings: list[Finding] = []
        self._functions.zone = zone
        group = Group(rows, self._optional)
        found = self._head.evaluate(group, "", findings, keep=True)
        if self._total is not None:
            self._add_total(group, found, findings)
        lines, origins = self._lines(group, findings)
        if self._blocks and not lines and not findings:
            reason = f"No line of it is left ({group.sources}): every `when` says no."
            findings.append(Finding("no-lines", reason, "Correct the rows, or the lines' `when`.", "lines"))
        if findings:
            return tuple(findings[:FINDINGS_MAX])
        if self._blocks:
            found["lines"] = lines
        ordered = {name: found[name] for name in sorted(found, key=self._order.__getitem__)}
        raw = self._encoder.encode(ordered)
        return MappedRecord(
            raw=raw,
            rows_hash=sheet.rows_hash(rows),
            sources=tuple(row.source for row in rows),
            line_blocks=tuple(block for block, _ in origins),
            line_rows=tuple(row for _, row in origins),
            once=self._once(rows, zone, raw) if any(row.again for row in rows) else None,
        )

    def _once(self, rows: Sequence[SheetRow], zone: datetime.tzinfo | None, raw: bytes) -> bytes | None:
        """The record of the rows less those that stand there again; None: they make no difference to it."""
        fewer = self.record([row for row in rows if not row.again], zone)
        once = fewer.raw if isinstance(fewer, MappedRecord) else raw
        return once if once != raw or isinstance(fewer, tuple) else None

    def column_of(self, field: str, mapped: MappedRecord | None = None) -> str | None:
        """The columns that a field such as `contact.name` or `lines[0].unit_amount` is made of, with commas between.

        None when it is a constant or not mapped. Of a line, `mapped` says which [[line]] made it; without it the first
        one that has the field is meant.
        """
        return ", ".join(self._columns_of(field, mapped)) or None

    def explain(self, finding: Finding, mapped: MappedRecord) -> Finding:
        """A finding about the record's JSON, with the column and the row that its field came from."""
        columns = self._columns_of(finding.field, mapped)
        sources = mapped.sources
        match = _LINE.match(finding.field)
        row = mapped.line_rows[int(match[1])] if match and int(match[1]) < len(mapped.line_rows) else None
        where = sources[row] if row is not None else sources[0] if len(sources) == 1 else ""
        named = "column " + ", ".join(f"`{name}`" for name in columns) if columns else ""
        told = ", ".join(part for part in (named, where) if part)
        if not told:
            return finding
        return msgspec.structs.replace(finding, reason=f"{finding.reason.removesuffix('.')} ({told}).")

    def _one(self, name: str, rows: Sequence[SheetRow]) -> str | Finding | None:
        field = self._fields.get(name)
        if not isinstance(field, Field | Fixed):
            return None
        findings: list[Finding] = []
        found = evaluated(field, Group(rows, self._optional), name, findings)
        return findings[0] if findings else None if found is OMITTED else found

    def _add_total(self, group: Group, found: dict[str, Any], findings: list[Finding]) -> None:
        before = len(findings)
        total = evaluated(self._total, group, "expected_total", findings)
        if total is not OMITTED:
            found["expected_total"] = total
        elif len(findings) == before:
            columns = ", ".join(f"`{name}`" for name in columns_behind(self._total, ()))
            reason = f"Column {columns} ({group.sources}) is blank, so the total cannot be checked."
            findings.append(Finding("total-missing", reason, "Fill it where the row comes from.", "expected_total"))

    def _lines(
        self, group: Group, findings: list[Finding]
    ) -> tuple[list[dict[str, Any]], list[tuple[int, int | None]]]:
        """The lines, block by block and in each the rows in their order, and of each (block, row)."""
        lines: list[dict[str, Any]] = []
        origins: list[tuple[int, int | None]] = []
        for number, block in enumerate(self._blocks):
            scopes: list[tuple[int | None, Scope]] = [(None, group)]
            if block.each_row:
                scopes = [(n, RowOf(group, row)) for n, row in enumerate(group.rows)]
            for row, scope in scopes:
                if len(findings) >= FINDINGS_MAX:
                    return lines, origins
                line = block.table.evaluate(scope, f"lines[{len(lines)}]", findings, keep=True)
                if line is not OMITTED:
                    lines.append(line)
                    origins.append((number, row))
        return lines, origins

    def _columns_of(self, field: str, mapped: MappedRecord | None) -> tuple[str, ...]:
        if field == "expected_total" and self._total is not None:
            return columns_behind(self._total, ())
        match = _LINE.match(field)
        if match is None:
            return self._head.columns_of(steps_of(field)) if field else ()
        at, steps = int(match[1]), steps_of(match[2])
        if mapped is not None:
            if at >= len(mapped.line_blocks):
                return ()
            return self._blocks[mapped.line_blocks[at]].table.columns_of(steps)
        found = (block.table.columns_of(steps) for block in self._blocks)
        return next((columns for columns in found if columns), ())
