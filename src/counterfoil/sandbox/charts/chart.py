"""The shape that every country file returns; called by `charts` alone, imports nothing of ours."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Chart:
    """What a new organisation starts with, in Xero's wire shape and key order, without ids and stamps.

    Rates are Decimal per cent. `accounts` are ordered by code, bank accounts first; `currencies` begin with the base
    currency; `tracking` categories hold their options.
    """

    organisation: dict[str, Any]
    accounts: list[dict[str, Any]]
    tax_rates: list[dict[str, Any]]
    currencies: list[dict[str, Any]]
    tracking: list[dict[str, Any]]
