"""From what the mirror held before and holds now to changes, named by meaning. Pure.

Called by whoever records what the mirror saw (store/happenings keeps them). One look that saw several things happen gives
several changes, each with one name and with all that differs, in the order in which a document lives: an invoice that was made
and paid between two looks is `invoice.created`, then `invoice.paid`.
"""

import datetime
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.mirror.meaning import fields, words
from counterfoil.model.happening import Happening
from counterfoil.model.observed import Observed

_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
# A voided document keeps its amounts in the answer to the void, and has none when it is read again: nothing happened.
_OF_THE_ENDED: Final = frozenset({"AmountCredited", "AmountDue", "AmountPaid", "RemainingCredit"})


def changes(seen: Observed) -> tuple[Happening, ...]:
    """What happened: none when only noise differs; `deleted` alone when it is gone. Repeatable: same looks, same ids."""
    if seen.before is None and seen.after is None:
        return ()
    differing = _differing(seen)
    if seen.before is not None and seen.after is not None and not differing:
        return ()
    kind = word(seen.resource, seen.after or seen.before or {})
    states = state(seen.before), state(seen.after)
    return tuple(_happening(seen, f"{kind}.{name}", differing, states) for name in _names(seen, differing))


def overdue(
    tenant_id: str, document_id: str, document: Mapping[str, Any], now: datetime.datetime, today: datetime.date, *,
    snapshot: bool = False,
) -> Happening | None:  # fmt: skip
    """`invoice.overdue` or `bill.overdue`, when an invoice is owed after its due date; its id is one per due date.

    `today`: the organisation's own day. A document that is due today is not overdue.
    """
    due = overdue_since(document, today)
    if due is None:
        return None
    name = f"{word('Invoices', document)}.{words.OVERDUE}"
    said = state(document)
    return Happening(
        id=_digest(tenant_id, "Invoices", document_id, name, due.isoformat()), name=name, tenant_id=tenant_id,
        resource="Invoices", document_id=document_id, before=document, after=document, fields=(), stamp=None,
        seen_at=now, revision=None, snapshot=snapshot, was=said, state=said,
    )  # fmt: skip


def overdue_since(document: Mapping[str, Any], today: datetime.date) -> datetime.date | None:
    """The due date that has passed while something is owed; None: nothing is overdue, or Xero's date is none."""
    due, owed = document.get("DueDate"), document.get("AmountDue")
    if document.get("Status") != "AUTHORISED" or not isinstance(due, str) or not isinstance(owed, Decimal) or owed <= 0:
        return None
    try:
        day = datetime.date.fromisoformat(due[:10])
    except ValueError:
        return None
    return day if day < today else None


def _differing(seen: Observed) -> tuple[str, ...]:
    found = fields.differing(seen.before or {}, seen.after or {})
    before, after = seen.before or {}, seen.after or {}
    if before.get("Status") in words.ENDED and before.get("Status") == after.get("Status"):
        return tuple(path for path in found if path not in _OF_THE_ENDED)
    return found


def word(resource: str, document: Mapping[str, Any]) -> str:
    """The first half of a change's name: "invoice", or "bill" where the document's type says so."""
    kind = words.KINDS.get(resource)
    if kind is None:  # one that Xero has and this table does not know yet: named plainly, never lost
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in resource).strip("_")
    return kind.by_type.get(str(document.get("Type")), kind.word)


def _names(seen: Observed, differing: tuple[str, ...]) -> list[str]:
    if seen.after is None:
        return ["deleted"]
    kind = words.KINDS.get(seen.resource)
    true = [rule for rule in (kind.rules if kind else ()) if _met(rule, seen.before, seen.after)]
    said = {rule.name for rule in true}
    met = [rule for rule in true if rule.unless not in said]
    named = [rule.name for rule in met]
    if seen.before is None:
        return ["created", *named]
    explained = frozenset[str]().union(*(rule.explains for rule in met))
    own = [path for path in differing if not _is_of_its_contact(path)]
    others = [path for path in own if path.partition(".")[0].partition("[")[0] not in explained]
    return ["updated", *named] if others or not named else named


def _is_of_its_contact(path: str) -> bool:
    """Another name or address of the customer's is news of the contact, not of what happened to the document meanwhile."""
    return path.startswith("Contact.") and path != "Contact.ContactID"


def _met(rule: words.Rule, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    was, now = (before or {}).get(rule.field), after.get(rule.field)
    if rule.while_status and after.get("Status") not in rule.while_status:
        return False
    if rule.to and (now not in rule.to or was in rule.to):
        return False
    if (rule.since and was not in rule.since) or was in rule.not_since:
        return False
    if rule.fell:
        return _fell(before, after)
    if rule.grew or rule.shrank:
        return _moved(rule, before, after, was, now)
    return True


def _moved(rule: words.Rule, before: Mapping[str, Any] | None, after: Mapping[str, Any], was: Any, now: Any) -> bool:
    if isinstance(now, str) or isinstance(was, str):  # an id that is set
        return bool(now) and now != was
    had, has = fields.members(before, rule.field), fields.members(after, rule.field)
    return bool(has - had) if rule.grew else bool(had - has)


def _fell(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """More of it is paid or credited than was: an amount due that fell since the lines were changed is not a payment."""
    due = after.get("AmountDue")
    return isinstance(due, Decimal) and due > 0 and _covered(after) > _covered(before or {})


def _covered(document: Mapping[str, Any]) -> Decimal:
    amounts = (document.get("AmountPaid"), document.get("AmountCredited"))
    return sum((one for one in amounts if isinstance(one, Decimal)), Decimal(0))


def _happening(seen: Observed, name: str, differing: tuple[str, ...], states: tuple[str, str]) -> Happening:
    stamp = "" if seen.stamp is None else seen.stamp.isoformat()
    identity = (seen.tenant_id, seen.resource, seen.document_id, name, stamp, *states)
    return Happening(
        id=_digest(*identity), name=name, tenant_id=seen.tenant_id, resource=seen.resource,
        document_id=seen.document_id, before=seen.before, after=seen.after, fields=differing, stamp=seen.stamp,
        seen_at=seen.seen_at, revision=seen.revision, snapshot=seen.snapshot, posting=seen.posting, was=states[0], state=states[1],
    )  # fmt: skip


def state(document: Mapping[str, Any] | None) -> str:
    """A digest of what a document says; the same however a look spells it. "": it is not there."""
    return "" if document is None else hashlib.sha256(_ENCODER.encode(fields.canonical(document))).hexdigest()


def _digest(*parts: str) -> str:
    """40 hexadecimal characters; the parts carry their lengths, so that no two lists read alike."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:40]
