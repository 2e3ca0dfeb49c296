"""What is known to have moved each bank account: payments, money spent and received, transfers.

Called by app/figures. Xero gives no balance of a bank account but in reports, and no opening one at all (xero-facts §5.2):
what is added up here are the movements that the copy has, by what they are made of; the balance itself is never guessed.
An over- or prepayment is the bank transaction that received it, its refund a payment, its allocation moves no money; manual
journals cannot be on a bank account (§5.15); both halves of a transfer are listed as bank transactions (§5.14) and are counted
as the transfer, whose list alone says when one was deleted. What cannot be counted in the account's currency is named.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from counterfoil.model import money, record
from counterfoil.model.amounts import Amount
from counterfoil.model.record import Day, Part

Source = Literal["payments", "bank_transactions", "transfers"]
SOURCES: Final[tuple[Source, ...]] = ("payments", "bank_transactions", "transfers")
INTO: Final = frozenset({"ACCRECPAYMENT", "APCREDITPAYMENT", "APOVERPAYMENTPAYMENT", "APPREPAYMENTPAYMENT"})
OUT_OF: Final = frozenset({"ACCPAYPAYMENT", "ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT", "ARPREPAYMENTPAYMENT"})
OTHER_CURRENCY: Final = "its amount in the account's currency is not said"
UNKNOWN_TYPE: Final = "whether it comes in or goes out is not known"
NO_AMOUNT: Final = "it has no amount or no day"


class _Account(Part, frozen=True, kw_only=True, gc=False):
    account_id: str | None = None


class _Of(Part, frozen=True, kw_only=True, gc=False):
    currency_code: str | None = None


class BankAccount(Part, frozen=True, kw_only=True, gc=False):
    """An account of the chart; those of type BANK are bank accounts."""

    account_id: str
    code: str | None = None
    name: str = ""
    type: str | None = None
    status: str | None = None
    currency_code: str | None = None


class Payment(Part, frozen=True, kw_only=True, gc=False):
    """A payment or refund. `amount` in its document's currency, `bank_amount` in the account's."""

    payment_type: str | None = None
    amount: Amount | None = None
    bank_amount: Amount | None = None
    date: Day | None = None
    account: _Account | None = None
    invoice: _Of | None = None
    credit_note: _Of | None = None
    overpayment: _Of | None = None
    prepayment: _Of | None = None


class BankTransaction(Part, frozen=True, kw_only=True, gc=False):
    """Money spent or received; `total` in the account's currency."""

    type: str | None = None
    total: Amount | None = None
    date: Day | None = None
    bank_account: _Account | None = None
    currency_code: str | None = None


class Transfer(Part, frozen=True, kw_only=True, gc=False):
    """Money from one bank account to another; `amount` in the currency of the one that it leaves."""

    amount: Amount | None = None
    date: Day | None = None
    from_bank_account: _Account | None = None
    to_bank_account: _Account | None = None


class Moved(msgspec.Struct, frozen=True):
    """What one source of movements did to an account, both amounts above zero."""

    count: int
    received: Decimal
    spent: Decimal


class Uncounted(msgspec.Struct, frozen=True):
    """Movements that are in no sum, and why."""

    source: Source
    why: str
    count: int


class Balance(msgspec.Struct, frozen=True):
    """One bank account, in its own currency, up to today.

    `movements`: all that came in less all that went out since `since`, its first known day (None: nothing moved).
    `dated_later`: what is dated after today, in no other number. `uncounted`: what is in none.
    """

    account_id: str
    code: str | None
    name: str
    status: str | None
    currency: str
    movements: Decimal
    since: date | None
    until: date | None
    made_of: dict[Source, Moved]
    dated_later: Decimal
    uncounted: tuple[Uncounted, ...]


class _Sums:
    def __init__(self) -> None:
        self.count = dict.fromkeys(SOURCES, 0)
        self.received = dict.fromkeys(SOURCES, money.ZERO)
        self.spent = dict.fromkeys(SOURCES, money.ZERO)
        self.later = money.ZERO
        self.since: date | None = None
        self.until: date | None = None
        self.uncounted: dict[tuple[Source, str], int] = {}


_chart = record.decoder(tuple[BankAccount, ...]).decode
_payments = record.decoder(tuple[Payment, ...]).decode
_transactions = record.decoder(tuple[BankTransaction, ...]).decode
_transfers = record.decoder(tuple[Transfer, ...]).decode


def _list(bodies: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(bodies) + b"]"


class Banking:
    """Adds movements up, by account. Any order gives the same; each document is to be handed over once."""

    def __init__(self, accounts: Sequence[bytes], today: date, base_currency: str) -> None:
        """`accounts`: the chart, as Xero's JSON; other accounts than banks' are passed over."""
        self._today = today
        self._base_currency = base_currency
        chart: tuple[BankAccount, ...] = _chart(_list(accounts))
        self._accounts = {one.account_id: one for one in chart if one.type == "BANK"}
        self._sums = {account_id: _Sums() for account_id in self._accounts}

    def currency(self, account_id: str) -> str:
        """In what an account is kept."""
        return self._accounts[account_id].currency_code or self._base_currency

    def payments(self, bodies: Sequence[bytes]) -> None:
        """Count payments and refunds."""
        found: tuple[Payment, ...] = _payments(_list(bodies))
        for one in found:
            account_id = self._known(one.account)
            if account_id is None:
                continue
            sign = 1 if one.payment_type in INTO else -1 if one.payment_type in OUT_OF else 0
            if not sign:
                self._leave_out(account_id, "payments", UNKNOWN_TYPE)
                continue
            amount = one.amount if self._document_currency(one) == self.currency(account_id) else one.bank_amount
            why = OTHER_CURRENCY if one.amount is not None else NO_AMOUNT
            self._count(account_id, "payments", sign, amount, one.date, why)

    @staticmethod
    def _document_currency(one: Payment) -> str | None:
        of = one.invoice or one.credit_note or one.overpayment or one.prepayment
        return None if of is None else of.currency_code

    def bank_transactions(self, bodies: Sequence[bytes]) -> None:
        """Count money spent and received; the halves of transfers are passed over."""
        found: tuple[BankTransaction, ...] = _transactions(_list(bodies))
        for one in found:
            account_id, type_ = self._known(one.bank_account), one.type or ""
            if account_id is None or type_.endswith("-TRANSFER"):
                continue
            sign = 1 if type_.startswith("RECEIVE") else -1 if type_.startswith("SPEND") else 0
            if not sign:
                self._leave_out(account_id, "bank_transactions", UNKNOWN_TYPE)
                continue
            is_own = one.currency_code in (None, self.currency(account_id))
            self._count(account_id, "bank_transactions", sign, one.total if is_own else None, one.date, OTHER_CURRENCY)

    def transfers(self, bodies: Sequence[bytes]) -> None:
        """Count transfers on both their accounts."""
        found: tuple[Transfer, ...] = _transfers(_list(bodies))
        for one in found:
            left, reached = self._known(one.from_bank_account), self._known(one.to_bank_account)
            if left is not None:
                self._count(left, "transfers", -1, one.amount, one.date, NO_AMOUNT)
            if reached is not None:
                is_same = left is not None and self.currency(left) == self.currency(reached)
                self._count(reached, "transfers", 1, one.amount if is_same else None, one.date, OTHER_CURRENCY)

    def balances(self) -> list[Balance]:
        """Every bank account, by code and name."""
        ordered = sorted(self._accounts.values(), key=lambda one: (one.code or "", one.name, one.account_id))
        return [self._balance(one, self._sums[one.account_id]) for one in ordered]

    def _balance(self, account: BankAccount, sums: _Sums) -> Balance:
        made_of = {one: Moved(sums.count[one], sums.received[one], sums.spent[one]) for one in SOURCES}
        net = sum((one.received - one.spent for one in made_of.values()), money.ZERO)
        uncounted = tuple(Uncounted(*key, count) for key, count in sorted(sums.uncounted.items()))
        return Balance(
            account.account_id, account.code, account.name, account.status, self.currency(account.account_id), net,
            sums.since, sums.until, made_of, sums.later, uncounted,
        )  # fmt: skip

    def _known(self, account: _Account | None) -> str | None:
        account_id = account.account_id if account is not None else None
        return account_id if account_id in self._accounts else None

    def _count(
        self, account_id: str, source: Source, sign: int, amount: Decimal | None, day: date | None, why: str
    ) -> None:
        sums = self._sums[account_id]
        if amount is None or day is None:
            self._leave_out(account_id, source, why if amount is None else NO_AMOUNT)
            return
        if day > self._today:
            sums.later += sign * amount
            return
        sums.count[source] += 1
        (sums.received if sign > 0 else sums.spent)[source] += amount
        sums.since = day if sums.since is None else min(sums.since, day)
        sums.until = day if sums.until is None else max(sums.until, day)

    def _leave_out(self, account_id: str, source: Source, why: str) -> None:
        uncounted = self._sums[account_id].uncounted
        uncounted[source, why] = uncounted.get((source, why), 0) + 1
