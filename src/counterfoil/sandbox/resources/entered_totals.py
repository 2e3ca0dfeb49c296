"""RoundingAmount and EnteredTotal: totals that a sender states beside the lines (facts 4.6).

Called by `document_writing`. RoundingAmount (-0.10 to 0.10) counts only on SUBMITTED and AUTHORISED, with SubTotal,
TotalTax and Total all sent and consistent; EnteredTotal only on DRAFT. Read from that line, where it is silent: SubTotal
and TotalTax are those of the lines, Total is both and the rounding; what does not count is ignored, as Xero's schema
says of a Total that does not fit; an EnteredTotal is kept and changes no amount.
"""

from decimal import Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.resources import document_rules
from counterfoil.sandbox.tables import Row

ROUNDING_MAX = Decimal("0.10")
_CENT = Decimal("0.01")
_STATED = ("SubTotal", "TotalTax", "Total", "RoundingAmount")


def rounded(row: Row, posted: Row, before: Decimal | None) -> None:
    """Put the rounding into a priced `row`: what was sent, if it counts; else what there was (`before`), if any."""
    row.pop("RoundingAmount", None)
    amount = _stated(row, posted) if posted.keys() & set(_STATED) else before
    if amount and row["Status"] not in {"DRAFT", *document_rules.ENDED}:
        row["RoundingAmount"] = wire.number(amount)
        row["Total"] = wire.number(row["Total"] + amount)


def entered(row: Row, posted: Row) -> None:
    """Keep an EnteredTotal with a draft, and with a draft only."""
    if row["Status"] != "DRAFT":
        row.pop("EnteredTotal", None)
    elif "EnteredTotal" in posted:
        row["EnteredTotal"] = wire.number(posted["EnteredTotal"].quantize(_CENT))


def _stated(row: Row, posted: Row) -> Decimal | None:
    """The rounding that was sent, or None if it does not count."""
    if not all(key in posted for key in _STATED):
        return None
    amount: Decimal = posted["RoundingAmount"]
    fits = (
        abs(amount) <= ROUNDING_MAX
        and amount == amount.quantize(_CENT)
        and posted["SubTotal"] == row["SubTotal"]
        and posted["TotalTax"] == row["TotalTax"]
        and posted["Total"] == row["SubTotal"] + row["TotalTax"] + amount
    )
    return amount if fits else None
