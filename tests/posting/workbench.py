"""A whole installation for tests of the engine: a real sandbox process, a real database, short times, named points.

The judge is always the sandbox's own ledger, never our tables.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from counterfoil import settings
from counterfoil.access import key_file
from counterfoil.app import Books
from counterfoil.app.reports import RunReport
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.posting import identity, sending
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import bindings, locks
from counterfoil.xero.client import XeroClient
from tests import sandbox_process
from tests.sandbox_process import SandboxProcess

ENTITIES = ("acme-uk", "acme-au", "acme-nl")
SHORT = {"request_timeout_s": 1.5, "key_life_s": 360, "quiet_s": 0.5, "second_look_s": 0.3}
NO_KEY = {**SHORT, "key_life_s": 1}  # the key is never used a second time: straight to looking

CONFIG = """
[xero]
client_id = "{client_id}"
login_url = "{url}"
identity_url = "{url}"
api_url = "{url}"
calls_per_minute = 100000
[store]
url = "{store}"
[pacing]
offline_s = 0.01
[posting]
{posting}
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
[entities.acme-au]
organisation = "Wattle & Co Pty Ltd"
[entities.acme-nl]
organisation = "Grachtenhuis BV"
[flows.shop]
id = "shop"
kind = "sales_invoices"
source = {{ jsonl = "sales.jsonl" }}
{flow}
"""


class StaticTokens:
    """One token of the sandbox, for tests that are not about tokens."""

    def __init__(self, token: str, *, patient: bool) -> None:
        self.token = token
        self.patient = patient

    async def access_token(self, _grant_id: str, *, rejected: str | None = None) -> str:
        """The token; `patient` gives it again when Xero called it expired."""
        assert rejected is None or self.patient, "the sandbox refused the test's token"
        return self.token


class WorkbenchBooks(Books):
    """Books whose tokens come from the test."""

    token = ""
    patient = False

    async def _client(self, bound: Binding) -> XeroClient:
        return XeroClient(bound, self.transport, StaticTokens(self.token, patient=self.patient), self.pacer)


class Workbench:
    """One sandbox and one installation. Every `run` is a fresh process's worth of objects."""

    alone = False  # a library's books; True: those of a command, which has no thread for SQLite

    def __init__(self, folder: Path, sandbox: SandboxProcess, *, store: str = "sqlite:///counterfoil.db") -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.store = store
        self.posting: dict[str, float] = dict(SHORT)
        self.flow = ""
        self.token = sandbox.connect()["access_token"]
        key_file.new(folder / "counterfoil.key")

    def configure(self, *, flow: str = "", **posting: float) -> None:
        """Set the flow's further lines and the engine's times."""
        self.flow = flow or self.flow
        self.posting.update(posting)

    def write_config(self) -> Path:
        """Write counterfoil.toml."""
        path = self.folder / "counterfoil.toml"
        times = "\n".join(f"{name} = {value}" for name, value in self.posting.items())
        ready = self.sandbox.ready
        content = CONFIG.format(
            client_id=ready["client_id"], url=ready["url"], store=self.store, posting=times, flow=self.flow
        )
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_text(content)
        beside.replace(path)  # whole, since processes that start at once all write it, and one may be reading
        return path

    def write(self, records: Iterable[dict[str, Any] | str]) -> Path:
        """Write sales.jsonl; a string is written as it is."""
        path = self.folder / "sales.jsonl"
        path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records))
        return path

    def new_day(self) -> None:
        """What was used of Xero's limits is forgotten."""
        for file in self.folder.glob("*-limits*"):
            file.unlink()

    async def open(self, point: Callable[[str], None] = sending.no_point) -> WorkbenchBooks:
        """Open the installation, bound to the sandbox's first three organisations."""
        books = WorkbenchBooks(settings.load(self.write_config()), SystemClock(), point, alone=self.alone)
        books.token = self.token

        def bind(connection: Any) -> None:
            locks.hold(connection, "bindings")  # several test processes open at once
            for entity, told in zip(ENTITIES, self.sandbox.ready["organisations"], strict=False):
                if bindings.get(connection, entity) is None:
                    mark = Fingerprint(
                        told["tenant_id"], told["name"], told["short_code"], told["base_currency"], told["country"]
                    )
                    bindings.put(connection, Binding(entity, told["tenant_id"], "grant", mark), now=books.clock.now())

        try:
            await books.open()
            await books.database.run(bind)
        except BaseException:
            await books.close()
            raise
        return books

    async def use(self, work: Callable[[WorkbenchBooks], Any], point: Callable[[str], None] = sending.no_point) -> Any:
        """Open, do, close."""
        books = await self.open(point)
        try:
            return await work(books)
        finally:
            await books.close()

    def run(
        self, records: Iterable[dict[str, Any] | str] | None = None, point: Callable[[str], None] = sending.no_point
    ) -> RunReport:
        """`counterfoil run shop` in this process."""
        if records is not None:
            self.write(records)
        report: RunReport = asyncio.run(self.use(lambda books: books.run("shop"), point))
        return report

    def finish(self) -> RunReport:
        """`counterfoil finish` in this process."""
        report: RunReport = asyncio.run(self.use(lambda books: books.finish()))
        return report

    def why(self, clue: str) -> list[Any]:
        """`counterfoil why CLUE` in this process."""
        stories: list[Any] = asyncio.run(self.use(lambda books: books.why(clue)))
        return stories

    # ---- the judge

    def invoices(self, number: int = 1) -> list[dict[str, Any]]:
        """The invoices in the sandbox's ledger of organisation 1, 2, 3."""
        return self.sandbox.ledger(self.sandbox.tenant(number))["Invoices"]

    def living(self, number: int = 1) -> list[dict[str, Any]]:
        """Those that are neither voided nor deleted."""
        return [one for one in self.invoices(number) if one["Status"] not in ("VOIDED", "DELETED")]

    def marks(self) -> Counter[str]:
        """How many living documents of all organisations carry each mark."""
        found = [identity.find_marker(i.get("Url"), i.get("Reference")) for n in (1, 2, 3) for i in self.living(n)]
        return Counter(mark for mark in found if mark)

    def writes(self, after: int = 0, path: str = "/api.xro/2.0/Invoices") -> list[dict[str, Any]]:
        """The request log's writes to a path."""
        return [
            one
            for one in self.sandbox.requests(after)
            if one["method"] in ("PUT", "POST") and one["path"].startswith(path)
        ]


def sale(n: int, *, entity: str = "acme-uk", **changes: Any) -> dict[str, Any]:
    """A good sale: two lines, GBP 25.20 with 20 % VAT, its own number and customer."""
    record: dict[str, Any] = {
        "external_id": f"order-{n}",
        "entity": entity,
        "contact": {"external_id": f"cust-{n % 7}", "name": f"Customer {n % 7}", "email": f"c{n % 7}@example.com"},
        "date": "2026-11-02",
        "due_date": "2026-12-02",
        "number": f"SHOP-{entity}-{n}",
        "reference": f"PO {n}",
        "amounts": "exclusive",
        "lines": [
            {
                "description": "Widgets",
                "quantity": "2",
                "unit_amount": "9.00",
                "account_code": "200",
                "tax_type": TAX[entity],
            },
            {
                "description": "Post",
                "quantity": "1",
                "unit_amount": "3.00",
                "account_code": "200",
                "tax_type": TAX[entity],
            },
        ],
        "status": "AUTHORISED",
    }
    record.update(changes)
    return record


TAX = {"acme-uk": "OUTPUT2", "acme-au": "OUTPUT", "acme-nl": "OUTPUT"}
TOTAL = Decimal("25.20")


def start(*arguments: str) -> SandboxProcess:
    """A sandbox for tests of the engine."""
    return sandbox_process.start("--auto-consent", "--no-limits", "--access-token-ttl-s", "36000", *arguments)
