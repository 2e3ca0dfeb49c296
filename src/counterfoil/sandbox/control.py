"""The control of the sandbox under /_sandbox/: faults, request log, ledgers, clock, and the person at Xero's screen.

Called by `server`'s routes. Answers are JSON on one line. Nothing here is a part of Xero.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from counterfoil.sandbox import control_forms, past, unknowns, wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.books import PLURALS, Books
from counterfoil.sandbox.door import Door
from counterfoil.sandbox.faults import COUNT_UNBOUNDED, KNOWN
from counterfoil.sandbox.journal import Journal
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.pages.buttons import OURS
from counterfoil.sandbox.portal import Portal
from counterfoil.sandbox.screen import Screen
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

BODY_MAX = 32 * 1024 * 1024
ADVANCED_MAX_S = 10_000_000_000  # some three hundred years: dates stay dates
DELAY_MAX_S = 10_000_000  # some four months: longer than any clock of asyncio's is asked to wait
_FAULT_FIELDS: dict[str, tuple[type, ...]] = {
    "fault": (str,),
    "method": (str,),
    "path": (str,),
    "tenant": (str,),
    "count": (int,),
    "probability": (int, float),
    "seed": (int,),
    "delay_s": (int, float),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The control handlers over one world."""

    def __init__(self, world: World, journal: Journal, limits: Limits, door: Door, hooks: Sender) -> None:
        self._world = world
        self._journal = journal
        self._limits = limits
        self._door = door
        self._hooks = hooks
        self._portal = Portal(world, hooks)
        self._screen = Screen(world, journal, door)
        self._portal.begin_webhooks()

    def routes(self) -> list[web.RouteDef]:
        """Everything under /_sandbox/ except the pages."""
        table: list[tuple[str, str, Callable[[web.Request], Awaitable[Answer]]]] = [
            ("GET", "/_sandbox/health", self._health),
            ("POST", "/_sandbox/faults", self._add_fault),
            ("DELETE", "/_sandbox/faults", self._clear_faults),
            ("GET", "/_sandbox/requests", self._requests),
            ("GET", "/_sandbox/ledger/{tenant}", self._ledger),
            ("POST", "/_sandbox/reset", self._reset),
            ("POST", "/_sandbox/clock", self._clock),
            ("GET", "/_sandbox/coverage", self._coverage),
            ("GET", "/_sandbox/unknowns", self._unknowns),
            ("POST", "/_sandbox/unknowns", self._set_unknowns),
            ("GET", "/_sandbox/limits", self._used),
            ("GET", "/_sandbox/webhooks", self._portal.webhooks),
            ("POST", "/_sandbox/webhooks", self._portal.set_webhooks),
            ("DELETE", "/_sandbox/webhooks", self._portal.no_webhooks),
            ("GET", "/_sandbox/apps", self._portal.apps),
            ("POST", "/_sandbox/apps", self._portal.new_app),
            ("POST", "/_sandbox/apps/{client_id}", self._portal.app),
            ("GET", "/_sandbox/subscriptions", self._portal.subscriptions),
            ("POST", "/_sandbox/subscriptions", self._portal.new_subscription),
            ("POST", "/_sandbox/subscriptions/{id}", self._portal.subscription),
            ("GET", "/_sandbox/usage", self._usage),
            ("POST", "/_sandbox/organisation/{tenant}", self._screen.organisation),
            ("POST", "/_sandbox/person/{tenant}", self._screen.person),
            ("POST", "/_sandbox/document/{tenant}", self._screen.new_documents),
            ("POST", "/_sandbox/document/{tenant}/{id}", self._screen.document),
        ]
        known = [f"{method} {path}" for method, path, _ in table]

        async def unknown(_: web.Request) -> Answer:
            return control_forms.answered({"error": "no such control", "known": known}, 404)

        table.append(("*", "/_sandbox/{rest:.*}", unknown))
        return [web.route(method, path, self._committed(handler)) for method, path, handler in table]

    def _committed(self, handler: Callable[[web.Request], Awaitable[Answer]]) -> Handler:
        """A handler whose changes are kept, or rolled back if it refuses."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                if request.method != "GET" and request.headers.get("Sec-Fetch-Site") not in OURS:
                    raise Refusal(control_forms.answered({"error": "this request comes from another site"}, 403))
                answer = await handler(request)
                self._door.commit()
            except Refusal as refusal:
                self._world.changes.roll_back(0)
                answer = refusal.answer
            except Exception:
                self._world.changes.roll_back(0)
                raise
            return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": wire.JSON})

        return handle

    async def _health(self, _: web.Request) -> Answer:
        return control_forms.answered(
            {"ok": True, "seed": self._world.seed, "now": self._world.clock.now().isoformat()}
        )

    async def _used(self, _: web.Request) -> Answer:
        return control_forms.answered(self._limits.usage())

    async def _usage(self, _: web.Request) -> Answer:
        tiers = {app.client_id: app.tier for app in self._world.apps.values()}
        return control_forms.answered(self._world.egress.usage(self._world.clock.now(), tiers))

    async def _coverage(self, _: web.Request) -> Answer:
        from counterfoil.sandbox import coverage

        return control_forms.answered(coverage.coverage())

    async def _unknowns(self, _: web.Request) -> Answer:
        outside = [{"facts": f"11.{point}", "reason": reason} for point, reason in unknowns.OUTSIDE.items()]
        return control_forms.answered({"unknowns": self._world.unknowns.listed(), "outside": outside})

    async def _set_unknowns(self, request: web.Request) -> Answer:
        """{name: choice, …}, null for what it was started with; all of them or none."""
        given = await control_forms.given(request)
        world = self._world
        if "currency-rate" in given and any(has_foreign(books) for books in world.organisations()):
            control_forms.bad("currency-rate: there are documents in foreign currency already; reset first")
        try:
            world.unknowns.choose(given)
        except ValueError as error:
            control_forms.bad(str(error))
        if "limit-windows" in given:
            self._limits.forget()
        return await self._unknowns(request)

    async def _add_fault(self, request: web.Request) -> Answer:
        given = await control_forms.given(request)
        for name, value in given.items():
            if name not in _FAULT_FIELDS:
                control_forms.bad(f"unknown field {name!r}", known=sorted(_FAULT_FIELDS))
            if value is not None and (isinstance(value, bool) or not isinstance(value, _FAULT_FIELDS[name])):
                control_forms.bad(f"{name} has the wrong type")
        given = {name: value for name, value in given.items() if value is not None}
        kind = given.pop("fault", None)
        if kind not in KNOWN:
            control_forms.bad(f"unknown fault {kind!r}", known=sorted(KNOWN))
        if kind == "stale_read" and "delay_s" in given:
            given.setdefault("count", COUNT_UNBOUNDED)
        if given.get("count", 1) < 1 or not 0 <= given.get("probability", 1) <= 1:
            control_forms.bad("count is at least 1, probability between 0 and 1")
        if not 0 <= given.get("delay_s", 0) <= DELAY_MAX_S:
            control_forms.bad(f"delay_s is 0 to {DELAY_MAX_S:,}")
        return control_forms.answered({"id": self._world.faults.add(kind, **given)})

    async def _clear_faults(self, request: web.Request) -> Answer:
        fault_id = request.query.get("id")
        if fault_id is not None and not fault_id.isdecimal():
            control_forms.bad("id is a number")
        return control_forms.answered(
            {"cleared": self._world.faults.clear(None if fault_id is None else int(fault_id))}
        )

    async def _requests(self, request: web.Request) -> Answer:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            control_forms.bad("after is a number")
        return control_forms.answered([row.wire() for row in self._world.log.after(int(after))])

    async def _ledger(self, request: web.Request) -> Answer:
        books = control_forms.books_of(self._world, request)
        return control_forms.answered({plural: list(books.table(plural)) for plural in PLURALS})

    async def _reset(self, request: web.Request) -> Answer:
        seed = (await control_forms.given(request)).get("seed", self._world.seed)
        if not isinstance(seed, int) or isinstance(seed, bool):
            control_forms.bad("seed is a whole number")
        self._world.renew(seed)
        past.lived(self._world)
        self._limits.forget()
        self._hooks.forget()
        self._portal.begin_webhooks()
        self._door.commit()
        self._journal.rewrite(self._world)
        return control_forms.answered({"seed": seed, "organisations": described(self._world)})

    async def _clock(self, request: web.Request) -> Answer:
        advance_s = (await control_forms.given(request)).get("advance_s", 0)
        if isinstance(advance_s, bool) or not isinstance(advance_s, int | float) or advance_s < 0:
            control_forms.bad("advance_s is a number of seconds, not negative")
        if self._world.clock.advanced_s + advance_s > ADVANCED_MAX_S:
            control_forms.bad(f"the clock moves {ADVANCED_MAX_S:,} seconds forward at most")
        self._world.advance(advance_s)
        self._hooks.wake()
        return control_forms.answered({"now": self._world.clock.now().isoformat()})


def has_foreign(books: Books) -> bool:
    """Whether anything in these books has a rate."""
    return any(row.get("CurrencyRate", 1) != 1 for plural in PLURALS for row in books.table(plural))


def described(world: World) -> list[dict[str, Any]]:
    """The organisations as the ready line names them."""
    return [
        {
            "tenant_id": books.tenant_id,
            "name": books.name,
            "short_code": books.organisation["ShortCode"],
            "country": books.organisation["CountryCode"],
            "base_currency": books.base_currency,
            "timezone": books.organisation["Timezone"],
        }
        for books in world.organisations()
    ]
