"""Overpayments, and what prepayments share with them: made by a bank transaction, listed, allocated, refunded (facts 5.12).

Called through `resources`, by `prepayments`, and by `bank_transactions`, which makes both. Status follows RemainingCredit; a
deleted bank transaction leaves its over- or prepayment VOIDED.
"""

from collections.abc import Callable, Iterable
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.resources import (
    allocations,
    coding,
    credit_wire,
    document_lines,
    document_wire,
    history,
    listing,
)
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.document_kinds import OVERPAYMENT, PREPAYMENT, Payable
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

_KINDS: Final = {"OVERPAYMENT": OVERPAYMENT, "PREPAYMENT": PREPAYMENT}
_SHARED: Final = (
    "Type", "Reference", "CurrencyRate", "HasAttachments", "Contact", "DateString", "Date", "LineAmountTypes",
    "LineItems", "SubTotal", "TotalTax", "Total", "UpdatedDateUTC", "CurrencyCode",
)  # fmt: skip


def of_transaction(books: Books, transaction: Row) -> Row | None:
    """The over- or prepayment that a bank transaction made."""
    kind = _KINDS.get(transaction["Type"].partition("-")[2])
    return None if kind is None else books.table(kind.plural).get(transaction.get(kind.id_key, ""))


def follow(call: Call, transaction: Row) -> None:
    """Make or change the over- or prepayment of this bank transaction, which gets its id."""
    kind = _KINDS.get(transaction["Type"].partition("-")[2])
    if kind is None:
        return
    before = of_transaction(call.books, transaction)
    own_id = call.world.ids.guid() if before is None else before[kind.id_key]
    goes = transaction["Status"] == "DELETED"
    row = {
        kind.id_key: own_id,
        "ID": own_id,
        **{key: transaction[key] for key in _SHARED},
        "Allocations": [],
        "Payments": [],
    }
    row["Status"] = "VOIDED" if goes else "AUTHORISED"
    row["RemainingCredit"] = wire.number(row["Total"] * (not goes))
    row["UpdatedDateUTCString"] = wire.iso_stamp(call.world.clock.now())
    if kind is PREPAYMENT:
        row["InvoiceNumber"] = row["Reference"]
    call.books.table(kind.plural).put(own_id, arrange(row, credit_wire.ORDER))
    transaction[kind.id_key] = own_id
    if before is None:
        history.made(call, own_id)


def overpaid(call: Call, row: Row, sent: list[Row]) -> coding.Lines:
    """The lines of an overpayment: on the control account, without tax."""
    row["LineAmountTypes"] = "NoTax"
    bare = [{key: value for key, value in line.items() if key not in {"AccountCode", "AccountID"}} for line in sent]
    lines = document_lines.finished(call, bare, row["LineItems"], "NoTax", strict=False)
    control = "DEBTORS" if row["Type"].startswith("RECEIVE") else "CREDITORS"
    account = call.books.table("Accounts").first("system", control) or {}
    for line in lines.rows:
        if "LineAmount" in line:
            line |= {"AccountCode": account.get("Code", ""), "AccountID": account.get("AccountID", wire.ZERO_GUID)}
    return lines


def collection(kind: Payable, chosen: Callable[[Call], Iterable[Row]], forces: tuple[str, ...]) -> Collection:
    """The collection of this kind: nothing is written to it, its rows are allocated."""
    return Collection(
        plural=kind.plural,
        singular=kind.singular,
        id_key=kind.id_key,
        single=lambda call, row: credit_wire.single(call.books, row, four_places=document_wire.four_places(call)),
        listed=lambda call, row: document_wire.paged(row, four_places=document_wire.four_places(call)),
        unlisted=lambda _, row: document_wire.unpaged(row),
        form=document_wire.form,
        chosen=chosen,
        forces_pages=forces,
        parts={"allocations": allocations.of(kind)},
    )


def by(kind: Payable, key: str, *parameters: str) -> Callable[[Call], Iterable[Row]]:
    """The rows whose text is among those of a list parameter, all of them without it."""

    def chosen(call: Call) -> Iterable[Row]:
        rows = call.books.table(kind.plural)
        for parameter in parameters:
            wanted = listing.names(call, parameter)
            if wanted is not None:
                folded = {fold(text) for text in wanted}
                return [row for row in rows if fold(row.get(key)) in folded]
        return rows

    return chosen


RESOURCE = Resource(
    "Overpayments",
    "Overpayment",
    "accounting.payments",
    collection(OVERPAYMENT, by(OVERPAYMENT, "Reference", "references"), ("references",)).handle,
)
