"""What of a change goes out: all of it, or what the feed's `map` makes of it.

Called by feed when the configuration is loaded, and by outlets for each change. Pure.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from counterfoil.model import change as changes
from counterfoil.model import shape
from counterfoil.model.change import Change
from counterfoil.settings import FeedSettings

if TYPE_CHECKING:
    from counterfoil.mapping.rows import Row, RowMapper
    from counterfoil.model.prepared import Finding

_MAPPED_AWAY: Final = frozenset({"fields", "before", "after"})


class Shape:
    """How a feed shapes changes. `mapper` None: the whole change goes out. Not for use by two threads at a time."""

    def __init__(self, mapper: "RowMapper | None") -> None:
        self.mapper = mapper

    def __call__(self, change: Change) -> Mapping[str, Any]:
        """The change as one object: all of it, or what it is about with its `rows`."""
        plain = changes.as_plain(change)
        if self.mapper is None:
            return plain
        rows = self.mapper.rows(plain)
        return {**{key: one for key, one in plain.items() if key not in _MAPPED_AWAY}, "rows": rows}

    def rows(self, change: Change, findings: "list[Finding] | None" = None) -> "list[Row]":
        """The change as rows: what `map` makes of it, or the one object that it is. `findings` gets why a value is blank."""
        plain = changes.as_plain(change)
        return [plain] if self.mapper is None else self.mapper.rows(plain, findings)


def compiled(feed: FeedSettings) -> Shape | tuple[shape.Misfit, ...]:
    """How a feed shapes changes, or every mistake, its path from the feed's table on."""
    if feed.map is None:
        return Shape(None)
    from counterfoil.mapping import outward  # with the expressions' library, which few commands need

    words = {pattern.partition(".")[0] for pattern in feed.on}
    resources = outward.resources_of(() if "*" in words else words)
    found = outward.compile_feed(
        outward.Outward(
            table=feed.table, map=feed.map, each=feed.each, when=feed.when, resources=resources, lookups=feed.lookups
        )
    )
    return found if isinstance(found, tuple) else Shape(found)
