"""What people did, as entries of the audit log: ids, counts and keyed hashes, never a name, a text or an amount.

Called by whoever carries the act out, inside its transaction. An external id is the user's own word for somebody
(it may be an e-mail address), so only its keyed hash is kept; Xero's ids are random and stay.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from counterfoil.access.audit import NO_ENTITY, some
from counterfoil.posting.plans import LIMIT_FIRST
from counterfoil.posting.undoing import UndoPlan
from counterfoil.settings import FlowSettings
from counterfoil.store import runs
from counterfoil.store.contact_links import Link
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.runs import BadRow

Act = tuple[str, str, dict[str, Any]]  # entity, what was done, data
DECISIONS_MAX: Final = 200  # customers in one entry


def fix_stored(entity: str | None, fix_id: int, problem: int) -> Act:
    """A correction that is in force from now on."""
    return entity or NO_ENTITY, "fix stored", {"fix": fix_id, "problem": problem}


def of_problem(act: str, n: int, stuck: Iterable[Posting], bad: Iterable[BadRow]) -> list[Act]:
    """What was done with a problem's records: one act per entity that has any."""
    sent: dict[str, list[int]] = defaultdict(list)
    rows: dict[str, list[int]] = defaultdict(list)
    for posting in stuck:
        sent[posting.entity].append(posting.id)
    for row in bad:
        rows[row.entity or NO_ENTITY].append(row.id)
    return [
        (entity, act, {"problem": n, "postings": some(sent[entity]), "rows": some(rows[entity])})
        for entity in sorted({*sent, *rows})
    ]


def customers_decided(links: Sequence[Link], keyed_hash: Callable[[str], str], problem: int | None = None) -> list[Act]:
    """Who a person said that customers are: every decision, some of them in each entry."""
    mine: dict[str, list[list[str | None]]] = defaultdict(list)
    for link in links:
        mine[link.entity].append([keyed_hash(link.external_id), link.decision, link.contact_id])
    return [
        (entity, "customers decided", {"problem": problem, "customers": decided[first : first + DECISIONS_MAX]})
        for entity, decided in mine.items()
        for first in range(0, len(decided), DECISIONS_MAX)
    ]


def taken_back(undo_run: int, wanted: UndoPlan) -> list[Act]:
    """A run that a person takes back: how many documents of each entity are to be deleted, voided, kept …"""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for line in wanted.lines:
        counted[line.entity][line.action] += 1
    return [
        (entity, "run undone", {"run": wanted.run_id, "by_run": undo_run, "documents": dict(of)})
        for entity, of in counted.items()
    ]


def approved_by(connection: Connection, flow: FlowSettings, run: int, said: Mapping[str, str] | None) -> list[Act]:
    """What a person lets a run do by starting it; none when it is a run like any other.

    `said`: {"plan": the hash of the plan that it carries out, "live": how AUTHORISED documents were let into a live
    organisation}. A second run is the word for what the first one's `limit_first` held back.
    """
    how: dict[str, Any] = dict(said or {})
    if flow.limit_first is not None and runs.made_and_open(connection, flow.id)[0]:
        waiting = runs.held_for(connection, flow.id, LIMIT_FIRST)
        how |= {"limit_first": waiting} if waiting else {}
    return [(flow.entity or NO_ENTITY, "run approved", {"run": run, "flow": flow.id} | how)] if how else []
