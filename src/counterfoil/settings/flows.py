"""One flow's table, compiled: its kind's name, entity, source and policies.

Called by app.py, which names the kinds that exist (settings may not import flows/). Tables stay raw in
`Settings.flows` until then (design §2).
"""

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import shape, spelling
from counterfoil.model.text import Line255
from counterfoil.settings import loading, tables
from counterfoil.settings.mistakes import mistakes, place, told

Status = Literal["DRAFT", "SUBMITTED", "AUTHORISED"]
OnNamesake = Literal["hold", "link", "new"]
LockDate = Literal["hold", "next-open-day", "refuse"]
LATER_KEYS: Final = frozenset(
    {
        "approve", "check", "contact_update", "cron", "difference", "every", "group_by", "lane", "line", "lock_date",
        "map", "negative", "read", "window",
    }
)  # fmt: skip
LATER_SOURCES: Final = frozenset({"command", "csv", "excel", "folder", "http", "json", "push", "sql"})
LATER_CHANGES: Final = frozenset({"update", "reissue"})


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What to do when `expected_total` is not what Xero would compute: `as_` says how it is evened out, up to `up_to`.

    `account` and `tax` (the entity's own names, else Xero's) are for `line` alone.
    """

    up_to: Decimal
    as_: Literal["tax", "rounding", "line", "refuse"] = "refuse"
    account: str | None = None
    tax: str | None = None


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One flow, ready for use. `table` is its name in the file, `id` what postings remember and never changes."""

    table: str
    id: str
    kind: str
    source: Path  # a JSON Lines file, absolute
    id_is_written: bool = True  # False: the table's name stands in, so renaming the table would make all records new
    entity: str | None = None  # None: every record names its own
    status: Status = "DRAFT"
    number: Literal["xero"] | None = None  # None: the record's number, else its external_id
    on_namesake: OnNamesake = "hold"
    on_change: Literal["hold"] = "hold"
    live: bool = False  # an AUTHORISED document may go into a live organisation without asking
    difference: Difference | None = None  # None: a total that differs from Xero's is refused
    lock_date: LockDate = "refuse"  # what a document gets whose date is locked


class SourceTable(tables.Table, frozen=True, kw_only=True):
    """`source`: where the records come from."""

    jsonl: Annotated[Line255, msgspec.Meta(description="A JSON Lines file, relative to this one.")]


class FlowTable(tables.Table, frozen=True, kw_only=True):
    """[flows.NAME] as it is written."""

    kind: Annotated[str, msgspec.Meta(min_length=1, description="What the flow does, such as sales_invoices.")]
    source: Annotated[SourceTable, msgspec.Meta(description='Where the records come from: { jsonl = "FILE" }.')]
    id: Annotated[
        Annotated[str, msgspec.Meta(pattern=tables.NAME)] | None,
        msgspec.Meta(description="Never changes; absent: the table's name."),
    ] = None
    entity: Annotated[str | None, msgspec.Meta(description="The entity; absent: each record names its own.")] = None
    status: Annotated[Status, msgspec.Meta(description="What Xero's documents start as.")] = "DRAFT"
    number: Annotated[Literal["xero"] | None, msgspec.Meta(description='"xero": Xero numbers the documents.')] = None
    on_namesake: Annotated[
        OnNamesake, msgspec.Meta(description="When Xero has a contact of that name without our number.")
    ] = "hold"
    on_change: Annotated[Literal["hold"], msgspec.Meta(description="When a posted record changes.")] = "hold"
    live: Annotated[bool, msgspec.Meta(description="AUTHORISED documents may go into a live organisation unasked.")] = (
        False
    )


def compile_flows(settings: loading.Settings, kinds: Collection[str]) -> dict[str, FlowSettings]:
    """All flows by their tables' names. Raises ConfigurationError with every mistake, and nothing else."""
    problems: list[str] = []
    compiled = {name: flow for name, raw in settings.flows.items() if (flow := _flow(raw, settings, kinds, problems))}
    by_id: dict[str, str] = {}
    for name, flow in compiled.items():
        other = by_id.setdefault(flow.id, name)
        if other != name:
            at = place(settings.flows[name].where, ("flows", name, "id"), settings.path.name)
            problems.append(f"{at}: [flows.{name}] has the id {flow.id}, which [flows.{other}] has already.")
    if problems:
        raise mistakes(problems)
    return compiled


def _flow(
    raw: loading.RawFlow, settings: loading.Settings, kinds: Collection[str], problems: list[str]
) -> FlowSettings | None:
    """One flow, or None with what is wrong added to `problems`."""
    before = len(problems)
    values = _without_later(raw, settings, problems)
    prefix = ("flows", raw.table)
    file = settings.path.name
    problems += [told(misfit, raw.where, file, prefix) for misfit in shape.misfits(values, FlowTable)]
    kind, entity = values.get("kind"), values.get("entity")
    if isinstance(kind, str) and kind and kind not in kinds:
        at = place(raw.where, (*prefix, "kind"), file)
        problems.append(
            f"{at}: [flows.{raw.table}] `kind` is unknown: {shape.shown(kind)}. {spelling.suggestion(kind, kinds)}"
        )
    if isinstance(entity, str) and entity not in settings.entities:
        at = place(raw.where, (*prefix, "entity"), file)
        near = spelling.suggestion(entity, settings.entities)
        problems.append(f"{at}: [flows.{raw.table}] `entity` is unknown: {shape.shown(entity)}. {near}")
    if len(problems) > before:
        return None
    table = msgspec.convert(values, FlowTable)
    return FlowSettings(
        table=raw.table,
        id=table.id or raw.table,
        id_is_written=table.id is not None,
        kind=table.kind,
        source=settings.path.parent / table.source.jsonl,
        entity=table.entity,
        status=table.status,
        number=table.number,
        on_namesake=table.on_namesake,
        on_change=table.on_change,
        live=table.live,
    )


def _without_later(raw: loading.RawFlow, settings: loading.Settings, problems: list[str]) -> dict[str, Any]:
    """The flow's values less what this version does not do yet, which is refused by name."""
    values = dict(raw.values)
    prefix = ("flows", raw.table)

    def refuse(path: shape.Path, what: str) -> None:
        at = place(raw.where, (*prefix, *path), settings.path.name)
        problems.append(f"{at}: [flows.{raw.table}] {what} comes with a later version; take it out.")

    for key in sorted(LATER_KEYS & values.keys()):
        refuse((key,), f"`{key}`")
        del values[key]
    source = values.get("source")
    if isinstance(source, dict) and (later := sorted(LATER_SOURCES & source.keys())):
        refuse(("source",), f"`source = {{ {later[0]} = … }}`")
        values["source"] = {"jsonl": "-"}
    change = values.get("on_change")
    if isinstance(change, str) and change in LATER_CHANGES:
        refuse(("on_change",), f'`on_change = "{change}"`')
        del values["on_change"]
    return values
