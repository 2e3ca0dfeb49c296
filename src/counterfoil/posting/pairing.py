"""Which line is which: lines have no key of the user's, so equal ones are paired first, then what is left.

Called by comparing. Pure. Two lists of lines in comparable form (posting/standing) → pairs of positions. A line that was
only moved keeps its partner; of several equal lines the first takes the first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

Line = Mapping[str, Any]


class Pairs(msgspec.Struct, frozen=True):
    """`of[i]`: the position in the second list of the first list's line i, None: it has none. `new`: the second's rest.

    `unsure`: positions in the first whose partner shares neither content nor description with it.
    """

    of: tuple[int | None, ...]
    new: tuple[int, ...]
    unsure: frozenset[int] = frozenset()


def by_id(known: Sequence[str], now: Sequence[str]) -> Pairs:
    """Pairs of lines whose ids are known."""
    at = {line_id: index for index, line_id in enumerate(now)}
    of = tuple(at.get(line_id) for line_id in known)
    return Pairs(of, tuple(index for index, line_id in enumerate(now) if line_id not in set(known)))


def by_content(first: Sequence[Line], second: Sequence[Line], *, leftovers: bool) -> Pairs:
    """Pairs by equal content, then by equal description; `leftovers`: then what is left on both sides, in order."""
    of: list[int | None] = [None] * len(first)
    _take(of, first, second, _content)
    _take(of, first, second, lambda line: line.get("Description"))
    unsure: set[int] = set()
    if leftovers:
        free = _free(of, len(second))
        for index in [index for index, partner in enumerate(of) if partner is None][: len(free)]:
            of[index] = free.pop(0)
            unsure.add(index)
    return Pairs(tuple(of), tuple(_free(of, len(second))), frozenset(unsure))


def _take(of: list[int | None], first: Sequence[Line], second: Sequence[Line], key: Callable[[Line], Any]) -> None:
    """Pair what is not paired yet and has the same key, in order."""
    waiting: dict[Any, list[int]] = {}
    for index in _free(of, len(second)):
        waiting.setdefault(key(second[index]), []).append(index)
    for index, line in enumerate(first):
        if of[index] is None and (found := waiting.get(key(line))):
            of[index] = found.pop(0)


def _content(line: Line) -> Any:
    return tuple(sorted((name, str(sorted(value) if isinstance(value, frozenset) else _plain(value)))
                        for name, value in line.items()))  # fmt: skip


def _plain(value: Any) -> Any:
    """2 and 2.00 are the same content."""
    return value.normalize() if hasattr(value, "normalize") else value


def _free(of: Sequence[int | None], count: int) -> list[int]:
    taken = set(of)
    return [index for index in range(count) if index not in taken]
