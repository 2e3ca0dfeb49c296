"""Write outcomes down: each transition of a posting has one owner function here, inside one transaction.

Called by sending and looking. Every function first compares and swaps on the request's attempts and looks: who was
overtaken by another worker writes nothing.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from counterfoil.model import kept_answer
from counterfoil.model.prepared import Finding
from counterfoil.posting import concluding, freezing, kinds
from counterfoil.posting.judging import ItemVerdict, Judgement
from counterfoil.posting.rules import Rules, next_step
from counterfoil.store import documents, followers, postings, requests
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.requests import Request
from counterfoil.xero.answers import Answer

ON_ITS_WAY = ("sending", "uncertain")
OF_SETTINGS = re.compile(r"account|tax|tracking|currency", re.IGNORECASE)
NO_HANDS = "Do not type it in by hand: run `counterfoil finish`."


def keep_answer(answer: Answer | None) -> dict[str, Any]:
    """The columns of an attempt that hold what Xero said."""
    if answer is None:
        return {}
    kept = kept_answer.pack(answer.body, answer.packed)
    return {"status": answer.status, "correlation_id": answer.correlation_id, "answer": kept}


def end(
    connection: Connection,
    request: Request,
    judgement: Judgement,
    answer: Answer | None,
    rules: Rules,
    owner: str,
    now: datetime.datetime,
) -> bool:
    """Write what an attempt came to. `request` is as it was after the attempt began; False: overtaken, nothing written."""
    fresh = requests.get(connection, request.id)
    if (fresh.attempts, fresh.looks, fresh.owner) != (
        request.attempts,
        request.looks,
        owner,
    ) or fresh.state == "closed":
        return False
    outcome = judgement.verdict if not judgement.reason else f"{judgement.verdict}: {judgement.reason}"
    requests.end_attempt(
        connection, request.id, request.attempts, {"ended": now, "outcome": outcome, **keep_answer(answer)}
    )
    if judgement.verdict == "answered":
        _answered(connection, fresh, judgement.items, now)
    elif judgement.verdict == "again":
        _close(connection, fresh, "again", now)
        _replan(connection, fresh, now)
    elif judgement.verdict == "split":
        _split(connection, fresh, judgement, rules, owner, now)
    else:
        unclear(connection, fresh, judgement.reason, rules, now)
    return True


def unclear(connection: Connection, request: Request, reason: str, rules: Rules, now: datetime.datetime) -> None:
    """An attempt of which nobody knows whether Xero did it: the postings are uncertain until it is looked at."""
    later = _with_unclear(request)
    step = next_step(later, rules, now)
    values = {"state": "unclear", "unclear_attempts": later.unclear_attempts, "outcome": reason, "not_before": step.when,
              "lease_until": None, "owner": None}  # fmt: skip
    if not requests.change(connection, request, values):
        return
    until = step.when.replace(microsecond=0).isoformat()
    rows = [
        {"pid": posting_id, "state": "uncertain", "cause": "uncertain", "reason": f"No clear answer: {reason} Looked at again {until}.",
         "remedy": NO_HANDS, "changed_at": now}
        for _position, posting_id, _revision in requests.open_items(connection, request.id)
    ]  # fmt: skip
    postings.update_many(connection, rows, ON_ITS_WAY)


def is_change(request: Request) -> bool:
    """The request changes documents that are there; its postings end otherwise than those of new ones."""
    return request.method == "POST"


def _refuse(
    connection: Connection, request: Request, refused: Mapping[int, Sequence[str]], now: datetime.datetime
) -> None:
    (concluding.refused if is_change(request) else write_rejected)(connection, refused, now)


def look_next(connection: Connection, request: Request) -> None:
    """An unclear request that may not be sent again now: its next step is the look (rules.next_step)."""
    values = {"unclear_attempts": request.unclear_attempts + 1, "lease_until": None, "owner": None}
    requests.change(connection, request, values)


def _with_unclear(request: Request) -> Request:
    return msgspec.structs.replace(request, unclear_attempts=request.unclear_attempts + 1, last_look=None)


def _answered(connection: Connection, request: Request, items: Sequence[ItemVerdict], now: datetime.datetime) -> None:
    open_items = {
        position: posting_id for position, posting_id, _revision in requests.open_items(connection, request.id)
    }
    done = [item for item in items if item.outcome != "look" and item.position in open_items]
    look = [item for item in items if item.outcome == "look" and item.position in open_items]
    there = [(open_items[i.position], i) for i in done if i.outcome == "posted"]
    if is_change(request):
        concluding.done(connection, there, now)
    else:
        write_posted(connection, there, "created", now)
    _refuse(connection, request, {open_items[i.position]: i.messages for i in done if i.outcome == "rejected"}, now)
    requests.close_items(connection, request.id, {i.position: i.outcome for i in done})
    if look:
        _await_look(connection, request, [(open_items[i.position], i) for i in look], now)
    else:
        _close(connection, request, "answered", now)


def _await_look(
    connection: Connection, request: Request, items: Sequence[tuple[int, ItemVerdict]], now: datetime.datetime
) -> None:
    """Xero refuses because something of that name or number exists: is it ours? Look before anything is said."""
    values = {"state": "unclear", "outcome": "look", "not_before": now, "lease_until": None, "owner": None}
    requests.change(connection, request, values)
    found = postings.many(connection, [posting_id for posting_id, _item in items])
    rows = [
        {"pid": posting_id, "state": "uncertain", "cause": "uncertain", "reason": f"Xero said: {' '.join(item.messages)}",
         "remedy": NO_HANDS, "xero_messages": list(item.messages), "looks": found[posting_id].looks + 1, "changed_at": now}
        for posting_id, item in items
    ]  # fmt: skip
    postings.update_many(connection, rows, ON_ITS_WAY)


def write_posted(
    connection: Connection, items: Sequence[tuple[int, ItemVerdict]], how: str, now: datetime.datetime
) -> None:
    """Xero has the document. A difference from what we predicted is a problem, though the document stands."""
    rows: list[dict[str, Any]] = []
    for posting_id, item in items:
        differs = bool(item.differences)
        rows.append({
            "pid": posting_id, "state": "posted", "how": how, "document_id": item.document_id, "document_number": item.document_number,
            "cause": "stored-otherwise" if differs else None, "reason": f"Posted, but {'; '.join(item.differences)}." if differs else None,
            "remedy": "Compare the document in Xero with the record; then `counterfoil problems skip`." if differs else None,
            "xero_messages": None, "changed_at": now,
        })  # fmt: skip
    postings.update_many(connection, rows, ("sending", "uncertain", "planned", "held"))
    followers.free_followers(connection, [row["pid"] for row in rows if row["cause"] is None], now)
    followers.hold_followers(connection, [row["pid"] for row in rows if row["cause"] is not None], now)


def write_rejected(connection: Connection, refused: Mapping[int, Sequence[str]], now: datetime.datetime) -> None:
    """Xero refused these, in its own words; what waits for them is held.

    Words that name a setting say that what we know of the settings is old: the next run reads them again.
    """
    rows = [
        {"pid": posting_id, "state": "rejected", "cause": f"xero:{messages[0] if messages else 'refused'}", "reason": " ".join(messages),
         "remedy": "Correct the record or Xero's settings, then `counterfoil problems retry`.", "xero_messages": list(messages),
         "changed_at": now}
        for posting_id, messages in refused.items()
    ]  # fmt: skip
    postings.update_many(connection, rows, ON_ITS_WAY)
    followers.hold_followers(connection, list(refused), now)
    doubtful = [one for one, messages in refused.items() if any(map(OF_SETTINGS.search, messages))]
    if doubtful:
        documents.doubt_reference(connection, doubtful)


def write_held(connection: Connection, found: Mapping[int, Finding], state: str, now: datetime.datetime) -> None:
    """These need a person (`held`), or cannot be made (`rejected`)."""
    rows = [
        {
            "pid": posting_id,
            "state": state,
            "cause": finding.cause,
            "reason": finding.reason,
            "remedy": finding.remedy,
            "changed_at": now,
        }
        for posting_id, finding in found.items()
    ]
    postings.update_many(connection, rows, (*ON_ITS_WAY, "planned"))
    followers.hold_followers(connection, list(found), now)


def _close(connection: Connection, request: Request, outcome: str, now: datetime.datetime) -> None:
    del now
    requests.change(
        connection, request, {"state": "closed", "outcome": outcome, "lease_until": None, "not_before": None}
    )


def _replan(connection: Connection, request: Request, now: datetime.datetime) -> None:
    """Nothing was processed: the postings are planned again and will go under a new key."""
    items = requests.open_items(connection, request.id)
    requests.close_items(connection, request.id, {position: "again" for position, _posting, _revision in items})
    rows = [
        {"pid": posting_id, "state": "planned", "cause": None, "reason": None, "remedy": None, "changed_at": now}
        for _position, posting_id, _revision in items
    ]
    postings.update_many(connection, rows, ON_ITS_WAY)


def abandon(connection: Connection, request: Request, now: datetime.datetime, finding: Finding | None = None) -> None:
    """Surely nothing was sent: plan the postings again, or hold them for the reason given."""
    if not requests.change(
        connection, request, {"state": "closed", "outcome": "not sent", "lease_until": None, "not_before": None}
    ):
        return
    items = requests.open_items(connection, request.id)
    _replan(connection, request, now)
    if finding is not None and is_change(request):
        concluding.held(connection, {posting_id: finding for _position, posting_id, _revision in items}, now)
    elif finding is not None:
        write_held(connection, {posting_id: finding for _position, posting_id, _revision in items}, "held", now)


def _split(
    connection: Connection, request: Request, judgement: Judgement, rules: Rules, owner: str, now: datetime.datetime
) -> None:
    """A bad element is inside: halves under new keys, until it stands alone; alone, it is rejected in Xero's words."""
    items = requests.open_items(connection, request.id)
    requests.close_items(connection, request.id, {position: "split" for position, _posting, _revision in items})
    _close(connection, request, f"split: {judgement.reason}", now)
    ids = [posting_id for _position, posting_id, _revision in items]
    if len(ids) == 1:
        _refuse(connection, request, {ids[0]: judgement.messages}, now)
        return
    if is_change(request):
        _one_by_one(connection, ids, now)
        return
    found = postings.many(connection, ids)
    chosen: list[Posting] = [found[posting_id] for posting_id in ids]
    half = (len(chosen) + 1) // 2
    kind = kinds.BY_RESOURCE[request.resource]
    for part in (chosen[:half], chosen[half:]):
        freezing.freeze(connection, kind, part, rules, owner, now, was=ON_ITS_WAY)


def _one_by_one(connection: Connection, ids: Sequence[int], now: datetime.datetime) -> None:
    """Changes among which a bad one is: each is compared anew and goes alone."""
    found = postings.many(connection, ids)
    rows = [{"pid": pid, "state": "planned", "looks": found[pid].looks + 1, "changed_at": now} for pid in ids]
    postings.update_many(connection, rows, ON_ITS_WAY)
