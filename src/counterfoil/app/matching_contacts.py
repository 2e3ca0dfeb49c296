"""`contacts match`: customers of a flow beside Xero's contacts, as a file for a person; and what the person decided.

Called by cli/contacts and the library. Proposing reads the flow's source and catches the mirror up, as a plan does;
applying costs no call. What is applied is our own map of customers (store/contact_links), which the next plan asks first.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from counterfoil import errors, flows
from counterfoil.app import acts
from counterfoil.app.intake import Intake
from counterfoil.matching import contacts
from counterfoil.matching.contacts import Proposal
from counterfoil.model.prepared import ContactWanted
from counterfoil.settings import FlowSettings
from counterfoil.store import contact_links, documents, postings
from counterfoil.store.contact_links import Link
from counterfoil.store.database import Connection

DECISIONS: Final = ("link", "new", "hold")
CUSTOMERS_MAX: Final = 50_000  # of one file: what a person can look at ends long before


class Pair(msgspec.Struct, frozen=True):
    """One line of the review file: a proposal, and whose customer it is about."""

    entity: str
    proposal: Proposal


class Review(msgspec.Struct, frozen=True):
    """The lines of the file. `unread`: records that did not pass their checks, whose customers are not in it."""

    pairs: tuple[Pair, ...]
    customers: int
    decided_before: int
    unread: int


class Row(msgspec.Struct, frozen=True):
    """One line of the file as a person gave it back. `line` counts from 1, the heading included."""

    line: int
    entity: str
    external_id: str
    contact_id: str
    decision: str


class Mistake(msgspec.Struct, frozen=True):
    """One line that was not applied, and why."""

    file: str
    line: int
    field: str
    value: str
    reason: str
    remedy: str


class Applied(msgspec.Struct, frozen=True):
    """What became of the file: how many customers were decided how; lines without a decision; lines with a mistake."""

    link: int
    new: int
    hold: int
    undecided: int
    mistakes: tuple[Mistake, ...]


async def review(books: Any, flow: FlowSettings, source: Path | None, *, everyone: bool) -> Review:
    """Propose contacts for the customers of a flow's source whom nobody has decided about and who are not posted.

    `everyone`: for all of them. Raises InputError as the source does; Reconnect and RunAgain when no entity can be asked.
    """
    intake = Intake(books, flow, flows.kind(flow.kind))
    wanted: dict[str, dict[str, ContactWanted]] = {}
    unread = 0
    async with contextlib.aclosing(intake.batches(source or flow.source.file(flow.table))) as batches:
        async for items in batches:
            for item in items:
                if item.prepared is None:
                    unread += 1
                    continue
                contact = item.prepared.contact
                wanted.setdefault(item.prepared.entity, {}).setdefault(contact.external_id, contact)
                if sum(map(len, wanted.values())) > CUSTOMERS_MAX:
                    raise errors.InputError(
                        f"More than {CUSTOMERS_MAX:,} customers.", remedy="Match a part of the file: --input."
                    )
    if not wanted and intake.blocked:
        raise next(iter(intake.blocked.values()))
    pairs: list[Pair] = []
    before = 0
    for entity, customers in sorted(wanted.items()):
        tenant = intake.bindings[entity].tenant_id
        settled = await books.database.read(lambda conn, e=entity, c=customers: _settled(conn, e, list(c)))
        open_ones = [one for one in customers.values() if everyone or one.external_id not in settled]
        before += len(customers) - len(open_ones)
        known = await books.database.read(lambda conn, t=tenant: contact_links.known(conn, t))
        pairs += [Pair(entity, one) for one in contacts.proposals(open_ones, known)]
    return Review(tuple(pairs), sum(map(len, wanted.values())), before, unread)


def _settled(connection: Connection, entity: str, external_ids: list[str]) -> set[str]:
    """Customers who need no look: a person decided, or they are in Xero by our own doing."""
    linked = contact_links.of(connection, entity, external_ids)
    ours = postings.by_external_id(connection, "", "contact", entity, external_ids)
    return linked.keys() | {external_id for external_id, one in ours.items() if one.state == "posted"}


async def apply(books: Any, file: str, rows: Iterable[Row]) -> Applied:
    """Store what a person decided, line by line: a mistake stops its own line only. Idempotent."""
    tenants = {one.entity: one.tenant_id for one in await _bindings(books)}
    now, actor, log = books.clock.now(), books.actor, books.access.audit

    def work(connection: Connection) -> tuple[list[Link], list[Mistake], int]:
        links: dict[tuple[str, str], Link] = {}
        first: dict[tuple[str, str], Row] = {}
        mistakes: list[Mistake] = []
        undecided = 0
        for row in rows:
            if not row.decision:
                undecided += 1
                continue
            wrong = _mistake(connection, file, row, tenants, first)
            if wrong is not None:
                mistakes.append(wrong)
                continue
            key = (row.entity, row.external_id)
            first.setdefault(key, row)
            linked = row.contact_id if row.decision == "link" else None
            links[key] = Link(*key, row.decision, linked, actor, now)
        contact_links.put(connection, list(links.values()))
        if links:
            log.append_all(
                connection, acts.customers_decided(list(links.values()), lambda text: log.keyed_hash(connection, text))
            )
        return list(links.values()), mistakes, undecided

    links, mistakes, undecided = await books.database.run(work)
    counted = Counter(link.decision for link in links)
    return Applied(counted["link"], counted["new"], counted["hold"], undecided, tuple(mistakes))


async def _bindings(books: Any) -> list[Any]:
    found = []
    for entity in books.settings.entities:
        try:
            found.append(await books.binding(entity))
        except errors.NoBinding:  # its lines are told so, each
            continue
    return found


def _mistake(
    connection: Connection, file: str, row: Row, tenants: dict[str, str], first: dict[tuple[str, str], Row]
) -> Mistake | None:
    """Why a line cannot be applied; None: it can."""

    def wrong(field: str, value: str, reason: str, remedy: str) -> Mistake:
        return Mistake(file, row.line, field, value, reason, remedy)

    if row.decision not in DECISIONS:
        return wrong("decision", row.decision, "is none of link, new, hold", "Write one of them, or leave it empty.")
    if not row.external_id:
        return wrong("external_id", "", "is empty", "Leave the columns that came with the file as they are.")
    if row.entity not in tenants:
        return wrong("entity", row.entity, "is bound to no organisation", "See `counterfoil entities`.")
    earlier = first.get((row.entity, row.external_id))
    if earlier is not None and (earlier.decision, earlier.contact_id) != (row.decision, row.contact_id):
        reason = f"contradicts line {earlier.line}, which decided {earlier.decision}"
        return wrong("decision", row.decision, reason, "Decide about each customer in one line.")
    if row.decision != "link":
        return None
    if not row.contact_id:
        return wrong("contact_id", "", "is empty, so there is nobody to link", "Give Xero's ContactID, or write new.")
    found = documents.contacts_by(connection, tenants[row.entity], "contact_id", [row.contact_id])
    if not found:
        remedy = f"Give the ContactID of a contact of {row.entity}'s organisation."
        return wrong("contact_id", row.contact_id, "is no contact in Xero, as last read", remedy)
    if found[0].merged_to:
        return wrong("contact_id", row.contact_id, "was merged into another contact", f"Link {found[0].merged_to}.")
    if found[0].status != "ACTIVE":
        reason = f"is {found[0].status.lower()} in Xero, and nothing can be posted to it"
        return wrong("contact_id", row.contact_id, reason, "Restore it in Xero, or choose another.")
    return None
