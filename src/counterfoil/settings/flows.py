"""One flow's table, compiled: its kind's name, entity, source, policies, and its mapping still raw.

Called by app.py, which names the kinds that exist (settings may not import flows/ or mapping/). Tables stay raw in
`Settings.flows` until then (design §2); `map`, `line`, `group_by` and `check.total` are compiled by mapping/, which
finds each key's place in `where`.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import shape, spelling
from counterfoil.model.text import Line50, Line255
from counterfoil.settings import checking, loading, lookups, reading, sources, tables
from counterfoil.settings.lookups import LookupSettings
from counterfoil.settings.mistakes import Where, mistakes, place, told

Status = Literal["DRAFT", "SUBMITTED", "AUTHORISED"]
OnNamesake = Literal["hold", "link", "new"]
OnChange = Literal["hold", "update", "reissue"]
OnLockDate = Literal["hold", "next-open-day", "refuse"]
OnNegative = Literal["refuse", "credit_note"]
Post = Literal["each", "daily"]
FlowLane = Literal["interactive", "realtime", "sync", "bulk"]
LATER_KEYS: Final = frozenset({"approve"})
LINES_MAX: Final = 50  # [[flows.NAME.line]] blocks


class FlowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One flow, ready for use. `table` is its name in the file, `id` what postings remember and never changes.

    `map` None: the source's rows already are records. Otherwise `map`, `lines` ([[flows.NAME.line]]), `group_by` and
    `total` (`check.total`) are raw, for mapping.compile_flow, and `where` tells the place of each key by its path from
    the file's top. `difference` None: a total that differs is refused.
    """

    table: str
    id: str
    kind: str
    source: sources.SourceSettings
    id_is_written: bool = True  # False: the table's name stands in, so renaming the table would make all records new
    entity: str | None = None  # None: every record names its own
    status: Status = "DRAFT"
    number: Literal["xero"] | None = None  # None: the record's number, else its external_id
    on_namesake: OnNamesake = "hold"
    on_change: OnChange = "hold"
    lock_date: OnLockDate = "hold"
    negative: OnNegative = "refuse"
    contact_update: Literal["never"] = "never"
    post: Post = "each"
    limit_first: int | None = None  # None: no limit
    complete: bool = False  # the source always holds everything: a line that is gone was taken out
    live: bool = False  # an AUTHORISED document may go into a live organisation without asking
    every: str | None = None  # how often `serve` runs it, such as "15m"; None, and `cron` None: on demand
    cron: str | None = None  # or at which minutes, on the clock of `timezone`
    lane: FlowLane | None = None  # which other work goes first; None: as whoever runs it has it
    window: str | None = None  # the hours, on the clock of `timezone`, outside of which nothing is sent; None: always
    timezone: str | None = None  # an IANA name; None: the entity's organisation's
    read: reading.ReadSettings = reading.ReadSettings()
    group_by: Any = None
    map: dict[str, Any] | None = None
    lines: tuple[dict[str, Any], ...] = ()
    total: Any = None
    difference: checking.Difference | None = None
    lookups: dict[str, LookupSettings] = {}
    where: Where = {}

    def place(self, *path: str | int) -> str:
        """Where a key of this flow is written, as "FILE:LINE"; `path` from the flow's table on."""
        return place(self.where, ("flows", self.table, *path), "the configuration")


class FlowTable(tables.Table, frozen=True, kw_only=True):
    """[flows.NAME] as it is written."""

    kind: Annotated[str, msgspec.Meta(min_length=1, description="What the flow does, such as sales_invoices.")]
    source: Annotated[
        sources.SourceTable,
        msgspec.Meta(description='Where the rows come from: { csv = "FILE" }, json, jsonl or excel, and its options.'),
    ]
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
    on_change: Annotated[OnChange, msgspec.Meta(description="When a posted record changes.")] = "hold"
    lock_date: Annotated[
        OnLockDate, msgspec.Meta(description="When a document's day is locked in Xero or closed in the settings.")
    ] = "hold"
    negative: Annotated[
        OnNegative, msgspec.Meta(description='When a total is below zero; "credit_note" posts it as one.')
    ] = "refuse"
    contact_update: Annotated[
        Literal["never"], msgspec.Meta(description="Whether contacts that exist in Xero are changed.")
    ] = "never"
    post: Annotated[Post, msgspec.Meta(description='"daily": one document per day, account, tax and tracking.')] = (
        "each"
    )
    limit_first: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(description="How many documents the first run may post; absent: all."),
    ] = None
    complete: Annotated[
        bool, msgspec.Meta(description="The source always holds everything, so a line that is gone was taken out.")
    ] = False
    live: Annotated[bool, msgspec.Meta(description="AUTHORISED documents may go into a live organisation unasked.")] = (
        False
    )
    every: Annotated[Line50 | None, msgspec.Meta(description='How often `serve` runs it: "15m", "2h", "1d".')] = None
    cron: Annotated[Line255 | None, msgspec.Meta(description='At which minutes `serve` runs it: "0 6 * * 1-5".')] = None
    lane: Annotated[FlowLane | None, msgspec.Meta(description="What goes first where calls are scarce.")] = None
    window: Annotated[
        Line255 | None, msgspec.Meta(description='The hours in which it may run: "22:00-06:00", "sat,sun 00:00-24:00".')
    ] = None
    timezone: Annotated[
        Line255 | None, msgspec.Meta(description="Whose clock `cron` and `window` mean; absent: the organisation's.")
    ] = None
    read: Annotated[
        reading.ReadTable, msgspec.Meta(description="How numbers, dates and words are written in the source.")
    ] = reading.ReadTable()
    group_by: Annotated[Any, msgspec.Meta(description='Rows that share it make one record: "{Order}".')] = None
    map: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="Each field of the record: text, {Column} or =expression; absent: rows are records."),
    ] = None
    line: Annotated[
        Annotated[tuple[dict[str, Any], ...], msgspec.Meta(max_length=LINES_MAX)],
        msgspec.Meta(description='The lines: each = "row" (default) or "record", when, and the fields of a line.'),
    ] = ()
    check: Annotated[
        checking.CheckTable, msgspec.Meta(description="The total by the source, and what to do about a difference.")
    ] = checking.CheckTable()


def compile_flows(settings: loading.Settings, kinds: Collection[str]) -> dict[str, FlowSettings]:
    """All flows by their tables' names. Raises ConfigurationError with every mistake, and nothing else."""
    problems: list[str] = []
    found = lookups.compile_lookups(settings, problems)
    compiled = {
        name: flow for name, raw in settings.flows.items() if (flow := _flow(raw, settings, kinds, found, problems))
    }
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
    raw: loading.RawFlow,
    settings: loading.Settings,
    kinds: Collection[str],
    tables_found: dict[str, LookupSettings],
    problems: list[str],
) -> FlowSettings | None:
    """One flow, or None with what is wrong added to `problems`."""
    before = len(problems)
    values = _without_later(raw, settings, problems)
    prefix = ("flows", raw.table)
    found = [*shape.misfits(values, FlowTable), *_misfits(values, kinds, settings)]
    problems += [told(misfit, raw.where, settings.path.name, prefix) for misfit in found]
    if len(problems) > before:
        return None
    table = msgspec.convert(values, FlowTable)
    same = {name: getattr(table, name) for name in FlowTable.__struct_fields__ if name in _TAKEN_OVER}
    return FlowSettings(
        **same,
        table=raw.table,
        id=table.id or raw.table,
        id_is_written=table.id is not None,
        source=sources.compiled(table.source, settings.path.parent),
        read=reading.compiled(table.read),
        lines=table.line,
        total=table.check.total,
        difference=checking.compiled(table.check.difference),
        lookups=tables_found,
        where=raw.where,
    )


_TAKEN_OVER: Final = frozenset(FlowTable.__struct_fields__) - {"id", "source", "read", "line", "check"}


def _misfits(values: dict[str, Any], kinds: Collection[str], settings: loading.Settings) -> list[shape.Misfit]:
    """What the declarations of the tables cannot say."""
    found: list[shape.Misfit] = []
    for key, known in (("kind", kinds), ("entity", settings.entities)):
        value = values.get(key)
        if isinstance(value, str) and value and value not in known:
            near = spelling.suggestion(value, known)
            found.append(shape.Misfit((key,), "wrong-value", "is unknown", near, shape.shown(value)))
    for key, misfits in (("source", sources.misfits), ("read", reading.misfits), ("check", checking.misfits)):
        found += [msgspec.structs.replace(one, path=(key, *one.path)) for one in misfits(values.get(key))]
    if values.get("map") is None:
        found += _unmapped(values)
    return found + _untimed(values)


def _untimed(values: dict[str, Any]) -> list[shape.Misfit]:
    """What `every`, `cron`, `window` and `timezone` cannot say by themselves; how they are written app/timetables reads."""
    found: list[shape.Misfit] = []
    source = values.get("source")
    if isinstance(source, dict) and sources.PUSHED in source:
        reason, rule = "has no use where programs hand records over", "Take it out: each record is planned as it comes."
        named: list[str] = [key for key in ("every", "cron") if key in values]
        named += ["post"] if values.get("post") == "daily" else []
        found += [shape.Misfit((key,), "wrong-value", reason, rule) for key in named]
    if "every" in values and "cron" in values:
        rule = "Take one of the two out."
        found.append(shape.Misfit(("cron",), "wrong-value", "stands beside `every`", rule))
    zone = values.get("timezone")
    if isinstance(zone, str) and not reading.is_zone(zone):
        found.append(
            shape.Misfit(("timezone",), "wrong-value", "is no time zone", "Such as Europe/London.", shape.shown(zone))
        )
    if zone is None and values.get("entity") is None:
        rule = 'Whose clock? Write timezone = "Europe/London", or the flow\'s `entity`.'
        found += [
            shape.Misfit((key,), "wrong-value", "needs a time zone", rule)
            for key in ("cron", "window")
            if key in values
        ]
    return found


def _unmapped(values: dict[str, Any]) -> list[shape.Misfit]:
    """What needs a mapping where there is none."""
    source = values.get("source")
    options = source if isinstance(source, dict) else {}
    if "csv" in options or "excel" in options:
        reason = "is missing: rows of a table are no records by themselves"
        rule = "Write [flows.NAME.map]; `counterfoil flow new` drafts it from a sample."
        return [shape.Misfit(("map",), "wrong-value", reason, rule)]
    check = values.get("check")
    given: list[str] = [key for key in ("group_by", "line") if key in values]
    given += ["check"] if isinstance(check, dict) and "total" in check else []
    given += ["source"] if "explode" in options else []
    given += ["post"] if values.get("post") == "daily" else []
    return [
        shape.Misfit((key,), "wrong-value", "has no use without [flows.NAME.map]", "Write the map, or take it out.")
        for key in given
    ]


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
    if isinstance(source, dict) and (later := sorted(sources.LATER_SOURCES & source.keys())):
        refuse(("source",), f"`source = {{ {later[0]} = … }}`")
        values["source"] = {"jsonl": "-"}
    return values
