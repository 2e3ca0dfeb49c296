"""A ledger on paper: what a record's lines would need, taken from the record itself, while no organisation is known yet.

Called by app/trying alone, for `flow test` before the first connection. Pure. Never for anything that is sent: it
believes every account, tracking option and currency, and takes a tax's rate from its name ("20% (VAT on Income)").
"""

import re
from decimal import Decimal
from typing import Any, Final

from counterfoil.model.ledger import EntityFacts, Ledger
from counterfoil.model.records import Line, Payment, SalesInvoice

_PERCENT: Final = re.compile(r"(\d{1,2}(?:[.,]\d{1,3})?)\s*%")
_NOTHING: Final = re.compile(r"zero|exempt|none|no tax", re.IGNORECASE)
_EVERYTHING: Final = dict.fromkeys(
    ("CanApplyToAssets", "CanApplyToEquity", "CanApplyToExpenses", "CanApplyToLiabilities", "CanApplyToRevenue"),
    True,
)
NO_CURRENCY: Final = "???"
ALL_TAKEN: Final = (
    "The organisation is not known yet: its accounts, taxes and tracking are taken as the record names them."
)
RATE: Final = "The rate of {name} is not known yet and shown as 0 %, so the total is not checked."
CURRENCY: Final = "The record names no currency: it will be the organisation's own, shown as ???."
TERMS: Final = {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}}


def ledger(record: SalesInvoice, entity: EntityFacts) -> tuple[Ledger, tuple[str, ...], bool]:
    """A ledger in which the record can be prepared, what was assumed for it in sentences, and whether all rates are known."""
    assumed = [ALL_TAKEN]
    rates = {written: percent(written) for written in _taxes(record, entity)}
    assumed += [RATE.format(name=name) for name, rate in rates.items() if rate is None]
    if record.currency is None:
        assumed.append(CURRENCY)
    paid_to = {_code(one, entity) for one in record.payments}
    codes = {_code(line, entity) for line in record.lines} | paid_to
    made = Ledger.from_wire(
        {"BaseCurrency": record.currency or NO_CURRENCY, "Name": "the organisation", "PaymentTerms": TERMS},
        [_account(code, takes_payments=code in paid_to) for code in sorted(codes)],
        [_tax(name, rate or Decimal(0)) for name, rate in rates.items()],
        _tracking(record),
        [],
        entity,
    )
    return made, tuple(assumed), None not in rates.values()


def _taxes(record: SalesInvoice, entity: EntityFacts) -> list[str]:
    """The taxes of the lines as the entity writes them, each once, in the lines' order."""
    named = (line.tax or line.tax_type for line in record.lines)
    return list(dict.fromkeys(entity.taxes.get(name, name) for name in named if name is not None))


def _code(one: Line | Payment, entity: EntityFacts) -> str:
    return one.account_code or entity.accounts.get(one.account or "", one.account or "")


def percent(name: str) -> Decimal | None:
    """The rate that a tax's name tells; None when it tells none."""
    found = _PERCENT.search(name)
    if found is not None:
        return Decimal(found[1].replace(",", "."))
    return Decimal(0) if _NOTHING.search(name) else None


def _account(code: str, *, takes_payments: bool) -> dict[str, Any]:
    kind = {"Type": "REVENUE", "Class": "REVENUE", "TaxType": "", "EnablePaymentsToAccount": takes_payments}
    return {"Code": code, "Name": code, "Status": "ACTIVE", **kind}


def _tax(name: str, rate: Decimal) -> dict[str, Any]:
    return {"TaxType": name, "Name": name, "Status": "ACTIVE", "EffectiveRate": rate, **_EVERYTHING}


def _tracking(record: SalesInvoice) -> list[dict[str, Any]]:
    options: dict[str, set[str]] = {}
    for line in record.lines:
        for name, option in line.tracking.items():
            options.setdefault(name, set()).add(option)
    return [
        {"Name": name, "Status": "ACTIVE", "Options": [{"Name": one, "Status": "ACTIVE"} for one in sorted(found)]}
        for name, found in options.items()
    ]
