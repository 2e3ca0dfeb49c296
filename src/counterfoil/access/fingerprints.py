"""What an organisation said of itself when it was bound, held against what it says now. Pure.

Called by bindings and app/watching. Another id, base currency or country is another ledger: each is its own refusal. A
changed name or short code is said until a person accepts it. Design §3.2; xero-facts §5.1.
"""

from typing import Final

from counterfoil import errors
from counterfoil.model.binding import Fingerprint
from counterfoil.model.organisation import Organisation

# What may never change, in the order in which it is told, with its refusal and what follows from it.
NEVER_CHANGE: Final[dict[str, tuple[type[errors.WrongLedger], str]]] = {
    "organisation_id": (errors.AnotherOrganisation, "Other books answer under its tenant id."),
    "base_currency": (errors.CurrencyChanged, "Its amounts would stand there in another currency."),
    "country": (errors.CountryChanged, "Another country's taxes apply there."),
}
MAY_CHANGE: Final = ("name", "short_code")
RENAMED: Final = "organisation-renamed"


def of(organisation: Organisation) -> Fingerprint:
    """The fingerprint of an organisation as Xero describes it."""
    return Fingerprint(
        organisation_id=organisation.organisation_id,
        name=organisation.name,
        short_code=organisation.short_code,
        base_currency=organisation.base_currency,
        country=organisation.country_code,
    )


def refusal(entity: str, before: Fingerprint, now: Fingerprint) -> errors.WrongLedger | None:
    """Why nothing may be written there any more; None: it is the organisation that was bound."""
    wrong = [field for field in NEVER_CHANGE if getattr(before, field) != getattr(now, field)]
    if not wrong:
        return None
    kind, so = NEVER_CHANGE[wrong[0]]
    said = "; ".join(differing(before, now, tuple(NEVER_CHANGE)))
    return kind(
        f"The organisation of {entity} changed: {said}. Its writes are stopped.",
        remedy=f"{so} If this is right: `counterfoil entities unbind {entity}`, correct [entities.{entity}], then bind it anew.",
    )


def changes(before: Fingerprint, now: Fingerprint) -> tuple[str, ...]:
    """Sentences about what may change, and did."""
    return differing(before, now, MAY_CHANGE)


def differing(before: Fingerprint, now: Fingerprint, fields: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence's worth per field that differs."""
    return tuple(
        f"{field.replace('_', ' ')} was {getattr(before, field)!r} and is {getattr(now, field)!r}"
        for field in fields
        if getattr(before, field) != getattr(now, field)
    )


def folded(name: str) -> str:
    """A name for comparing: case and repeated or outer spaces do not count."""
    return " ".join(name.casefold().split())
