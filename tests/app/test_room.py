"""The disk watch: with little room nothing new is planned, what is open is finished, and somebody is told."""

import asyncio
import shutil
from types import SimpleNamespace

import pytest

from counterfoil.app import room
from counterfoil.store import notices
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]
MEBIBYTE = 1 << 20


@pytest.fixture
def free(monkeypatch):
    """Let so many MiB be free from now on; a list: at each look the next."""

    def to(*mebibytes):
        left = list(mebibytes)

        def usage(_path):
            return SimpleNamespace(free=(left.pop(0) if len(left) > 1 else left[0]) * MEBIBYTE)

        monkeypatch.setattr(shutil, "disk_usage", usage)

    return to


def standing(bench):
    return asyncio.run(bench.use(lambda books: books.database.read(lambda conn: notices.standing(conn, room.KIND))))


def test_with_little_room_nothing_new_is_planned_and_what_is_open_is_finished(bench, free):
    """One sale waits from before; the disk is short: it is posted, the new one is not even planned; exit 4 and a notice."""
    bench.sandbox.fault("429_day", method="PUT", count=40)
    assert bench.run([sale(1)]).planned == 1
    bench.sandbox.clear_faults()
    bench.new_day()
    free(99)
    report = bench.run([sale(1), sale(2)])
    assert (report.exit_code, report.records) == (4, 0)
    assert "99 MiB left, less than the 100" in report.stops[0]
    assert [one["InvoiceNumber"] for one in bench.living()] == ["SHOP-acme-uk-1"]
    assert len(standing(bench)) == 1
    free(100)
    assert bench.run().posted == 1
    assert standing(bench) == []


def test_a_long_source_is_left_where_room_ends(bench, free):
    """Two batches fit, the third does not: what was planned is posted, the rest with the next run; no bad row is closed."""
    records = [sale(n) for n in range(700)]
    free(500, 500, 50)
    report = bench.run(records)
    assert (report.exit_code, report.records) == (4, 600)
    assert len(bench.living()) == 600
    free(500)
    report = bench.run()
    assert (report.exit_code, report.unchanged, report.posted) == (0, 600, 100)
    assert set(bench.marks().values()) == {1}


def test_the_watch_can_be_switched_off(bench, free):
    """free_min_mib = 0."""
    bench.store = 'sqlite:///counterfoil.db"\nfree_min_mib = 0 # "'
    free(0)
    assert bench.run([sale(1)]).posted == 1
