"""A ledger on paper: what a record's lines would need, taken from the record itself, while no organisation is known yet.

Called by app/trying alone, for `flow test` before the first connection. Pure. Never for anything that is sent: it
believes every account, tracking option and currency, and takes a tax's rate from its name ("20% (VAT on Income)").
"""

import re
from decimal import Decimal
from typing import Any, Final

from counterfoil.model.ledger import EntityFacts, Ledger
from counterfoil.model.records import SalesInvoice

_PERCENT: Final = re.compile(r"(\d{1,2}(?:[.,]\d{1,3})?)\s*%")
_NOTHING: Final = re.compile(r"zero|exempt|none|no tax", re.IGNORECASE)
_EVERYTHING: Final = dict.fromkeys(
    ("CanApplyToAssets", "CanApplyToEquity", "CanApplyToExpenses", "CanApplyToLiabilities", "CanApplyToRevenue"),
    True,
)
TERMS: Final = {"Sales": {"Day": 30, "Type": "DAYSAFTERBILLDATE"}}


def ledger(record: SalesInvoice, entity: EntityFacts) -> tuple[Ledger, tuple[str, ...], bool]:
    """A ledger in which the record can be prepared, what was assumed for it in sentences, and whether all rates are known."""
    known = True
    assumed = [
        "The organisation is not known yet: its accounts, taxes and tracking are taken as the record names them."
    ]
    taxes: dict[str, Decimal] = {}
    for line in record.lines:
        name = line.tax or line.tax_type
        if name is not None:
            written = entity.taxes.get(name, name)
            found = percent(written)
            taxes[written] = found or Decimal(0)
            known = known and found is not None
            if found is None and (said := f"The rate of {written} is not known yet and shown as 0 %, so the total is not checked.") not in assumed:
                assumed.append(said)
    codes = {line.account_code or entity.accounts.get(line.account or "", line.account or "") for line in record.lines}
    return (
        Ledger.from_wire(
            {"BaseCurrency": record.currency or "ZZZ", "Name": "the organisation", "PaymentTerms": TERMS},
            [_account(code) for code in sorted(codes)],
            [{"TaxType": name, "Name": name, "Status": "ACTIVE", "EffectiveRate": rate, **_EVERYTHING} for name, rate in taxes.items()],
            _tracking(record),
            [],
            entity,
        ),
        tuple(assumed),
        known,
    )  # fmt: skip


def percent(name: str) -> Decimal | None:
    """The rate that a tax's name tells; None when it tells none."""
    found = _PERCENT.search(name)
    if found is not None:
        return Decimal(found[1].replace(",", "."))
    return Decimal(0) if _NOTHING.search(name) else None


def _account(code: str) -> dict[str, Any]:
    return {"Code": code, "Name": code, "Type": "REVENUE", "Class": "REVENUE", "Status": "ACTIVE", "TaxType": ""}


def _tracking(record: SalesInvoice) -> list[dict[str, Any]]:
    options: dict[str, set[str]] = {}
    for line in record.lines:
        for name, option in line.tracking.items():
            options.setdefault(name, set()).add(option)
    return [
        {"Name": name, "Status": "ACTIVE", "Options": [{"Name": one, "Status": "ACTIVE"} for one in sorted(found)]}
        for name, found in options.items()
    ]
