"""The feeds of a configuration, ready to be carried: what each wants, how it shapes it, where it goes; every mistake with its line.

Called by app when the configuration is loaded. Opens and sends nothing.
"""

import os
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from counterfoil import errors, settings
from counterfoil.delivery import shaping, sinks
from counterfoil.delivery.outlet import Outlet
from counterfoil.delivery.sinks import Tools
from counterfoil.model import shape, spelling
from counterfoil.settings import FeedSettings, Settings, mistakes


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed. `to`: the key of its sink; `label` shows where it goes, without what may be a secret."""

    settings: FeedSettings
    to: str
    outlet: Callable[[Tools], Outlet]


def compiled(loaded: Settings, names: Collection[str]) -> dict[str, Feed]:
    """All feeds by their tables' names. `names`: what changes are called. Raises ConfigurationError with every mistake."""
    problems: list[str] = []
    found: dict[str, Feed] = {}
    try:
        tables = settings.compile_feeds(loaded, names)
    except errors.ConfigurationError as error:
        problems += error.problems
        tables = {}
    for name, table in tables.items():
        one = _feed(table, loaded)
        if isinstance(one, Feed):
            found[name] = one
        else:
            problems += [mistakes.told(misfit, table.where, loaded.path.name, ("feeds", table.table)) for misfit in one]
    problems += _shared(found, loaded)
    if problems:
        raise mistakes.mistakes(problems)
    return found


def _shared(found: dict[str, Feed], loaded: Settings) -> list[str]:
    """Two feeds to one file: what stands there by one would be left out of the other."""
    first: dict[str, str] = {}
    problems = []
    for name, one in found.items():
        if one.to in sinks.FILES:
            path = os.path.realpath(loaded.path.parent / str(one.settings.to[one.to]))  # however it is spelt
            other = first.setdefault(path, name)
            if other != name:
                misfit = shape.Misfit(
                    ("to", one.to), "wrong-value", f"is the file of [feeds.{other}] too", "Give it one of its own."
                )
                problems.append(mistakes.told(misfit, one.settings.where, loaded.path.name, ("feeds", name)))
    return problems


def _feed(feed: FeedSettings, loaded: Settings) -> Feed | list[shape.Misfit]:
    keys = [key for key in feed.to if key in sinks.SINKS]
    if len(keys) != 1:
        return [_which(feed.to, keys)]
    sink, to = sinks.sink(keys[0]), dict(feed.to)
    beyond = sink.misfits(feed, to)
    found = [*shape.misfits(to, sink.TABLE), *beyond]
    wrong = [msgspec.structs.replace(one, path=("to", *one.path), value=_shown(one)) for one in found]
    shaped = shaping.compiled(feed)
    if isinstance(shaped, tuple):
        wrong += shaped
    if wrong or isinstance(shaped, tuple):
        return wrong
    table = settings.converted(to, sink.TABLE, loaded.path.parent)
    unfit = sink.unfit(feed, table, shaped)
    if unfit:
        return unfit

    def outlet(tools: Tools) -> Outlet:
        return sink.outlet(feed, table, shaped, tools)

    return Feed(settings=feed, to=keys[0], outlet=outlet)


def _which(to: dict[str, Any], keys: list[str]) -> shape.Misfit:
    """`to` names no sink, or two."""
    named = " and ".join(f"`{key}`" for key in keys)
    known = ", ".join(f"`{key}`" for key in sinks.SINKS)
    near = next((f"Did you mean `{one}`?" for key in to if (one := spelling.nearest(key, sinks.SINKS))), "")
    reason = f"names {named}; it takes exactly one" if keys else f"names none of {known}"
    return shape.Misfit(("to",), "wrong-value", reason, "" if keys else near)


def _shown(misfit: shape.Misfit) -> str:
    """A value of `to` as it may be told."""
    return "" if settings.is_secret(("feeds", "", "to", *misfit.path)) else misfit.value
