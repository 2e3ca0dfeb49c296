"""The flows and feeds of a configuration, ready for use: their tables, mappings and timetables; every mistake with its line.

Called by app (when the books are opened) and by serving, which looks at a changed configuration whole before anything of
it is taken over. Reads lookups' files; makes no call.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil import errors, flows, settings
from counterfoil.app import timetables
from counterfoil.app.timetables import Timetable
from counterfoil.delivery import feed
from counterfoil.delivery.feed import Feed
from counterfoil.mirror.meaning import words
from counterfoil.settings import FlowSettings, Settings


class Compiled(msgspec.Struct, frozen=True):
    """Three views of the flows, each by the table's name. `mapped`: of those that map rows; `timetables`: of all. And the feeds."""

    flows: dict[str, FlowSettings]
    mapped: dict[str, Any]
    timetables: dict[str, Timetable]
    feeds: dict[str, Feed]


def compiled(loaded: Settings) -> Compiled:
    """All flows and feeds of a configuration. Raises ConfigurationError with every mistake."""
    found = settings.compile_flows(loaded, flows.kinds())
    problems: list[str] = []
    timed = timetables.read(found, loaded, problems)
    mapped = _mapped(found, problems)
    feeds = _feeds(loaded, problems)
    if problems:
        raise errors.ConfigurationError("\n".join(problems), problems=tuple(problems))
    return Compiled(found, mapped, timed, feeds)


def _feeds(loaded: Settings, problems: list[str]) -> dict[str, Feed]:
    """The feeds; what is wrong with them is added to `problems`."""
    if not loaded.feeds:
        return {}
    try:
        return feed.compiled(loaded, words.names())
    except errors.ConfigurationError as error:
        problems += error.problems
        return {}


def _mapped(found: Mapping[str, FlowSettings], problems: list[str]) -> dict[str, Any]:
    """The mappings of flows that have one; what is wrong with them is added to `problems`."""
    if all(flow.map is None for flow in found.values()):
        return {}
    from counterfoil.app.mapped import MappedFlow  # with the expressions' library, which few flows need

    mapped: dict[str, Any] = {}
    for table, flow in found.items():
        if flow.map is not None:
            try:
                mapped[table] = MappedFlow(flow, flows.kind(flow.kind))
            except errors.ConfigurationError as error:
                problems += error.problems
    return mapped
