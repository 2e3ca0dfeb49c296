"""Problems: grouped by cause, money first; shown, tried again, skipped for a stated reason.

Called by cli/problems and the library. Listing calls nothing; trying again reads from Xero as a plan does, and naming a
document may cost one call.
"""

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

from counterfoil import errors
from counterfoil.access import losing
from counterfoil.app import acts, claims, cures, retrying
from counterfoil.app.reports import Listed, Problem
from counterfoil.app.telling import listed, listed_row
from counterfoil.store import bindings, locks, notices, postings, problems, runs
from counterfoil.store.database import Connection
from counterfoil.store.notices import Notice
from counterfoil.store.postings import Posting
from counterfoil.store.runs import BadRow

Stuck = Posting | BadRow
RECORDS_MAX = 10_000  # records named in one problem; more are counted
_FIELD = re.compile(r"`([^`]+)`")  # reasons name their field first, in backticks
_COLUMN = re.compile(r"\b[Cc]olumn ((?:`[^`]+`(?:, )?)+)")
_LINE = re.compile(r"\[\d+\]")


async def all_problems(books: Any) -> list[Problem]:
    """Every open problem: those that hold back most money first, then those with most records.

    Amounts of different currencies are never added: a problem counts by its largest.
    """
    grouped: dict[tuple[str, str], list[Stuck]] = defaultdict(list)
    for one in await _stuck(books):
        grouped[one.flow_id, cause_of(one)].append(one)
    found = [await _problem(books, flow_id, cause, group) for (flow_id, cause), group in grouped.items()]
    return sorted(found, key=lambda problem: (-max(problem.amounts.values(), default=0), -problem.count, problem.n))


async def lost_consents(books: Any) -> list[str]:
    """What stops whole entities, in sentences with what to do: consents that somebody has to give again. No call."""
    told: list[Notice] = await books.database.read(lambda conn: notices.standing(conn, losing.KIND))
    return [f"{one.message} {one.remedy}" for one in told]


async def _stuck(books: Any) -> list[Stuck]:
    found: list[Stuck] = [
        *await books.database.read(problems.stuck_postings),
        *await books.database.read(problems.open_rows),
    ]
    return [one for one in found if books.sees(one.entity)]


def cause_of(one: Stuck) -> str:
    """The cause under which a person cures it: what waits for a contact is cured at the contact."""
    return (one.cause or "").removeprefix("waits:")


async def _problem(books: Any, flow_id: str, cause: str, group: list[Stuck]) -> Problem:
    n = await books.database.run(lambda conn: problems.number(conn, problems.key(flow_id, cause)))
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    messages: dict[str, None] = {}
    bases: dict[str, str | None] = {}
    totals = [await _total(books, one, bases) for one in group[:RECORDS_MAX]]
    unknown = len(group) - len(totals)
    for one, total in zip(group, totals, strict=False):
        if isinstance(one, Posting):
            messages.update(dict.fromkeys(one.xero_messages or ()))
        if isinstance(one, Posting) and one.state == "posted":
            continue  # Xero has it: nothing waits
        if total is None:
            unknown += 1
        else:
            amounts[total[1]] += total[0]
    records = tuple([_listed(books, one) for one in group[:RECORDS_MAX]])
    first = group[0]
    reason, remedy = first.reason or "", first.remedy or ""
    field = field_of(reason)
    return Problem(
        n, cause, records[0].flow, len(group), dict(amounts), reason, remedy, list(messages), records, field,
        cause.partition(":")[2], cures.likely(n, cause, field, remedy, fixable=_fixable(group)),
        tuple(totals), columns_of(reason), unknown,
    )  # fmt: skip


async def _total(books: Any, one: Stuck, bases: dict[str, str | None]) -> tuple[Decimal, str] | None:
    """What a record comes to, or says that it does; None: nobody knows. `bases`: entities' currencies that were read."""
    total, currency = (one.total, one.currency) if isinstance(one, Posting) else await _claimed(books, one, bases)
    return (total, currency) if total is not None and currency else None


async def _claimed(books: Any, row: BadRow, bases: dict[str, str | None]) -> tuple[Decimal | None, str | None]:
    flow = books.flows.get(row.flow)
    claim = claims.of(row.record, books.mapped.get(row.flow), None)
    if claim is None:
        return None, None
    entity = row.entity or (flow.entity if flow is not None else None)
    if claim.currency is not None or entity is None:
        return claim.total, claim.currency
    if entity not in bases:
        binding = await books.database.read(lambda conn: bindings.get(conn, entity))
        bases[entity] = binding.fingerprint.base_currency if binding is not None else None
    return claim.total, bases[entity]


def field_of(reason: str) -> str:
    """The field or column that a reason names, without the number of its line; "" when it names none."""
    found = _FIELD.search(reason)
    return _LINE.sub("", found[1]) if found else ""


def columns_of(reason: str) -> str:
    """The columns of the source that a reason names; "" when it names none."""
    found = _COLUMN.search(reason)
    return found[1].replace("`", "").rstrip(", ") if found else ""


def _fixable(group: list[Stuck]) -> bool:
    """Whether a record of it is kept here and not sent."""
    return any(
        one.state in ("held", "rejected") if isinstance(one, Posting) else retrying.is_record(one.record)
        for one in group
    )


def _listed(books: Any, one: Stuck) -> Listed:
    return listed(books, one) if isinstance(one, Posting) else listed_row(one)


async def one_problem(books: Any, n: int) -> Problem:
    """One problem by its number. Raises NotFound."""
    for problem in await all_problems(books):
        if problem.n == n:
            return problem
    raise errors.NotFound(f"There is no open problem {n}.", remedy="`counterfoil problems` lists them.")


async def one_and_its_own(books: Any, n: int) -> tuple[Problem, list[Stuck]]:
    """One problem with everything that it stops. Raises NotFound."""
    problem = await one_problem(books, n)
    flow_ids = {flow.table: flow.id for flow in books.flows.values()}
    flow_id = flow_ids.get(problem.flow, problem.flow)
    stuck = await _stuck(books)
    return problem, [one for one in stuck if cause_of(one) == problem.cause and one.flow_id == flow_id]


async def retry(books: Any, n: int) -> int:
    """Plan the records of a problem again; → how many are planned now, or found posted.

    What never passed the checks is read again from what we keep of it, fixes included; what passed them is sent as it
    is. Rows of which no record could be made are read again by the next run. Idempotent.
    """
    _of, wanted = await one_and_its_own(books, n)
    stuck = [one for one in wanted if isinstance(one, Posting)]
    bad = [one for one in wanted if isinstance(one, BadRow) and retrying.is_record(one.record)]
    read_again = await retrying.to_read_again(books, stuck)
    said = [one.id for one in stuck if one.cause == problems.STANDS_TWICE]
    log = books.access.audit

    def begin(connection: Connection) -> None:
        problems.accept(connection, said, problems.STANDS_TWICE)
        log.append_all(connection, acts.of_problem("problem retried", n, stuck, bad))

    await books.database.run(begin)
    passed = await retrying.plan_again(books, read_again, f"problem {n}", bad) if read_again or bad else 0
    others = [one for one in stuck if one.id not in set(read_again)]
    ids = [one.id for one in others]
    parents = [one.after_id for one in others if one.after_id is not None]
    tenants = {one.tenant_id for one in others}

    def send_as_it_is(connection: Connection) -> None:
        locks.hold_tenants(connection, tenants)
        problems.retry(connection, [*ids, *parents])

    if others:
        await books.database.run(send_as_it_is)
    for entity in sorted({one.entity for one in wanted if one.entity}):
        await books.wake("postings", entity)
    after = await books.database.read(lambda conn: postings.many(conn, ids))
    return passed + sum(1 for one in after.values() if one.cause is None and one.state in ("planned", "posted"))


async def skip(books: Any, n: int, because: str, *, only: str | None = None) -> int:
    """Take the records of a problem off the list for good, for a reason that is kept; → how many.

    `only`: the one with this external id. Raises NotFound, InputError without a reason.
    """
    if not because.strip():
        raise errors.InputError("A skip needs a reason.", remedy='Say --because "…".')
    _of, wanted = await one_and_its_own(books, n)
    wanted = chosen(n, wanted, only)
    stuck = [one for one in wanted if isinstance(one, Posting)]
    bad = [one for one in wanted if isinstance(one, BadRow)]
    log = books.access.audit

    def take_off(connection: Connection) -> None:
        locks.hold_tenants(connection, {one.tenant_id for one in stuck})
        problems.skip(connection, [one.id for one in stuck], because)
        runs.skip_bad_rows(connection, [one.id for one in bad], because)
        log.append_all(connection, acts.of_problem("problem skipped", n, stuck, bad))

    await books.database.run(take_off)
    return len(wanted)


def chosen(n: int, stuck: list[Stuck], only: str | None) -> list[Stuck]:
    """All of a problem, or the one that a person named by its external id. Raises NotFound."""
    found = [one for one in stuck if only is None or one.external_id == only]
    if not found:
        raise errors.NotFound(
            f"Problem {n} has no record {only}.", remedy=f"`counterfoil problems show {n}` lists them."
        )
    return found
