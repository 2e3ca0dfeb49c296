"""Other times in [posting] while requests are on their way: each keeps what was written down for it when it was begun."""

import asyncio
import datetime

import pytest

from counterfoil.posting.claiming import Claims, always_open
from tests.posting.workbench import NO_KEY, SHORT, sale

HOUR_S = 3_600


class EndedError(Exception):
    """The process ends here."""


def ends(point):
    """The process ends right after the bytes left."""
    if point == "after-send":
        raise EndedError


def waits(stage):
    """The process ends when it would wait for the quiet period."""
    if stage.waiting:
        raise EndedError


@pytest.mark.parametrize("how", ["killed", "no answer"])
def test_a_shorter_quiet_period_is_not_that_of_a_request_that_was_begun_with_a_longer_one(bench, how):
    """Whether its process died or its answer was lost: nobody looks, or sends again, before the hour that it was promised."""
    bench.configure(**{**(SHORT if how == "killed" else NO_KEY), "quiet_s": HOUR_S})
    bench.write([sale(1)])
    if how == "no answer":
        bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    with pytest.raises(ExceptionGroup) as ended:
        asyncio.run(bench.use(lambda books: books.run("shop", progress=waits), *([ends] if how == "killed" else [])))
    assert ended.group_contains(EndedError)
    bench.configure(quiet_s=0.1)

    async def next_step(books):
        claims = Claims(
            books.database, await books.binding("acme-uk"), books.rules, books.owner, always_open, frozenset()
        )
        return await books.database.run(claims.next), books.clock.now()

    work, now = asyncio.run(bench.use(next_step))
    assert (work.action, work.when > now + datetime.timedelta(seconds=HOUR_S - 60)) == ("wait", True)
