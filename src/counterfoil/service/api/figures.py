"""`/v1/entities/{entity}/receivables`, `/payables` and `/cash`: who owes what since when, and what moves the bank.

Called by application. Sums of the copy of the ledger, made when asked (app/figures): no call to Xero. Each says how old what
it stands on is, and is refused with 409 while a part of that was never read.
"""

import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar.params import QueryParameter

from counterfoil.app.figures import cash as cashes
from counterfoil.app.figures import owed as owing
from counterfoil.app.figures.cash import Account, AtBank
from counterfoil.app.figures.owed import Unsaid
from counterfoil.app.figures.reading import Basis
from counterfoil.reporting import weeks
from counterfoil.reporting.ageing import Aged, BaseAged, Bucket, By, Chosen, ContactAged
from counterfoil.reporting.papers import Open, Side
from counterfoil.reporting.weeks import Expected
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import PAGE_USUAL, After, BooksOf, EntityName, Limit

TAGS: Final = ("figures",)
CURSOR: Final = "It is `next` of the page before, as it was given."
WEEKS: Final = 13
ByParameter = Annotated[
    By, QueryParameter(name="by", description="From which day on an invoice ages: its due date, or its own date.")
]
OnParameter = Annotated[
    datetime.date | None,
    QueryParameter(
        name="on",
        description="Count ages to this day, of what is open now; absent: today on the organisation's calendar.",
    ),
]
_AGED: Final = {
    "not_due": "120.00", "days_1_30": "0.00", "days_31_60": "60.00", "days_61_90": "0.00", "over_90": "0.00",
    "credit": "-30.00", "total": "150.00", "documents": 3,
}  # fmt: skip
_BASIS: Final = {
    "entity": "acme-uk", "as_of": "2026-11-22T10:15:02Z", "today": "2026-11-22", "on": "2026-11-22", "timezone": "Europe/London",
    "base_currency": "GBP",
    "resources": [{"resource": "Invoices", "caught_up_at": "2026-11-22T10:15:02Z", "lag_s": 41.5}],
}  # fmt: skip
_OWED: Final = {
    "basis": _BASIS, "side": "receivables", "by": "due_date", "totals": {"GBP": _AGED},
    "base": {"currency": "GBP", "aged": _AGED, "without_rate": 0},
    "contacts": [
        {"contact_id": "3c2f4e0a-8e0b-4f7e-9d6a-0c1c4b9b5a77", "contact": "Blue Fern Ltd", "currency": "GBP",
         "aged": _AGED, "base_total": "150.00"}
    ],
    "next": None, "unsaid": {"count": 0, "ids": []},
}  # fmt: skip


_OPEN: Final = {
    "document_id": "b4b1a1f0-7a0c-4f43-8a1e-1d6f1c3a9d10", "resource": "Invoices", "side": "receivables", "kind": "invoice",
    "number": "SHOP-1001", "reference": "PO 77", "contact_id": "3c2f4e0a-8e0b-4f7e-9d6a-0c1c4b9b5a77",
    "contact": "Blue Fern Ltd", "date": "2026-08-21", "due": "2026-09-20", "currency": "GBP", "rate": "1", "total": "60.00",
    "open": "60.00", "base": "60.00",
}  # fmt: skip
_BEHIND: Final = {"side": "receivables", "basis": _BASIS, "documents": [_OPEN], "next": None}
_FLOW: Final = {"currency": "GBP", "coming_in": "120.00", "going_out": "40.00", "documents": 2}
_AT_BANK: Final = {
    "amount": "4210.55", "currency": "GBP", "on": "2026-11-22", "as_of": "2026-11-22T06:00:04Z", "lag_s": 15_340.2,
}  # fmt: skip
_CASH: Final = {
    "basis": _BASIS,
    "accounts": [
        {"account_id": "5a1d6f6e-6f0f-4f57-9b07-ff4ad5c0a5a1", "code": "090", "name": "Current", "status": "ACTIVE",
         "currency": "GBP", "movements": "1200.00", "since": "2025-01-02", "until": "2026-11-20",
         "made_of": {"payments": {"count": 9, "received": "1500.00", "spent": "300.00"}}, "dated_later": "0.00",
         "uncounted": [], "balance": _AT_BANK, "balance_unknown": None}
    ],
    "balance_total": _AT_BANK,
    "lacks": list(cashes.LACKS),
    "expected": {"overdue": [], "weeks": [{"first": "2026-11-16", "last": "2026-11-22", "flows": [_FLOW], "base": _FLOW}],
                 "later": [], "credit": [], "without_rate": 0},
    "unsaid": 0,
}  # fmt: skip


class Owed(msgspec.Struct, frozen=True):
    """What contacts owe, or are owed. `totals` by currency; `base`: all of it in the organisation's currency.

    `contacts` in the order of their ids, then currencies. `unsaid`: documents that do not say what is left of them, in no number.
    """

    side: Side
    by: By
    basis: Basis
    totals: dict[str, Aged]
    base: BaseAged
    contacts: tuple[ContactAged, ...]
    next: str | None
    unsaid: Unsaid


class OwedDocuments(msgspec.Struct, frozen=True):
    """The documents behind a number, the oldest debt first. `open` in the document's currency, credit below zero."""

    side: Side
    basis: Basis
    documents: tuple[Open, ...]
    next: str | None


class Cash(msgspec.Struct, frozen=True):
    """`lacks`: what each account's `movements` needs to be its balance.

    `balance`: Xero's own, in base currency, for companies that ask for it; where it is null, `balance_unknown` says why.
    `balance_total`: of all accounts in use; null unless each balance is known.

    `unsaid`: how many open documents do not say what is left of them; they are not among what is expected.
    """

    basis: Basis
    accounts: tuple[Account, ...]
    balance_total: AtBank | None
    lacks: tuple[str, ...]
    expected: Expected
    unsaid: int


async def _owed(
    books: Any, entity: str, side: Side, by: By, limit: int, after: str | None, on: datetime.date | None
) -> Owed:  # fmt: skip
    place = ("", "")
    if after is not None:
        contact, mark, currency = after.rpartition("/")
        if not mark:
            raise problems.field("after", "This is no cursor of this list.", remedy=CURSOR)
        place = (contact, currency)
    found = await owing.owed(books, entity, side, by=by, after=place, most=limit, on=on)
    following = "/".join(found.next) if found.next is not None else None
    return Owed(side, by, found.basis, found.totals, found.base, found.contacts, following, found.unsaid)


async def _behind(
    books: Any, entity: str, side: Side, chosen: Chosen, limit: int, after: str | None, on: datetime.date | None
) -> OwedDocuments:  # fmt: skip
    place = None
    if after is not None:
        day, mark, document = after.partition("/")
        try:
            place = (datetime.date.fromisoformat(day), document)
        except ValueError:
            mark = ""
        if not mark:
            raise problems.field("after", "This is no cursor of this list.", remedy=CURSOR)
    found = await owing.behind(books, entity, side, chosen, after=place, most=limit, on=on)
    following = f"{found.next[0]}/{found.next[1]}" if found.next is not None else None
    return OwedDocuments(side, found.basis, found.documents, following)


ContactParameter = Annotated[
    str | None, QueryParameter(name="contact", max_length=100, description="Of this contact (its ContactID) alone.")
]
CurrencyParameter = Annotated[
    str | None, QueryParameter(name="currency", max_length=10, description="In this currency alone.")
]
BucketParameter = Annotated[Bucket | None, QueryParameter(name="bucket", description="Of this age alone.")]
SAID: Final = (
    "By contact and currency, aged by the organisation's calendar. Buckets hold invoices alone; credit notes, over- and "
    "prepayments that nobody has allocated stand in `credit`, below zero, and reduce `total`."
)


@registry.get(
    "/v1/entities/{entity:str}/receivables", rights="read", summary="Who owes a company what, and since when",
    description=SAID, refusals=(409,), example=_OWED, tags=TAGS,
)  # fmt: skip
async def get_receivables(
    books: BooksOf,
    entity: EntityName,
    by: ByParameter = "due_date",
    limit: Limit = PAGE_USUAL,
    after: After = None,
    on: OnParameter = None,
) -> Owed:
    """Open sales invoices and customers' credit."""
    return await _owed(books, entity, "receivables", by, limit, after, on)


@registry.get(
    "/v1/entities/{entity:str}/payables", rights="read", summary="Whom a company owes what, and since when",
    description=SAID, refusals=(409,), example=_OWED | {"side": "payables"}, tags=TAGS,
)  # fmt: skip
async def get_payables(
    books: BooksOf,
    entity: EntityName,
    by: ByParameter = "due_date",
    limit: Limit = PAGE_USUAL,
    after: After = None,
    on: OnParameter = None,
) -> Owed:
    """Open bills and suppliers' credit."""
    return await _owed(books, entity, "payables", by, limit, after, on)


@registry.get(
    "/v1/entities/{entity:str}/receivables/documents", rights="read", summary="The documents behind receivables",
    description="What stands behind a number of /receivables, the oldest debt first.", refusals=(409,), example=_BEHIND, tags=TAGS,
)  # fmt: skip
async def get_receivables_documents(
    books: BooksOf, entity: EntityName, contact: ContactParameter = None, currency: CurrencyParameter = None,
    bucket: BucketParameter = None, by: ByParameter = "due_date", limit: Limit = PAGE_USUAL, after: After = None,
    on: OnParameter = None,
) -> OwedDocuments:  # fmt: skip
    """Open sales invoices and customers' credit, one by one."""
    return await _behind(books, entity, "receivables", Chosen(contact, currency, bucket, by), limit, after, on)


@registry.get(
    "/v1/entities/{entity:str}/payables/documents", rights="read", summary="The documents behind payables",
    description="What stands behind a number of /payables, the oldest debt first.", refusals=(409,), example=_BEHIND, tags=TAGS,
)  # fmt: skip
async def get_payables_documents(
    books: BooksOf, entity: EntityName, contact: ContactParameter = None, currency: CurrencyParameter = None,
    bucket: BucketParameter = None, by: ByParameter = "due_date", limit: Limit = PAGE_USUAL, after: After = None,
    on: OnParameter = None,
) -> OwedDocuments:  # fmt: skip
    """Open bills and suppliers' credit, one by one."""
    return await _behind(books, entity, "payables", Chosen(contact, currency, bucket, by), limit, after, on)


@registry.get(
    "/v1/entities/{entity:str}/cash", rights="read", summary="What each bank account holds, what moved it, and what is to come",
    description=(
        "Movements of each bank account that the copy knows, by what they are made of, and open documents week by week by "
        "due date. A balance is what Xero's bank summary said at `as_of`, where the company asks for it (`bank_balances` in its "
        "entity's table); else it is null and `balance_unknown` says why. Nothing is guessed."
    ),
    refusals=(409,), example=_CASH, tags=TAGS,
)  # fmt: skip
async def get_cash(
    books: BooksOf, entity: EntityName,
    weeks: Annotated[int, QueryParameter(name="weeks", ge=1, le=weeks.WEEKS_MAX, description="How many weeks.")] = WEEKS,
    on: OnParameter = None,
) -> Cash:  # fmt: skip
    """Each bank account, and the weeks to come."""
    found = await cashes.cash(books, entity, weeks_shown=weeks, on=on)
    return Cash(found.basis, found.accounts, found.balance_total, found.lacks, found.expected, found.unsaid)


ROUTES: Final = (get_receivables, get_payables, get_receivables_documents, get_payables_documents, get_cash)
