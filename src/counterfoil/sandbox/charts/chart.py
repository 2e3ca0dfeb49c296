"""The shape that every country file returns; called by `charts` alone, imports nothing of ours."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Chart:
    """What a new organisation starts with, in Xero's wire shape and key order, without ids and stamps.

    Rates are Decimal per cent. `accounts` are ordered by code, bank accounts first; `currencies` begin with the base
    currency; `tracking` categories hold their options. Rows of somebody's own organisation may have their ids already;
    only such a one has a Name of its own, and `contacts`.
    """

    organisation: dict[str, Any]
    accounts: list[dict[str, Any]]
    tax_rates: list[dict[str, Any]]
    currencies: list[dict[str, Any]]
    tracking: list[dict[str, Any]]
    contacts: list[dict[str, Any]] = field(default_factory=list)
