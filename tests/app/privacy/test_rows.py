"""Erasing where records are made of rows: raw cells, broken rows and days of many sales; what is raw goes, what is posted stays."""

import asyncio

import pytest

from counterfoil.app.privacy import erasing
from tests.app import till as tills
from tests.app.privacy import planted
from tests.app.till import Till, order, small
from tests.posting.conftest import sandbox

__all__ = ["sandbox"]
WHO = "Zelda-Quixotl"


@pytest.fixture
def till(sandbox, tmp_path):
    """A mapped flow on an empty sandbox."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Till(tmp_path, sandbox)


def erase(till, clue):
    asyncio.run(till.use(lambda books: erasing.erase(books, clue, None)))


def words(till):
    (till.folder / "orders.csv").unlink()
    return planted.found(till)


def test_rows_of_a_customer_go(till):
    """Rows, the record that they became, and a refused order of theirs; the same export is then unchanged, or held."""
    theirs, others = small("#1", customer=WHO), small("#2")
    broken = order("#3", "12.00", ("1", "10.00", "?"), customer=WHO)
    report = till.run_rows(theirs, others, broken)
    assert (report.posted, report.rejected) == (2, 1)
    assert planted.found(till)
    erase(till, WHO)
    assert words(till) == set()
    report = till.run_rows(theirs, others, broken)
    assert (report.unchanged, report.posted) == (3, 0)
    assert words(till) == set()
    assert len(till.living()) == 2


def test_a_day_in_which_they_bought_keeps_its_sums_alone(till):
    """The document of a day is nobody's; the rows behind it name the person, and go; the same day again is unchanged."""
    till.flow_text = tills.FLOW
    till.run_rows(small("#9", customer=WHO))
    till.flow_text = tills.DAILY.replace('id = "shop"', 'id = "days"')
    days = (small("#1", customer=WHO), small("#2"))
    assert till.run_rows(*days).posted == 1
    erase(till, WHO)
    assert words(till) == set()
    assert till.run_rows(*days).unchanged == 1
    assert len(till.living()) == 2
