"""An older copy of the database is put back, and believes that payments are still to be made: the ledger is the judge."""

import asyncio
import shutil
from typing import Any

import pytest

from counterfoil.posting import recovering
from counterfoil.store import requests
from counterfoil.store.database import Connection
from counterfoil.store.meta import get_meta
from tests.posting.test_payments import PAYMENTS, payment, payments
from tests.posting.test_payments import paid as _paid
from tests.posting.workbench import NO_KEY, Workbench, WorkbenchBooks, sale

DATABASE = "counterfoil.db"


def paid(n: int) -> dict[str, Any]:
    """A sale with part of it paid: nothing but we keeps a second such payment out."""
    return _paid(n, payment("10"))


def copy(bench: Workbench) -> None:
    """A copy beside the database."""
    shutil.copy(bench.folder / DATABASE, bench.folder / "older")


def put_back(bench: Workbench) -> None:
    """By hand, as nobody should; the sentinel stays."""
    for ending in ("-wal", "-shm"):
        (bench.folder / f"{DATABASE}{ending}").unlink(missing_ok=True)
    shutil.copy(bench.folder / "older", bench.folder / "again")
    (bench.folder / "again").replace(bench.folder / DATABASE)


@pytest.mark.parametrize("times", [1, 2])
def test_payments_that_a_copy_has_looked_for_are_not_made_twice(bench: Workbench, times: int) -> None:
    """They were looked for before the first one was made, and that look was believed after a restore."""
    bench.sandbox.fault("429_day", method="PUT", path=PAYMENTS, count=40)
    bench.run([paid(1), paid(2)])
    assert payments(bench) == []
    copy(bench)
    bench.sandbox.clear_faults()
    bench.new_day()
    assert bench.finish().posted == 2
    assert len(payments(bench)) == 2
    for _ in range(times - 1):  # opened once, and put back again before anything was read
        put_back(bench)
        assert bench.why("order-1")
    put_back(bench)
    report = bench.finish()
    assert (report.adopted, report.exit_code) == (2, 0)
    assert len(payments(bench)) == 2


def test_a_payment_that_a_copy_never_knew_is_not_made_twice(bench: Workbench) -> None:
    """Planned anew after the first payment since the restore: its invoice counted as one that nobody else had paid."""
    bench.run([sale(1), paid(2)])
    copy(bench)
    bench.run([paid(1), paid(2)])
    assert len(payments(bench)) == 2
    put_back(bench)
    bench.run([paid(3)])
    assert len(payments(bench)) == 3
    report = bench.run([paid(1), paid(2), paid(3)])
    assert (report.unchanged, report.exit_code) == (3, 0)
    assert len(payments(bench)) == 3


def test_a_copy_put_back_twice_waits_as_long_as_one_put_back_once(bench: Workbench) -> None:
    """The first time its sentinel forgot when the last request began, so that nobody waited for that one to end."""
    bench.run([sale(1)])
    copy(bench)
    bench.run([sale(1), sale(2)])
    put_back(bench)
    waits = quiet_until(bench)
    put_back(bench)
    assert quiet_until(bench) == waits


def test_a_look_from_before_the_copy_does_not_count(bench: Workbench) -> None:
    """A copy made between the two looks: one read that was behind the truth was enough to make the payment again."""
    bench.configure(**NO_KEY)
    bench.sandbox.fault("reset", method="PUT", path=PAYMENTS, count=1)
    attempts: list[str] = []

    def point(name: str) -> None:
        attempts.extend([name] if name == "after-attempt" else [])
        if len(attempts) == 3:  # the customer, the invoice, the payment
            bench.sandbox.fault("503", method="GET", path="/api.xro/2.0/Invoices", count=40)

    bench.run([paid(1)], point)
    bench.sandbox.clear_faults()
    looked_once(bench)
    copy(bench)
    assert bench.finish().posted == 1
    assert len(payments(bench)) == 1
    put_back(bench)
    bench.sandbox.fault("stale_read", method="GET", path="/api.xro/2.0/Invoices", count=1)
    assert bench.finish().exit_code == 0
    assert len(payments(bench)) == 1


def looked_once(bench: Workbench) -> None:
    """The payment was looked for, and not found."""

    async def look(books: WorkbenchBooks) -> None:
        def work(conn: Connection) -> None:
            [request] = requests.all_open(conn)
            assert requests.change(
                conn, request, {"looks": 1, "last_look": books.clock.now(), "not_before": books.clock.now()}
            )

        await books.database.run(work)

    asyncio.run(bench.use(look))


def quiet_until(bench: Workbench) -> str:
    """Until when nothing is asked of Xero."""

    async def read(books: WorkbenchBooks) -> str:
        return str(await books.database.read(lambda conn: get_meta(conn, recovering.QUIET_UNTIL)))

    return str(asyncio.run(bench.use(read)))
