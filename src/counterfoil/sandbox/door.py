"""Every request to Xero's own paths: logged, hit by a fault or not, sent on, answered.

Called by `server` for whatever is neither a page nor under /_sandbox/. A request to a resource passes, in Xero's order:
token, scope and tenant; limits; idempotency key; processing. Processing never awaits, so it is atomic; its changes are
journaled before the answer leaves.
"""

import asyncio
import re
import sys
import traceback
from dataclasses import replace

from aiohttp import web

from counterfoil.sandbox import answers, gate, incoming, played, resources, sending, tables, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.apps import RAPID_SYNC
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.faults import Fault
from counterfoil.sandbox.gate import Caller
from counterfoil.sandbox.idempotency import METHODS, Idempotency, fingerprint
from counterfoil.sandbox.identity import scopes
from counterfoil.sandbox.identity.authorize import Authorize
from counterfoil.sandbox.identity.keys import Signer
from counterfoil.sandbox.identity.token import Tokens
from counterfoil.sandbox.journal import Journal
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.resources import paper
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.unknowns import texts
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.without_tenant import WithoutTenant
from counterfoil.sandbox.world import World

SLOW_DEFAULT_S = 1.0
RAPID_SYNC_S = 1_800.0
API_PREFIX = "/api.xro/2.0/"
API_PARTS = 2
ATTACHMENT_DEPTH = 2  # what stands in the path after the resource and before an attachment's name
INTERNAL = "An error occurred in Xero."
_JSON_ACCEPTED = re.compile(r"application/(\*|([\w.+-]*\+)?json)", re.IGNORECASE)


class Door:
    """The handler of all of Xero's paths."""

    def __init__(
        self, world: World, journal: Journal, signer: Signer, limits: Limits, tokens: Tokens, consent: Authorize
    ) -> None:
        self._world = world
        self._journal = journal
        self._signer = signer
        self._limits = limits
        self._without_tenant = WithoutTenant(world, signer, tokens, consent)
        self._idempotency = Idempotency(world)
        self.hooks: Sender | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or drop its connection if a fault says so."""
        headers = incoming.headers(request)
        tenant_id = headers.get("xero-tenant-id")
        row = self._world.log.open(
            at=self._world.clock.now(),
            method=request.method,
            path=incoming.readable(request.raw_path),
            tenant=tenant_id,
            key=headers.get("idempotency-key"),
        )
        fault = self._world.faults.take(request.method, request.path, tenant_id)
        row.fault = None if fault is None else fault.kind
        try:
            body = await incoming.body(request)
        except Refusal as refusal:
            return await sending.sent(request, row, refusal.answer, fault, gzip=False)
        except ConnectionError:  # the client left in the middle of its request: nothing happened, nobody to tell
            return await sending.sent(request, row, None, fault, gzip=False)
        row.bytes_in = request.content_length or 0 if body is None else len(body)
        answer = played.answer(self._world, self._limits, fault)
        if answer is None and not sending.drops_before(fault):
            answer = await self._answered(request, headers, body, fault)
        return await sending.sent(request, row, answer, fault, gzip=self._world.options.gzip)

    async def _answered(
        self, request: web.Request, headers: dict[str, str], body: bytes | None, fault: Fault | None
    ) -> Answer:
        """The answer of the sandbox itself; whatever it changed is committed and kept, or it is a 500 that changed nothing."""
        try:
            try:
                answer = await self._routed(request, headers, body, fault)
            except Refusal as refusal:
                answer = refusal.answer
            self.commit()
        except Exception:  # noqa: BLE001 - a bug of the sandbox or a full disk is a 500 to the client, and loud on stderr
            self._world.changes.roll_back(0)
            traceback.print_exc(file=sys.stderr)
            return Answer(500, INTERNAL.encode(), wire.TEXT)
        return answer

    def commit(self) -> None:
        """End the current write: in memory and in the state file, its events with it. Raises OSError: it is undone."""
        if self.hooks is not None:
            self.hooks.note(self._world.changes.pending)
        self._world.writer = None
        self._world.commit(self._journal.append)

    async def _routed(
        self, request: web.Request, headers: dict[str, str], body: bytes | None, fault: Fault | None
    ) -> Answer:
        path = request.path.lower().rstrip("/")
        if path.startswith(API_PREFIX):
            return await self._tenant_call(request, headers, body, fault)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s or SLOW_DEFAULT_S)
        if fault is not None and fault.kind == "500_before":
            return Answer(500, INTERNAL.encode(), wire.TEXT)
        answer = self._without_tenant.answered(request, path, headers, (body or b"").decode("utf-8", "replace"))
        await self._held_back(fault)
        return _after(answer, fault)

    async def _held_back(self, fault: Fault | None) -> None:
        """slow_answer: what was done is committed, the answer waits."""
        if fault is not None and fault.kind == "slow_answer":
            self.commit()
            await asyncio.sleep(fault.delay_s or SLOW_DEFAULT_S)

    async def _tenant_call(
        self, request: web.Request, headers: dict[str, str], body: bytes | None, fault: Fault | None
    ) -> Answer:
        """A request to a resource of one tenant, through the gate."""
        world = self._world
        caller = gate.authenticated(world, self._signer, headers)
        parts = incoming.parts(request)[API_PARTS:]
        if not parts:
            raise Refusal(answers.not_found())
        name, *rest = parts
        resource = resources.named(name)
        if resource is None:
            raise Refusal(answers.not_found())
        wanted = scopes.needed(resource.plural, rest, resource.scope)
        gate.allowed(world, caller, wanted, writing=request.method != "GET")
        books = gate.tenant(world, caller, headers.get("xero-tenant-id"))
        if fault is not None and fault.kind == "disconnected":
            world.disconnect(books, caller.client_id)
            raise Refusal(gate.forbidden(world))
        gate.permitted(world, caller, books, resource.plural)
        headroom = self._limits.enter(caller.client_id, books.tenant_id, rapid=self._is_rapid(caller, books))
        try:
            if body is None:
                raise Refusal(Answer(413))
            call = Call(
                world,
                books,
                caller.client_id,
                request.method,
                tuple(rest),
                incoming.query(request),
                headers,
                body,
                plural=resource.plural,
            )

            async def work() -> Answer:
                return await self._processed(call, resource, fault)

            key = headers.get("idempotency-key")
            if key and request.method in METHODS:
                print_of = fingerprint(request.method, request.raw_path, books.tenant_id, body)
                answer = await self._idempotency.once(caller.client_id, key, print_of, work)
            else:
                answer = await work()
            await self._held_back(fault)
        except Refusal as refusal:
            answer = refusal.answer
        finally:
            self._limits.leave(caller.client_id, books.tenant_id)
        answer.headers.update(headroom)
        world.egress.count(
            world.clock.now(), caller.client_id, books.tenant_id, request.method, resource.plural, len(answer.body)
        )
        return answer

    def _is_rapid(self, caller: Caller, books: Books) -> bool:
        """Whether Rapid Sync lifts the minute and the day: the first half hour of a connection, from tier Plus on."""
        if self._world.apps[caller.client_id].tier not in RAPID_SYNC:
            return False
        row = self._world.connection_of(caller.client_id, caller.user_id, books.tenant_id)
        return row is not None and self._world.clock.seconds() - row.get("connected_s", 0.0) < RAPID_SYNC_S

    async def _processed(self, call: Call, resource: Resource, fault: Fault | None) -> Answer:
        """What the resource answers; a refusal of the whole request leaves nothing behind."""
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s or SLOW_DEFAULT_S)
        if fault is not None and fault.kind == "500_before":
            return Answer(500, INTERNAL.encode(), wire.TEXT)
        mark = self._world.changes.mark()
        try:
            return self._worded(self._handled(call, resource, fault))
        except Refusal as refusal:
            self._world.changes.roll_back(mark)
            return self._worded(refusal.answer)

    def _worded(self, answer: Answer) -> Answer:
        """The answer, with other sentences where Xero's are not known and a switch asks for it (facts 11.9)."""
        if (
            answer.document is None
            or self._world.unknowns.plays("texts", "ours")
            or not texts.reworded(answer.document)
        ):
            return answer
        return replace(answer, body=wire.pretty(answer.document))

    def _handled(self, call: Call, resource: Resource, fault: Fault | None) -> Answer:
        if call.method != "DELETE":  # most answer 204, and SDKs ask for no type then
            _require_json(call)
        if fault is not None and fault.kind == "stale_read" and call.method == "GET":
            with tables.as_before(self._world.writes_to_hide(call.books.tenant_id, fault.delay_s)):
                return resource.handle(call)
        self._world.writer = call.client_id
        return _after(resource.handle(call), fault)


def _after(answer: Answer, fault: Fault | None) -> Answer:
    """500_after: it was processed, but this is what the server says, and what its idempotency key keeps."""
    if fault is not None and fault.kind == "500_after":
        return Answer(500, INTERNAL.encode(), wire.TEXT)
    return answer


def _require_json(call: Call) -> None:
    """Xero answers XML unless JSON is asked for; this sandbox has no XML, so it says so rather than guess.

    The content of an attachment is what it is, whatever is asked for; some documents are printed.
    """
    if len(call.path) > ATTACHMENT_DEPTH and call.path[1].lower() == "attachments":
        return
    if call.plural in paper.NUMBERS and paper.is_asked(call.method, call.path, call.headers):
        return
    if not _JSON_ACCEPTED.search(call.headers.get("accept", "")):
        text = "Without Accept: application/json Xero answers XML; this sandbox speaks JSON only."
        raise Refusal(Answer(406, text.encode(), wire.TEXT))
