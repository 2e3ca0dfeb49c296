"""`/v1/problems`: what needs a person, money first; and its three cures: retry, skip and fix.

Called by application. The rules, the audit log and whoever acts in it are those of `counterfoil problems`. A key for some companies
is shown, and mends, what is of those alone.
"""

import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from litestar.params import JSONBody, PathParameter

from counterfoil.app import trouble_pages
from counterfoil.app.reports import Listed, Problem
from counterfoil.app.wishes import FixReport, Wish
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import PAGE_USUAL, After, BooksOf, Limit

TAGS: Final = ("problems",)
Number = Annotated[str, PathParameter(description="A problem's `n`.", max_length=100)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Because = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S", description="Why; it is kept.")]
_TROUBLE: Final = {
    "n": 3, "code": "account-unknown:999", "flow": "shop", "count": 12, "amounts": {"GBP": "302.40"}, "unknown": 0,
    "reason": "`lines[0].account_code` 999 is no account of acme-uk.", "remedy": "Add the account in Xero, or fix it.",
    "xero_messages": [], "field": "lines.account_code", "column": "", "value": "999",
}  # fmt: skip
_RECORD: Final = {
    "id": 17, "state": "rejected", "entity": "acme-uk", "flow": "shop", "kind": "invoice", "external_id": "order-1001",
    "source": "http:9f2c51ab03de7781", "reason": "`lines[0].account_code` 999 is no account of acme-uk.", "xero_messages": None,
    "remedy": "Add the account in Xero, or fix it.", "document": None,
}  # fmt: skip
_FIXED: Final = {
    "problem": 3, "fixes": [8], "records": 12, "cured": 12, "said": ["account_code 999 → 200"], "left": {}, "all_like_it": True,
}  # fmt: skip


class Trouble(msgspec.Struct, frozen=True):
    """One cause that stops records. `amounts`: what waits, per currency, as far as records say it; `unknown`: how many do not."""

    n: int
    code: str
    flow: str
    count: int
    amounts: dict[str, Decimal]
    unknown: int
    reason: str
    remedy: str
    xero_messages: list[str]
    field: str
    column: str
    value: str


class Troubles(msgspec.Struct, frozen=True):
    """Problems, those that hold back most money first. `left_out`: how many more there are than `limit`."""

    problems: tuple[Trouble, ...]
    left_out: int


class TroubleRecords(msgspec.Struct, frozen=True):
    """One problem and some of its records."""

    problem: Trouble
    records: tuple[Listed, ...]
    next: str | None


class Retried(msgspec.Struct, frozen=True):
    """`planned`: how many records are planned now, or found posted."""

    problem: int
    planned: int


class Skipped(msgspec.Struct, frozen=True):
    """`skipped`: how many records were taken off the list."""

    problem: int
    skipped: int


class Skip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`only`: the record with this external id; null: all of the problem."""

    because: Because
    only: Text | None = None


class FixWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to put instead. `use` replaces the value that is wrong, `set` sets fields ("" takes one away), `date` the date."""

    use: Text | None = None
    date: datetime.date | None = None
    set: Annotated[dict[Text, Text], msgspec.Meta(max_length=50)] = {}
    only: Text | None = None
    because: Text | None = None


def _n(problem: str) -> int:
    return registry.number(problem, "open problem")


def _trouble(one: Problem) -> Trouble:
    return Trouble(
        one.n, one.cause, one.flow, one.count, one.amounts, one.unknown, one.reason, one.remedy, one.xero_messages,
        one.field, one.column, one.value,
    )  # fmt: skip


@registry.get(
    "/v1/problems", rights="read", summary="What needs a person, money first",
    example={"problems": [_TROUBLE], "left_out": 0}, tags=TAGS,
)  # fmt: skip
async def list_problems(books: BooksOf, limit: Limit = PAGE_USUAL) -> Troubles:
    """Open problems, grouped by cause."""
    found: list[Problem] = await books.problems()
    return Troubles(tuple(map(_trouble, found[:limit])), max(0, len(found) - limit))


@registry.get(
    "/v1/problems/{problem:str}", rights="read", summary="One problem and its records", refusals=(404,), tags=TAGS,
    example={"problem": _TROUBLE, "records": [_RECORD], "next": None},
)  # fmt: skip
async def get_problem(
    books: BooksOf, problem: Number, limit: Limit = PAGE_USUAL, after: After = None
) -> TroubleRecords:  # fmt: skip
    """It, and a page of what it stops."""
    found, page = await trouble_pages.problem(books, _n(problem), after=after, most=limit)
    return TroubleRecords(_trouble(found), page.records, page.next)


@registry.post(
    "/v1/problems/{problem:str}/retry", rights="admin", summary="Plan a problem's records again", refusals=(404,),
    description="After the cause was mended. What passes now is sent by the service. Safe to repeat.",
    example={"problem": 3, "planned": 12}, tags=TAGS,
)  # fmt: skip
async def retry_problem(books: BooksOf, problem: Number) -> Retried:
    """Through the fixes, the checks and the ledger once more."""
    n = _n(problem)
    return Retried(n, await books.retry(n))


@registry.post(
    "/v1/problems/{problem:str}/skip", rights="admin", summary="Take a problem's records off the list", refusals=(404,),
    description="For good, for a reason that is kept; they are never posted.", example={"problem": 3, "skipped": 12},
    body_example={"because": "test orders", "only": "order-1001"}, tags=TAGS,
)  # fmt: skip
async def skip_problem(books: BooksOf, problem: Number, data: JSONBody[Skip]) -> Skipped:
    """All of them, or one."""
    n = _n(problem)
    return Skipped(n, await books.skip(n, data.because, only=data.only))


@registry.post(
    "/v1/problems/{problem:str}/fix", rights="admin", summary="Correct a problem's records, and all like them",
    refusals=(404,), tags=TAGS, example=_FIXED, body_example={"use": "200", "because": "the shop's old code"},
    description="Stored when it cures them, and never sent by itself: retry the problem then. As `counterfoil problems fix`.",
)  # fmt: skip
async def fix_problem(books: BooksOf, problem: Number, data: JSONBody[FixWish]) -> FixReport:
    """Tried on the records that are kept."""
    if data.use is None and data.date is None and not data.set:
        raise problems.field("use", "Nothing to put instead.", where="body", remedy="Give `use`, `date` or `set`.")
    wish = Wish(use=data.use, date=data.date, put=data.set, only=data.only, because=data.because)
    report: FixReport = await books.fix(_n(problem), wish)
    return report


ROUTES: Final = (list_problems, get_problem, retry_problem, skip_problem, fix_problem)
