"""The control of the sandbox under /_sandbox/: faults, request log, ledgers, clock, and the person at Xero's screen.

Called by `server`'s routes. Answers are JSON on one line. Nothing here is a part of Xero.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from counterfoil.sandbox import past, person, registering, wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.books import PLURALS, Books
from counterfoil.sandbox.door import Door
from counterfoil.sandbox.faults import COUNT_UNBOUNDED, KNOWN
from counterfoil.sandbox.journal import Journal
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.webhooks import subscriptions
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

BODY_MAX = 32 * 1024 * 1024
WAIT_MAX_S = 60
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
_PERSON_FIELDS = frozenset({"method", "path", "body"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The control handlers over one world."""

    def __init__(self, world: World, journal: Journal, limits: Limits, door: Door, hooks: Sender) -> None:
        self._world = world
        self._journal = journal
        self._limits = limits
        self._door = door
        self._hooks = hooks

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
            ("GET", "/_sandbox/limits", self._used),
            ("GET", "/_sandbox/webhooks", self._webhooks),
            ("POST", "/_sandbox/webhooks", self._set_webhooks),
            ("DELETE", "/_sandbox/webhooks", self._no_webhooks),
            ("GET", "/_sandbox/apps", self._apps),
            ("POST", "/_sandbox/apps", self._new_app),
            ("POST", "/_sandbox/apps/{client_id}", self._app),
            ("POST", "/_sandbox/organisation/{tenant}", self._organisation),
            ("POST", "/_sandbox/person/{tenant}", self._person),
            ("POST", "/_sandbox/document/{tenant}", self._new_documents),
            ("POST", "/_sandbox/document/{tenant}/{id}", self._document),
        ]
        known = [f"{method} {path}" for method, path, _ in table]

        async def unknown(_: web.Request) -> Answer:
            return _json({"error": "no such control", "known": known}, 404)

        table.append(("*", "/_sandbox/{rest:.*}", unknown))
        return [web.route(method, path, self._committed(handler)) for method, path, handler in table]

    def _committed(self, handler: Callable[[web.Request], Awaitable[Answer]]) -> Handler:
        """A handler whose changes are kept, or rolled back if it refuses."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await handler(request)
            except Refusal as refusal:
                self._world.changes.roll_back(0)
                answer = refusal.answer
            finally:
                self._door.commit()
            return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": wire.JSON})

        return handle

    async def _health(self, _: web.Request) -> Answer:
        return _json({"ok": True, "seed": self._world.seed, "now": self._world.clock.now().isoformat()})

    async def _used(self, _: web.Request) -> Answer:
        return _json(self._limits.usage())

    async def _coverage(self, _: web.Request) -> Answer:
        from counterfoil.sandbox import coverage

        return _json(coverage.coverage())

    async def _add_fault(self, request: web.Request) -> Answer:
        given = await _object(request)
        for name, value in given.items():
            if name not in _FAULT_FIELDS:
                _bad(f"unknown field {name!r}", known=sorted(_FAULT_FIELDS))
            if value is not None and (isinstance(value, bool) or not isinstance(value, _FAULT_FIELDS[name])):
                _bad(f"{name} has the wrong type")
        given = {name: value for name, value in given.items() if value is not None}
        kind = given.pop("fault", None)
        if kind not in KNOWN:
            _bad(f"unknown fault {kind!r}", known=sorted(KNOWN))
        if kind == "stale_read" and "delay_s" in given:
            given.setdefault("count", COUNT_UNBOUNDED)
        if given.get("count", 1) < 1 or not 0 <= given.get("probability", 1) <= 1 or given.get("delay_s", 0) < 0:
            _bad("count is at least 1, probability between 0 and 1, delay_s not negative")
        return _json({"id": self._world.faults.add(kind, **given)})

    async def _clear_faults(self, request: web.Request) -> Answer:
        fault_id = request.query.get("id")
        if fault_id is not None and not fault_id.isdecimal():
            _bad("id is a number")
        return _json({"cleared": self._world.faults.clear(None if fault_id is None else int(fault_id))})

    async def _requests(self, request: web.Request) -> Answer:
        after = request.query.get("after", "0")
        if not after.isdecimal():
            _bad("after is a number")
        return _json([row.wire() for row in self._world.log.after(int(after))])

    async def _ledger(self, request: web.Request) -> Answer:
        books = self._books(request)
        return _json({plural: list(books.table(plural)) for plural in PLURALS})

    async def _reset(self, request: web.Request) -> Answer:
        seed = (await _object(request)).get("seed", self._world.seed)
        if not isinstance(seed, int) or isinstance(seed, bool):
            _bad("seed is a whole number")
        self._world.renew(seed)
        past.lived(self._world)
        self._limits.forget()
        self._hooks.forget()
        self.begin_webhooks()
        self._door.commit()
        self._journal.rewrite(self._world)
        return _json({"seed": seed, "organisations": described(self._world)})

    async def _clock(self, request: web.Request) -> Answer:
        advance_s = (await _object(request)).get("advance_s", 0)
        if isinstance(advance_s, bool) or not isinstance(advance_s, int | float) or not 0 <= advance_s < 1e10:
            _bad("advance_s is a number of seconds, not negative")
        self._world.advance(advance_s)
        self._hooks.wake()
        return _json({"now": self._world.clock.now().isoformat()})

    def begin_webhooks(self) -> None:
        """Subscribe the address of --webhook-url, unless a state file has it already."""
        url = self._world.options.webhook_url
        if url is not None and all(row["url"] != url for row in self._world.webhooks):
            subscriptions.subscribed(self._world, {"url": url})
            self._hooks.wake()

    async def _webhooks(self, request: web.Request) -> Answer:
        """`after`: deliveries after this number; `wait_s`: first wait until nothing is due."""
        after, wait_s = request.query.get("after", "0"), request.query.get("wait_s", "0")
        if not after.isdecimal() or not wait_s.isdecimal() or int(wait_s) > WAIT_MAX_S:
            _bad(f"after is a number, wait_s is 0 to {WAIT_MAX_S}")
        settled = await self._hooks.settled(int(wait_s))
        rows = [subscriptions.shown(self._world, row) for row in self._world.webhooks]
        return _json({"settled": settled, "subscriptions": rows, "deliveries": self._hooks.after(int(after))})

    async def _set_webhooks(self, request: web.Request) -> Answer:
        try:
            rows = subscriptions.subscribed(self._world, await _object(request))
        except (ValueError, TypeError) as error:
            _bad(str(error))
        self._hooks.wake()
        return _json({"subscriptions": rows})

    async def _no_webhooks(self, _: web.Request) -> Answer:
        return _json({"removed": subscriptions.removed(self._world)})

    async def _apps(self, _: web.Request) -> Answer:
        return _json(registering.listed(self._world))

    async def _new_app(self, request: web.Request) -> Answer:
        try:
            return _json(registering.created(self._world, await _object(request)))
        except (ValueError, TypeError) as error:
            _bad(str(error))

    async def _app(self, request: web.Request) -> Answer:
        try:
            row = registering.changed(self._world, request.match_info["client_id"], await _object(request))
        except (ValueError, TypeError) as error:
            _bad(str(error))
        if row is None:
            raise Refusal(_json({"error": "no such app"}, 404))
        return _json(row)

    async def _organisation(self, request: web.Request) -> Answer:
        given = await _object(request)
        unknown = given.keys() - person.ORGANISATION_FIELDS
        if unknown:
            _bad(f"unknown field {min(unknown)!r}", known=sorted(person.ORGANISATION_FIELDS))
        try:
            books = person.changed_organisation(self._world, self._books(request), given)
        except (ValueError, TypeError) as error:
            _bad(str(error))
        if given.get("reset"):
            self._door.commit()
            self._journal.rewrite(self._world)
        return _json({"tenant_id": books.tenant_id, "organisation": books.organisation})

    async def _person(self, request: web.Request) -> Answer:
        """{"method", "path", "body"?}: a person does it by Xero's rules; {"status", "answer"} is what came of it."""
        given = await _object(request)
        unknown = given.keys() - _PERSON_FIELDS
        if unknown or not all(isinstance(given.get(field), str) for field in ("method", "path")):
            _bad("the body is {method, path, body}", known=sorted(_PERSON_FIELDS))
        try:
            answer = person.acted(
                self._world, self._books(request), given["method"].upper(), given["path"], given.get("body")
            )
        except ValueError as error:
            _bad(str(error))
        is_json = answer.content_type == wire.JSON
        return _json({"status": answer.status, "answer": wire.decode(answer.body) if is_json else None})

    async def _new_documents(self, request: web.Request) -> Answer:
        """{"Invoices": […]}, {"Payments": […]} …: a person makes documents; 400 as Xero would."""
        try:
            answer = person.made_documents(self._world, self._books(request), await _object(request))
        except ValueError as error:
            _bad(str(error))
        if answer.status >= 400:
            raise Refusal(answer)
        return answer

    async def _document(self, request: web.Request) -> Answer:
        given = await _object(request)
        if given.keys() != {"set"} or not isinstance(given["set"], dict):
            _bad('the body is {"set": {…}}')
        try:
            row = person.edited_document(self._world, self._books(request), request.match_info["id"], given["set"])
        except (ValueError, TypeError) as error:
            _bad(str(error))
        if row is None:
            raise Refusal(_json({"error": "no such document"}, 404))
        return _json(row)

    def _books(self, request: web.Request) -> Books:
        books = self._world.books(request.match_info["tenant"])
        if books is None:
            raise Refusal(_json({"error": "no such tenant"}, 404))
        return books


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


async def _object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is {}."""
    body = await request.read()
    if not body.strip():
        return {}
    try:
        # Plain floats for probabilities and seconds; what holds documents is read with decimals.
        documents = any(part in request.path for part in ("/document/", "/person/"))
        given = wire.decode(body) if documents else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _bad(f"the body is not JSON: {error}")
    if not isinstance(given, dict):
        _bad("the body must be a JSON object")
    return given


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, wire.compact(value), wire.JSON)


def _bad(error: str, **more: Any) -> NoReturn:
    raise Refusal(_json({"error": error, **more}, 400))
