"""What Xero sends of an erased person is written without their text: the copy stays theirs no longer.

Called by applying and indexing before anything is written, each with one line. Costs one small query per transaction, and a
look into each document only where somebody was erased. Xero itself keeps what it has.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from counterfoil.model import veil
from counterfoil.store import erased
from counterfoil.store.database import Connection
from counterfoil.store.erased import Known
from counterfoil.store.mirrored import Mirrored

if TYPE_CHECKING:
    from counterfoil.mirror.applying import Observation
    from counterfoil.mirror.reading import Seen

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def veiled(
    connection: Connection, observation: "Observation", held: Mapping[str, Mirrored]
) -> "tuple[Observation, dict[str, Mirrored]]":
    """An observation, and what is held of its documents, without the text of erased persons.

    Of what is held too, since it may not be swept yet: a change would else tell it once more.
    """
    known = erased.of_tenant(connection, observation.tenant_id)
    if not known.contacts:
        return observation, dict(held)
    rows = [_seen(row, known, held.get(row.document_id)) for row in observation.rows]
    return msgspec.structs.replace(observation, rows=rows), {one: _held(was, known) for one, was in held.items()}


def body(raw: bytes, known: Known) -> bytes:
    """One document's JSON without it; the very same bytes when nobody who was erased stands in it."""
    if not veil.mentions(raw, known.contacts):
        return raw
    return veil.body(raw, known.contacts, known.numbers)


def _seen(row: "Seen", known: Known, was: Mirrored | None) -> "Seen":
    """An answer that leaves the contact out is about the one that the document has."""
    clean = body(row.body, known)
    if clean is row.body and was is not None and veil.mentions(was.body, known.contacts):
        clean = veil.like(row.body, was.body, known.contacts, known.numbers)
    return row if clean is row.body else msgspec.structs.replace(row, body=clean, fields=_FIELDS.decode(clean))


def _held(was: Mirrored, known: Known) -> Mirrored:
    clean = body(was.body, known)
    return was if clean is was.body else msgspec.structs.replace(was, body=clean)


def indexed(connection: Connection, tenant: str, values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the index without the text of erased persons; ids, amounts, dates and marks stay."""
    known = erased.of_tenant(connection, tenant)
    if not known.contacts:
        return list(values)
    return [row_of(one, known) if one["contact_id"] in known.contacts else one for one in values]


def row_of(one: dict[str, Any], known: Known) -> dict[str, Any]:
    """An erased person's row of `contacts` or `documents`."""
    if "name_key" in one:
        return one | {
            "number": None, "name": veil.ERASED, "name_key": f"{veil.ERASED} {one['contact_id']}", "email_key": None,
            "tax_number": None,
        }  # fmt: skip
    own = {"number": veil.ERASED, "number_key": None} if one["document_id"] in known.numbers else {}
    reference = None if one["reference"] is None else veil.text(one["reference"])
    return one | {"reference": reference} | own
