"""An older backup put back after an erasure: nothing is posted twice, nothing of the erased is posted at all, their text is gone again."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from counterfoil import errors
from counterfoil.app import backups as operations
from tests.app.privacy import planted
from tests.app.privacy.planted import theirs
from tests.app.privacy.test_erasing import erase, sqlite_rows
from tests.app.privacy.test_in_copies import backed_up, treated
from tests.cli.office import Office


def restored(shop, file):
    asyncio.run(operations.restore(shop.write_config(), None, file, over_newer=True))


@pytest.mark.parametrize("in_copy", [True, False], ids=["erased in the copy", "erased when it is opened"])
@pytest.mark.parametrize("is_sent", [True, False], ids=["sent since", "withdrawn since"])
def test_what_was_planned_in_an_older_backup(shop, is_sent, in_copy):
    """Sent since: found at Xero. Withdrawn since: held, and not sent without its text by a `finish` that asks no source."""
    shop.sandbox.fault("429_day", method="PUT", count=40)
    assert shop.run([*planted.history(), theirs(31)]).planned == 1
    file = backed_up(shop)
    shop.sandbox.clear_faults()
    shop.new_day()
    if is_sent:
        assert shop.finish().posted == 1
    else:
        with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
            connection.execute("UPDATE postings SET state = 'cancelled' WHERE state = 'planned'")
    living = len(shop.living())
    erase(shop)
    if in_copy:
        assert [one.state for one in treated(shop).values()] == ["erased"]
    restored(shop, file)
    report = shop.finish()
    assert (report.posted, report.adopted, report.held) == (0, 1, 0) if is_sent else (0, 0, 1)
    assert len(shop.living()) == living
    assert planted.found(shop) == set()
    report = shop.run([*planted.history(), theirs(31)])
    assert (report.posted, report.updated, report.unchanged) == (0, 0, 7 if is_sent else 6)
    assert len(shop.living()) == living
    assert max(shop.marks().values()) == 1
    if not is_sent:
        office = Office(shop.folder)
        assert office("problems", "retry", "1").code in (0, 1)  # somebody insists: it is held again
        shop.finish()
        assert len(shop.living()) == living


def test_what_is_uncertain_is_refused_and_then_erased(shop):
    """Nobody knows whether Xero has it: not begun, nothing on the list; when it is known, it is erased."""
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
        connection.execute(
            "UPDATE postings SET state = 'uncertain' WHERE external_id = 'order-21' AND kind = 'invoice'"
        )
    with pytest.raises(errors.FixInput, match="order-21"):
        erase(shop)
    assert sqlite_rows(shop, "SELECT count(*) FROM erased") == [(0,)]
    assert sqlite_rows(shop, "SELECT count(*) FROM removals") == [(0,)]
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as connection, connection:
        connection.execute("UPDATE postings SET state = 'posted' WHERE state = 'uncertain'")
    assert erase(shop).compacted
    assert planted.found(shop) == set()
