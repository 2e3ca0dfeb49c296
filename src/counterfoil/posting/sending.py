"""One attempt of one request: commit the intent, send the frozen bytes once, judge the answer, commit the outcome.

Called by finishing. The named points at which tests kill or stop this process are `point(…)`: after-freeze,
after-attempt, after-send, mid-outcome. Cost: 1 call. A late owner (overtaken while it was suspended) writes nothing.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from counterfoil import errors
from counterfoil.access.audit import AuditLog
from counterfoil.model import modes
from counterfoil.model.lanes import Lane
from counterfoil.model.prepared import Finding
from counterfoil.posting import judging, kinds, recording, rewritten, stranded, unpaying
from counterfoil.posting.judging import Judgement
from counterfoil.posting.rules import Rules, key_usable, still_true
from counterfoil.posting.sentinel import Sentinel
from counterfoil.store import bindings, changes, locks, migrations, pauses, postings, requests
from counterfoil.store.database import Connection, Database
from counterfoil.store.meta import get_meta
from counterfoil.store.requests import Request, Sent, Whole
from counterfoil.xero.answers import Answer
from counterfoil.xero.client import XeroClient

PARAMS = {"summarizeErrors": "false", "unitdp": "4"}
Point = Callable[[str], None]
Answered = Callable[[Request, Answer], Awaitable[None]]


class Overtaken(Exception):
    """Another worker wrote a later attempt, or the key grew too old before ours could begin: nothing was sent."""


class _Outdated(Exception):
    """A change waited so long that its document has to be read and compared anew: nothing was sent."""


class _Forbidden(Exception):
    """The entity is no longer bound to this tenant, or its writes are stopped: nothing was sent."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class _Paused(Exception):
    """A person paused the writes since this was frozen: nothing was sent."""


class Sender:
    """Sends frozen requests of any tenant. `point` is called at the named points; in production it does nothing."""

    def __init__(
        self, database: Database, rules: Rules, sentinel: Sentinel, owner: str, point: Point, audit: AuditLog,
        *, lane: Lane = "interactive", answered: Answered | None = None,
    ) -> None:  # fmt: skip
        """`answered` gets each answer that says what became of a request, after that is written down."""
        self._database = database
        self._rules = rules
        self._sentinel = sentinel
        self._owner = owner
        self._point = point
        self._audit = audit
        self._installation = ""
        self._lane = lane
        self._answered = answered
        self._begun: set[int] = set()

    async def send(self, client: XeroClient, request: Whole) -> errors.CounterfoilError | None:
        """Make one attempt; → what stops the tenant for now (limit, consent, outage), or None."""
        began: list[tuple[Request, list[Sent]]] = []

        async def commit() -> float:
            started = self._database.clock.elapsed_s()
            self._begun.add(request.id)
            began.append(await self._begin(client, request))
            self._point("after-attempt")
            return started

        try:
            answer = await client.write(
                request.method, request.path, PARAMS, request.body, request.idempotency_key,
                lane=self._lane, timeout_s=self._rules.request_timeout_s, commit=commit,
            )  # fmt: skip
        except Overtaken:
            return None
        except _Outdated:
            await self._database.run(lambda conn: recording.abandon(conn, request, self._database.now(conn)))
            return None
        except _Forbidden as refusal:
            await self._forbidden(request, refusal.finding)
            return None
        except _Paused:
            await self._put_back(request)
            return None
        except errors.CounterfoilError as error:
            return await self._failed(began[0][0] if began else None, request, error)
        except asyncio.CancelledError:
            if request.id not in self._begun and request.attempts == 0:  # who comes next need not wait out our claim
                await self._database.run(lambda conn: recording.abandon(conn, request, self._database.now(conn)))
            raise
        finally:
            self._begun.discard(request.id)
        self._point("after-send")
        attempt, sent = began[0]
        changed = unpaying.kind_of(attempt) or rewritten.CHANGED.get(attempt.resource, rewritten.CHANGED_INVOICE)
        kind = changed if recording.is_change(attempt) else kinds.BY_RESOURCE[attempt.resource]
        judgement = judging.judge(kind, answer, sent, unclear_before=attempt.unclear_attempts > 0)
        await self._record(attempt, judgement, answer)
        if self._answered is not None and judgement.verdict == "answered":
            await self._answered(attempt, answer)
        return judgement.stop

    def has_begun(self, request: Request) -> bool:
        """Whether an attempt of a request is under way here: it may have reached Xero, and is better waited for."""
        return request.id in self._begun

    async def _begin(self, client: XeroClient, request: Whole) -> tuple[Request, list[Sent]]:
        """Commit the attempt (design §3.1, 2), then move the sentinel: both are on disk before the first byte.

        → the request as it is now, and what is in it, for judging the answer.
        """
        binding = client.binding

        def work(connection: Connection) -> tuple[Request, list[Sent], int]:
            locks.hold_tenants(connection, [request.tenant_id])
            now = self._database.now(connection)
            tenant_id, stopped = bindings.writable(connection, request.entity) or (None, None)
            if tenant_id != request.tenant_id or tenant_id != binding.tenant_id:
                raise _Forbidden(stranded.not_bound(request.entity, elsewhere=tenant_id is not None))
            if stopped is not None:
                raise _Forbidden(_stopped(request.entity, stopped))
            mode = self._rules.modes.get(request.entity, modes.NORMAL)
            if (finding := modes.forbidden(request.entity, mode, request.resource, request.body)) is not None:
                raise _Forbidden(finding)
            if migrations.outgrown(get_meta(connection, migrations.LEAST)):
                raise errors.StoreError(
                    "The database was upgraded for a newer Counterfoil while this one worked.",
                    remedy="Start this one again in the new version; what is planned is kept.",
                )
            pauses.settle(connection, now)
            if pauses.of_request(connection, request.id, request.entity, now) is not None:
                raise _Paused
            if request.attempts == 0 and not still_true(request, now):
                raise _Outdated
            if request.attempts and not (key_usable(request, self._rules, now) and still_true(request, now)):
                raise Overtaken
            sequence = requests.begin_attempt(connection, request, self._owner, now, now + self._rules.lease)
            if sequence is None:
                raise Overtaken
            self._installation = self._installation or get_meta(connection, "installation_id") or ""
            began, sent = requests.get(connection, request.id), _sent(connection, request)
            self._audit.append(connection, request.entity, "write", _write(began, len(sent)))
            return began, sent, sequence

        began, sent, sequence = await self._database.run(work)
        assert began.last_started is not None
        self._sentinel.move(self._installation, sequence, began.last_started)
        return began, sent

    async def _forbidden(self, request: Request, finding: Finding) -> None:
        """This attempt was not made. An earlier one may have arrived: that one is looked at, never called unsent."""

        def work(connection: Connection) -> None:
            locks.hold_tenants(connection, [request.tenant_id])
            if request.attempts:
                recording.look_next(connection, request)
            else:
                recording.abandon(connection, request, self._database.now(connection), finding)
            refused = {"request": request.id, "tenant": request.tenant_id, "why": finding.cause}
            self._audit.append(connection, request.entity, "write refused", refused)

        await self._database.run(work)

    async def _put_back(self, request: Request) -> None:
        """This attempt was not made: its postings are planned again, or looked for where an earlier one may have arrived."""

        def work(connection: Connection) -> None:
            locks.hold_tenants(connection, [request.tenant_id])
            if request.attempts:
                recording.look_next(connection, request)
            else:
                recording.abandon(connection, request, self._database.now(connection))

        await self._database.run(work)

    async def _failed(
        self, began: Request | None, request: Request, error: errors.CounterfoilError
    ) -> errors.CounterfoilError | None:
        """No complete answer, or no attempt at all."""
        if began is None:  # before the commit: no permit, no token, no network for the token
            if request.attempts == 0:
                await self._database.run(lambda conn: recording.abandon(conn, request, self._database.now(conn)))
            return error
        never_sent = isinstance(error, errors.XeroUnavailable) and not error.sent
        if never_sent and began.unclear_attempts == 0 and began.attempts == 1:
            await self._record(began, Judgement("again", error.message), None)
            return error
        await self._record(began, Judgement("unclear", error.message), None)
        return error if never_sent else None

    async def _record(self, began: Request, judgement: Judgement, answer: Answer | None) -> None:
        def work(connection: Connection) -> None:
            locks.hold_tenants(connection, [began.tenant_id])
            now = self._database.now(connection)
            if recording.end(connection, began, judgement, answer, self._rules, self._owner, now):
                outcome: dict[str, Any] = {"outcome": judgement.verdict, "status": answer.status if answer else None}
                self._audit.append(connection, began.entity, "write ended", _write(began) | outcome)
            self._point("mid-outcome")

        await self._database.run(work)


def _sent(connection: Connection, request: Request) -> list[Sent]:
    """What is in a request; changes with the ids of their documents and with what they set; allocations with their amount."""
    sent = requests.sent(connection, request.id)
    if request.resource == kinds.ALLOCATION.resource:
        whole = postings.many(connection, [one.posting.id for one in sent])
        return [Sent(one.position, whole[one.posting.id], one.predicted, one.contact_id) for one in sent]
    if not recording.is_change(request):
        return sent
    sets = changes.sets_of(connection, request.id)
    found = postings.many(connection, list(sets))
    return [Sent(one.position, found[one.posting.id], sets[one.posting.id], None) for one in sent]


def _write(request: Request, count: int | None = None) -> dict[str, Any]:
    """An attempt in the audit log: what its act and its outcome have in common, and of the act what is in it."""
    told: dict[str, Any] = {"request": request.id, "attempt": request.attempts}
    if count is not None:
        told |= {"tenant": request.tenant_id, "method": request.method, "resource": request.resource, "count": count}
    return told


def _stopped(entity: str, why: str) -> Finding:
    return Finding(
        "writes-stopped", f"Writes of {entity} are stopped: {why}", f"See `counterfoil entities verify {entity}`."
    )


def owner_name() -> str:
    """Who we are among all processes, also of other machines and after a reboot: host, process, and a random part."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def no_point(_name: str) -> None:
    """Production: nobody is waiting at the named points."""
