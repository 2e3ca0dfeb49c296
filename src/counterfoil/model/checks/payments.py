"""May the payments of a sale be made, and what will they be at Xero?

Called by flows/sales_invoices. Implements facts 5.10 and 5.2: a payment goes to a bank account or to one that payments
are enabled to, against an AUTHORISED document, and never more than is outstanding. Identity: design §3.1.
"""

import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.model import spelling
from counterfoil.model.checks import days
from counterfoil.model.checks.days import LockPolicy
from counterfoil.model.ledger import Account, Ledger
from counterfoil.model.money import EXACT, ZERO
from counterfoil.model.prepared import Finding, PaymentWanted
from counterfoil.model.records import Payment, SalesInvoice

REFERENCE_MAX: Final = 255
MARKER_ROOM: Final = 17  # the Reference ends in a space and our marker of 16 characters
ONLY: Final = "payment"  # the key of a payment that is the only one of its sale and has none


class Paying(msgspec.Struct, frozen=True):
    """The payments of one sale, or why not. `holds`: their days are locked, and the flow says to wait."""

    wanted: tuple[PaymentWanted, ...] = ()
    findings: tuple[Finding, ...] = ()
    holds: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def paying(
    record: SalesInvoice, ledger: Ledger, *, status: str, currency: str, total: Decimal, policy: LockPolicy
) -> Paying:
    """What has to be paid on a document of `status`, `currency` and `total` that the record becomes."""
    if not record.payments:
        return Paying()
    found = [*_document_findings(record, status, currency, total), *_key_findings(record)]
    wanted, holds, notes = [], [], []
    for index, payment in enumerate(record.payments):
        path = f"payments[{index}]"
        day = days.open_day(payment.date, ledger, policy, f"{path}.date")
        account = _account(payment, ledger, path)
        found += [*day.findings, *_payment_findings(payment, ledger, currency, path)]
        holds += [day.hold] if day.hold else []
        notes += [day.note] if day.note else []
        if isinstance(account, Finding):
            found.append(account)
        else:
            wanted.append(_wanted(record, payment, day.date, account))
    return Paying(() if found else tuple(wanted), tuple(found), tuple(holds), tuple(notes))


def _document_findings(record: SalesInvoice, status: str, currency: str, total: Decimal) -> list[Finding]:
    found = []
    if status != "AUTHORISED":
        reason = f"`payments` is given, but the invoice will be {status}; Xero takes payments on AUTHORISED ones only."
        found.append(Finding("payment-too-early", reason, "Leave `payments` out, or make it AUTHORISED.", "payments"))
    paid = ZERO
    for payment in record.payments:
        paid = EXACT.add(paid, payment.amount)
    if paid > total:
        reason = f"`payments` come to {paid} {currency}, more than the total of {total} {currency}."
        remedy = "Check the amounts; what a customer paid too much is an overpayment, to be entered in Xero."
        found.append(Finding("payments-too-large", reason, remedy, "payments", str(paid)))
    return found


def _key_findings(record: SalesInvoice) -> list[Finding]:
    """Two payments need a key each: without one they could not be told apart when they are looked for."""
    if len(record.payments) == 1:
        return []
    found: list[Finding] = []
    seen: set[str] = set()
    for index, payment in enumerate(record.payments):
        field, key = f"payments[{index}].external_id", payment.external_id
        if key is None:
            reason = f"`{field}` is missing, and the sale has {len(record.payments)} payments."
            found.append(Finding("payment-key-missing", reason, "Give each payment a key of your own.", field))
        elif key in seen:
            reason = f"`{field}` stands twice: {key}."
            found.append(Finding("payment-key-twice", reason, "Give each payment a key of its own.", field, key))
        else:
            seen.add(key)
    return found


def _payment_findings(payment: Payment, ledger: Ledger, currency: str, path: str) -> list[Finding]:
    found = []
    if payment.rate is not None and currency == ledger.base_currency:
        field = f"{path}.rate"
        reason = f"`{field}` is given, but {currency} is the base currency of {ledger.organisation}."
        found.append(Finding("rate-needless", reason, "Leave it out.", field, str(payment.rate)))
    room = REFERENCE_MAX - MARKER_ROOM
    if payment.reference is not None and len(payment.reference) > room:
        field = f"{path}.reference"
        reason = f"`{field}` is {len(payment.reference)} characters long; {room} have room beside our marker."
        found.append(Finding("reference-too-long", reason, "Shorten it.", field, payment.reference[:40]))
    return found


def _account(payment: Payment, ledger: Ledger, path: str) -> Account | Finding:
    """The active account that the payment goes to, or why there is none."""
    if (payment.account_code is None) == (payment.account is None):
        reason = f"`{path}` has {'no account' if payment.account is None else 'both `account_code` and `account`'}."
        return Finding("account-missing", reason, "Give exactly one of `account_code` and `account`.", path)
    value = payment.account_code or payment.account or ""
    field = f"{path}.{'account_code' if payment.account_code else 'account'}"
    account = ledger.accounts.get(value) if payment.account_code else ledger.own_payment_account(value)
    if account is None:
        able = [row for row in ledger.payment_accounts.values() if row.status == "ACTIVE"]
        known = [row.code for row in able if row.code] if payment.account_code else [row.name for row in able]
        choices = known if payment.account_code else [*ledger.own_accounts, *known]
        reason = f"`{field}` names no account of {ledger.organisation}: {value}."
        return Finding("account-unknown", reason, spelling.suggestion(value, choices), field, value)
    if account.status != "ACTIVE":
        reason = f"`{field}` names {_named(account)}, which is {account.status.lower()} in Xero."
        return Finding("account-archived", reason, "Use another account, or restore it in Xero.", field, value)
    if not account.takes_payments:
        reason = f"`{field}` names {_named(account)}, which takes no payments in Xero."
        remedy = "Use a bank account, or enable payments to this account in Xero's chart of accounts."
        return Finding("account-not-for-payments", reason, remedy, field, value)
    return account


def _named(account: Account) -> str:
    return f"account {account.code} ({account.name})" if account.code else f"account {account.name}"


def _wanted(record: SalesInvoice, payment: Payment, date: datetime.date, account: Account) -> PaymentWanted:
    element: dict[str, Any] = {
        "Account": {"AccountID": account.id} if account.id else {"Code": account.code},
        "Date": date.isoformat(),
        "Amount": payment.amount,
    }
    if payment.reference is not None:
        element["Reference"] = payment.reference
    if payment.rate is not None:
        element["CurrencyRate"] = payment.rate
    return PaymentWanted(
        external_id=f"{record.external_id}/{payment.external_id or ONLY}",
        date=date,
        amount=payment.amount,
        account=_named(account),
        reference=payment.reference or "",
        element=element,
    )
