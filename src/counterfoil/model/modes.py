"""How much is written to an entity's organisation: everything, drafts alone, or nothing. `mode` in [entities.KEY].

Called by settings (which declares it), flows/ (what becomes of a record), posting/sending (asked again before each write)
and app/standing. Pure.
"""

from typing import Final, Literal

import msgspec

from counterfoil.model.prepared import Finding

Mode = Literal["normal", "draft_only", "read_only"]
NORMAL: Final = "normal"
DRAFT_ONLY: Final = "draft_only"
READ_ONLY: Final = "read_only"
DRAFT: Final = "DRAFT"
DRAFT_ONLY_CAUSE: Final = "draft-only"
READ_ONLY_CAUSE: Final = "read-only"
_DRAFTED: Final = ("Invoices", "CreditNotes")  # resources whose documents may be drafts
_HARMLESS: Final = (DRAFT, "DELETED")  # what documents may become in draft_only: a draft, or no draft any more


class _Element(msgspec.Struct, frozen=True):
    status: str = msgspec.field(default="", name="Status")


_elements = msgspec.json.Decoder(dict[str, list[_Element]])


def status(asked: str, mode: str) -> str:
    """The status that a document is made with, where its record asks for `asked`."""
    return DRAFT if mode == DRAFT_ONLY else asked


def note(asked: str, mode: str) -> str:
    """What the plan says of a document that becomes less than its record asks; "" when it does not."""
    return f"draft_only: a draft instead of {asked}." if status(asked, mode) != asked else ""


def nothing(entity: str, mode: str) -> Finding | None:
    """Why nothing at all is sent to an entity's organisation; None: the mode lets it."""
    if mode != READ_ONLY:
        return None
    return Finding(
        READ_ONLY_CAUSE,
        f"{entity} is read_only: nothing is written to its organisation.",
        f'Set mode = "normal" or "draft_only" in [entities.{entity}], then run again.',
    )


def drafts_alone(entity: str, mode: str) -> Finding | None:
    """Why payments and changes of documents wait; None: the mode lets them go."""
    if mode != DRAFT_ONLY:
        return None
    return Finding(
        DRAFT_ONLY_CAUSE,
        f"{entity} is draft_only: drafts are made there, and nothing else; a draft cannot be paid.",
        f'Set mode = "normal" in [entities.{entity}], approve the draft in Xero, then run again.',
    )


def forbidden(entity: str, mode: str, resource: str, body: bytes) -> Finding | None:
    """Why a request, planned when the mode was another one, may not be sent now; None: it may."""
    if mode != DRAFT_ONLY or resource == "Contacts":
        return nothing(entity, mode)
    elements = _elements.decode(body).get(resource) if resource in _DRAFTED else None
    harmless = elements and all(one.status in _HARMLESS for one in elements)
    return None if harmless else drafts_alone(entity, mode)
