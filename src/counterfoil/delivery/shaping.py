"""What of a change goes out: all of it, or what the feed's `map` makes of it.

Called by feed when the configuration is loaded, and by outlets for each change. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any

from counterfoil.model import change as changes
from counterfoil.model import shape
from counterfoil.model.change import Change
from counterfoil.settings import FeedSettings

Shape = Callable[[Change], Mapping[str, Any]]


def compiled(feed: FeedSettings) -> Shape | tuple[shape.Misfit, ...]:
    """How a feed shapes changes, or every mistake, its path from the feed's table on."""
    if feed.map is None:
        return changes.as_plain
    return (shape.Misfit(("map",), "wrong-value", "cannot be read yet", "Take it out: the whole change goes out."),)
