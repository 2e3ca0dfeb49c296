"""A custom connection from `connect` to the proof, and an old one with broad scopes, as typed."""

import contextlib
import datetime
import sqlite3

import pytest

from counterfoil import errors, open_books
from counterfoil.runtime.clock import SystemClock
from counterfoil.xero import scopes
from tests.cli.office import sale

UK = "Fernhill Trading Ltd"
LEAST = ["accounting.contacts", "accounting.invoices", "accounting.payments", "accounting.settings.read"]
BROAD = ["accounting.contacts", "accounting.settings", "accounting.transactions"]


@pytest.fixture
def custom(office, sandbox, monkeypatch):
    """`custom(scopes)`: an office whose app is a custom connection to organisation 1 with these scopes."""

    def made(given, **fields):
        app = sandbox.post("/_sandbox/apps", {"kind": "custom", "tenant": sandbox.tenant(1), "scopes": given, **fields})
        office.write()
        office.key()
        for key, value in {
            "APP": "custom",
            "CLIENT_ID": app["client_id"],
            "CLIENT_SECRET": app["client_secret"],
        }.items():
            monkeypatch.setenv(f"COUNTERFOIL_XERO__{key}", value)
        office.client_id = app["client_id"]
        return office

    sandbox.post("/_sandbox/reset")
    return made


def test_from_connect_to_the_proof(custom, sandbox):
    """No page is shown; it binds on the way, posts, proves, and no call names a tenant or asks for too much."""
    office = custom(LEAST)
    explained = office("connect", "--explain", "--json").value
    assert (explained["app"], [one["scope"] for one in explained["scopes"]]) == ("custom", LEAST)
    ended = office("connect", "--entity", "acme-uk", "--json")
    assert (ended.code, ended.err, ended.value["bound"], ended.value["scopes"]) == (0, "", UK, LEAST)
    assert [one["name"] for one in ended.value["organisations"]] == [UK]
    office.records(sale(1), sale(2, expected_total="12.01"))
    ran = office.process("run", "shop", "--json")
    assert (ran.code, ran.value["posted"], ran.value["rejected"]) == (1, 1, 1)
    assert office("prove", "shop", "--json").value["holds"] is True
    assert [one["InvoiceNumber"] for one in sandbox.ledger(sandbox.tenant(1))["Invoices"]] == ["order-1"]
    calls = [one for one in sandbox.requests() if one["path"].startswith("/api.xro")]
    assert ({one["tenant"] for one in calls}, {one["status"] for one in calls}) == ({None}, {200})
    assert [one for one in sandbox.requests() if "authorize" in one["path"]] == []


def test_disconnecting_ends_it(custom):
    """DELETE there and here; nothing is reached any more, and a run says so."""
    office = custom(LEAST)
    assert office("connect", "--entity", "acme-uk").code == 0
    assert office("connections", "disconnect", UK, "--yes", "--json").value["ended"] == 1
    assert [one["state"] for one in office("connections", "--json").value] == ["disconnected"]
    office.records(sale(1))
    assert office("run", "shop", "--json").code == 3


def test_it_reaches_one_company_only(custom):
    """The other entities are said to be out of its reach."""
    text = custom(LEAST)("connect").out
    assert "1 of 2 entities connected; a custom connection has one only, not Wattle & Co Pty Ltd." in text


def test_scopes_that_it_lacks_are_named_with_where_to_give_them(custom):
    """Exit 2 and the portal's address: nobody can consent to them here."""
    ended = custom(LEAST[:2])("connect", "--json")
    assert (ended.code, "developer.xero.com/app/manage" in ended.value["error"]["remedy"]) == (2, True)


def test_a_change_in_the_portal_stops_it_until_it_is_authorised_again(custom, sandbox):
    """Exit 3, also once the token of before has run out; then the same command goes on."""
    office = custom([*LEAST, "accounting.attachments"])
    assert office("connect", "--entity", "acme-uk").code == 0
    sandbox.post(f"/_sandbox/apps/{office.client_id}", {"scopes": LEAST})
    office.records(sale(1))
    assert office("run", "shop", "--json").code == 3
    with contextlib.closing(sqlite3.connect(office.folder / "counterfoil.db")) as database, database:
        database.execute("UPDATE grants SET expires_at = refreshed_at")
    ended = office("run", "shop", "--json")
    assert (ended.code, "e-mail" in ended.err) == (3, True)
    sandbox.post(f"/_sandbox/apps/{office.client_id}", {"authorised": True})
    ended = office("run", "shop", "--json")
    assert (ended.code, ended.value["posted"]) == (0, 1)


def test_another_organisation_behind_it_gets_nothing(custom, sandbox):
    """Chosen anew in the portal: whatever is run, its books stay empty, and the entity's writes are stopped."""
    office = custom(LEAST)
    assert office("connect", "--entity", "acme-uk").code == 0
    sandbox.post(f"/_sandbox/apps/{office.client_id}", {"tenant": sandbox.tenant(2), "authorised": True})
    office.records(sale(1))
    assert office("run", "shop", "--json").code == 3
    assert office("finish", "--json").value["posted"] == 0
    assert office("connect", "--json").code == 0
    assert office("run", "shop", "--json").code == 3
    assert sandbox.ledger(sandbox.tenant(2))["Invoices"] == []
    assert office("entities", "--json").value[0]["stopped"]


def test_broad_scopes_of_an_old_one(custom):
    """They serve, and the move to granular ones is explained with Xero's dates."""
    office = custom(BROAD, created="2026-01-15")
    ended = office("connect", "--entity", "acme-uk", "--json")
    (broad,) = ended.value["broad"]
    assert (ended.code, broad["entity"], broad["scopes"]) == (0, "acme-uk", ["accounting.transactions"])
    text = office("connect", "--explain").out
    assert "works by broad scopes: accounting.transactions" in text
    assert all(day in text for day in ("2 March 2026", "13 September 2027"))
    office.records(sale(1))
    assert office("run", "shop", "--json").value["posted"] == 1


class After(SystemClock):
    """The day after Xero ended the broad scopes."""

    def now(self):
        """Noon."""
        return datetime.datetime.combine(scopes.BROAD_END, datetime.time(12), datetime.UTC)


async def test_broad_scopes_after_their_end(custom):
    """The flow says so before Xero does, with the day and what to do."""
    from counterfoil.app import needs

    office = custom(BROAD, created="2026-01-15")
    assert office.process("connect", "--entity", "acme-uk").code == 0
    async with open_books(office.folder / "counterfoil.toml", clock=After()) as books:
        with pytest.raises(errors.MissingScope, match="ended on 13 September 2027") as caught:
            await needs.check(books, books.flow("shop"), await books.binding("acme-uk"))
        assert await needs.broad(books) == ()
    assert "developer.xero.com/app/manage" in caught.value.remedy
