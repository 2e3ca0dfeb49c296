"""The customer's database while we write to it: its columns change, its numbers end, it answers nothing."""

import asyncio
import threading

import pytest

from counterfoil.delivery.outcome import NeverDelivered, NotDelivered
from counterfoil.delivery.sql import outlet as outlets
from tests.delivery.sql.tables import execute, outlet, rows
from tests.delivery.sql.test_to_sql import invoice, url

__all__ = ["url"]


async def test_a_column_that_its_owner_widened_takes_what_it_refused_without_a_restart(url):
    """The outlet knows the column as it was: what it refuses by that is tried by what the table is now."""
    execute(url, "CREATE TABLE invoices (id TEXT, number VARCHAR(6), total TEXT, sent INTEGER, day TEXT)")
    to = outlet(url)
    await to.hand_over([invoice(1)])
    long = invoice(2, "d2", InvoiceNumber="INV-100")
    with pytest.raises(NeverDelivered, match="it takes 6 characters"):
        await to.hand_over([long])
    await to.hand_over([invoice(3)])
    execute(
        url,
        "ALTER TABLE invoices RENAME TO narrow",
        "CREATE TABLE invoices (id TEXT, number VARCHAR(60), total TEXT, sent INTEGER, day TEXT)",
    )
    await to.hand_over([long])
    assert [row["number"] for row in rows(url)] == ["INV-100"]


async def test_a_number_that_no_database_holds_is_a_dead_letter_of_its_own(url):
    """A whole number of thirty digits: the driver itself gives up; the target is not down for that."""
    to = outlet(url, {"id": "{document_id}", "whole": "{Total}"}, key=("id",))
    execute(url, "CREATE TABLE invoices (id TEXT, whole INTEGER)")
    with pytest.raises(NeverDelivered, match="a value is none that this database can hold"):
        await to.hand_over([invoice(1, Total="1" * 30)])


async def test_a_database_that_answers_nothing_keeps_one_thread_and_no_other_work_waiting(url, monkeypatch):
    """The hand-over that was cut off goes on in its own thread; the next one says so, and the loop's own threads are free."""
    holds, begun = threading.Event(), threading.Event()

    def stuck(*_given, **_more):
        begun.set()
        assert holds.wait(60)
        return 1

    monkeypatch.setattr(outlets.writing, "write", stuck)
    to = outlet(url)
    first = asyncio.create_task(to.hand_over([invoice(1)]))
    assert await asyncio.to_thread(begun.wait, 60)
    first.cancel()
    for _ in range(40):  # more than the loop has threads of its own
        with pytest.raises(NotDelivered, match="has not answered the last hand-over yet"):
            await to.hand_over([invoice(2)])
    assert await asyncio.to_thread(lambda: True)
    monkeypatch.undo()
    holds.set()
    assert await asyncio.to_thread(to._works.acquire, timeout=60)  # it has ended
    to._works.release()
    await to.hand_over([invoice(3)])
    assert [row["number"] for row in rows(url)] == ["INV-1"]


async def test_a_table_that_was_there_and_is_gone_is_not_made_again_without_what_it_had(url):
    """An empty one with the next change alone would look right: the feed waits until all of it is filled in, or it is back."""
    to = outlet(url)
    await to.hand_over([invoice(1), invoice(2, "d2")])
    execute(url, "ALTER TABLE invoices RENAME TO kept")
    for _ in range(2):
        with pytest.raises(
            NotDelivered, match=r"no such table|the table invoices is gone, which had documents"
        ) as caught:
            await to.hand_over([invoice(3)])
    assert (caught.value.target_is_down, "feeds fill books --anew" in caught.value.reason) == (True, True)
    with pytest.raises(NotDelivered, match="the table invoices is gone"):
        await outlet(url).fill([invoice(3)])
    execute(url, "ALTER TABLE kept RENAME TO invoices")
    await to.hand_over([invoice(3)])
    assert [row["id"] for row in rows(url)] == ["d1", "d2"]
    execute(url, "DROP TABLE invoices")
    assert await outlet(url).fill([invoice(3), invoice(4, "d2")], anew=True) == 2
    await outlet(url).hand_over([invoice(5)])
    assert [row["id"] for row in rows(url)] == ["d1", "d2"]
