"""Everything that is held about one person, in one JSON file for them: `privacy export`. No call; audited.

Called by cli/privacy. Other people's data are not in it: of what several share only this one's part.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app.privacy import finding
from counterfoil.model.person import Person
from counterfoil.store.database import Connection
from counterfoil.store.removing import collecting
from counterfoil.store.removing.people import Found

FORM: Final = "counterfoil privacy export 1"


class Exported(msgspec.Struct, frozen=True):
    """What was written: where, whose, and how much of each place."""

    file: Path
    found: Found
    counts: dict[str, int]


async def export(books: Any, clue: str, entity: str | None, file: Path | None) -> Exported:
    """Write the file, new and for its owner alone (0600); `file` None: beside the configuration, named by the ContactID.

    Raises NotFound, InputError when several are meant or for a file that is there, StoreError for one that cannot be written.
    """
    found = await finding.one(books, clue, entity)
    places: dict[str, list[Any]] = await books.database.read(lambda conn: collected(conn, finding.whole(conn, found)))
    name = found.contact_id or "contact"
    target = (file or books.settings.path.with_name(f"privacy-{name}.json")).absolute()
    told = {
        "form": FORM, "made_at": books.clock.now(), "entity": found.entity, "tenant": found.tenant_id,
        "contact": found.contact_id, "external_id": found.external_id, "name": found.name, "places": places,
    }  # fmt: skip
    _write(target, msgspec.json.format(msgspec.json.encode(told, enc_hook=str), indent=2) + b"\n")
    counts = {place: len(rows) for place, rows in places.items()}

    def log(conn: Connection) -> None:
        data = {"contact": found.contact_id, "rows": sum(counts.values())}
        books.access.audit.append(conn, found.entity, "person exported", data)

    await books.database.run(log)
    return Exported(target, found, counts)


def collected(conn: Connection, person: Person) -> dict[str, list[Any]]:
    """By place, in words that a person understands; places without anything are named too."""
    documents: list[Any] = [
        {"resource": resource, "id": document_id, "document": found}
        for resource, document_id, found in collecting.documents(conn, person)
    ]
    found: dict[str, list[Any]] = {
        "copy of Xero: the contact": [one for one in documents if one["resource"] == "Contacts"],
        "copy of Xero: documents": [one for one in documents if one["resource"] != "Contacts"],
        "changes that were seen": list(collecting.changes(conn, person)),
        "what they are looked up by": list(collecting.lookup(conn, person)),
        "postings and their records": list(collecting.postings(conn, person)),
        "what was sent to Xero and answered": list(collecting.requests(conn, person)),
        "rows behind documents of many sales": list(collecting.days(conn, person)),
    }
    for table in collecting.WORDED:
        found[f"named in: {table.replace('_', ' ')}"] = list(collecting.texted(conn, person, table))
    return found


def _write(file: Path, content: bytes) -> None:
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise errors.InputError(f"{file} is there already.", remedy="Name another one with --out.") from None
    except OSError as cause:
        raise errors.StoreError(f"{file} cannot be written: {cause.strerror}.") from cause
    with os.fdopen(handle, "wb") as into:
        into.write(content)
        into.flush()
        os.fsync(into.fileno())
