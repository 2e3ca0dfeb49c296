"""A first table for a new flow, guessed from a sample: commented TOML in which every guess is marked `# guess`.

Called by `flow new`. Pure. What cannot be told (a date that could be read two ways, a required field for which no
column looks right) is left commented out, so that the flow does not load or its records are refused until a person has
decided; nothing ambiguous is chosen silently.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from counterfoil.mapping import recognising, targets
from counterfoil.settings import SourceSettings
from counterfoil.settings.sources import OPTIONS

ROWS_LOOKED_AT: Final = 200
_COMMENT_AT: Final = 52
_FIELDS_AS_OPTIONS: Final = {"path": "json_path"}


class Sample(msgspec.Struct, frozen=True):
    """The beginning of a source: its columns in order, and the cells of its first rows."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    def cells(self, column: str | None) -> list[str]:
        """The filled cells of a column."""
        found = [row.get(column, "").strip() for row in self.rows[:ROWS_LOOKED_AT]] if column else []
        return [cell for cell in found if cell]


def table(
    name: str, flow_id: str, kind: str, record: Any, source: SourceSettings, file: str, sample: Sample,
    entities: Collection[str] = (),
) -> str:  # fmt: skip
    """The text of [flows.NAME] with its mapping. `record` is the kind's record type; `file` as it shall be written.

    `flow_id` is what postings will remember. `entities` are the configuration's: the only one is taken.
    """
    guess = _Guess(name, record, source, sample)
    return "\n".join(
        [
            *guess.head(flow_id, kind, source, file, tuple(entities)),
            *guess.read(),
            *guess.map(),
            *guess.lines(),
            *guess.check(),
        ]
    )


class _Guess:
    def __init__(self, name: str, record: Any, source: SourceSettings, sample: Sample) -> None:
        self._name = name
        self._record = targets.of_record(record)
        self._sample = sample
        self._found = recognising.columns(sample.columns)
        self._numbers = self._numbers_of()
        self._dates = recognising.dates(sample.cells(self._found.get("date")))
        self._grouped = source.explode is None and self._repeats(self._found.get("external_id"))

    def head(self, flow_id: str, kind: str, source: SourceSettings, file: str, entities: tuple[str, ...]) -> list[str]:
        """[flows.NAME] itself."""
        lines = [
            f"[flows.{self._name}]",
            _line("id", _text(flow_id), "what postings remember; never change it"),
            _line("kind", _text(kind)),
            _line("entity", _text(entities[0]), "guess: the only one")
            if len(entities) == 1
            else "# "
            + _line("entity", _text(entities[0] if entities else "…"), "decide: whose books; or map it below"),
            _line("source", _source(source, file), "guess: how the file is written"),
        ]
        key = self._found.get("external_id")
        if self._grouped and key:
            lines.append(_line("group_by", _column(key), f"guess: {key} repeats, so its rows make one record"))
        elif key and source.explode is None:
            lines.append("# " + _line("group_by", _column(key), "when several rows make one record"))
        return [*lines, _line("status", '"DRAFT"', "look at some drafts in Xero before you change this"), ""]

    def read(self) -> list[str]:
        """[flows.NAME.read]: numbers and dates."""
        lines = [f"[flows.{self._name}.read]"]
        if self._numbers is None:
            # Not a value that loads: 1.234 may be a thousand, and the default would not say so.
            lines.append(_line("decimal", '"?"', 'decide: "." or ","; the numbers of the sample do not tell'))
        else:
            sign, separator = self._numbers
            lines.append(_line("decimal", _text(sign), "guess"))
            if separator:
                lines.append(_line("thousands", _text(separator), "guess"))
        seen = next(iter(self._sample.cells(self._found.get("date"))), "")
        if self._dates == ("ISO",):
            if any(recognising.lacks_zone(cell) for cell in self._sample.cells(self._found.get("date"))):
                lines.append(f'# timezone = "UTC"   # decide: where times such as {seen} were taken; or "organisation"')
        elif len(self._dates) == 1:
            lines.append(_line("date", _text(self._dates[0]), f"guess: {seen}"))
        elif self._dates:
            lines.append(f"# decide: how dates such as {seen} are written; the sample fits all of these:")
            lines += [f"# date = {_text(one)}" for one in self._dates]
        elif seen:
            lines.append(f'# date = "%d/%m/%Y"   # decide: nothing that we know reads {seen}')
        if any("%H" in one for one in self._dates):
            lines.append('# timezone = "UTC"   # decide: where these times were taken; or "organisation"')
        return [*lines, ""]

    def map(self) -> list[str]:
        """[flows.NAME.map]: the fields of the document."""
        lines = [f"[flows.{self._name}.map]"]
        for field in ("external_id", "contact", "date", "due_date", "currency", "reference"):
            target = self._record.fields.get(field)
            if target is None:
                continue
            if field == "contact":
                lines.append(self._contact())
            elif field in self._found:
                lines.append(_line(field, _column(self._found[field]), "guess"))
            elif target.required:
                lines.append(f'# {field} = "{{…}}"   # decide: no column looks like it, but a record needs it')
        return [*lines, *self._unused(), ""]

    def lines(self) -> list[str]:
        """[[flows.NAME.line]]: one of each row, and the delivery."""
        line = self._record.fields.get("lines")
        if line is None or line.item is None:
            return []
        lines = [f"[[flows.{self._name}.line]]"]
        for field in ("description", "quantity", "unit_amount", "discount_amount"):
            column = self._found.get(f"line.{field}")
            if column is not None:
                lines.append(_line(field, _column(column), "guess"))
            elif field == "quantity":
                lines.append(_line(field, '"1"', "guess: no column looks like it"))
            elif field in line.item.fields and line.item.fields[field].required:
                lines.append(f'# {field} = "{{…}}"   # decide: no column looks like it, but a line needs it')
        lines.append(_line("account", '"sales"', "guess: your name for it in [entities.….accounts], or Xero's"))
        tax = self._found.get("line.tax")
        if tax is not None:
            lines.append(_line("tax", f'{{ lookup = "{self._name}-tax", key = {_column(tax)} }}', "guess"))
        else:
            lines.append(
                '# tax = "…"   # decide: your name for it in [entities.….taxes]; it is never left to a default'
            )
        shipping = self._found.get("shipping")
        return [*lines, "", *(self._shipping(shipping) if shipping else []), *(self._tax_lookup(tax) if tax else [])]

    def check(self) -> list[str]:
        """[flows.NAME.check]: the total by the source."""
        total = self._found.get("total")
        if total is None or "expected_total" not in self._record.fields:
            return [f"# [flows.{self._name}.check]   # worth having: the total by your own books finds a wrong tax", ""]
        return [f"[flows.{self._name}.check]", _line("total", _column(total), "guess"), ""]

    def _contact(self) -> str:
        email, name = self._found.get("contact.email"), self._found.get("contact.name")
        key = self._found.get("contact.external_id")
        parts = []
        if key:
            parts.append(f"external_id = {_column(key)}")
        elif email:
            scope = f"head.{email}" if email.isidentifier() else f"head[{json.dumps(email, ensure_ascii=False)}]"
            parts.append(f"external_id = {_text(f'=lower({scope})')}")
        if name:
            parts.append(f"name = {_column(name)}")
        if email:
            parts.append(f"email = {_column(email)}")
        whole = f"contact = {{ {', '.join(parts)} }}"
        if (key or email) and name:
            return f"{whole}   # guess"
        return f"# {whole if parts else 'contact = { … }'}   # decide: it needs external_id and name"

    def _shipping(self, column: str) -> list[str]:
        scope = f"head.{column}" if column.isidentifier() else f"head[{json.dumps(column, ensure_ascii=False)}]"
        return [
            f"[[flows.{self._name}.line]]",
            _line("each", '"record"', "guess: one of each record"),
            _line("when", _text(f"=nonzero({scope})")),
            _line("description", '"Delivery"'),
            _line("quantity", '"1"'),
            _line("unit_amount", _column(column), "guess"),
            _line("account", '"shipping"', "guess: your name for it in [entities.….accounts], or Xero's"),
            '# tax = "…"   # decide: your name for it in [entities.….taxes]',
            "",
        ]

    def _tax_lookup(self, column: str) -> list[str]:
        seen = list(dict.fromkeys(self._sample.cells(column)))[:20]
        rows = [f"{json.dumps(one, ensure_ascii=False)} = {json.dumps(one, ensure_ascii=False)}" for one in seen]
        return [
            f"[lookups.{self._name}-tax]",
            f"# decide: what each {column} is called in [entities.….taxes], or in Xero",
            f"rows = {{ {', '.join(rows)} }}",
            "",
        ]

    def _unused(self) -> list[str]:
        unused = [column for column in self._sample.columns if column not in self._found.values()]
        return [f"# not used: {', '.join(unused)}"] if unused else []

    def _numbers_of(self) -> tuple[str, str] | None:
        fields = ("line.quantity", "line.unit_amount", "line.discount_amount", "shipping", "total")
        return recognising.numbers([cell for field in fields for cell in self._sample.cells(self._found.get(field))])

    def _repeats(self, column: str | None) -> bool:
        cells = self._sample.cells(column)
        return len(set(cells)) < len(cells)


def _source(source: SourceSettings, file: str) -> str:
    """`source` with the options that differ from their defaults, and a CSV file's delimiter and encoding always."""
    parts = [f"{source.kind} = {_text(file)}"]
    plain = SourceSettings(kind=source.kind, path=source.path)
    for option in OPTIONS[source.kind]:
        field = _FIELDS_AS_OPTIONS.get(option, option)
        value = getattr(source, field)
        if value != getattr(plain, field) or option in {"delimiter", "encoding"}:
            parts.append(f"{option} = {value if isinstance(value, int) else _text(value)}")
    return f"{{ {', '.join(parts)} }}"


def _line(key: str, value: str, comment: str = "") -> str:
    written = f"{key} = {value}"
    return f"{written.ljust(_COMMENT_AT - 2)}  # {comment}" if comment else written


def _column(name: str) -> str:
    return _text(f"{{{name}}}") if not set("{}") & set(name) else _text(f"=row[{json.dumps(name, ensure_ascii=False)}]")


def _text(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
