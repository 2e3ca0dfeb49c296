"""`problems fix` for customers: a person says which contact of Xero's a customer is, that it is a new one, or to wait.

Called by fixing. What is stored is our own map of customers (store/contact_links), which the next plan asks first. It
speaks for the customers of this problem; for those that come later the flow's `on_namesake` does. Costs no call.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil import errors
from counterfoil.app import acts
from counterfoil.app.reports import Problem
from counterfoil.app.wishes import FixReport, Wish
from counterfoil.store import contact_links, documents, postings
from counterfoil.store.contact_links import Link
from counterfoil.store.database import Connection
from counterfoil.store.documents import KnownContact, fold
from counterfoil.store.postings import Posting

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DECISIONS = ("link", "new", "hold")


async def fix(books: Any, problem: Problem, stuck: Sequence[Any], wish: Wish) -> FixReport:
    """Decide about the customers that a problem's records wait for.

    `use`: "link" (the one contact that is meant by name or number), "new", "hold", or a ContactID for one customer.
    Raises InputError when that decides nothing, NotFound when `only` names neither a record nor a customer of it.
    """
    use = (wish.use or "").strip()
    contact_id = found[0] if (found := _GUID.search(use.lower())) else None
    if wish.put or wish.date or not (use in DECISIONS or contact_id):
        raise errors.InputError(
            f"Problem {problem.n} is about customers.",
            remedy="Say --use link, --use new, --use hold, or --use CONTACTID.",
        )
    waiting = await _customers(books, stuck, wish.only)
    if not waiting:
        raise errors.NotFound(
            f"Problem {problem.n} has no record and no customer {wish.only}.",
            remedy=f"`counterfoil problems show {problem.n}` lists them.",
        )
    if contact_id is not None and len(waiting) > 1:
        raise errors.InputError(
            f"{len(waiting)} customers cannot all be one contact.", remedy="Name one: --only EXTERNAL_ID."
        )
    links, left = await _decided(books, [one for one, _n in waiting], use, contact_id)
    if not links:
        raise errors.InputError(next(iter(left), "Nothing is decided."), remedy="Nothing was stored.")
    log = books.access.audit

    def store(connection: Connection) -> None:
        contact_links.put(connection, links)
        log.append_all(
            connection, acts.customers_decided(links, lambda text: log.keyed_hash(connection, text), problem.n)
        )

    await books.database.run(store)
    records = sum(n for _one, n in waiting)
    decided = {(link.entity, link.external_id) for link in links}
    cured = 0 if use == "hold" else sum(n for one, n in waiting if (one.entity, one.external_id) in decided)
    verb = {"new": "new contacts", "hold": "wait"}.get(use, "linked")
    return FixReport(problem.n, (), records, cured, (f"{len(links)} customers: {verb}",), dict(left))


async def _customers(books: Any, stuck: Sequence[Any], only: str | None) -> list[tuple[Posting, int]]:
    """The customers that documents of the problem wait for, each with how many; of one record or customer when named."""
    waiting = [one for one in stuck if isinstance(one, Posting) and one.after_id is not None]
    found: Mapping[int, Posting] = await books.database.read(
        lambda conn: postings.many(conn, {one.after_id for one in waiting if one.after_id is not None})
    )
    counted: dict[int, int] = {}
    for one in waiting:
        contact = found.get(one.after_id or 0)
        if contact is not None and only in (None, one.external_id, contact.external_id):
            counted[contact.id] = counted.get(contact.id, 0) + 1
    return [(found[posting_id], n) for posting_id, n in counted.items()]


async def _decided(
    books: Any, customers: Sequence[Posting], use: str, contact_id: str | None
) -> tuple[list[Link], Counter[str]]:
    now, actor = books.clock.now(), books.actor

    def work(connection: Connection) -> tuple[list[Link], Counter[str]]:
        links: list[Link] = []
        left: Counter[str] = Counter()
        for one in customers:
            chosen = _meant(connection, one, contact_id) if use not in ("new", "hold") else None
            if isinstance(chosen, str):
                left[chosen] += 1
                continue
            decision, linked = (use, None) if chosen is None else ("link", chosen.contact_id)
            links.append(Link(one.entity, one.external_id, decision, linked, actor, now))
        return links, left

    result: tuple[list[Link], Counter[str]] = await books.database.read(work)
    return result


def _meant(connection: Connection, customer: Posting, contact_id: str | None) -> KnownContact | str:
    """The one contact that a customer is linked to, or why there is none."""
    tenant = customer.tenant_id
    if contact_id is not None:
        found = documents.contacts_by(connection, tenant, "contact_id", [contact_id])
    else:
        found = documents.contacts_by(connection, tenant, "number", [customer.external_id])
        found = found or documents.contacts_by(connection, tenant, "name_key", [fold(customer.number or "")])
    living = [one for one in found if one.status == "ACTIVE"]
    if not found:
        return f"Xero's contacts, as last read, have none for customer {customer.external_id}."
    if not living:
        return f"The contact of customer {customer.external_id} is {found[0].status.lower()} in Xero."
    if len(living) > 1:
        return f"{len(living)} contacts may be customer {customer.external_id}: name one by its ContactID."
    return living[0]
