"""Whether a difference is what we wrote, field for field. Pure.

Called by whose. What we sent says some of a document's fields; Xero computes others from them (totals, what is due) and fills
in the rest of a new one. A change is ours when all that we sent stands there, and nothing differs that we neither sent nor
Xero computes: one field that a person changed besides makes the whole difference somebody else's. Design §3.5.
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from counterfoil.mirror.meaning import fields, words
from counterfoil.model.observed import Observed

# What Xero computes from what is sent.
COMPUTED: Final = frozenset(
    {"AmountDue", "CISDeduction", "CurrencyRate", "HasAttachments", "IsDiscounted", "RemainingCredit", "SubTotal", "Total", "TotalDiscount", "TotalTax"}
)  # fmt: skip
# What a document that was only just made does not have yet: somebody did more to it.
_LATER: Final = frozenset(
    {"AmountCredited", "AmountPaid", "Allocations", "CreditNotes", "Overpayments", "Payments", "Prepayments", "SentToContact"}
)  # fmt: skip
_THEIRS: Final = frozenset({"Overpayments", "Prepayments"})  # we allocate none
_LISTS: Final = frozenset({"Allocations", "CreditNotes", "Payments"})  # what is settled by documents of their own


def is_written(look: Observed, sent: Mapping[str, Any], *, settled: bool = False) -> bool:
    """Whether sending this element made the difference. `sent`: as it went, in Xero's words.

    `settled`: of a new document, what payments and credits did to it since is left aside.
    """
    after = look.after
    if settled and sent.get("Status") == "AUTHORISED" and after is not None and after.get("Status") == "PAID":
        sent = {name: value for name, value in sent.items() if name != "Status"}
    if after is None or not all(_stands(value, after.get(name)) for name, value in sent.items()):
        return False
    if look.before is None:
        later = _LATER - (words.SETTLING - _THEIRS) if settled else _LATER
        return not any(_is_there(after.get(name)) for name in later - sent.keys())
    explained = COMPUTED | sent.keys()
    if sent.get("Status") in words.ENDED:
        explained |= words.SETTLING
    return differing(look) <= explained


def differing(look: Observed) -> frozenset[str]:
    """The top fields that differ."""
    paths = fields.differing(look.before or {}, look.after or {})
    return frozenset(path.partition(".")[0].partition("[")[0] for path in paths)


def is_settled(look: Observed) -> bool:
    """Whether nothing differs of a document that was there but what our payments and credits may change."""
    names = differing(look)
    if look.before is None or look.after is None or look.after.get("Status") in words.ENDED or names & _THEIRS:
        return False
    return bool(names & _LISTS) and names <= words.SETTLING | COMPUTED


def moved(look: Observed, name: str) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The members of a list that came, a member that changed among them, and those that went."""
    was, now = (list((one or {}).get(name) or ()) for one in (look.before, look.after))
    before, after = ([fields.canonical(one) for one in listed] for listed in (was, now))
    came = [one for one, said in zip(now, after, strict=True) if said not in before]
    kept = {_id(one) for one in now}
    return came, [one for one in was if _id(one) not in kept]


def _id(member: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(member.get(name) for name in ("PaymentID", "CreditNoteID", "AllocationID"))


def _is_there(value: Any) -> bool:
    return bool(value)  # of an amount: not zero


def _stands(sent: Any, there: Any) -> bool:
    """What was sent is what stands there; it may say more."""
    if sent is None or sent in ("", [], {}):
        return not there
    if isinstance(sent, Mapping):
        return isinstance(there, Mapping) and all(_stands(value, there.get(name)) for name, value in sent.items())
    if isinstance(sent, list):
        return isinstance(there, Sequence) and _all_stand(sent, there)
    if isinstance(sent, str):
        return isinstance(there, str) and (sent.strip() == there.strip() or _is_day(sent, there))
    if isinstance(sent, bool) or isinstance(there, bool):
        return sent is there
    return isinstance(there, Decimal) and Decimal(sent) == there


def _all_stand(sent: list[Any], there: Sequence[Any]) -> bool:
    """Each of ours in its order; where there are more of them (a contact's four addresses), somewhere among these."""
    if len(sent) == len(there) and all(map(_stands, sent, there)):
        return True
    is_lines = any(
        isinstance(one, Mapping) and ("AccountCode" in one or "LineAmount" in one or "Quantity" in one) for one in there
    )
    return not is_lines and all(any(_stands(one, other) for other in there) for one in sent)


def _is_day(sent: str, there: str) -> bool:
    """The same day, in another form."""
    try:
        return datetime.date.fromisoformat(sent[:10]) == datetime.date.fromisoformat(there[:10]) and len(there) == 10
    except ValueError:
        return False
