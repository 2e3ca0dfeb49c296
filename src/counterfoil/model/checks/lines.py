"""Is a line's account and tax known, active, and may they go together on a sales document?

Called by flows/sales_invoices. Implements the refusals of facts 5.0, 5.2 and 5.3 before Xero has to. Assumed, since
Xero publishes no list: which system accounts a sales line may not use (`CLOSED_SYSTEM_ACCOUNTS`).
"""

from typing import Final

from counterfoil.model import spelling
from counterfoil.model.ledger import Account, Ledger, TaxRate
from counterfoil.model.prepared import Finding
from counterfoil.model.records import Line
from counterfoil.model.totals import Amounts

ACCOUNT_DEFAULT: Final = "account default"
CLOSED_SYSTEM_ACCOUNTS: Final = frozenset(
    {
        "BANKCURRENCYGAIN", "CREDITORS", "DEBTORS", "GST", "GSTONIMPORTS", "REALISEDCURRENCYGAIN", "RETAINEDEARNINGS",
        "TRACKINGTRANSFERS", "UNPAIDEXPCLM", "UNREALISEDCURRENCYGAIN",
    }
)  # fmt: skip


def account_of(line: Line, ledger: Ledger, path: str) -> Account | Finding:
    """The active account of a line, open to sales, or why there is none. `path` is such as `lines[0]`."""
    if (line.account_code is None) == (line.account is None):
        reason = f"`{path}` has {'no account' if line.account is None else 'both `account_code` and `account`'}."
        return Finding("account-missing", reason, "Give exactly one of `account_code` and `account`.", path)
    if line.account_code is not None:
        name, value = "account_code", line.account_code
        account = ledger.accounts.get(value)
    else:
        assert line.account is not None
        name, value = "account", line.account
        account = ledger.own_account(value)
    if account is None:
        return _unknown_account(line, ledger, f"{path}.{name}", value)
    return account if _is_usable(account) else _unusable(account, f"{path}.{name}", value)


def tax_of(line: Line, account: Account, ledger: Ledger, amounts: Amounts, path: str) -> TaxRate | Finding | None:
    """The active tax of a line, allowed on its account, or why there is none. None: a document without tax."""
    if amounts == "no_tax":
        return _no_tax(line, path)
    if (line.tax_type is None) == (line.tax is None):
        reason = f"`{path}` has {'no tax' if line.tax is None else 'both `tax_type` and `tax`'}."
        remedy = f'Give exactly one of `tax_type` and `tax`; tax = "{ACCOUNT_DEFAULT}" takes the account\'s own.'
        return Finding("tax-missing", reason, remedy, path)
    if line.tax_type is not None:
        name, value, rate = "tax_type", line.tax_type, ledger.tax_rates.get(line.tax_type)
    else:
        assert line.tax is not None
        name, value = "tax", line.tax
        own = value != ACCOUNT_DEFAULT
        rate = ledger.own_tax(value) if own else ledger.tax_rates.get(account.tax_type)
    if rate is not None and rate.status == "ACTIVE" and account.category in rate.categories:
        return rate
    field = f"{path}.{name}"
    if rate is None:
        active = (row.tax_type for row in ledger.tax_rates.values() if row.status == "ACTIVE")
        choices = [*active] if line.tax_type is not None else [*ledger.own_taxes, ACCOUNT_DEFAULT]
        reason = f"`{field}` names no tax rate of {ledger.organisation}: {value}."
        return Finding("tax-unknown", reason, spelling.suggestion(value, choices), field, value)
    return _not_allowed(rate, account, field, value)


def _is_usable(account: Account) -> bool:
    system = account.system
    closed = system in CLOSED_SYSTEM_ACCOUNTS or system.startswith("CIS")
    return account.status == "ACTIVE" and account.type != "BANK" and not closed


def _unusable(account: Account, field: str, value: str) -> Finding:
    if account.status != "ACTIVE":
        reason = f"`{field}` names {_named(account)}, which is {account.status.lower()} in Xero."
        return Finding("account-archived", reason, "Use another account, or restore it in Xero.", field, value)
    kind = "a bank account" if account.type == "BANK" else f"Xero's own {account.system} account"
    reason = f"`{field}` names {_named(account)}, {kind}, which a sales invoice may not use."
    return Finding("account-not-for-sales", reason, "Use a revenue account.", field, value)


def _named(account: Account) -> str:
    return f"account {account.code} ({account.name})"


def _unknown_account(line: Line, ledger: Ledger, field: str, value: str) -> Finding:
    by_code = line.account_code is not None
    revenue = [row for row in ledger.accounts.values() if row.category == "REVENUE" and row.status == "ACTIVE"]
    choices = [row.code for row in revenue] if by_code else [*ledger.own_accounts, *(row.name for row in revenue)]
    code = None if by_code else ledger.own_accounts.get(value)
    if code is not None:
        reason = (
            f"`{field}` is {value}, which the settings of {ledger.entity} call account {code}: Xero has no such code."
        )
        return Finding("account-unknown", reason, f"Correct entities.{ledger.entity}.accounts.", field, value)
    reason = f"`{field}` names no account of {ledger.organisation}: {value}."
    remedy = f"{spelling.suggestion(value, choices)} Or create it in Xero."
    return Finding("account-unknown", reason, remedy, field, value)


def _not_allowed(rate: TaxRate, account: Account, field: str, value: str) -> Finding:
    if rate.status != "ACTIVE":
        reason = f"`{field}` names the tax rate {rate.name} ({rate.tax_type}), which is {rate.status.lower()} in Xero."
        return Finding("tax-inactive", reason, "Use a tax rate that is active.", field, value)
    reason = (
        f"`{field}`: {rate.tax_type} ({rate.name}) may not be used with account {account.code} ({account.name}), "
        f"whose class is {account.category or 'unknown'}."
    )
    return Finding("tax-not-allowed", reason, "Use another tax or another account.", field, value)


def _no_tax(line: Line, path: str) -> Finding | None:
    """A document without tax: a tax on a line would be dropped by Xero, so it is refused here."""
    given = line.tax_type or line.tax
    if given is None and not line.tax_amount:
        return None
    field, value = f"{path}.{'tax_type' if line.tax_type else 'tax' if line.tax else 'tax_amount'}", given or ""
    reason = f"`{field}` is given, but `amounts` is no_tax."
    return Finding(
        "tax-on-no-tax", reason, "Leave the tax out, or set `amounts` to exclusive or inclusive.", field, value
    )
