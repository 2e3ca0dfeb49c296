"""Problems: grouped by cause, money first; shown, tried again, skipped for a stated reason.

Called by cli/problems and the library. Nothing here calls Xero.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from counterfoil import errors
from counterfoil.app.reports import Listed, Problem
from counterfoil.app.telling import listed, listed_row
from counterfoil.store import locks, problems, runs
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.runs import BadRow

Stuck = Posting | BadRow
RECORDS_MAX = 10_000  # records named in one problem; more are counted


async def all_problems(books: Any) -> list[Problem]:
    """Every open problem: those that hold back most money first, then those with most records."""
    grouped: dict[tuple[str, str], list[Stuck]] = defaultdict(list)
    stuck: list[Stuck] = [
        *await books.database.read(problems.stuck_postings),
        *await books.database.read(problems.open_rows),
    ]
    for one in stuck:
        grouped[one.flow_id, cause_of(one)].append(one)
    found = [await _problem(books, flow_id, cause, group) for (flow_id, cause), group in grouped.items()]
    return sorted(found, key=lambda problem: (-sum(problem.amounts.values()), -problem.count, problem.n))


def cause_of(one: Stuck) -> str:
    """The cause under which a person cures it: what waits for a contact is cured at the contact."""
    return (one.cause or "").removeprefix("waits:")


async def _problem(books: Any, flow_id: str, cause: str, group: list[Stuck]) -> Problem:
    n = await books.database.run(lambda conn: problems.number(conn, f"{flow_id}|{cause}"))
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    messages: dict[str, None] = {}
    for one in group:
        if isinstance(one, Posting):
            if one.total is not None and one.currency and one.state != "posted":
                amounts[one.currency] += one.total
            messages.update(dict.fromkeys(one.xero_messages or ()))
    records = tuple([_listed(books, one) for one in group[:RECORDS_MAX]])
    first = group[0]
    flow = records[0].flow
    return Problem(
        n, cause, flow, len(group), dict(amounts), first.reason or "", first.remedy or "", list(messages), records
    )


def _listed(books: Any, one: Stuck) -> Listed:
    return listed(books, one) if isinstance(one, Posting) else listed_row(one)


async def one_problem(books: Any, n: int) -> Problem:
    """One problem by its number. Raises NotFound."""
    for problem in await all_problems(books):
        if problem.n == n:
            return problem
    raise errors.NotFound(f"There is no open problem {n}.", remedy="`counterfoil problems` lists them.")


async def retry(books: Any, n: int) -> int:
    """Plan the records of a problem again; → how many. What never passed the checks is read again by the next run."""
    wanted = await _stuck_of(books, n)
    ids = [one.id for one in wanted if isinstance(one, Posting)]
    parents = [one.after_id for one in wanted if isinstance(one, Posting) and one.after_id is not None]
    tenants = _tenants(wanted)

    def plan_again(connection: Connection) -> int:
        locks.hold_tenants(connection, tenants)
        return problems.retry(connection, [*ids, *parents])

    again: int = await books.database.run(plan_again)
    await books.note("", "problem retried", {"problem": n, "postings": ids})
    return again


async def skip(books: Any, n: int, because: str) -> int:
    """Take the records of a problem off the list for good, for a reason that is kept; → how many."""
    if not because.strip():
        raise errors.InputError("A skip needs a reason.", remedy='Say --because "…".')
    wanted = await _stuck_of(books, n)
    ids = [one.id for one in wanted if isinstance(one, Posting)]
    rows = [one.id for one in wanted if isinstance(one, BadRow)]
    tenants = _tenants(wanted)

    def take_off(connection: Connection) -> None:
        locks.hold_tenants(connection, tenants)
        problems.skip(connection, ids, because)
        runs.skip_bad_rows(connection, rows, because)

    await books.database.run(take_off)
    await books.note("", "problem skipped", {"problem": n, "postings": ids, "rows": rows})
    return len(wanted)


def _tenants(wanted: list[Stuck]) -> set[str]:
    return {one.tenant_id for one in wanted if isinstance(one, Posting)}


async def _stuck_of(books: Any, n: int) -> list[Stuck]:
    problem = await one_problem(books, n)
    stuck: list[Stuck] = [
        *await books.database.read(problems.stuck_postings),
        *await books.database.read(problems.open_rows),
    ]
    flow_ids = {flow.table: flow.id for flow in books.flows.values()}
    flow_id = flow_ids.get(problem.flow, problem.flow)
    return [one for one in stuck if cause_of(one) == problem.cause and one.flow_id == flow_id]
