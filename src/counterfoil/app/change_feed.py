"""The feed of changes that a program reads at its own pace: in one order, from a cursor that it keeps. No call to Xero.

Called by service/api. A cursor is the number of the last change that the program has dealt with.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors, settings
from counterfoil.mirror.meaning import words
from counterfoil.model.change import Change
from counterfoil.settings.feeds import pattern_misfit
from counterfoil.store import bindings, change_pages
from counterfoil.store.change_pages import Ends, Page

NOW: Final = "now"
N_MAX: Final = (1 << 63) - 1


class Told(msgspec.Struct, frozen=True):
    """Changes, oldest first. `next`: the cursor to go on from; `more`: there is something behind it already."""

    changes: list[Change]
    next: str
    more: bool


class CursorGone(errors.FixInput):
    """What follows a cursor was dropped, or the cursor is of another database. `oldest`: where what is kept begins."""

    code = "cursor-gone"

    def __init__(self, message: str, *, remedy: str, oldest: str) -> None:
        super().__init__(message, remedy=remedy)
        self.oldest = oldest


class Wanted(msgspec.Struct, frozen=True):
    """Which changes. `names` None: whatever they are called."""

    entities: Sequence[str]
    names: tuple[str, ...] | None
    snapshots: bool


def named(patterns: Collection[str]) -> tuple[str, ...] | None:
    """The names that patterns such as "invoice.*" mean; None: there is no pattern. Raises FixInput."""
    known = words.names()
    for pattern in patterns:
        wrong = pattern_misfit(pattern, known)
        if wrong is not None:
            raise errors.FixInput(f"{pattern[:100]!r} {wrong[0]}.", remedy=wrong[1], field="type")
    return tuple(name for name in known if any(settings.matches(one, name) for one in patterns)) or None


async def begin(books: Any, after: str | None) -> int:
    """The number that a cursor stands for; None: that behind which what is kept begins. Raises FixInput, CursorGone."""
    ends: Ends = await books.database.read(change_pages.ends)
    if after is None:
        return ends.oldest
    if after == NOW:
        return ends.newest
    if not (after.isascii() and after.isdigit()) or len(after) > len(str(N_MAX)) or int(after) > N_MAX:
        raise errors.FixInput(
            "`after` is no cursor.", remedy=f"`next` of an answer, the `n` of a change, or {NOW!r}.", field="after"
        )
    number = int(after)
    if number > ends.newest:
        raise CursorGone(
            "No change has this number yet: the cursor is of another database, or of this one before it was put back.",
            remedy="Begin again at `oldest`; a change has the same id as before, so that you know what you had.",
            oldest=str(ends.oldest),
        )
    if number < ends.oldest:
        raise CursorGone(
            "Changes behind this cursor were dropped: `[retention] changes` says how long they are kept.",
            remedy="Read the documents again (GET /v1/entities/…), then go on from `oldest`.",
            oldest=str(ends.oldest),
        )
    return number


async def following(books: Any, wanted: Wanted, after: int, most: int) -> Told:
    """The next changes behind a number that `begin` gave."""

    def work(conn: Any) -> Page:
        mine = {one.tenant_id: one.entity for one in bindings.everything(conn) if one.entity in wanted.entities}
        return change_pages.page(conn, after, mine, wanted.names, snapshots=wanted.snapshots, most=most)

    page = await books.database.read(work)
    return Told(page.changes, str(page.next), page.more)
