"""purge as somebody plays it: unbound, purged, bound again, run; beside a service; killed in the middle."""

import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.cli.office import Office, sale
from tests.cli.test_serve import stopped, until

FLOW = '[flows.shop]\nid = "shop"\nkind = "sales_invoices"\nsource = { jsonl = "sales.jsonl" }\n'
SERVED = 'every = "1h"\n'


@pytest.fixture
def shop(office):
    """Four sales at Xero, one of them to a customer whose name stands nowhere else; the copy of the ledger is here."""
    office.sandbox.clear_faults()
    office.sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.write(flows=FLOW)
    office.records(*(sold(n) for n in range(4)))
    assert office("run", "shop", "--json").value["posted"] == 4
    assert office("sync", "acme-uk").code == 0
    return office


def sold(n, **changes):
    return sale(n, contact={"external_id": f"cust-{n}", "name": f"Frobozz {n} Ltd"}, **changes)


def numbers(office):
    found = office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]
    return sorted(one["InvoiceNumber"] for one in found if one["Status"] not in ("DELETED", "VOIDED"))


def count(office, table, where="1"):
    with closing(sqlite3.connect(office.folder / "counterfoil.db")) as connection:
        return connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]


def test_unbound_purged_bound_again_and_run(shop):
    """The same is unchanged, what changed meanwhile held, what is new posted once; the copy comes back; nothing stands twice."""
    before, contacts = numbers(shop), len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Contacts"])
    held_before = count(shop, "mirrored")
    assert shop("entities", "unbind", "acme-uk").code == 0
    purged = shop("purge", "acme-uk", "--yes")
    assert (purged.code, "still bound" in purged.out) == (0, False)
    assert b"robozz" not in (shop.folder / "counterfoil.db").read_bytes()
    refused = shop("run", "shop", "--json")
    assert refused.code == 3
    assert shop("entities", "bind", "acme-uk", shop.sandbox.tenant(1), "--yes").code == 0
    shop.records(sold(0), sold(1), sold(2, reference="another order"), sold(9))
    ran = shop("run", "shop", "--json")
    assert {name: ran.value[name] for name in ("unchanged", "held", "posted", "updated", "adopted", "rejected")} == {
        "unchanged": 2, "held": 1, "posted": 1, "updated": 0, "adopted": 0, "rejected": 0,
    }  # fmt: skip
    assert numbers(shop) == sorted([*before, "order-9"])
    assert len(shop.sandbox.ledger(shop.sandbox.tenant(1))["Contacts"]) == contacts + 1
    assert shop("sync", "acme-uk").code == 0
    assert count(shop, "mirrored") >= held_before
    again = shop("run", "shop", "--json").value
    assert (again["unchanged"], again["held"], again["posted"]) == (3, 1, 0)
    assert numbers(shop) == sorted([*before, "order-9"])


def test_a_purge_beside_a_service_ends_and_nothing_is_posted_twice(shop):
    """Two processes on one file: the purge is whole, the service goes on, and the file is rebuilt by one of the two."""
    shop.write(flows=FLOW + SERVED)
    process = shop.start("serve", "--json", cold=True)
    until(lambda: count(shop, "services") > 0, process)
    assert shop("entities", "unbind", "acme-uk").code == 0
    purged = shop("purge", "acme-uk", "--yes", "--json")
    assert purged.code in (0, 4), purged.err
    assert count(shop, "mirrored", f"tenant_id = '{shop.sandbox.tenant(1)}'") == 0
    assert process.poll() is None
    code, _out, err, _took_s = stopped(process)
    assert code == 0, err
    shop("status")
    assert count(shop, "removals", "ended_at IS NULL") == 0
    assert shop("entities", "bind", "acme-uk", shop.sandbox.tenant(1), "--yes").code == 0
    assert shop("run", "shop", "--json").value["unchanged"] == 4
    assert len(numbers(shop)) == 4


@pytest.mark.parametrize(
    ("words", "points"),
    [
        (("purge", "acme-uk", "--yes"), ("purge: begun", "purge: step 0", "purge: step 7", "purge: swept")),
        (
            ("privacy", "erase", "cust-1", "--yes"),
            ("erase: begun", "erase: listed", "erase: step 20", "erase: forgotten", "erase: compacted"),
        ),
    ],
    ids=["purge", "erase"],
)
def test_kill_9_in_the_middle(shop, words, points):
    """At each of several steps the process is gone without a word; the next command finishes it, and nothing is posted twice."""
    saved = (shop.folder / "counterfoil.db").read_bytes()
    for point in points:
        for file in shop.folder.glob("counterfoil.db-*"):
            if file.name.endswith(("-wal", "-shm")):
                file.unlink()
        (shop.folder / "counterfoil.db").write_bytes(saved)
        process = multiprocessing.get_context("fork").Process(target=killed, args=(shop.folder, words, point))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, point
        assert shop("status").code in (0, 1)
        assert count(shop, "removals", "ended_at IS NULL") == 0, point
        assert count(shop, "removals") > 0, point
        wanted = b"robozz" if words[0] == "purge" else b"robozz 1 Ltd"
        assert wanted not in (shop.folder / "counterfoil.db").read_bytes(), point
    assert shop("run", "shop", "--json").value["unchanged"] == 4
    assert len(numbers(shop)) == 4


def killed(folder, words, point):
    """The command, in a process that is killed when it comes to this point."""
    from counterfoil.app import Books

    def reach(name):
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    made = Books.__init__

    def init(self, *given, **more):
        made(self, *given, **more)
        self.point = reach

    Books.__init__ = init
    Office(folder)(*words)
