"""What an erasure has to know before it sweeps: everything that is theirs, none of it on its way. Called by erasing and sweeping.

The intent is committed before this is known, so that from then on nothing new of theirs is planned, and so that its
transaction costs the same for a person with ten postings and with ten thousand. What is left is read (a reading keeps nobody
waiting), and what slipped in between is awaited: its bytes are needed. Killed anywhere, it is read again.
"""

import functools
from typing import Any

import msgspec

from counterfoil.model.person import Person
from counterfoil.store import erased, removals
from counterfoil.store.database import Connection
from counterfoil.store.erased import Entry
from counterfoil.store.removals import Removal
from counterfoil.store.removing import people


async def settle(books: Any, one: Removal, *, awaits: bool) -> tuple[str, ...]:
    """Write down what is theirs; → the postings that have to end before, and nothing is written.

    `awaits` False: of a copy, in which nothing comes to an end any more.
    """
    known = msgspec.convert(one.person, Person)
    while True:
        person, open_ones = await books.database.read(functools.partial(_read, known, awaits=awaits))
        await _register(books, person)
        if _ids(person) <= _ids(known):
            break
        known = person  # another customer was linked or merged meanwhile: from now on nothing new of that one either
    if not open_ones:
        await books.database.run(lambda conn: removals.settle(conn, one.id, person, books.database.now(conn)))
    return tuple(open_ones)


def _read(known: Person, conn: Connection, *, awaits: bool) -> tuple[Person, list[str]]:
    found = people.person(conn, known.entity, known.tenant_id, known.contact_ids, known.external_ids)
    return found.with_words(known), people.in_the_way(conn, found.postings) if awaits else []


def _ids(person: Person) -> set[str]:
    return {*person.contact_ids, *person.external_ids}


async def _register(books: Any, person: Person) -> None:
    for some in people.windows(await books.database.read(lambda conn: entries(books, conn, person))):
        await books.database.run(lambda conn, of=some: erased.add(conn, of, books.database.now(conn)))


def entries(books: Any, conn: Connection, person: Person) -> list[Entry]:
    """What the register keeps of them: ids and keyed hashes. Those of records come with their sweep (store/removing/sent)."""
    keyed = books.access.audit.keyed_hash
    found = [Entry(erased.CONTACT, person.tenant_id, one) for one in person.contact_ids]
    found += [Entry(erased.NUMBER, person.tenant_id, one) for one in person.numbers]
    for one in person.external_ids:
        found.append(Entry(erased.CUSTOMER, person.entity, keyed(conn, erased.customer(one))))
    return found
