"""Problems for programs: without their records, and the records of one a page at a time.

Called by the service's API. Whoever asks is shown what is of the entities that it sees (`books.sees`). No call to Xero.
"""

from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.app import telling, troubles
from counterfoil.app.reports import Listed, Problem
from counterfoil.store.postings import Posting


class Page(msgspec.Struct, frozen=True):
    """Some of a problem's records; `next`: the mark of the last one, when more follow."""

    records: tuple[Listed, ...]
    next: str | None


async def problem(books: Any, n: int, *, after: str | None, most: int) -> tuple[Problem, Page]:
    """One problem, and a page of its records: postings by their ids, then rows that have none. Raises NotFound, InputError."""
    await books.learn_short_codes()
    found, stuck = await troubles.one_and_its_own(books, n)
    marked = sorted(stuck, key=_order)
    if after is not None:
        marked = [one for one in marked if _order(one) > _read(after)]
    shown = marked[:most]
    rows = [telling.listed(books, one) if isinstance(one, Posting) else telling.listed_row(one) for one in shown]
    return found, Page(tuple(rows), _mark(shown[-1]) if len(marked) > most else None)


def _order(one: troubles.Stuck) -> tuple[bool, int]:
    return not isinstance(one, Posting), one.id


def _mark(one: troubles.Stuck) -> str:
    return f"{'p' if isinstance(one, Posting) else 'r'}{one.id}"


def _read(mark: str) -> tuple[bool, int]:
    kind, digits = mark[:1], mark[1:]
    if kind not in ("p", "r") or not (digits.isascii() and digits.isdecimal()):
        raise errors.InputError("This is no mark of this list.", remedy="Give `next` of the page before.")
    return kind == "r", int(digits)
