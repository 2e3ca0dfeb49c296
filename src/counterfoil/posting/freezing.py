"""Postings become a request: fixed bytes under one random key, committed together with their move to `sending`.

Called by finishing and looking, inside their transaction. A posting is in at most one open request; the database's
unique index says so. Creates use PUT, so that nothing is ever updated by accident (facts §4.7).
"""

import datetime
import functools
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any

from counterfoil.posting import kinds
from counterfoil.posting.kinds import Kind
from counterfoil.posting.rules import Rules
from counterfoil.store import followers, postings, requests
from counterfoil.store.database import Connection
from counterfoil.store.postings import Brief, Posting

Sift = Callable[[list[Brief]], list[Brief]]
CLAIM_S = 30  # a frozen request belongs to its freezer that long; then anybody may send it, the attempt decides


def freeze(
    connection: Connection,
    kind: Kind,
    chosen: Sequence[Brief],
    rules: Rules,
    owner: str,
    now: datetime.datetime,
    was: Sequence[str] = ("planned",),
) -> list[int]:
    """Freeze postings of one tenant into as few requests as the byte limit allows; → request ids, in order."""
    contents = postings.contents(connection, [posting.id for posting in chosen])
    ready: list[tuple[Brief, bytes]] = []
    for posting in chosen:
        element, contact_id = contents[posting.id]
        ready.append((posting, kind.build(element, posting, contact_id, rules.public_url)))
    if kind.under:  # each beneath another document
        return [
            _write(connection, kind, [one], owner, rules, now, was, path=kind.path(contents[one[0].id][1]))
            for one in ready
        ]
    return [_write(connection, kind, part, owner, rules, now, was) for part in _parts(ready, rules)]


def freeze_changes(
    connection: Connection, ready: Sequence[tuple[Posting, bytes]], rules: Rules, owner: str, now: datetime.datetime
) -> list[int]:
    """Freeze changes of one tenant's documents, compared a moment ago, each with the document's id; → request ids."""
    return [
        _write(connection, kinds.BY_RESOURCE[resource], part, owner, rules, now, ("planned",), method="POST")
        for resource in dict.fromkeys(posting.resource for posting, _element in ready)
        for part in _parts([one for one in ready if one[0].resource == resource], rules)
    ]


def freeze_deletion(
    connection: Connection, posting: Posting, body: bytes, rules: Rules, owner: str, now: datetime.datetime
) -> int:
    """Freeze the deletion of a payment, decided a moment ago; Xero takes one by its id. → the request's id."""
    path = f"{kinds.PAYMENT.resource}/{posting.document_id}"
    part = [(posting, body)]
    return _write(connection, kinds.PAYMENT, part, owner, rules, now, ("planned",), method="POST", path=path)


def _parts(ready: Sequence[tuple[Brief, bytes]], rules: Rules) -> list[list[tuple[Brief, bytes]]]:
    parts: list[list[tuple[Brief, bytes]]] = []
    size = 0
    for one in ready:
        if not parts or len(parts[-1]) >= rules.batch or size + len(one[1]) > rules.body_bytes_max:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += len(one[1]) + 1
    return parts


def _write(
    connection: Connection,
    kind: Kind,
    part: Sequence[tuple[Brief, bytes]],
    owner: str,
    rules: Rules,
    now: datetime.datetime,
    was: Sequence[str],
    method: str = "PUT",
    path: str | None = None,
) -> int:
    """`path`: of a request about one document by its id; one that changes it is its bytes alone."""
    first = part[0][0]
    assert {(one.entity, one.tenant_id) for one, _element in part} == {(first.entity, first.tenant_id)}
    body = b'{"%s":[%s]}' % (kind.resource.encode(), b",".join(element for _posting, element in part))
    body = body if path is None or method == "PUT" else part[0][1]
    values: dict[str, Any] = {
        "entity": first.entity, "tenant_id": first.tenant_id, "resource": kind.resource, "method": method,
        "path": path or kind.resource,
        "body": body, "idempotency_key": secrets.token_hex(16), "own_number": first.own_number or method == "POST", "state": "open", "attempts": 0,
        "unclear_attempts": 0, "looks": 0, "owner": owner, "frozen_at": now,
        "lease_until": now + datetime.timedelta(seconds=min(CLAIM_S, rules.request_timeout_s)),
    }  # fmt: skip
    request_id = requests.insert(connection, values, [(posting.id, _revision(posting)) for posting, _element in part])
    ids = [posting.id for posting, _element in part]
    postings.update_all(connection, ids, {"state": "sending", "changed_at": now}, was)
    return request_id


def _revision(posting: Brief) -> int:
    """The content that is sent: of a change, the one that waits."""
    waiting = posting.pending_revision if isinstance(posting, Posting) else None
    return waiting if waiting is not None else posting.revision


def freeze_ready(
    connection: Connection,
    entity: str,
    tenant_id: str,
    rules: Rules,
    owner: str,
    now: datetime.datetime,
    sift: Sift,
    those: Sequence[str] = kinds.FREQUENT,
    closed: Collection[str] = (),
) -> list[int]:
    """Freeze the next batch of an entity for its tenant: contacts before the documents that need them; → request ids, [] when none is ready.

    `sift` takes out, and settles, those that Xero has already by the mirror's word (a retry of what was held).
    Of flows in `closed` nothing is frozen.
    A part-filled batch of documents waits while contacts are still on their way: calls are what an organisation has least of.
    """
    for resource in those:
        kind = kinds.BY_RESOURCE[resource]
        for own_number in (True, False):
            find = functools.partial(
                followers.ready, connection, entity, tenant_id, resource, own_number=own_number, most=rules.batch,
                closed=closed,
            )  # fmt: skip
            chosen, settled = find(), False
            while chosen and not (sifted := sift(chosen)):
                chosen, settled = find(), True
            if not chosen and settled:
                return []  # what was found at Xero may be paid there: that is looked at before what follows it is sent
            if not chosen:
                continue
            chosen = sifted
            if (
                kind is not kinds.CONTACT
                and len(chosen) < rules.batch
                and _contacts_under_way(connection, tenant_id, now)
            ):
                continue
            return freeze(connection, kind, chosen, rules, owner, now)
    return []


def _contacts_under_way(connection: Connection, tenant_id: str, now: datetime.datetime) -> bool:
    """True while a contact request of this tenant is being sent right now (not while one waits out its quiet period)."""
    return any(
        request.resource == kinds.CONTACT.resource and request.state == "open" and (request.lease_until or now) > now
        for request in requests.open_of(connection, tenant_id)
    )
