"""The receiver's side: changes applied in order to an empty store, and what must come of it."""

import functools
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from counterfoil.mirror.meaning import fields
from counterfoil.model.whole import Whole
from counterfoil.store import happenings
from counterfoil.store.database import Database
from counterfoil.store.happenings import Kept
from counterfoil.store.mirrored import Mirrored

Key = tuple[str, str]


async def kept(database: Database) -> list[Kept]:
    """Every change, oldest first."""
    found: list[Kept] = []
    last = 0
    while page := await database.read(functools.partial(happenings.after, n=last, tenant_ids=None, most=1000)):
        found += page
        last = page[-1].n
    return found


def applied(changes: Iterable[Kept]) -> dict[Key, Any]:
    """What a receiver has then, by resource and id; each change goes on from what the one before it left."""
    store: dict[Key, Any] = {}
    turns: dict[Key, int] = {}
    for one in changes:
        key = (one.resource, one.document_id)
        assert one.turn == turns.get(key, 0) + 1, f"{one.name} of {key} is number {one.turn}"
        turns[key] = one.turn
        after = msgspec.json.decode(one.body)["after"]
        if after is None:
            store.pop(key, None)
        else:
            store[key] = said(after)
    return store


def held(rows: Iterable[Mirrored]) -> dict[Key, Any]:
    """The same of what the mirror holds."""
    there = [row for row in rows if row.deleted_at is None]
    return {(row.resource, row.document_id): said(Whole(row.body)) for row in there}


def said(document: Mapping[str, Any]) -> Any:
    """A document without what is of the answer alone; amounts as plain digits, whoever wrote them."""
    return _plain(fields.canonical(dict(document)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            _digits(value["decimal"])
            if value.keys() == {"decimal"}
            else {name: _plain(one) for name, one in value.items()}
        )
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=repr)
    return _digits(value) if isinstance(value, str) else value


def _digits(text: str) -> str:
    try:
        return format(Decimal(text).normalize(), "f")
    except InvalidOperation:
        return text
