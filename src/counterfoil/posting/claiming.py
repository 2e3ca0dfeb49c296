"""Which piece of an organisation's open work comes next: asked anew each time, from the tables.

Called by finishing, within a transaction that holds the tenant, so that two processes never take the same piece. What it must not
take twice within one process (`busy`, `recovering`, `comparing`) the worker that carries it out gives back.
"""

import datetime
import functools
from collections.abc import Callable, Collection, Sequence

import msgspec

from counterfoil.model.binding import Binding
from counterfoil.posting import erased, freezing, kinds, recording, recovering
from counterfoil.posting.rules import ALL_OPEN, Closed, Rules, next_step
from counterfoil.store import changes, documents, followers, locks, pauses, payments, requests
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Brief
from counterfoil.store.requests import Request

Hours = Callable[[Connection, datetime.datetime], Closed]


def always_open(_connection: Connection, _now: datetime.datetime) -> Closed:
    """No flow has a window."""
    return ALL_OPEN


class Work(msgspec.Struct, frozen=True):
    """One claimed piece: send | look | recover | unpay | compare; or wait until `when`; closed until `when`; or done.

    `request`: what is to be sent with its bytes, what is to be looked for without them.
    """

    action: str
    request: Request | None = None
    resource: str = ""
    when: datetime.datetime | None = None


class Claims:
    """What one worker of one tenant may take. `left_alone`: flows by their ids; `closed`: which may send nothing at an instant."""

    def __init__(
        self, database: Database, binding: Binding, rules: Rules, owner: str, closed: Hours, left_alone: frozenset[str]
    ) -> None:
        self._database = database
        self._entity = binding.entity
        self._tenant = binding.tenant_id
        self._rules = rules
        self._owner = owner
        self._closed = closed
        self._left_alone = left_alone
        self.busy: set[int] = set()  # requests
        self.recovering = False
        self.comparing = False

    def next(self, connection: Connection) -> Work:
        """The next piece of work, from the tables."""
        locks.hold_tenants(connection, [self._tenant])
        now = self._database.now(connection)
        after = recovering.quiet_until(connection)
        if after is not None and after > now:
            return Work("wait", when=after)
        due: list[datetime.datetime] = []
        closed = self._closed(connection, now)
        alone = requests.all_of_flows(connection, self._tenant, self._left_alone) if self._left_alone else set()
        for request in requests.open_of(connection, self._tenant):
            if request.id in self.busy or request.id in alone:
                continue
            work = self._claim_request(connection, request, now, closed)
            if work.action != "wait":
                return work
            due.append(work.when or now)
        fresh = self._claim_planned(connection, now, closed.flow_ids | self._left_alone)
        if fresh.action != "done":
            return fresh if fresh.when is None else Work("wait", when=min([fresh.when, *due]))
        if self.busy or self.recovering or self.comparing:
            return Work("wait", when=now)
        if due:
            return Work("wait", when=min(due))
        if followers.waits_for_a_window(connection, self._entity, self._tenant, closed.flow_ids):
            return Work("closed", when=closed.until)
        return Work("done")

    def _claim_request(self, connection: Connection, request: Request, now: datetime.datetime, closed: Closed) -> Work:
        if request.lease_until is not None and request.lease_until > now and request.owner != self._owner:
            return Work("wait", when=request.lease_until)
        if request.state == "open" and request.attempts == 0:
            if closed.flow_ids and requests.is_of_any(connection, request.id, closed.flow_ids):
                recording.abandon(connection, request, now)  # frozen by somebody who died, before its window closed
                return Work("wait", when=now)
            return Work("send", requests.whole(connection, request.id))
        if request.state == "open":
            if request.lease_until is not None and request.lease_until > now:
                return Work("wait", when=request.lease_until)
            recording.unclear(connection, request, "the process that sent it ended.", self._rules, now)
            request = requests.get(connection, request.id)
        step = next_step(request, self._rules, now)
        when = max(step.when, request.not_before or now)
        if when > now:
            return Work("wait", when=when)
        held = now + datetime.timedelta(seconds=self._rules.request_timeout_s)
        if step.action == "look" and not requests.change(
            connection, request, {"owner": self._owner, "lease_until": held}
        ):
            return Work("wait", when=now)
        if step.action == "resend":
            return Work("send", requests.whole(connection, request.id))
        return Work("look", requests.get(connection, request.id))

    def _claim_planned(self, connection: Connection, now: datetime.datetime, closed: Collection[str]) -> Work:
        """Planned postings: first be sure that none of them is at Xero already, then freeze the next batch."""
        pauses.settle(connection, now)
        if pauses.of_entity(connection, self._entity, now) is not None:
            return Work("done")  # requests that may have arrived are looked for all the same
        if payments.unverified(connection, self._tenant, every=self._forgotten(connection)):
            if self.recovering:
                return Work("wait", when=now)
            self.recovering = True
            return Work("recover", resource=kinds.PAYMENT.resource)
        for resource in kinds.ORDER:
            if self._to_recover(connection, resource, closed):
                return self._recover_first(resource, now)
        if not self.comparing and payments.to_delete(connection, self._entity, self._tenant, 1, self._left_alone):
            self.comparing = True
            return Work("unpay")
        if not self.comparing and changes.ready(
            connection, self._entity, self._tenant, 1, closed=closed, but=self._left_alone
        ):
            self.comparing = True
            return Work("compare")
        settled = False

        def sift(chosen: Sequence[Brief]) -> list[Brief]:
            nonlocal settled
            left = recovering.sift(connection, chosen, now)
            settled = settled or len(left) < len(chosen)
            return erased.sift(connection, left, now)

        freeze = functools.partial(
            freezing.freeze_ready,
            connection,
            self._entity,
            self._tenant,
            self._rules,
            self._owner,
            now,
            sift,
            closed=closed,
        )
        frozen = freeze()
        if not frozen and settled:
            return Work("wait", when=now)  # what was found at Xero may have freed other work
        if not frozen and self._to_recover(connection, kinds.CREDIT_NOTE.resource, closed):
            return self._recover_first(kinds.CREDIT_NOTE.resource, now)
        frozen = frozen or freeze(kinds.CREDITS)
        if frozen:
            return Work("send", requests.whole(connection, frozen[0]))
        return Work("wait", when=now) if settled else Work("done")

    def _to_recover(self, connection: Connection, resource: str, closed: Collection[str]) -> bool:
        """Something of this resource is to be made, and Xero was not read for what it has already."""
        if documents.cursor(connection, self._tenant, resource).recovered:
            return False
        return any(
            followers.ready(
                connection, self._entity, self._tenant, resource, own_number=own_number, most=1, closed=closed
            )
            for own_number in (True, False)
        )

    def _recover_first(self, resource: str, now: datetime.datetime) -> Work:
        if self.recovering:
            return Work("wait", when=now)
        self.recovering = True
        return Work("recover", resource=resource)

    def _forgotten(self, connection: Connection) -> bool:
        """Payments may have been made in a time that this database knows nothing of."""
        return not documents.cursor(connection, self._tenant, kinds.PAYMENT.resource).recovered
