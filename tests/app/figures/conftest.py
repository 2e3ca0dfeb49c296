"""A copy of a ledger that a test writes itself, at an instant that it chooses: no sandbox, no call."""

import asyncio
import datetime
from types import SimpleNamespace

import msgspec
import pytest

from counterfoil.access.bindings import load
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.store import bindings, documents, mirrored
from counterfoil.store.database import Database
from counterfoil.store.mirrored import Mirrored, Reading

NOW = datetime.datetime(
    2026, 11, 22, 23, 30, tzinfo=datetime.UTC
)  # the 23rd already in Auckland, still the 22nd in London
NAMES = (
    "Invoices",
    "CreditNotes",
    "Overpayments",
    "Prepayments",
    "Accounts",
    "Payments",
    "BankTransactions",
    "BankTransfers",
)


class Clock:
    """It is half past eleven at night."""

    def now(self):
        """Always."""
        return NOW


class Copy:
    """The copy of one organisation's ledger."""

    def __init__(self, folder):
        self._url = f"sqlite:///{folder}/copy.db"
        self.timezone, self.written = "GMTSTANDARDTIME", None
        self.unread = set()
        self.every, self.balances = None, None
        self.rows = []

    def put(self, resource, document_id, status="AUTHORISED", *, deleted=False, **fields):
        """A document as Xero sends it."""
        body = msgspec.json.encode({"Status": status, **fields} if status else fields)
        gone = NOW if deleted else None
        self.rows.append(Mirrored("t", resource, document_id, status, NOW, NOW, "", None, gone, body))

    def invoice(self, n, due="2026-12-01", amount=10.0, **fields):
        """An open sales invoice."""
        self.put("Invoices", f"i{n:06}", **{
            "Type": "ACCREC", "InvoiceNumber": f"INV-{n}", "AmountDue": amount, "Total": amount, "CurrencyRate": 1,
            "CurrencyCode": "GBP", "Contact": {"ContactID": f"c{n % 7}", "Name": f"Customer {n % 7}"}, "Date": "2026-11-01",
            "DueDate": due, **fields,
        })  # fmt: skip

    def ask(self, work):
        """What `work(books)` answers."""
        return asyncio.run(self._ask(work))

    async def _ask(self, work):
        database = Database(self._url, Clock())
        await database.open()
        bound = Binding("acme", "t", "g", Fingerprint("o", "Acme", "!A", "GBP", "GB"), self.timezone)
        earlier = NOW - datetime.timedelta(minutes=3)

        def write(conn):
            bindings.put(conn, bound, now=NOW)
            mirrored.put(conn, self.rows)
            if self.balances is not None:
                documents.set_reference(conn, "t", "BankSummary", NOW, msgspec.json.encode(self.balances))
            for n, name in enumerate(NAMES):
                if name not in self.unread:
                    at = earlier - datetime.timedelta(seconds=n)
                    mirrored.set_reading(conn, Reading("t", name, since=at, caught_up_at=at))

        await database.run(write)
        entities = {
            "acme": SimpleNamespace(timezone=self.written, balances_every=self.every),
            "other": SimpleNamespace(timezone=None, balances_every=None),
        }
        books = SimpleNamespace(
            database=database, clock=Clock(), settings=SimpleNamespace(entities=entities),
            binding=lambda entity: load(database, entity),
        )  # fmt: skip
        try:
            return await work(books)
        finally:
            await database.close()


@pytest.fixture
def copy(tmp_path):
    """An empty copy, wholly read."""
    return Copy(tmp_path)
