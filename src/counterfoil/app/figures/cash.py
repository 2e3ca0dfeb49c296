"""Cash: what is known to have moved each bank account, and what is to come in and go out by due date, week by week.

Called by the service's API and by programs. Not a balance: what Xero does not give is named in the answer. No call to Xero.
"""

from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.app.figures import owed, reading
from counterfoil.app.figures.reading import Basis
from counterfoil.reporting import papers, weeks
from counterfoil.reporting.bank import Balance, Banking
from counterfoil.reporting.weeks import Expected, Forecast
from counterfoil.store import mirrored

RESOURCES: Final = ("Accounts", "Payments", "BankTransactions", "BankTransfers")
ACCOUNTS_MAX: Final = 5_000  # of a chart
LACKS: Final = (
    "The opening balance: Xero gives it in reports alone. Add what the account held before `since`.",
    "What Xero lists in none of these resources: payments of expense claims and of payroll.",
)


class Account(Balance, frozen=True):
    """A bank account. `balance` is null as long as a part of it is unknown, and `movements` says what is known."""

    balance: Decimal | None = None


class Cash(msgspec.Struct, frozen=True):
    """`lacks`: what every account's `movements` needs to be its balance."""

    basis: Basis
    accounts: tuple[Account, ...]
    lacks: tuple[str, ...]
    expected: Expected
    unsaid: int


async def cash(books: Any, entity: str, *, weeks_shown: int = weeks.WEEKS) -> Cash:
    """Every bank account, and the weeks to come. Raises NotFound, NoBinding, NotRead."""
    basis, bound = await reading.basis(books, entity, (*RESOURCES, *papers.RESOURCES))
    chart = await books.database.read(lambda conn: mirrored.page(conn, bound.tenant_id, "Accounts", most=ACCOUNTS_MAX))
    try:
        bank = Banking([one.body for one in chart if one.deleted_at is None], basis.today, basis.base_currency)
        for name, count in (
            ("Payments", bank.payments), ("BankTransactions", bank.bank_transactions), ("BankTransfers", bank.transfers)
        ):  # fmt: skip
            async for rows in reading.lots(books, bound.tenant_id, name):
                count([body for _id, body in rows])
    except msgspec.MsgspecError as cause:
        raise reading.unreadable("bank documents", cause) from None
    forecast, unsaid = Forecast(basis.today, basis.base_currency, weeks_shown), 0
    async for documents, missing in owed.opened(books, bound):
        forecast.add(documents)
        unsaid += len(missing)
    accounts = tuple(Account(**msgspec.structs.asdict(one)) for one in bank.balances())
    return Cash(basis, accounts, LACKS, forecast.expected(), unsaid)
