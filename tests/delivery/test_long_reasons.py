"""Why a feed waits is kept whole: it may be a statement that its owner is to carry out."""

import pytest

from counterfoil.delivery.outcome import NotDelivered
from counterfoil.store import feeds
from tests.delivery.desk import Desk, Taker

ALTERING = "; ".join(f'ALTER TABLE "xero_invoices" ADD COLUMN "column_{n}" numeric' for n in range(40))


@pytest.mark.parametrize("target_is_down", [True, False])
async def test_a_statement_that_a_person_is_to_type_is_not_cut_off(target_is_down):
    """Forty columns are lacking: all forty are named."""
    desk = await Desk("sqlite://").open()
    outlet = Taker(fails=lambda _one: NotDelivered(f"Its owner may add it: {ALTERING}", target_is_down=target_is_down))
    subscriber = desk.subscriber(outlet)
    await desk.turn(subscriber)
    await desk.record("a1")
    await desk.turn(subscriber)
    said = (await desk.feed()).error
    await desk.close()
    assert said.endswith(ALTERING)


def test_what_is_longer_still_shows_where_it_was_cut():
    """Nobody carries out half a statement unawares."""
    assert feeds.shortened("abcdef", 6) == "abcdef"
    assert feeds.shortened("abcdefg", 6) == "abcde…"
