"""A sale is in one document of a day and in no other: what moved or vanished is held, never posted twice.

Called by planning, for `plan` and `run` alike, after each record was decided by itself. Nothing is written here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.store import parts as stored
from counterfoil.store.database import Connection
from counterfoil.store.parts import Holder

SHOWN_MAX: Final = 5
UNSENT: Final = ("planned", "held", "rejected")
CONCERNS: Final = ("create", "adopt", "same", "going", "change", "update", "reissue", "accept", "refused")


class Sales(msgspec.Struct, frozen=True):
    """What is known of the sales in a batch's documents: who holds each, and which each posted document has."""

    holders: Mapping[str, Sequence[Holder]]
    posted: Mapping[str, set[str]]
    here: Mapping[str, Sequence[str]]  # sale → the documents of this batch that it is in
    replaced: frozenset[str]  # documents of this batch: what they held before and was not sent, they no longer do


NONE: Final = Sales({}, {}, {}, frozenset())


def known(connection: Connection, flow_id: str, items: Sequence[Any]) -> Sales:
    """Read what `moved` and `gone` need, in two queries; none when no item is a document of many sales."""
    whole = [item for item in items if item.parts and item.external_id]
    if not whole:
        return NONE
    here: dict[str, list[str]] = {}
    for item in whole:
        for sale in item.parts:
            here.setdefault(sale, []).append(item.external_id)
    holders: dict[str, list[Holder]] = {}
    for holder in stored.holders(connection, flow_id, list(here)):
        holders.setdefault(holder.sale, []).append(holder)
    ids = [item.external_id for item in whole]
    return Sales(holders, stored.of_documents(connection, flow_id, ids), here, frozenset(ids))


def moved(sales: Sales, external_id: str, parts: Sequence[str]) -> Finding | None:
    """Why a document of these sales may be neither made nor changed: one of them is in another document."""
    found = [f"{sale} ({where})" for sale in parts if (where := _elsewhere(sales, external_id, sale))]
    if not found:
        return None
    return Finding(
        "sale-elsewhere",
        f"Sales of {external_id} are in another document: {_shown(found)}.",
        "Leave each in one of the two, in the source or by hand in Xero, and run again; nothing is posted twice.",
        "date",
    )


def gone(sales: Sales, external_id: str, parts: Sequence[str]) -> Finding | None:
    """Why a posted document may not be changed unasked: an export that is cut off looks just like sales taken away."""
    found = sorted(sales.posted.get(external_id, set()).difference(parts))
    if not found:
        return None
    return Finding(
        "sales-vanished",
        f"{external_id} was posted with sales that the source no longer has: {_shown(found)}.",
        "Give the source with all sales of the day and run again. If they were taken away, `counterfoil problems retry`; "
        "if the source always gives all of them, set complete = true for this flow.",
    )


def _shown(found: Sequence[str]) -> str:
    more = f" and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    return ", ".join(found[:SHOWN_MAX]) + more


def _elsewhere(sales: Sales, external_id: str, sale: str) -> str:
    """The other document that a sale is in, as a person knows it; "" when there is none."""
    for holder in sales.holders.get(sale, ()):
        if holder.external_id == external_id:
            continue
        if holder.state in UNSENT and not holder.is_in_xero and holder.external_id in sales.replaced:
            continue
        return holder.document_number or holder.external_id
    return next((other for other in sales.here.get(sale, ()) if other != external_id), "")
