"""Fixes that were stored: listed with whom they touched, told in short, taken out of force again.

Called by the composition root. Undoing reads from Xero as a plan does, for what was planned with the fix and not sent.
"""

from typing import Any

from counterfoil import errors
from counterfoil.access.audit import NO_ENTITY
from counterfoil.app import retrying
from counterfoil.store import fixes as stored
from counterfoil.store.database import Connection
from counterfoil.store.fixes import Stored


async def unfix(books: Any, fix_id: int) -> tuple[Stored, int]:
    """Take a fix out of force; what was planned with it and not sent is planned again without it; → it, and how many.

    What was posted with it stays as it is. Raises NotFound, InputError when it was undone before.
    """
    found = await books.database.read(lambda conn: stored.get(conn, fix_id))
    if found is None:
        raise errors.NotFound(f"There is no fix {fix_id}.", remedy="`counterfoil problems fixes` lists them.")
    now, log = books.clock.now(), books.access.audit

    def undo(connection: Connection) -> bool:
        undone = stored.undo(connection, fix_id, books.actor, now)
        if undone:
            log.append(connection, found.entity or NO_ENTITY, "fix undone", {"fix": fix_id})
        return undone

    if not await books.database.run(undo):
        raise errors.InputError(f"Fix {fix_id} was undone on {found.undone_at:%Y-%m-%d}.", remedy="Nothing to do.")
    ids = await books.database.read(lambda conn: stored.unsent_with(conn, fix_id))
    planned = await retrying.plan_again(books, ids, f"fix {fix_id} undone")
    if found.entity and planned:
        await books.wake("postings", found.entity)
    return found, planned


async def listed(books: Any) -> list[dict[str, Any]]:
    """Every fix, newest first: what it does, for whom, by whom, whether it was undone, how many records it touched."""
    found = await books.database.read(stored.everything)
    used = await books.database.read(stored.counts)
    return [
        {
            "id": one.id, "flow": books.flow_name(one.flow_id), "problem": one.problem, "cause": one.cause,
            "what": told(one), "entity": one.entity, "external_ids": one.external_ids, "records": used.get(one.id, 0),
            "because": one.because, "actor": one.actor, "at": one.at, "undone_at": one.undone_at, "undone_by": one.undone_by,
        }
        for one in found
    ]  # fmt: skip


def told(one: Stored) -> str:
    """What a fix does, shortly: `account_code 2OO → 200`, `account sales-old → account_code 200`."""
    field = _leaf(one.field)
    new = {_leaf(place): value for place, value in one.put.items() if value is not None}
    gone = [_leaf(place) for place, value in one.put.items() if value is None]
    old = f"{field} {one.value or ''}".strip()
    if list(new) == [field]:
        return f"{old} → {new[field]}"
    parts = [f"{name} {value}" for name, value in new.items()] or [f"no {name}" for name in gone]
    return f"{old} → {', '.join(parts)}" if old else ", ".join(parts)


def _leaf(place: str) -> str:
    """The last part of a place; a column's name whole."""
    return place.strip("`") if place.startswith("`") else place.rpartition(".")[2]
