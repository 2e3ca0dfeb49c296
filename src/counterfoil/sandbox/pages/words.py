"""Wire values in a reader's form: money, dates, states, what a scope allows. Pure; called by the templates' filters."""

import calendar
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from counterfoil.sandbox import wire

COUNTRIES: Final = {"GB": "United Kingdom", "AU": "Australia", "NL": "Netherlands", "NZ": "New Zealand"}
APP_KINDS: Final = {"web": "Web app", "pkce": "PKCE app", "custom": "Custom connection"}
_SCOPES: Final = {
    **dict.fromkeys(("openid", "profile", "email"), "See who you are: your name and e-mail address"),
    "offline_access": "Stay connected while you are away, until you disconnect it",
    "accounting.invoices": "See and change your invoices, credit notes, quotes, purchase orders and items",
    "accounting.payments": "See and change payments, prepayments and overpayments",
    "accounting.banktransactions": "See and change bank transactions and transfers",
    "accounting.manualjournals": "See and change manual journals",
    "accounting.contacts": "See and change your contacts",
    "accounting.settings": "See and change your accounts, tax rates, currencies, tracking and other settings",
    "accounting.attachments": "See and change files attached to documents",
    "accounting.transactions": "See and change invoices, payments, bank transactions and journals",
    "accounting.journals.read": "See the journals behind every document",
    "accounting.budgets.read": "See your budgets",
    "paymentservices": "See and change your payment services",
}
_OF_SUPPLIERS: Final = {"ACCPAY": "Bill", "ACCPAYCREDIT": "Bill credit note"}
_READ: Final = ".read"
_MINUS: Final = "\N{MINUS SIGN}"


def kind_of(row: dict[str, Any], kind: str) -> str:
    """What a document is called: what comes from a supplier has words of its own, `kind` names every other."""
    return _OF_SUPPLIERS.get(row.get("Type", ""), kind)


def money(value: Any) -> str:
    """Two places and thousands separators; nothing where there is no amount."""
    return "" if value is None else f"{Decimal(value):,.2f}".replace("-", _MINUS)


def price(value: Any) -> str:
    """Two places at least, more where the price has them."""
    if value is None:
        return ""
    whole, _, places = f"{Decimal(value):,f}".partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}".replace("-", _MINUS)


def quantity(value: Any) -> str:
    """No more places than there are."""
    if value is None:
        return ""
    text = f"{Decimal(value):,f}".replace("-", _MINUS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Any) -> str:
    """A rate without needless zeros: 20 %, 12.5 %."""
    text = f"{Decimal(value):f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def size(count: int) -> str:
    """Bytes for people: 512 bytes, 12.3 KB, 4.5 MB, 1.2 GB; a kilobyte is 1,024 bytes, as in Xero's prices."""
    if count < 1024:
        return f"{count} bytes"
    amount = float(count)
    for unit in ("KB", "MB", "GB"):
        amount /= 1024
        if amount < 1000 or unit == "GB":
            break
    return f"{amount:,.1f} {unit}"


def month(number: int) -> str:
    """The name of a month from 1 to 12."""
    return calendar.month_name[number]


def day(value: str | None) -> str:
    """A document date such as 28 June 2026."""
    if not value:
        return ""
    date = wire.day_of(value)
    return f"{date.day} {date:%B %Y}"


def short_day(value: str | None) -> str:
    """A document date for columns: 28 Jun 2026."""
    if not value:
        return ""
    date = wire.day_of(value)
    return f"{date.day} {date:%b %Y}"


def stamp(value: str | None) -> str:
    """A stamp to the second, in UTC."""
    return moment(wire.moment_of(value)) if value else ""


def moment(value: datetime) -> str:
    """An instant to the second, in UTC."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """A stretch of time in its two largest units: 3 days 4 hours; nothing for less than a minute."""
    minutes = int(seconds // 60)
    parts = [(minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute")]
    told = [f"{count:,} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(told[:2])


def status(value: str) -> str:
    """Xero's word for a state, in ordinary letters."""
    return value.capitalize()


def scopes(asked: tuple[str, ...]) -> list[str]:
    """What the scopes allow, one sentence each, in the order asked; an unknown scope is shown as it is."""
    return list(dict.fromkeys(_scope(scope) for scope in asked))


def _scope(scope: str) -> str:
    known = _SCOPES.get(scope)
    if known is not None:
        return known
    if scope.startswith("accounting.reports."):
        return "See your reports"
    writable = _SCOPES.get(scope.removesuffix(_READ))
    return writable.replace("See and change", "See") if writable else scope
