"""The same story over every kind of document, on SQLite and on Postgres; then damage to the copy, which `sync --full` finds.

Kinds without webhooks come by polling and by the last `sync`; nothing that catch-up promises waits for `sync --full`.
"""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from counterfoil.mirror import described
from counterfoil.model import record
from tests.cli.office import FLOW, Office
from tests.delivery.receivers import Hook
from tests.durability.test_following import CONFIG, KEPT, SEEDS, Story, hook, sandbox, without
from tests.sandbox_process import SCOPES, SandboxProcess

__all__ = ["hook", "sandbox"]
SOAK = "SOAK" in os.environ
ALL = tuple(described.NAMES)
BANK = {"Code": "090"}
# What shows another document, and moves without a stamp of its own (docs/howto/mirror.md).
SHOWN = {
    "Payments": {"Invoice"},
    "Invoices": {"Contact"},
}


class Everything(Story):
    """A bookkeeper's year: money in and out, orders, quotes, journals, merges, hard deletes."""

    url = ""  # of a Postgres; else the copy is in the office's SQLite

    def __init__(self, office: Office, sandbox: SandboxProcess, hook: Hook, seed: int) -> None:
        super().__init__(office, sandbox, hook, seed)
        more = "accounting.banktransactions accounting.manualjournals"
        self.ledger.token = sandbox.connect(f"{SCOPES} {more}")["access_token"]

    def person(self) -> None:
        """One act of any kind; what Xero's rules refuse is a change that did not happen."""
        if self.dice.random() < 0.5:
            super().person()
            return
        self.sandbox.advance(self.dice.choice((0.01, 1, 90)))
        act = self.dice.choice(
            (
                self._money,
                self._journal,
                self._quote,
                self._order,
                self._item,
                self._transfer,
                self._merge,
                self._credit,
            )
        )
        act()

    def _line(self, account: str) -> dict[str, Any]:
        return {
            "Description": next(self.names),
            "Quantity": 1,
            "UnitAmount": self.dice.randrange(1, 90),
            "AccountCode": account,
        }

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.sandbox.person(self.ledger.tenant, method, path, body)

    def _contact(self) -> dict[str, str]:
        return {"ContactID": self.dice.choice(self.contacts)}

    def _money(self) -> None:
        type_ = self.dice.choice(("SPEND", "RECEIVE", "RECEIVE-OVERPAYMENT", "SPEND-PREPAYMENT"))
        line = self._line("429" if type_ == "SPEND" else "200")
        if "PAYMENT" in type_:
            line = {"Description": "ahead", "LineAmount": 25} if "OVER" in type_ else self._line("429")
        self._ask(
            "PUT",
            "BankTransactions",
            {"Type": type_, "Contact": self._contact(), "BankAccount": BANK, "Date": "2026-11-02", "LineItems": [line]},
        )
        stored = [one for one in self.ledger.stored("BankTransactions") if one["Status"] == "AUTHORISED"]
        if stored and self.dice.random() < 0.3:
            self.sandbox.edit(self.ledger.tenant, self.dice.choice(stored)["BankTransactionID"], IsReconciled=True)

    def _journal(self) -> None:
        amount = self.dice.randrange(1, 99)
        lines = [{"LineAmount": sign * amount, "AccountCode": code} for sign, code in ((1, "429"), (-1, "200"))]
        self._ask(
            "PUT",
            "ManualJournals",
            {"Narration": next(self.names), "Date": "2026-11-02", "JournalLines": lines, "Status": "POSTED"},
        )

    def _quote(self) -> None:
        self._ask("PUT", "Quotes", {"Contact": self._contact(), "Date": "2026-11-01", "LineItems": [self._line("200")]})

    def _order(self) -> None:
        self._ask(
            "PUT",
            "PurchaseOrders",
            {"Contact": self._contact(), "Date": "2026-11-01", "LineItems": [self._line("429")]},
        )
        orders = self.ledger.stored("PurchaseOrders")
        if orders and self.dice.random() < 0.3:
            self._ask("POST", f"PurchaseOrders/{self.dice.choice(orders)['PurchaseOrderID']}", {"Status": "DELETED"})

    def _item(self) -> None:
        items = self.ledger.stored("Items")
        if items and self.dice.random() < 0.5:
            self._ask("DELETE", f"Items/{self.dice.choice(items)['ItemID']}")
        else:
            self._ask("PUT", "Items", {"Code": next(self.names)[:30], "Name": "thing"})

    def _transfer(self) -> None:
        self._ask("PUT", "BankTransfers", {"FromBankAccount": BANK, "ToBankAccount": {"Code": "091"}, "Amount": 5})

    def _merge(self) -> None:
        if len(self.contacts) > 3:
            loser = self.contacts.pop(self.dice.randrange(len(self.contacts)))
            winner = self.dice.choice(self.contacts)
            self.sandbox.edit(self.ledger.tenant, loser, ContactStatus="ARCHIVED", MergedToContactID=winner)

    def _credit(self) -> None:
        owed = [one for one in self.ledger.stored("Invoices") if one["Status"] == "AUTHORISED" and one["AmountDue"] > 5]
        if not owed:
            return
        chosen = self.dice.choice(owed)
        if self.dice.random() < 0.3:
            self._ask("POST", f"Invoices/{chosen['InvoiceID']}", {"Status": "VOIDED"})
            return
        note = {
            "Type": "ACCRECCREDIT",
            "Contact": {"ContactID": chosen["Contact"]["ContactID"]},
            "Date": "2026-11-02",
            "Status": "AUTHORISED",
            "LineItems": [self._line("200") | {"UnitAmount": 3}],
        }
        made = self._ask("PUT", "CreditNotes", note)
        if made["status"] == 200:
            [one] = made["answer"]["CreditNotes"]
            self._ask(
                "PUT",
                f"CreditNotes/{one['CreditNoteID']}/Allocations",
                {"Amount": 2, "Invoice": {"InvoiceID": chosen["InvoiceID"]}},
            )

    def there(self, name: str) -> dict[str, Any]:
        """What Xero answers, all pages."""
        one = described.BY_NAME[name]
        query = "&".join(f"{key}={value}" for key, value in one.params.items() if key != "summaryOnly")
        found: dict[str, Any] = {}
        for page in range(1, 50):
            size = (
                f"page={page}&" + ("pageSize=1000&" if one.page_size and one.page_size > 100 else "")
                if one.page_size
                else ""
            )
            rows = self.ledger.get(f"{name}?{size}{query}")[one.list]
            found |= {row[one.id]: record.plain(json.dumps(row).encode()) for row in rows}
            if one.page_size is None or len(rows) < one.page_size:
                break
        return without(found, set(one.unkept))

    def damage(self) -> int:
        """Somebody loses and alters documents of the copy behind our back; → how many of each."""
        lost, changed = sorted(self.held("Invoices"))[:2]
        self.write(f"DELETE FROM mirrored WHERE resource = 'Invoices' AND document_id = '{lost}'")
        body = json.dumps({"InvoiceID": changed, "Total": 1}).encode().hex()
        blob = f"'\\x{body}'::bytea" if self.url else f"X'{body}'"
        self.write(f"UPDATE mirrored SET body = {blob} WHERE document_id = '{changed}'")
        return 1

    def _read(self, query: str) -> list[Any]:
        return list(self._carry_out(query)) if self.url else super()._read(query)

    def write(self, text: str) -> None:
        """Alter the database as no program of ours would."""
        self._carry_out(text)

    def _carry_out(self, text: str) -> list[Any]:
        if not self.url:
            with sqlite3.connect(self.office.folder / "counterfoil.db") as database:
                found = database.execute(text).fetchall()
            database.close()
            return found
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def is_ledger(self, *, shown: bool) -> None:
        """The copy is what Xero answers, field by field; `shown`: what a document shows of others included."""
        for name in ALL:
            but = set() if shown else SHOWN.get(name, set())
            held = {key: record.plain(body) for key, body in self.held(name).items()}
            assert without(held, but) == without(self.there(name), but), name


@pytest.fixture(params=["sqlite", "postgres"] if SOAK else ["postgres"])  # on SQLite: test_following
def url(request: pytest.FixtureRequest) -> str:
    """Where the copy is."""
    if request.param == "sqlite":
        return ""
    import psycopg

    found: str = request.getfixturevalue("server").get_uri()
    with psycopg.connect(found, autocommit=True) as connection:
        for schema in ("counterfoil_jobs", "public"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.execute("CREATE SCHEMA public")
    return found


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_is_followed_and_damage_is_repaired(
    tmp_path: Path, sandbox: SandboxProcess, hook: Hook, url: str, seed: int
) -> None:
    """Kills, faults and strangers: all kinds as Xero has them after one `sync`; lost and altered ones after `sync --full`."""
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox)
    office.write(flows=CONFIG.replace(json.dumps(KEPT), json.dumps(ALL)).format(url=hook.url) + FLOW)
    config = office.folder / "counterfoil.toml"
    config.write_text((f'[store]\nurl = "{url}"\n' if url else "") + config.read_text())
    office.key()
    office.connect()
    assert office("entities", "bind", "acme-uk", sandbox.tenant(1)).code == 0
    story = Everything(office, sandbox, hook, seed)
    story.url = url
    try:
        story.play()
        story.is_ledger(shown=False)
        assert story.served is not None
        story.served.kill()
        lost = story.damage()
        repaired = office("sync", "acme-uk", "--full")
        assert (repaired.code, f"{lost} were missing, {lost} differed" in repaired.out) == (0, True), repaired.out
        story.is_ledger(shown=True)
    finally:
        assert story.served is not None
        story.served.kill()
