"""Lost consents and lost keys, whole commands long: postings wait, a person is told once, and work goes on."""

import asyncio
import datetime

import pytest
import sqlalchemy as sa

from counterfoil.access.key_source import FileSource
from counterfoil.access.refresh import opened
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import audit, grants, notices, schema
from counterfoil.store.database import Database
from tests.cli.office import sale


@pytest.fixture
def business(office):
    """An office with one sale posted."""
    office.sandbox.post("/_sandbox/reset")
    office.sandbox.clear_faults()
    office.open_for_business()
    office.records(sale(1))
    assert office("run", "shop").code == 0
    return office


def in_books(office, work, *, write=False):
    """Do something in the office's database."""

    async def opened_books():
        database = Database(f"sqlite:///{office.folder}/counterfoil.db", SystemClock())
        await database.open()
        try:
            return await (database.run(work) if write else database.read(work))
        finally:
            await database.close()

    return asyncio.run(opened_books())


def rows(office):
    """Every grant."""
    return in_books(office, lambda conn: [grants.Grant(*row) for row in conn.execute(sa.select(schema.grants))])


def revoke(office):
    """The user takes the consent back at Xero, and the access token is at its end."""
    (grant,) = rows(office)
    held = opened(Vault(FileSource(office.folder / "counterfoil.key")), grant.id, grant.secret)
    form = {"token": held.refresh_token, "client_id": office.sandbox.ready["public_client_id"]}
    assert office.sandbox.form("/connect/revocation", form).status == 200
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    in_books(office, lambda conn: conn.execute(sa.update(schema.grants).values(expires_at=past)), write=True)
    return grant


def told(office):
    """The notices that stand."""
    return in_books(office, lambda conn: notices.standing(conn, "reconnect"))


def token_requests(office):
    return sum(1 for one in office.sandbox.requests() if one["path"] == "/connect/token")


def test_a_lost_consent(business):
    """Exit 3 and the postings wait as planned; told once, shown by status and problems; a new consent ends it."""
    grant = revoke(business)
    business.records(sale(1), sale(2))
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["rejected"], ended.value["held"]) == (3, 0, 0)
    (notice,) = told(business)
    assert (notice.subject, "counterfoil connect" in notice.remedy, notice.times) == (grant.id, True, 1)
    assert (notice.link, notice.link in notice.remedy) == ("http://localhost:8321/connect", True)
    (found,) = [one for one in business("doctor", "--offline", "--json").value["checks"] if one["code"] == "lost"]
    assert notice.link in found["remedy"]
    assert notice.link in business("status").out
    assert [one["link"] for one in business("status", "--json").value["notices"]] == [notice.link]
    asked = token_requests(business)
    assert (business("run", "shop").code, business("finish").code) == (3, 0)  # nothing was planned before the loss
    assert (token_requests(business), [one.times for one in told(business)]) == (asked, [1])
    assert "consent to Xero is lost" in business("problems").out
    assert "consent to Xero is lost" in business("status").out
    business.connect()
    assert (told(business), rows(business)[0].id) == ([], grant.id)
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], ended.value["unchanged"]) == (0, 1, 1)


def test_a_consent_that_is_lost_while_postings_wait(business):
    """What was planned before the loss is still planned after it, and posted after the next consent."""
    business.records(sale(1), sale(2), sale(3))
    business.sandbox.fault("503_offline", method="PUT", count=1000)
    assert business("run", "shop", "--json").code == 4
    business.sandbox.clear_faults()
    business.new_day()
    revoke(business)
    ended = business("finish", "--json")
    assert (ended.code, ended.value["planned"] > 0, ended.value["rejected"] + ended.value["held"]) == (3, True, 0)
    business.connect()
    assert business("finish", "--json").code == 0
    invoices = business.sandbox.ledger(business.sandbox.tenant(1))["Invoices"]
    assert sorted(one["InvoiceNumber"] for one in invoices) == ["order-1", "order-2", "order-3"]


def test_a_run_refreshes_beside_its_work(business):
    """Nine minutes left: refreshed while the run works, so that the next command finds half an hour."""
    (before,) = rows(business)
    now = datetime.datetime.now(datetime.UTC)
    near = {"expires_at": now + datetime.timedelta(minutes=9), "refreshed_at": now - datetime.timedelta(minutes=21)}
    in_books(business, lambda conn: conn.execute(sa.update(schema.grants).values(near)), write=True)
    business.records(sale(1), sale(2))
    assert business("run", "shop", "--json").value["posted"] == 1
    (after,) = rows(business)
    assert (after.generation, after.refresh_owner) == (before.generation + 1, None)
    assert after.expires_at - now > datetime.timedelta(minutes=29)


def test_a_lost_key(business):
    """Losing the key costs connecting again: postings go on, none twice; the audit chains go on behind a mark."""
    key = business.folder / "counterfoil.key"
    key.unlink()
    business.records(sale(1), sale(2))
    assert business("run", "shop").code == 2
    assert business("keys").code == 2
    business.key()  # another one
    ended = business("run", "shop")
    assert (ended.code, "keys replace" in ended.err) == (2, True)
    assert business("connect", "--no-browser").code == 2  # before a person is troubled
    assert business("keys", "replace").code == 2  # a word of a person is wanted
    assert business("keys", "replace", "--yes", "--json").value["grants"] == 1
    assert business("run", "shop").code == 3
    business.connect()
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], ended.value["unchanged"]) == (0, 1, 1)
    assert len(business.sandbox.ledger(business.sandbox.tenant(1))["Invoices"]) == 2
    chains = in_books(business, lambda conn: {name: audit.chain(conn, name) for name in audit.entities(conn)})
    assert all(any(entry.act == "chain begun anew" for entry in chain) for chain in chains.values())
    assert business("keys", "replace", "--yes").code == 2  # nothing is lost now
    assert told(business) == []


def test_a_lost_key_file_is_made_anew(business):
    """`keys replace` without a file makes one, which only its owner may read."""
    key = business.folder / "counterfoil.key"
    key.unlink()
    assert business("keys", "replace", "--yes").code == 0
    assert key.stat().st_mode & 0o777 == 0o600
    assert business("keys", "--json").value["held"] == [business("keys", "--json").value["in_force"]]


def test_keys_rotate(business):
    """The command, between two runs: the old key opens nothing, the new one everything."""
    key = business.folder / "counterfoil.key"
    old = key.read_bytes()
    ended = business("keys", "rotate", "--json").value
    assert (ended["step"], ended["unreadable"], old in key.read_bytes()) == ("done", 0, False)
    assert "held" in business("keys").out
    business.records(sale(1), sale(2))
    assert business("run", "shop", "--json").value["posted"] == 1
    chain = in_books(business, lambda conn: audit.chain(conn, ""))
    assert [one.act for one in chain[-2:]] == ["master key rotated", "entries sealed anew"]
    key.write_bytes(old)
    business.records(sale(1), sale(2), sale(3))  # what is new needs a token
    assert business("run", "shop").code == 2


def test_keys_rotate_by_hand(business, monkeypatch):
    """With a variable the command says what to put where, and does its part when it holds both."""
    key = business.folder / "counterfoil.key"
    old = key.read_text().strip()
    key.unlink()
    business.key()
    new = key.read_text().strip()
    key.unlink()
    monkeypatch.setenv("COUNTERFOIL_VAULT__MASTER_KEY", old)
    ended = business("keys", "rotate")
    assert (ended.code, "the new one first" in ended.out, old in ended.out) == (1, True, False)
    monkeypatch.setenv("COUNTERFOIL_VAULT__MASTER_KEY", f"{new} {old}")
    assert business("keys", "rotate", "--json").value["step"] == "drop"
    monkeypatch.setenv("COUNTERFOIL_VAULT__MASTER_KEY", new)
    business.records(sale(1), sale(2))
    assert business("run", "shop", "--json").value["posted"] == 1


def clocks(office):
    """What stands about this machine's clock."""
    return in_books(office, lambda conn: [one.message for one in notices.standing(conn, "clock")])


def test_a_clock_that_is_wrong(business):
    """A clock that is minutes from Xero's is told, and work goes on."""
    assert clocks(business) == []
    business.sandbox.advance(300)
    business.records(sale(1), sale(2))
    assert business("run", "shop", "--json").value["posted"] == 1
    (message,) = clocks(business)
    assert "s behind Xero's" in message
    assert "s behind Xero's" in business("status").out
