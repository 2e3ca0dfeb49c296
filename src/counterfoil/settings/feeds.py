"""[feeds.NAME] and [handlers]: which changes go where. A feed's `map` and `to` stay raw; delivery/feed compiles them.

Called by delivery/feed, which hands over the names that changes have (settings may not import mirror/), and by show.
"""

from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import shape, spelling
from counterfoil.model.text import Line50
from counterfoil.settings import loading, lookups, tables
from counterfoil.settings.lookups import LookupSettings
from counterfoil.settings.mistakes import Where, mistakes, place, told

FEEDS_MAX: Final = 30  # each may hold one of the service's places for a while
PATTERNS_MAX: Final = 100
EVERYTHING: Final = "*"
_SUCH: Final = 'Such as "invoice.paid", "invoice.*" or "*".'


class FeedTable(tables.Table, frozen=True, kw_only=True, rename={"from_": "from"}):
    """[feeds.NAME] as it is written."""

    id: Annotated[
        Annotated[str, msgspec.Meta(pattern=tables.NAME)] | None,
        msgspec.Meta(description="Never changes: what was handed over is remembered by it; absent: the table's name."),
    ] = None
    on: Annotated[
        Annotated[tuple[Line50, ...], msgspec.Meta(min_length=1, max_length=PATTERNS_MAX)],
        msgspec.Meta(description='Which changes: ["invoice.paid", "invoice.*"], or ["*"] for all.'),
    ]
    entity: Annotated[str | None, msgspec.Meta(description="Of one entity; absent: of all.")] = None
    entities: Annotated[
        Annotated[tuple[str, ...], msgspec.Meta(min_length=1)], msgspec.Meta(description="Of several.")
    ] = ()
    snapshot: Annotated[
        bool, msgspec.Meta(description="Also what a first load or a repair brings, where nothing happened just now.")
    ] = False
    from_: Annotated[
        Literal["now", "start"],
        msgspec.Meta(description="Where a new feed begins: at what happens from now on, or at the oldest change kept."),
    ] = "now"
    map: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="What goes out: text, {Field} or =expression for each key; absent: the whole change."),
    ] = None
    each: Annotated[
        Line50 | None,
        msgspec.Meta(description='A list of the document, such as "LineItems": `map` makes a row of each.'),
    ] = None
    when: Annotated[str | None, msgspec.Meta(description="An expression: which rows there are; absent: all.")] = None
    to: Annotated[
        dict[str, Any],
        msgspec.Meta(description="Where: { webhook = … }, { sql = … }, { jsonl = … } or { csv = … }, and its options."),
    ]


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's conditions, ready for use. `table` is its name in the file, `id` what the database remembers it by.

    `entities` None: all. `map` None: the whole change. `map`, `each`, `when` and `to` are raw, and `where` tells the place of each key by its
    path from the file's top.
    """

    table: str
    id: str
    on: tuple[str, ...]
    entities: frozenset[str] | None = None
    snapshot: bool = False
    begins: Literal["now", "start"] = "now"
    map: dict[str, Any] | None = None
    each: str | None = None
    when: str | None = None
    to: dict[str, Any] = {}
    lookups: dict[str, LookupSettings] = {}
    where: Where = {}

    def wants(self, name: str, entity: str, *, snapshot: bool) -> bool:
        """Whether a change of this name, of this entity, goes to this feed."""
        if snapshot and not self.snapshot:
            return False
        if self.entities is not None and entity not in self.entities:
            return False
        return any(matches(pattern, name) for pattern in self.on)


def matches(pattern: str, name: str) -> bool:
    """Whether `pattern` ("invoice.paid", "invoice.*", "*") means a change of this name."""
    return pattern in (EVERYTHING, name) or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def compile_feeds(settings: loading.Settings, names: Collection[str]) -> dict[str, FeedSettings]:
    """All feeds by their tables' names. `names`: what changes are called. Raises ConfigurationError with every mistake."""
    problems: list[str] = []
    compiled = {
        name: feed
        for name, raw in settings.feeds.items()
        if (feed := _feed(raw, settings, names, problems)) is not None
    }
    if any(feed.map is not None for feed in compiled.values()):
        found = lookups.compile_lookups(settings, problems)
        compiled = {name: msgspec.structs.replace(feed, lookups=found) for name, feed in compiled.items()}
    if len(settings.feeds) > FEEDS_MAX:
        problems.append(f"{settings.path.name}: there are more than {FEEDS_MAX} feeds.")
    by_id: dict[str, str] = {}
    for name, feed in compiled.items():
        other = by_id.setdefault(feed.id, name)
        if other != name:
            at = place(settings.feeds[name].where, ("feeds", name, "id"), settings.path.name)
            problems.append(f"{at}: [feeds.{name}] has the id {feed.id}, which [feeds.{other}] has already.")
    if problems:
        raise mistakes(problems)
    return compiled


def pattern_misfit(pattern: str, names: Collection[str]) -> tuple[str, str] | None:
    """Why a pattern means no change that there is: (reason, remedy); None: it means some."""
    if any(matches(pattern, name) for name in names):
        return None
    known = (*names, *sorted({f"{name.partition('.')[0]}.*" for name in names}), EVERYTHING)
    near = spelling.suggestion(pattern, known)
    return "names no change that there is", near if near.startswith("Did you mean") else _SUCH


def _feed(
    raw: loading.RawFeed, settings: loading.Settings, names: Collection[str], problems: list[str]
) -> FeedSettings | None:
    """One feed, or None with what is wrong added to `problems`."""
    found = [*shape.misfits(raw.values, FeedTable), *_misfits(raw.values, names, settings)]
    problems += [told(misfit, raw.where, settings.path.name, ("feeds", raw.table)) for misfit in found]
    if found:
        return None
    table = msgspec.convert(raw.values, FeedTable)
    entities = table.entities or ((table.entity,) if table.entity is not None else ())
    return FeedSettings(
        table=raw.table, id=table.id or raw.table, on=table.on, entities=frozenset(entities) if entities else None,
        snapshot=table.snapshot, begins=table.from_, map=table.map, each=table.each, when=table.when, to=table.to,
        where=raw.where,
    )  # fmt: skip


def _misfits(values: dict[str, Any], names: Collection[str], settings: loading.Settings) -> list[shape.Misfit]:
    """What the declaration cannot say."""
    found: list[shape.Misfit] = []
    patterns = values.get("on")
    for n, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if isinstance(pattern, str) and pattern and (wrong := pattern_misfit(pattern, names)) is not None:
            found.append(shape.Misfit(("on", n), "wrong-value", *wrong, shape.shown(pattern)))
    found += [
        shape.Misfit((key,), "wrong-value", "has no use without [feeds.NAME.map]", "Write the map too.")
        for key in ("each", "when")
        if key in values and "map" not in values
    ]
    if "entity" in values and "entities" in values:
        found.append(shape.Misfit(("entities",), "wrong-value", "stands beside `entity`", "Take one of the two out."))
    listed = values.get("entities")
    given: list[tuple[shape.Path, Any]] = [(("entity",), values.get("entity"))]
    given += [(("entities", n), one) for n, one in enumerate(listed if isinstance(listed, list) else ())]
    for path, entity in given:
        if isinstance(entity, str) and entity not in settings.entities:
            near = spelling.suggestion(entity, settings.entities)
            found.append(shape.Misfit(path, "wrong-value", "is unknown", near, shape.shown(entity)))
    return found
