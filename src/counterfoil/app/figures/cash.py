"""Cash: what each bank account holds and what moved it, and what is to come in and go out by due date, week by week.

Called by the service's API, cli/cash and programs. Balances are Xero's own, as they were read last (app/bank_balances), of
entities that ask for them; they are never made up of movements. What is not known is named in the answer. No call to Xero.
"""

import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app import bank_balances, needs
from counterfoil.app.bank_balances import Held
from counterfoil.app.figures import owed, reading
from counterfoil.app.figures.reading import Basis
from counterfoil.model import money
from counterfoil.model.binding import Binding
from counterfoil.reporting import papers, weeks
from counterfoil.reporting.bank import Balance, Banking
from counterfoil.reporting.weeks import Expected, Forecast
from counterfoil.store import mirrored, waits
from counterfoil.store.waits import Wait

RESOURCES: Final = ("Accounts", "Payments", "BankTransactions", "BankTransfers")
ACCOUNTS_MAX: Final = 5_000  # of a chart
ARCHIVED: Final = "ARCHIVED"
LACKS: Final = (
    "The opening balance: Xero gives it in reports alone. Add what the account held before `since`.",
    "What Xero lists in none of these resources: payments of expense claims and of payroll.",
)


class AtBank(msgspec.Struct, frozen=True):
    """An amount at the end of the day `on`, as Xero said at `as_of`, `lag_s` ago.

    In base currency, of accounts in other currencies too: Xero's report knows no other.
    """

    amount: Decimal
    currency: str
    on: datetime.date
    as_of: datetime.datetime
    lag_s: float


class Unknown(msgspec.Struct, frozen=True):
    """Why a balance is not known, and what to do."""

    reason: str
    remedy: str


class Account(Balance, frozen=True):
    """A bank account. Where `balance` is null, `balance_unknown` says why."""

    balance: AtBank | None = None
    balance_unknown: Unknown | None = None


class Cash(msgspec.Struct, frozen=True):
    """`lacks`: what every account's `movements` needs to be its balance.

    `balance_total`: of all accounts that are in use; null unless each balance is known.
    """

    basis: Basis
    accounts: tuple[Account, ...]
    balance_total: AtBank | None
    lacks: tuple[str, ...]
    expected: Expected
    unsaid: int


async def cash(books: Any, entity: str, *, weeks_shown: int = weeks.WEEKS, on: datetime.date | None = None) -> Cash:
    """Every bank account, and the weeks to come. Raises NotFound, NoBinding, NotRead, InputError.

    `on`: movements up to that day, and the weeks from it; None: the organisation's today. Balances are as they were read.
    """
    basis, bound = await reading.basis(books, entity, (*RESOURCES, *papers.RESOURCES), on)
    chart = await books.database.read(lambda conn: mirrored.page(conn, bound.tenant_id, "Accounts", most=ACCOUNTS_MAX))
    try:
        bank = Banking([one.body for one in chart if one.deleted_at is None], basis.on, basis.base_currency)
        for name, count in (
            ("Payments", bank.payments), ("BankTransactions", bank.bank_transactions), ("BankTransfers", bank.transfers)
        ):  # fmt: skip
            async for rows in reading.lots(books, bound.tenant_id, name):
                count([body for _id, body in rows])
    except msgspec.MsgspecError as cause:
        raise reading.unreadable("bank documents", cause) from None
    forecast, unsaid = Forecast(basis.on, basis.base_currency, weeks_shown), 0
    async for documents, missing in owed.opened(books, bound):
        forecast.add(documents)
        unsaid += len(missing)
    held, now = await _held(books, bound), books.clock.now()
    accounts = tuple(_account(one, held, basis, now) for one in bank.balances())
    return Cash(basis, accounts, _total(accounts), LACKS, forecast.expected(), unsaid)


async def _held(books: Any, bound: Binding) -> Held | Unknown:
    """What was read of an organisation's balances, or why there is nothing."""
    entity = bound.entity
    if books.settings.entities[entity].balances_every is None:
        return Unknown(
            f"{entity} does not ask for the balances of its bank accounts.",
            f'Write `bank_balances = "daily"` into [entities.{entity}], then run `counterfoil connect` and `counterfoil sync {entity}`.',
        )
    held = await bank_balances.held(books, bound.tenant_id)
    if held is not None:
        return held
    try:
        await needs.check_balances(books, bound)
    except errors.MissingScope as lack:
        return Unknown(lack.message, lack.remedy)
    wait = (await books.database.read(lambda conn: waits.of_kind(conn, bank_balances.WORK))).get(entity)
    return Unknown(
        f"The balances of {entity}'s bank accounts were never read{_because(wait)}",
        f"Run `counterfoil sync {entity}`; `counterfoil serve` reads them by itself.",
    )


def _because(wait: Wait | None) -> str:
    return "." if wait is None or wait.why is None else f": {wait.why}"


def _account(one: Balance, held: Held | Unknown, basis: Basis, now: datetime.datetime) -> Account:
    fields = msgspec.structs.asdict(one)
    if isinstance(held, Unknown):
        return Account(**fields, balance_unknown=held)
    amount = held.amounts.get(one.account_id)
    if amount is None:
        why = Unknown(
            "Xero's bank summary did not list the account.", "It is read again; an archived account is not listed."
        )
        return Account(**fields, balance_unknown=why)
    return Account(
        **fields, balance=AtBank(amount, basis.base_currency, held.on, held.read_at, bank_balances.lag_s(held, now))
    )


def _total(accounts: tuple[Account, ...]) -> AtBank | None:
    """Of the accounts in use; all balances were read in one answer."""
    told = [one.balance for one in accounts if one.balance is not None]
    if not told or any(one.balance is None and one.status != ARCHIVED for one in accounts):
        return None
    return msgspec.structs.replace(told[0], amount=sum((one.amount for one in told), money.ZERO))
