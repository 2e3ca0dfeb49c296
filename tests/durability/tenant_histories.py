"""Histories of bindings that change under load: who is bound where, what was handed over when, and the judge of it.

A history begins with three entities bound to three organisations. Each step hands records over to one or two processes that
may kill themselves, and meanwhile people bind, unbind, swap, reset, rename, disconnect and consent again. The judge reads the
sandbox's ledgers and nothing else: a document may stand only in an organisation to which its entity was bound when
it was handed over, and may arrive there only while its entity is bound to it. Where our tables say for which organisation a record was
planned, it may stand in that one alone.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import multiprocessing
import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from counterfoil import errors, open_books
from counterfoil.app import connecting, reach
from counterfoil.store import runs, schema
from tests.access.conftest import browse
from tests.durability import tenant_worker
from tests.sandbox_process import SandboxProcess

ENTITIES = ("alder", "birch", "cedar")
POINTS = ("after-freeze", "after-attempt", "after-send", "mid-outcome")
# A used-up day leaves work planned for whoever is bound there next; slow answers let bindings change between two requests.
FAULTS = ("lost_answer", "500_after", "reset", "429_day", "429_day", "slow", "slow", "slow")
TIMEOUT_S = 60
TAX = "OUTPUT"  # what every country's chart has
CONFIG = """\
[xero]
client_id = "{client_id}"
redirect_uri = "http://localhost:0/oauth/callback"
login_url = "{url}"
identity_url = "{url}"
api_url = "{url}"
calls_per_minute = 100000
[pacing]
offline_s = 0.01
[posting]
request_timeout_s = 0.8
quiet_s = 0.2
second_look_s = 0.1
[entities.alder]
[entities.birch]
[entities.cedar]
[flows.shop]
id = "shop"
kind = "sales_invoices"
source = {{ jsonl = "sales.jsonl" }}
"""
p = schema.postings.c
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.durability.tenant_worker"])


class History:
    """One history. `acts` says what happened, for a failure's message; `arrived`: documents seen in any ledger."""

    def __init__(self, folder: Path, sandbox: SandboxProcess, seed: int, steps: int) -> None:
        self.folder, self.sandbox, self.steps = folder, sandbox, steps
        self.chance = random.Random(seed)
        self.acts: list[str] = [f"seed {seed}"]
        self.tenants = [one["tenant_id"] for one in sandbox.ready["organisations"]]
        self.names: dict[str, str] = {}
        self.bound: dict[str, str | None] = dict.fromkeys(ENTITIES)
        self.during: dict[str, set[str]] = {}  # entity → where it was bound at any time of this step
        self.records: list[dict[str, Any]] = []
        self.may: dict[str, set[str]] = {}  # external id → where its document may stand
        self.planned: set[str] = set()  # external ids of which we know for which organisation they were planned
        self.before: dict[str, set[str]] = {}
        self.arrived = 0
        self.children = 0
        self.everything = (
            self._swap, self._swap, self._swap, self._rebind, self._unbind, self._reset, self._rename, self._cut, self._verify,
        )  # fmt: skip

    # ---- the course

    def play(self) -> None:
        """Play it; fails with what happened when a document stands where it may not."""
        client_id, url = self.sandbox.ready["public_client_id"], self.sandbox.url
        (self.folder / "counterfoil.toml").write_text(CONFIG.format(client_id=client_id, url=url))
        self._here(self._begin)
        for _ in range(self.steps):
            self._step()
        self._next_day()
        for tenant in self.tenants:
            self.sandbox.organisation(tenant, disconnected=False, base_currency=self._currency(tenant))
        self.during = {entity: {tenant} for entity, tenant in self.bound.items() if tenant}
        self._here(self._look_again)
        self._here(self._leases_over)
        for command in ("run", "finish"):
            self._ended(self._start(command, None))
        self._judge()
        self._nothing_lost()

    async def _begin(self, books: Any) -> None:
        await self._consent(books)
        for entity, tenant in zip(ENTITIES, self.tenants, strict=False):
            await self._bind(books, entity, tenant)

    async def _look_again(self, books: Any) -> None:
        """What was stopped for a while goes on; what was reset does not."""
        await self._consent(books)
        for entity, tenant in self.bound.items():
            if tenant is not None:
                with contextlib.suppress(errors.Reconnect):
                    await connecting.verify(books, entity, accept=True)

    async def _leases_over(self, books: Any) -> None:
        """A request of a killed process is its own until its lease ends (1 s here): till then nobody says what became of it."""
        query = sa.select(sa.func.max(schema.requests.c.lease_until)).where(schema.requests.c.state == "open")
        until = await books.database.read(lambda conn: conn.execute(query).scalar())
        if until is not None:
            await asyncio.sleep(max(0.0, (until - books.clock.now()).total_seconds()) + 0.01)

    def _step(self) -> None:
        self.during = {entity: {tenant} if tenant else set() for entity, tenant in self.bound.items()}
        fresh = self._hand_over()
        self._next_day()
        kind = self.chance.choice(FAULTS)
        more = {"429_day": {"count": 40}, "slow": {"count": 4, "delay_s": 0.3}}.get(kind, {})
        self.sandbox.fault(kind, method="PUT", path="/api.xro/2.0/", **more)
        self.acts.append(f"fault {kind}")
        began = [self._start(*self._work()) for _ in range(self.chance.choice((1, 1, 2)))]
        with concurrent.futures.ThreadPoolExecutor(1) as people:
            acting = people.submit(self._here, self._act)
            for process in began:
                self._ended(process)
            acting.result(TIMEOUT_S)
        for external_id in fresh:
            self.may[external_id] |= self.during[self._entity(external_id)]
        for external_id in self.may.keys() - self.planned - set(fresh):  # not planned yet: it may be, in any later step
            self.may[external_id] |= self.during[self._entity(external_id)]
        self._here(self._remember)
        self._judge()

    def _next_day(self) -> None:
        """No fault lasts into the next step, nor does what it used up of a day's budget."""
        self.sandbox.clear_faults()
        for file in self.folder.glob("*-limits*"):
            file.unlink()

    def _hand_over(self) -> list[str]:
        fresh: list[str] = []
        for entity in ENTITIES:
            for _ in range(self.chance.randint(1, 4)):
                n = len(self.records)
                customer = f"{entity}-c{self.chance.randint(1, 3)}"
                line = {
                    "description": "W",
                    "quantity": 1,
                    "unit_amount": "10.00",
                    "account_code": "200",
                    "tax_type": TAX,
                }
                self.records.append({
                    "external_id": f"{entity}-{n}", "entity": entity, "date": "2026-11-02", "status": "DRAFT", "lines": [line],
                    "contact": {"external_id": customer, "name": f"Customer {customer}"},
                })  # fmt: skip
                fresh.append(f"{entity}-{n}")
        self.may |= {one: set() for one in fresh}
        lines = "".join(json.dumps(one) + "\n" for one in self.records)
        (self.folder / "sales.jsonl").write_text(lines)
        return fresh

    def _work(self) -> tuple[str, tuple[str, int] | None]:
        trap = (self.chance.choice(POINTS), self.chance.randint(1, 3)) if self.chance.random() < 0.4 else None
        return self.chance.choice(("run", "run", "run", "finish")), trap

    def _start(self, command: str, trap: tuple[str, int] | None) -> tuple[Any, Path]:
        self.children += 1
        self.acts.append(f"{command} {trap or ''}")
        out = self.folder / f"answer-{self.children}.json"
        process = _forking.Process(target=tenant_worker.main, args=(self.folder, trap, command, out), daemon=True)
        process.start()
        return process, out

    def _ended(self, started: tuple[Any, Path]) -> None:
        process, out = started
        process.join(TIMEOUT_S)
        assert process.exitcode in (0, -9), (process.exitcode, self.acts)
        if process.exitcode == 0:
            answer = json.loads(out.read_text())
            assert "crash" not in answer, (answer, self.acts)
            assert answer.get("error") in (None, "no-consent", "reconnect"), (answer, self.acts)

    # ---- what people do meanwhile

    async def _act(self, books: Any) -> None:
        for _ in range(self.chance.randint(0, 2)):
            await asyncio.sleep(self.chance.uniform(0, 0.7))
            act = self.chance.choice(self.everything)
            self.acts.append(act.__name__)
            try:
                await act(books)
            except (errors.Reconnect, errors.RunAgain, errors.FixInput) as error:
                self.acts.append(f"refused: {error.code}")

    async def _swap(self, books: Any) -> None:
        """Two entities change places."""
        one, other = self.chance.sample(ENTITIES, 2)
        theirs = self.bound[one], self.bound[other]
        await self._unbound(books, one)
        await self._unbound(books, other)
        for entity, tenant in ((one, theirs[1]), (other, theirs[0])):
            if tenant is not None:
                await self._bind(books, entity, tenant)

    async def _rebind(self, books: Any) -> None:
        """An entity goes to any organisation, maybe one that is taken."""
        entity = self.chance.choice(ENTITIES)
        await self._unbound(books, entity)
        await self._bind(books, entity, self.chance.choice(self.tenants))

    async def _unbind(self, books: Any) -> None:
        """An entity loses its organisation for now."""
        await self._unbound(books, self.chance.choice(ENTITIES))

    async def _reset(self, books: Any) -> None:
        """A demo company starts over under a new tenant id; the app is let in again."""
        n = self.chance.randrange(len(self.tenants))
        fresh = self.sandbox.organisation(self.tenants[n], reset=True)["tenant_id"]
        self.before.pop(self.tenants[n], None)
        self.names.pop(self.tenants[n], None)
        self.tenants[n] = fresh
        await self._consent(books)

    async def _rename(self, _books: Any) -> None:
        """Another name, or another base currency for a while."""
        tenant = self.chance.choice(self.tenants)
        if self.chance.random() < 0.5:
            self.sandbox.organisation(tenant, name=f"Renamed {self.chance.randint(1, 99)} Ltd")
        else:
            self._currency(tenant)
            self.sandbox.organisation(tenant, base_currency="USD")

    async def _cut(self, books: Any) -> None:
        """Somebody disconnects the app, there or here; mostly it is let in again."""
        tenant = self.chance.choice(self.tenants)
        if self.chance.random() < 0.5:
            self.sandbox.organisation(tenant, disconnected=True)
        else:
            await reach.disconnect(books, tenant)
        await asyncio.sleep(self.chance.uniform(0, 0.3))
        if self.chance.random() < 0.7:
            await self._consent(books)

    async def _verify(self, books: Any) -> None:
        """Somebody looks whether an organisation is the one that was bound."""
        await connecting.verify(books, self.chance.choice(ENTITIES), accept=True)

    async def _consent(self, books: Any) -> None:
        visits: list[asyncio.Task[Any]] = []
        await connecting.connect(
            books, lambda url: visits.append(asyncio.ensure_future(asyncio.to_thread(browse, url)))
        )
        await asyncio.gather(*visits)

    async def _bind(self, books: Any, entity: str, tenant: str) -> None:
        self.during.setdefault(entity, set()).add(tenant)  # from before it is committed
        await connecting.bind(books, entity, tenant)
        self.bound[entity] = tenant

    async def _unbound(self, books: Any, entity: str) -> None:
        if self.bound[entity] is not None:
            await connecting.unbind(books, entity)
            self.bound[entity] = None

    def _currency(self, tenant: str) -> str:
        if tenant not in self.names:
            [organisation] = self.sandbox.ledger(tenant)["Organisations"]
            self.names[tenant] = organisation["BaseCurrency"]
        return self.names[tenant]

    # ---- the judge

    def _judge(self) -> None:
        """Every document is where it may be, and came while its entity was bound there; each once."""
        seen: dict[str, str] = {}
        for tenant in self.tenants:
            ledger = self.sandbox.ledger(tenant)
            here = {one["InvoiceNumber"] for one in ledger["Invoices"]} | {
                one["ContactNumber"] for one in ledger["Contacts"] if one.get("ContactNumber")
            }
            for name in here - self.before.get(tenant, set()):
                entity = self._entity(name)
                assert tenant in self.during[entity], f"{name} came to {tenant} while unbound: {self.acts}"
                self.arrived += name in self.may
            for name in here & self.may.keys():
                assert tenant in self.may[name], f"{name} stands in {tenant}: {self.acts}"
                assert seen.setdefault(name, tenant) == tenant, f"{name} stands in two ledgers: {self.acts}"
            self.before[tenant] = here

    async def _remember(self, books: Any) -> None:
        """For which organisation a record was planned, once known, it stays."""
        rows = await books.database.read(
            lambda conn: conn.execute(sa.select(p.external_id, p.tenant_id).where(p.kind == "invoice")).all()
        )
        for external_id, tenant in rows:
            assert tenant in self.may[external_id], f"{external_id} was planned for {tenant}: {self.acts}"
            self.may[external_id] = {tenant}
            self.planned.add(external_id)

    def _nothing_lost(self) -> None:
        """What is not in a ledger that is still there is held, refused or waits, by name."""
        there = set().union(*self.before.values())

        async def states(books: Any) -> dict[str, tuple[str, str | None, str]]:
            query = sa.select(p.external_id, p.state, p.cause, p.tenant_id).where(p.kind == "invoice")
            rows = await books.database.read(lambda conn: conn.execute(query).all())
            bad = await books.database.read(runs.bad_rows)
            refused = {one.external_id: ("rejected", one.cause, "") for one in bad}
            return refused | {row[0]: (row[1], row[2], row[3]) for row in rows}

        known = self._here(states)
        for one in self.records:
            name = one["external_id"]
            if name in there or self.bound[one["entity"]] is None:
                continue
            state, cause, tenant = known.get(name, ("planned", None, ""))  # never planned: its source has it
            gone = state == "posted" and tenant not in self.tenants  # with the books that were reset
            stuck = state in ("held", "rejected", "uncertain") and cause is not None
            waits = state in ("planned", "sending", "uncertain") and self._is_stopped(one["entity"])
            assert gone or stuck or waits, f"{name} is {state} ({cause}) for {tenant}: {self.acts}"

    def _is_stopped(self, entity: str) -> bool:
        """Its organisation was reset or is another one now: what it has planned waits for a person."""

        async def stopped(books: Any) -> bool:
            bound = await connecting.bound(books)
            binding = bound[entity]
            return binding is not None and (binding.stopped is not None or binding.tenant_id not in self.tenants)

        return bool(self._here(stopped))

    def _entity(self, name: str) -> str:
        return name.partition("-")[0]

    def _here(self, work: Any) -> Any:
        """Do something with the books in this process."""

        async def opened() -> Any:
            async with open_books(self.folder / "counterfoil.toml") as books:
                return await work(books)

        return asyncio.run(opened())
