"""Erase a person: what would be erased and what stays, the intent, the work, and again in a copy that was put back.

Called by cli/privacy and reopening. What is open of theirs is refused: its
bytes are needed. No call; nothing is changed at Xero.
"""

from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app.privacy import finding, places, reopening, settling, sweeping
from counterfoil.app.privacy.sweeping import Done
from counterfoil.model.person import Person
from counterfoil.store import erased, locks, removals
from counterfoil.store.database import Connection
from counterfoil.store.erased import Entry
from counterfoil.store.removals import ERASE, Place
from counterfoil.store.removing import collecting, people
from counterfoil.store.removing.people import Found

SHOWN_MAX: Final = 5


class Plan(msgspec.Struct, frozen=True):
    """What an erasure would do. `rows` by table; `copies`: files that still hold the text, which nobody but you may delete."""

    found: Found
    documents: int
    postings: int
    rows: dict[str, int]
    merged: tuple[str, ...]
    in_the_way: tuple[str, ...]
    copies: tuple[str, ...]
    is_erased: bool


async def plan(books: Any, clue: str, entity: str | None) -> Plan:
    """What erasing this contact would do; nothing is written. Raises NotFound, InputError."""
    found = await finding.one(books, clue, entity)

    def read(conn: Connection) -> tuple[Person, dict[str, int], list[str], bool]:
        person = finding.whole(conn, found)
        known = erased.of_tenant(conn, found.tenant_id).contacts
        is_erased = bool(person.contact_ids) and set(person.contact_ids) <= known
        return person, collecting.counts(conn, person), people.in_the_way(conn, person.postings), is_erased

    person, rows, in_the_way, is_erased = await books.database.read(read)
    return Plan(
        found, sum(count for name, count in rows.items() if name != "Contacts"), len(person.postings), rows,
        tuple(one for one in person.contact_ids if one != found.contact_id), tuple(in_the_way), await copies(books), is_erased,
    )  # fmt: skip


async def copies(books: Any) -> tuple[str, ...]:
    """Backups and replaced databases that we know of: they hold what they held."""
    return tuple(str(one.file) for one in await places.known(books))


async def erase(books: Any, clue: str, entity: str | None) -> Done | None:
    """Erase a person, to the end; None: another process finishes it. Safe to kill: the next command goes on.

    Raises NotFound, InputError when several are meant, FixInput for what is open of theirs, MasterKeyError, StoreError.
    """
    found = await finding.one(books, clue, entity)
    person = await books.database.read(lambda conn: _at_rest(conn, found))
    removal_id = await books.database.run(lambda conn: _begin(books, conn, person))
    books.point("erase: begun")
    await reopening.keep(books)
    books.point("erase: listed")
    done = await sweeping.go_on(books, removal_id)
    await reopening.keep(books)
    return done


def _at_rest(conn: Connection, found: Found) -> Person:
    """All of theirs; refused while some of it is not at its end. What is planned from here on, settling waits for."""
    person = finding.whole(conn, found)
    open_ones = people.in_the_way(conn, person.postings)
    if open_ones:
        raise errors.FixInput(
            f"{len(open_ones)} postings of this contact are not at their end: {', '.join(open_ones[:SHOWN_MAX])}.",
            remedy="Run `counterfoil finish` first, or take them off with `counterfoil problems skip`; then erase.",
        )
    return person


def _begin(books: Any, conn: Connection, person: Person) -> int:
    """The intent, and from now on nothing new of theirs is written: one transaction, as short for many postings as for none."""
    locks.hold_tenants(conn, [person.tenant_id])
    whom = msgspec.structs.replace(person, postings=(), numbers=())
    return _intend(books, conn, whom, len(person.postings), removals.UNSETTLED)


def _intend(books: Any, conn: Connection, person: Person, postings: int, place: Place) -> int:
    now = books.database.now(conn)
    erased.add(conn, settling.entries(books, conn, person), now)
    removal_id = removals.begin(
        conn, ERASE, person.entity, person.tenant_id, person, actor=books.actor, owner=books.owner, now=now, place=place
    )
    data = {"removal": removal_id, "contacts": list(person.contact_ids), "postings": postings}
    books.access.audit.append(conn, person.entity, "person erasure begun", data)
    return removal_id


def begin_again(books: Any, conn: Connection, missing: set[Entry], known: Person | None = None) -> None:
    """The persons of these entries, found anew by their ids, one for each tenant. `known`: one whose words are known besides."""
    erased.add(conn, missing, books.database.now(conn))
    tenants = people.entities(conn)
    for tenant_id in sorted({*tenants, *(one.owner for one in missing if one.what == erased.CONTACT)}):
        entity = tenants.get(tenant_id, "")
        ids = [one.key for one in missing if one.what == erased.CONTACT and one.owner == tenant_id]
        hashes = {one.key for one in missing if one.what == erased.CUSTOMER and one.owner == entity}
        names = _customers(books, conn, entity, hashes)
        if ids or names:
            found = people.person(conn, entity, tenant_id, ids, names)
            person = found if known is None or known.tenant_id != tenant_id else found.with_words(known)
            _intend(books, conn, person, len(person.postings), removals.START)


def _customers(books: Any, conn: Connection, entity: str, hashes: set[str]) -> list[str]:
    keyed = books.access.audit.keyed_hash
    return people.customers(conn, entity, lambda name: keyed(conn, erased.customer(name)) in hashes) if hashes else []


async def finish(books: Any) -> None:
    """Finish what is under way and nobody works on. Another process's work is left to it."""
    for one in await books.database.read(removals.under_way):
        await sweeping.go_on(books, one.id)
