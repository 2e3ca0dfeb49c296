"""Which person is meant, and everything that belongs to them by id. No call.

Called by exporting, erasing and cli/privacy.
"""

from typing import Any, Final

from counterfoil import errors
from counterfoil.model.person import Person
from counterfoil.store.database import Connection
from counterfoil.store.removing import people
from counterfoil.store.removing.people import Found

SHOWN_MAX: Final = 10


async def one(books: Any, clue: str, entity: str | None) -> Found:
    """The one contact that a clue means: ContactID, external id, exact name or e-mail address. Raises NotFound; InputError when it means several, which it lists."""
    found: list[Found] = await books.database.read(lambda conn: people.find(conn, clue, entity))
    if not found:
        raise errors.NotFound(
            f"Nothing is known of a contact {clue!r}{f' of {entity}' if entity else ''}.",
            remedy="Give the ContactID, the external id, or the exact name or e-mail address.",
        )
    if len(found) > 1:
        listed = "; ".join(_said(each) for each in found[:SHOWN_MAX])
        raise errors.InputError(
            f"{len(found)} contacts are meant by {clue!r}: {listed}.",
            remedy="Give one's ContactID, or its external id with --entity.",
        )
    return found[0]


def _said(found: Found) -> str:
    ids = [
        f"ContactID {found.contact_id}" if found.contact_id else "",
        f"external id {found.external_id}" if found.external_id else "",
    ]
    return f"{found.entity or '(no entity)'}: {', '.join(filter(None, ids))}"


def whole(conn: Connection, found: Found) -> Person:
    """All of theirs."""
    ids = [found.contact_id] if found.contact_id is not None else []
    names = [found.external_id] if found.external_id is not None else []
    return people.person(conn, found.entity, found.tenant_id, ids, names)
