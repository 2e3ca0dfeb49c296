"""The six steps of the demo, told while they happen.

Called by cli/demo. Each step returns what the next needs; what is not as it should be is collected, never raised over.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil import errors
from counterfoil.cli import table
from counterfoil.cli.screen import Screen
from counterfoil.cli.show import judge, mishaps, person, shop
from counterfoil.cli.show.stage import Stage

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.reports import Listed, PlanReport

FLOW: Final = "shop"
LINKS_SHOWN: Final = 3


class Demo:
    """One performance. `off`: everything that is not as it should be."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        from counterfoil.cli.sample import goods

        self._stage = stage
        self._screen = screen
        self._organisations = {company.key: company.organisation for company in goods.COMPANIES}
        self._sales = judge.good_sales(stage.sales)
        self._killed = mishaps.Killed(0, 0, 0)
        self.off: list[str] = []
        self.told: dict[str, Any] = {}

    def play(self) -> None:
        """All six steps; where one cannot be done the rest is left out, and `off` says why."""
        try:
            self._begin()
            asyncio.run(self._with_books(self._connect_and_plan))
            self._post_and_be_killed()
            self._finish()
            asyncio.run(self._with_books(self._keep_a_shop))
            asyncio.run(self._with_books(self._prove))
        except errors.CounterfoilError as error:
            self.off.append(str(error))

    async def _with_books(self, act: Any) -> None:
        from counterfoil.app import open_books

        async with open_books(self._stage.config) as books:
            await act(books)

    def _step(self, n: int, text: str) -> None:
        self._screen.line(f"\n{n}. {text}" if n > 1 else f"{n}. {text}")

    def _say(self, text: str) -> None:
        self._screen.line(f"   {text}")

    def _begin(self) -> None:
        self._step(1, "A Xero starts on this machine, and lets us in by OAuth 2.0 with PKCE")
        self._say(f"{self._stage.url}  open it: its organisations, documents and every request")

    async def _connect_and_plan(self, books: "Books") -> None:
        from counterfoil.app import connecting

        loop = asyncio.get_running_loop()
        done = await connecting.connect(books, lambda url: _in_background(loop, url))
        self._say(f"{table.count(len(done.reached), 'organisation')} let us in")
        for pair in await connecting.propose(books):
            binding, _settled = await connecting.bind(books, pair.entity, pair.tenant_id)
            mark = binding.fingerprint
            self._say(f"{pair.entity} is bound to {mark.name} ({mark.country}, {mark.base_currency}); never to another")
        self._planned(await books.plan(FLOW))

    def _planned(self, plan: "PlanReport") -> None:
        self._step(2, f"The plan for {self._stage.sales.name}, a shop's day of {table.count(plan.records, 'sale')}")
        self._say(
            f"{plan.count('+')} to create with {table.count(plan.contacts, 'new contact')}, {plan.count('×')} refused"
        )
        for entity, totals in sorted(plan.totals.items()):
            self._say(f"{entity}: {table.sums(totals)}")
        if plan.count("+") != len(self._sales):
            self.off.append(f"the plan creates {plan.count('+')} of {len(self._sales)} good sales")
        self.told["planned"] = plan.count("+")

    def _post_and_be_killed(self) -> None:
        first, *_, last = self._organisations.values()
        self._step(3, "Posting, while things go wrong on purpose")
        mishaps.prepare(self._stage, first, last)
        killed = mishaps.run_and_kill(self._stage, first, self._invoices)
        self._say(f"{first}: Xero did the first write of invoices, and its answer was lost on the way")
        self._say(
            f"`counterfoil run {FLOW}` (process {killed.pid}) was killed with -9: {killed.invoices} invoices stood in Xero,"
        )
        self._say(f"and {table.count(killed.in_flight, 'write')} had no answer yet; Xero carries such on without us")
        self._killed = killed
        self._stage.calm()
        self.told["killed"] = killed._asdict()

    def _finish(self) -> None:
        code, report = mishaps.run(self._stage)
        self._step(4, f"The same command again, to the end: {report['elapsed_s']:.1f} s")
        lost = mishaps.lost(self._stage)
        if lost is None:
            self.off.append("no answer was lost")
        else:
            how = f"sent again with its own key {lost.key[:8]}…: Xero knew it and did nothing twice"
            looked = "looked for in Xero, found, and adopted; it was not sent again"
            self._say(f"the lost answer (request {lost.n}): {how if lost.again else looked}")
        unheard = max(0, self._killed.invoices - report["unchanged"])
        self._say(f"the kill: {unheard} invoices stood in Xero without our having heard of it; none was made again")
        self._say(
            f"{report['posted']} posted, {report['adopted']} found and adopted, {report['rejected']} refused by checks"
        )
        if code != 1 or report["uncertain"] or report["planned"] or report["held"]:
            self.off.append(f"the run ended with exit code {code}: {report}")
        self.told |= {"run": report, "lost": lost._asdict() if lost else None}

    async def _keep_a_shop(self, books: "Books") -> None:
        self._step(5, "A web shop's export: mapped, mended, and a wrong file taken back")
        played = await shop.play(books, self._stage.folder, self._stage.today, self._say)
        self.off += played.off
        self.told["shop"] = played.told

    async def _prove(self, books: "Books") -> None:
        ledgers = {entity: self._stage.invoices(name) for entity, name in self._organisations.items()}
        sales = [*self._sales, *judge.good_orders(self._stage.folder / "orders.csv")]
        rows = judge.table(sales, ledgers)
        self._step(6, "The proof: both files against Xero's own books")
        self._show_proof(rows)
        self.off += judge.faults(sales, ledgers)
        self.off += [f"{row.entity} {row.currency}: the totals differ" for row in rows if not row.agrees]
        for flow in (FLOW, shop.FLOW):
            proof = await books.prove(flow)
            if not proof.holds:
                self.off.append(
                    f"`counterfoil prove {flow}` does not hold: {'; '.join(proof.differences + proof.duplicates)}"
                )
        await self._name_the_bad(books)
        await self._show_links(books)
        self.told["proof"] = [row._asdict() | {"agrees": row.agrees} for row in rows]

    def _show_proof(self, rows: list[judge.Row]) -> None:
        cells = [
            [row.entity, row.currency, row.records, table.money(row.source), row.invoices, table.money(row.ledger),
             row.duplicates, "=" if row.agrees else "≠"]
            for row in rows
        ]  # fmt: skip
        heads = ("ENTITY", "CURRENCY", "SALES", "TOTAL", "IN XERO", "TOTAL", "DUPLICATES", "")
        self._screen.table(heads, cells, right=range(2, 7), indent="   ")

    async def _name_the_bad(self, books: "Books") -> None:
        problems = await books.problems()
        named = [
            msgspec.structs.asdict(one) | {"cause": problem.cause} for problem in problems for one in problem.records
        ]
        self.off += judge.unnamed(named)
        self._screen.line(f"\n   Not posted, each for its reason ({len(named)}):")
        for one in named:
            self._say(
                f"{one['external_id'] or one['source']}: {table.harmless(one['reason'])} {table.harmless(one['remedy'])}"
            )
        self.told["problems"] = len(named)

    async def _show_links(self, books: "Books") -> None:
        posted = [one for one in await books.postings(state="posted", flow=FLOW, most=LINKS_SHOWN) if one.document]
        self._screen.line("\n   Open some:")
        for one in posted:
            self._say(_link(one))
        links = [self._stage.url, *(one.document.url for one in posted if one.document)]
        self.off += [f"the page {link} does not open" for link in links if not self._stage.opens(link)]
        self.told["links"] = links

    def _invoices(self) -> int:
        return sum(len(self._stage.invoices(name)) for name in self._organisations.values())


def _in_background(loop: asyncio.AbstractEventLoop, url: str) -> None:
    loop.run_in_executor(None, person.consent, url)


def _link(one: "Listed") -> str:
    document = one.document
    assert document is not None
    return f"{document.number}  {document.url}"
