"""Pages by key: what ends them, and what must not."""

import asyncio
import datetime

import pytest

from counterfoil import errors
from counterfoil.mirror import reading
from counterfoil.mirror.reading import Rows, Stamp

NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
Row = tuple[str, Stamp]


def rows(first: int, count: int) -> list[Row]:
    """Documents by number, each in a minute of its own."""
    return [(str(n), NOW + datetime.timedelta(minutes=n)) for n in range(first, first + count)]


def read(pages: dict[int, Rows], since: Stamp = None) -> list[str]:
    """The ids that come when Xero answers so, by page; what is asked by a key has no further page."""

    async def fetch(page: int, asked: Stamp) -> Rows:
        return pages[page] if asked == since else Rows([], NOW, 3)

    async def work() -> list[str]:
        return [row[0] async for some in reading.by_key(fetch, lambda row: row, since) for row in some.items]

    return asyncio.run(work())


def test_a_short_page_ends_nothing_while_xero_counts_further_ones() -> None:
    """It left some out of a page: what stands behind them is neither missed nor taken for deleted."""
    pages = {1: Rows(rows(0, 2), NOW, 3, more=True), 2: Rows(rows(2, 1), NOW, 3)}
    assert read(pages) == ["0", "1", "2"]
    assert read({1: Rows(rows(0, 2), NOW, 3)}) == ["0", "1"]


def test_an_empty_page_before_the_last_is_a_failed_read() -> None:
    """Of everything there is; of what changed since a key nobody knows what Xero counts, and an idle day costs one call."""
    empty = {1: Rows([], NOW, 3, more=True)}
    with pytest.raises(errors.Unclear, match="an empty page 1 and says that more follow"):
        read(empty)
    assert read(empty, since=NOW) == []
