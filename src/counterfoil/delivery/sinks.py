"""The table of sinks: which key of a feed's `to` is which module, and what each module gives.

Called by feed. A new sink is one file and one line here. A module is imported only when a feed uses it; whatever is slow to
import (SQLAlchemy, aiohttp) its `outlet` imports, since every command loads the configuration.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from counterfoil.delivery.outlet import Outlet
from counterfoil.delivery.shaping import Shape
from counterfoil.model import shape
from counterfoil.model.ports import Clock
from counterfoil.settings import FeedSettings

SINKS: Final[Mapping[str, str]] = {
    "webhook": "counterfoil.delivery.to_webhook",
    "sql": "counterfoil.delivery.to_sql",
    "jsonl": "counterfoil.delivery.to_jsonl",
    "csv": "counterfoil.delivery.to_csv",
}
FILES: Final = frozenset({"jsonl", "csv"})  # sinks that append to a file


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What outlets are made with. `folder`: the configuration's, to which relative paths belong."""

    clock: Clock
    folder: Path


class Sink(Protocol):
    """What a module of SINKS has."""

    @property
    def TABLE(self) -> type[msgspec.Struct]:  # noqa: N802 - a module's constant
        """The keys of `to`, declared; a subclass of settings' Table."""
        ...

    def misfits(self, feed: FeedSettings, to: dict[str, Any]) -> list[shape.Misfit]:
        """What the declaration alone cannot say; paths from `to` on. Asked first: it may write one text as a list of one."""
        ...

    def unfit(self, feed: FeedSettings, to: Any, shaped: Shape) -> list[shape.Misfit]:
        """What does not go together with what `map` makes; paths from the feed's table on. `to` is a TABLE without misfits."""
        ...

    def outlet(self, feed: FeedSettings, to: Any, shaped: Shape, tools: Tools) -> Outlet:
        """The outlet of a feed; `to` is a TABLE without misfits. Opens and reads nothing yet."""
        ...


def sink(key: str) -> Sink:
    """The module of a key of SINKS."""
    return cast("Sink", importlib.import_module(SINKS[key]))
