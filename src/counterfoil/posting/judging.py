"""What an answer means for each posting in the request. Pure: an answer in, a judgement out.

Called by sending. Rules 4 to 6 of design §3.1: elements are matched by position, the count must match and each accepted
element must carry its own mark, else the whole answer is unclear; a refusal speaks for its own attempt only.
"""

from collections.abc import Sequence

import msgspec

from counterfoil import errors
from counterfoil.posting import kinds
from counterfoil.posting.kinds import Kind
from counterfoil.store.requests import Sent
from counterfoil.xero import answers, elements
from counterfoil.xero.answers import Answer
from counterfoil.xero.elements import Element

BEFORE_PROCESSING = (401, 403, 412, 429)
KEY_CLASH = "is used with a different request"


class ItemVerdict(msgspec.Struct, frozen=True):
    """posted | rejected | look, for one position. `differences`: what Xero stored otherwise than predicted."""

    position: int
    outcome: str
    document_id: str | None = None
    document_number: str | None = None
    messages: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


class Judgement(msgspec.Struct, frozen=True):
    """answered (items tell) | unclear | again (refused before processing: a new key) | split (a bad one is inside)."""

    verdict: str
    reason: str = ""
    items: tuple[ItemVerdict, ...] = ()
    messages: tuple[str, ...] = ()
    stop: errors.CounterfoilError | None = None


def judge(kind: Kind, answer: Answer, sent: Sequence[Sent], *, unclear_before: bool) -> Judgement:
    """Judge a complete HTTP answer. `unclear_before`: an earlier attempt of this request may have been carried out."""
    if answer.status == 200:
        return _judge_elements(kind, answer, sent, unclear_before=unclear_before)
    error = answers.explain(answer) or errors.Unclear(f"Xero answered {answer.status}.")
    if isinstance(error, errors.Unclear) or answer.status >= 500:
        stop = error if isinstance(error, errors.OrganisationOffline) else None
        return Judgement("unclear", error.message, stop=stop)
    if isinstance(error, errors.Refused) and any(KEY_CLASH in text for text in (error.message, *error.messages)):
        return Judgement("unclear", error.message)
    if unclear_before:
        return Judgement("unclear", f"An earlier attempt is unclear; now: {error.message}", stop=_stop(error, answer))
    if answer.status in BEFORE_PROCESSING:
        return Judgement("again", error.message, stop=_stop(error, answer))
    messages = error.messages if isinstance(error, errors.Refused) and error.messages else (error.message,)
    return Judgement("split", error.message, messages=messages)


def _stop(error: errors.CounterfoilError, answer: Answer) -> errors.CounterfoilError | None:
    """What stops the tenant, at least for now: everything that Xero says before it processes anything."""
    return error if answer.status in BEFORE_PROCESSING else None


def _judge_elements(kind: Kind, answer: Answer, sent: Sequence[Sent], *, unclear_before: bool) -> Judgement:
    found = elements.parse(answer.body, kind.resource, len(sent), kind.written)
    if found is None:
        return Judgement("unclear", f"The answer does not hold the {len(sent)} elements that were sent.")
    verdicts = []
    for element, one in zip(found, sent, strict=True):
        if element.status == "ERROR":
            verdicts.append(_refused(kind, one, element.errors, unclear_before=unclear_before))
        elif kind.carries_mark(element.stored, one.posting) and element.stored.document_id not in (None, kinds.ZERO_ID):
            verdicts.append(_accepted(kind, one, element))
        else:
            return Judgement("unclear", f"Element {one.position + 1} of the answer does not carry its own mark.")
    return Judgement("answered", items=tuple(verdicts))


def _refused(kind: Kind, one: Sent, messages: tuple[str, ...], *, unclear_before: bool) -> ItemVerdict:
    look = unclear_before or kinds.is_uniqueness(kind, messages)
    return ItemVerdict(one.position, "look" if look else "rejected", messages=messages)


def _accepted(kind: Kind, one: Sent, element: Element) -> ItemVerdict:
    stored = element.stored
    differences = kind.differences(stored, one.predicted, one.contact_id)
    warned = tuple([f"Xero warns: {text}" for text in element.warnings])
    return ItemVerdict(
        one.position, "posted", stored.document_id, stored.document_number, differences=differences + warned
    )
